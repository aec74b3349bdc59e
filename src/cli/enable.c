/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-depriv enable, disable: whether libxl starts qemu-depriv-dm for guests that do not ask for
 * it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define SCRIPT ROLE_DIR "/host-default"

/* What dpkg has to be asked for is a script's work; it speaks for itself and ends as a command
 * does. */
int cmd_host_default(const struct command *self, int argc, char *argv[])
{
	static char script[] = SCRIPT, path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const script_argv[] = {script, argv[0], NULL};
	char *const env[] = {path, NULL};

	if (argc != 1)
		return cli_usage(self);
	(void)execve(SCRIPT, script_argv, env);
	return cli_error("cannot execute %s: %s", SCRIPT, strerror(errno));
}
