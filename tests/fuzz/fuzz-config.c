/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: the host's file and, after a line "%%", the guest's. Root writes them, so this
 * is about mistakes: whatever is in them, the result is a valid configuration or one line that
 * names the file.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"
#include "nomem.h"
#include "util.h"

#define SEPARATOR "\n%%\n"

/* In memory where there is such a file system: a disk is what this would measure. */
static char in_memory[] = "/dev/shm/fuzz-config-XXXXXX", on_disk[] = "/tmp/fuzz-config-XXXXXX";
static char *dir, host[64], domains[64], aside[64], guest[sizeof(domains) + sizeof("/web.conf")];

static void remove_files(void)
{
	(void)unlink(host);
	(void)unlink(guest);
	(void)rmdir(domains);
	(void)rmdir(dir);
}

static void make_folder(void)
{
	if (host[0] != '\0')
		return;
	dir = mkdtemp(in_memory);
	if (dir == NULL)
		dir = mkdtemp(on_disk);
	check(dir != NULL, "there is room for files");
	(void)snprintf(host, sizeof(host), "%s/qemu-depriv.conf", dir);
	(void)snprintf(domains, sizeof(domains), "%s/domains.d", dir);
	(void)snprintf(aside, sizeof(aside), "%s/aside", dir);
	(void)snprintf(guest, sizeof(guest), "%s/web.conf", domains);
	check(mkdir(domains, 0700) == 0 && atexit(remove_files) == 0, "there is room for files");
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "there is room for files");
}

static void check_paths(const struct config_paths *list)
{
	check(list->n <= CONFIG_MAX_PATHS, "paths are bounded");
	for (size_t i = 0; i < list->n; i++) {
		check(list->at[i].path[0] == '/' && is_one_line(list->at[i].path),
		      "a path is absolute");
		check(strncmp(list->at[i].origin, dir, strlen(dir)) == 0, "and from a file");
	}
}

static void check_limits(const struct limits *limits)
{
	check(limits->n_io_max <= LIMITS_MAX_IO, "io-max lines are bounded");
	check(limits->pids_max >= 16 && limits->pids_max <= 32768, "limits are within theirs");
	for (int key = 0; key < LIMITS_IO_MAX; key++) {
		struct limit_text text;

		limits_print(limits, key, &text);
		check(is_one_line(text.value) && *text.value != '\0', "a limit can be shown");
	}
}

static void check_xen(const struct config *c)
{
	check(c->n_xen <= CONFIG_MAX_XEN, "releases of Xen are bounded");
	for (size_t i = 0; i < c->n_xen; i++) {
		check(c->xen[i].version[0] >= '0' && c->xen[i].version[0] <= '9' &&
		              strchr(c->xen[i].version, '.') != NULL,
		      "a release is a number");
		check(c->xen[i].qemu.path == NULL || strncmp(c->xen[i].qemu.path, "/usr/", 5) == 0,
		      "its QEMU is in /usr");
	}
}

static void check_config(const struct config *c)
{
	check(c->qemu.path == NULL || strncmp(c->qemu.path, "/usr/", 5) == 0, "QEMU is in /usr");
	check_paths(&c->read_only);
	check_paths(&c->read_write);
	check_paths(&c->directories);
	for (size_t i = 0; i < c->directories.n; i++)
		check(config_bad_directory(c->directories.at[i].path) == NULL,
		      "a directory is one that can be allowed");
	for (size_t i = 0; i < LAYER_MAX_; i++)
		check(layer_rows[i].need == c->need[i] || layer_rows[i].need == NEED_YES ||
		              layer_rows[i].need == NEED_IF_AVAILABLE,
		      "the core's layers are always required");
	check_limits(&c->limits);
	check_xen(c);
}

/* Returns how many allocations it took. */
static int read_files(int failing)
{
	static const struct config empty;
	struct config config;
	struct error err;
	int r, n;

	nomem_begin(failing);
	r = config_read(dir, "web", &config, &err);
	n = nomem_end();
	if (r == 0) {
		check(failing < 0, "a configuration needs all its memory");
		check_config(&config);
		config_free(&config);
	} else {
		check(strncmp(err.msg, dir, strlen(dir)) == 0, "a refusal names the file");
		check(is_one_line(err.msg), "in one line");
	}
	check(memcmp(&config, &empty, sizeof(config)) == 0, "and nothing is left");
	return n;
}

static void check_refused(const char *guest_name, const char *what)
{
	struct config config;
	struct error err;

	check(config_read(dir, guest_name, &config, &err) < 0 && is_one_line(err.msg), what);
}

/* What does not depend on the files' contents, once. */
static void check_unfit_files(void)
{
	static char long_name[PATH_MAX];
	static bool done;

	if (done)
		return;
	done = true;
	memset(long_name, 'x', sizeof(long_name) - 1);
	check_refused(long_name, "a name that makes no path has no file");
	check(unlink(host) == 0 && mkdir(host, 0700) == 0, "there is room for files");
	check_refused("web", "a directory is no file");
	check(rmdir(host) == 0 && symlink(host, host) == 0, "there is room for files");
	check_refused("web", "a link to itself is no file");
	check(unlink(host) == 0 && chmod(domains, 0770) == 0, "there is room for files");
	check_refused("web", "nor is what others can write");
	check(chmod(domains, 0700) == 0 && rename(domains, aside) == 0, "there is room for files");
	check(symlink(domains, domains) == 0, "there is room for files");
	check_refused("web", "nor a link to itself a directory");
	check(unlink(domains) == 0 && rename(aside, domains) == 0, "there is room for files");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memmem(data, size, SEPARATOR, strlen(SEPARATOR));
	const size_t n = cut == NULL ? size : (size_t)(cut + 1 - data);
	struct config config;
	struct error err;
	int allocations;

	make_folder();
	write_file(host, data, n);
	check_unfit_files();
	write_file(host, data, n);
	if (cut != NULL)
		write_file(guest, cut + strlen(SEPARATOR), size - n - strlen(SEPARATOR) + 1);
	else
		(void)unlink(guest);
	allocations = read_files(-1);
	if (allocations > 0)
		(void)read_files(nomem_pick(data, size, allocations));
	check(chmod(host, 0620) == 0 && config_read(dir, "web", &config, &err) < 0,
	      "a file that others can write is not read");
	check(chmod(host, 0600) == 0, "there is room for files");
	return 0;
}
