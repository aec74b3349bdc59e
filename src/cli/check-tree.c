/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root directory and the mounts that QEMU sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "util.h"

/* What jail.c mounts, by where it is; anything else does not belong there. */
static const struct {
	const char *where;
	const char *options[5];
} mounts[] = {
        {"/", {"ro", "nosuid", "nodev", "noexec"}},
        {"/usr", {"ro", "nosuid", "nodev"}},
        {"/etc/ld.so.cache", {"ro", "nosuid", "nodev", "noexec"}},
        {"/dev/null", {"nosuid", "noexec"}},
        {"/dev/urandom", {"ro", "nosuid", "noexec"}},
};

static bool has_option(const char *options, const char *wanted)
{
	const size_t len = strlen(wanted);

	for (const char *at = options; (at = strstr(at, wanted)) != NULL; at++)
		if ((at == options || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* What is wrong with a mount; NULL: nothing. */
static const char *bad_mount(const char *where, const char *options)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		if (strcmp(mounts[i].where, where) != 0)
			continue;
		for (size_t j = 0; mounts[i].options[j] != NULL; j++)
			if (!has_option(options, mounts[i].options[j]))
				return mounts[i].options[j];
		return NULL;
	}
	return "not of a launch";
}

static void check_mounts(struct subject *s, enum process p)
{
	cleanup_free char *info = proc_read(s->pids[p], "mountinfo", NULL);
	size_t n = 0, bad = 0;
	char first[512] = "";

	if (info == NULL) {
		check_add(s, RESULT_UNKNOWN, process_names[p], "mounts", "cannot be read");
		return;
	}
	for (char *line = info, *next; line != NULL && *line != '\0'; line = next, n++) {
		char where[256], options[256];
		const char *why;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		/* proc(5): id, parent, major:minor, root, mount point, options */
		if (sscanf(line, "%*s %*s %*s %*s %255s %255s", where, options) != 2)
			continue;
		why = bad_mount(where, options);
		if (why != NULL && bad++ == 0)
			(void)snprintf(first, sizeof(first), "%s: %s%s", where,
			               strcmp(why, "not of a launch") == 0 ? "" : "lacks ", why);
	}
	if (bad > 0)
		check_add(s, RESULT_BAD, process_names[p], "mounts",
		          "%zu of %zu are not as a launch makes them, first %s", bad, n, first);
	else if (n == 0)
		check_add(s, RESULT_OK, process_names[p], "mounts", "none that it can see");
	else
		check_add(s, RESULT_OK, process_names[p], "mounts",
		          "%zu, read-only, nosuid, nodev but two nodes, noexec but /usr", n);
}

void check_tree(struct subject *s, enum process p)
{
	static const char *const absent[] = {"proc", "sys", "home", "root", "boot", "srv"};
	struct stat own, host;
	char path[64], found[128] = "";
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/root/", s->pids[p]);
	if (stat(path, &own) < 0 || stat("/", &host) < 0) {
		check_add(s, RESULT_UNKNOWN, process_names[p], "root", "cannot be read");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/root/%s/.", s->pids[p], absent[i]);
		/* A directory that leads to an image of the plan may be there, and be empty. */
		if (strcmp(absent[i], "proc") != 0 && strcmp(absent[i], "sys") != 0 &&
		    s->manifest != NULL)
			continue;
		if (access(path, F_OK) == 0)
			n += (size_t)snprintf(found + n, sizeof(found) - n, " /%s", absent[i]);
	}
	if (own.st_dev == host.st_dev && own.st_ino == host.st_ino)
		check_add(s, RESULT_BAD, process_names[p], "root", "the host's");
	else if (n > 0)
		check_add(s, RESULT_BAD, process_names[p], "root", "has%s", found);
	else
		check_add(s, RESULT_OK, process_names[p], "root",
		          "its own, without /proc and /sys");
	check_mounts(s, p);
}
