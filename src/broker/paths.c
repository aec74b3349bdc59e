/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the paths that QEMU opens mean to the plan, and what to say about those that it lacks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "broker.h"
#include "role.h"
#include "util.h"

/* Of a path in the log; the rest of a line is ours. */
#define LOG_PATH 512

/*
 * What a program opens by itself, in a root that has it or has not. Whatever else QEMU opens by an
 * absolute path is an image, or what only an attacker wants.
 */
static const struct {
	const char *path; /* with a slash at its end: and everything below */
	const char *why;
} jail_paths[] = {
        {"/usr/", "libraries, ROMs, keymaps, locales, zones"},
        {"/lib/", "libraries"},
        {"/lib64/", "libraries"},
        {"/etc/", "ld.so.cache, localtime, and what libraries look for and do without"},
        {"/proc/", "libraries look for it and do without"},
        {"/sys/", "the number of cpus: libraries do without"},
        {"/dev/null", "the null device"},
        {"/dev/urandom", "random numbers"},
        {"/dev/random", "libraries do without"},
        {"/dev/shm/", "libraries do without"},
        {"/dev/xen/", "gntdev is the null device, hypercall does not exist"},
        {"/dev/pts/", "libraries open a terminal's other side without its path where they can"},
};

static bool begins_with(const char *path, const char *prefix)
{
	return strncmp(path, prefix, strlen(prefix)) == 0;
}

static bool is_jail_path(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(jail_paths); i++) {
		const char *jail = jail_paths[i].path;
		size_t len = strlen(jail);
		const bool below = jail[len - 1] == '/';

		len -= below;
		if (strncmp(path, jail, len) == 0 &&
		    (path[len] == '\0' || (below && path[len] == '/')))
			return true;
	}
	return false;
}

enum path_kind path_find(const struct manifest *m, const char *path, uint32_t *ret_index,
                         const char **ret_name)
{
	for (uint32_t i = 0; i < m->n_files; i++) {
		if (strcmp(path, manifest_string(m, m->files[i].path)) == 0)
			return *ret_index = i, PATH_FILE;
	}
	for (uint32_t i = 0; i < m->n_dirs; i++) {
		const char *dir = manifest_string(m, m->dirs[i].path);
		const size_t len = strlen(dir);

		if (begins_with(path, dir) && path[len] == '/' && path[len + 1] != '\0') {
			*ret_index = i;
			*ret_name = path + len + 1;
			return PATH_MEMBER;
		}
	}
	if (*path != '/')
		return PATH_JAIL; /* the working directory is the root's, where nothing can be made
		                   */
	return is_jail_path(path) ? PATH_JAIL : PATH_REFUSED;
}

/* QEMU's bytes go to a terminal, perhaps. */
static void make_printable(const char *path, char buf[LOG_PATH])
{
	size_t n = 0;

	for (; *path != '\0' && n < LOG_PATH - 1; path++)
		buf[n++] = (char)(*path >= 0x20 && *path < 0x7f ? *path : '?');
	buf[n] = '\0';
}

void path_log_refusal(const char *path, int flags, enum path_kind kind, int error)
{
	const bool writes = (flags & O_ACCMODE) != O_RDONLY;
	char text[LOG_PATH];

	make_printable(path, text);
	if (kind == PATH_REFUSED)
		audit(AUDIT_REFUSED, "open",
		      "refused: open of %s for %s: not in the plan. If it is a backing file, "
		      "allow it in qemu-depriv.conf(5): [files] read-only = %s",
		      text, writes ? "writing" : "reading", text);
	else if (writes && error == -EACCES)
		audit(AUDIT_REFUSED, "open",
		      "refused: open of %s for writing: the plan gives it read-only", text);
	else
		audit(AUDIT_REFUSED, "open", "refused: open of %s: %s", text, strerror(-error));
}
