/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-depriv config check: what a launch would say about the configuration, for every guest. */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "config.h"

/* Reads one file; true if a launch would take it. */
static bool check_file(const char *path)
{
	struct config config = {0};
	struct error err;
	int r = config_read_file(path, &config, &err);

	config_free(&config);
	if (r < 0)
		(void)puts(err.msg);
	return r == 0;
}

static int check_dir(const char *dir)
{
	char path[PATH_MAX];
	glob_t guests = {0};
	bool good;

	if (snprintf(path, sizeof(path), "%s/qemu-depriv.conf", dir) >= (int)sizeof(path))
		return cli_error("%s: too long", dir);
	good = check_file(path);
	(void)snprintf(path, sizeof(path), "%s/domains.d/*.conf", dir);
	if (glob(path, 0, NULL, &guests) == 0)
		for (size_t i = 0; i < guests.gl_pathc; i++)
			good = check_file(guests.gl_pathv[i]) && good;
	globfree(&guests);
	return good ? CLI_OK : CLI_FINDINGS;
}

int cmd_config_check(const struct command *self, int argc, char *argv[])
{
	static const struct option options[] = {{"dir", required_argument, NULL, 'd'}, {0}};
	const char *dir = CONFIG_DIR;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'd')
			return cli_usage(self);
		dir = optarg;
	}
	return optind == argc ? check_dir(dir) : cli_usage(self);
}
