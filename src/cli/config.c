/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv config check: what launches would say about the configuration, for every guest and
 * not only about the first problem.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "config.h"
#include "configure.h"
#include "pin.h"
#include "util.h"

static void print_problem(void *opaque, const char *text)
{
	(void)opaque;
	(void)puts(text);
}

static void no_report(void *opaque, const char *text)
{
	(void)opaque;
	(void)text;
}

static bool is_from(const struct config_path *p, const char *file)
{
	const size_t len = strlen(file);

	return p->path != NULL && strncmp(p->origin, file, len) == 0 && p->origin[len] == ':';
}

/* Looks for what `file` names, as a launch would; returns 0 or 1 for each. */
static size_t try_file(const struct config_path *p, const char *file)
{
	cleanup_fd int fd = -1;
	struct error err;
	struct stat st;

	if (!is_from(p, file) || pin_file(p->path, p->origin, &st, &fd, &err) == 0)
		return 0;
	return print_problem(NULL, err.msg), 1;
}

static size_t try_directory(const struct config_path *p, const char *file)
{
	cleanup_fd int fd = -1;
	struct error err;

	if (!is_from(p, file) || pin_directory(p->path, p->origin, &fd, &err) == 0)
		return 0;
	return print_problem(NULL, err.msg), 1;
}

static size_t try_qemu(const struct config *config, const char *file)
{
	struct error err;
	const char *qemu, *libraries;

	if (!is_from(&config->qemu, file) || plan_find_qemu(config, &qemu, &libraries, &err) == 0)
		return 0;
	return print_problem(NULL, err.msg), 1;
}

static size_t try_list(const struct config_paths *list, const char *file,
                       size_t (*try)(const struct config_path *p, const char *file))
{
	size_t problems = 0;

	for (size_t i = 0; i < list->n; i++)
		problems += try(&list->at[i], file);
	return problems;
}

/* guest's file (NULL: none) on top of the host's; the host's own problems are told without one. */
static size_t check_file(const char *host, const char *guest)
{
	const char *file = guest != NULL ? guest : host;
	struct config config;
	size_t problems;

	config_init(&config);
	if (guest != NULL)
		(void)config_read_file(host, &config, no_report, NULL);
	problems = config_read_file(file, &config, print_problem, NULL);
	problems += try_qemu(&config, file);
	problems += try_list(&config.read_only, file, try_file);
	problems += try_list(&config.read_write, file, try_file);
	problems += try_list(&config.directories, file, try_directory);
	config_free(&config);
	return problems;
}

static int is_guest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".conf") == 0;
}

static int check_guests(const char *host, const char *dir, size_t *problems)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int n = scandir(dir, &entries, is_guest, alphasort);

	if (n < 0)
		return errno == ENOENT ? CLI_OK : cli_error("%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		*problems += check_file(host, path);
		free(entries[i]);
	}
	free(entries);
	return CLI_OK;
}

static int check_dir(const char *dir)
{
	char host[PATH_MAX], guests[PATH_MAX - NAME_MAX - 1];
	size_t problems;

	if (snprintf(guests, sizeof(guests), "%s/domains.d", dir) >= (int)sizeof(guests))
		return cli_error("%s: too long", dir);
	(void)snprintf(host, sizeof(host), "%s/qemu-depriv.conf", dir);
	problems = config_check_dir(dir, print_problem, NULL);
	problems += config_check_dir(guests, print_problem, NULL);
	problems += check_file(host, NULL);
	if (check_guests(host, guests, &problems) != CLI_OK)
		return CLI_ERROR;
	return problems == 0 ? CLI_OK : CLI_FINDINGS;
}

int cmd_config_check(const struct command *self, int argc, char *argv[])
{
	static const struct option options[] = {{"dir", required_argument, NULL, 'd'}, {0}};
	const char *dir = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'd')
			return cli_usage(self);
		dir = optarg;
	}
	if (optind != argc)
		return cli_usage(self);
	/* Without the host's directory there is no configuration, and that is one. */
	if (dir != NULL && access(dir, F_OK) < 0)
		return cli_error("%s: %s", dir, strerror(errno));
	return check_dir(dir != NULL ? dir : CONFIG_DIR);
}
