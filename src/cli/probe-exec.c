/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv probe: a program of its own, in a package of its own, because it needs libxenctrl,
 * which is another one in each release of Xen.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define RUNNER ROLE_DIR "/probe-run"

int cmd_probe(const struct command *self, int argc, char *argv[])
{
	(void)self;
	(void)argc;
	(void)execv(RUNNER, argv);
	if (errno == ENOENT)
		return cli_error("%s does not exist: the attack battery is not installed", RUNNER);
	return cli_error("cannot execute %s: %s", RUNNER, strerror(errno));
}
