/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes belong to a domain: QEMU by xenstore, its roles by what they hold of QEMU. */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "store.h"
#include "util.h"

/* The name of the launcher's memfd, as maps(5) shows it. */
#define MANIFEST_NAME "/memfd:qemu-depriv-manifest"

const char *const process_names[PROCESS_MAX_] = {
        [PROCESS_QEMU] = "qemu",
        [PROCESS_MONITOR] = "monitor",
        [PROCESS_BROKER] = "broker",
        [PROCESS_XSFILTER] = "xsfilter",
};

/* The process has an fd that is `link`, or a pidfd of `pid`. */
static bool holds(pid_t holder, const char *link, pid_t pid)
{
	cleanup_free int *fds = NULL;
	char dir[32], name[32], text[PATH_MAX];
	size_t n;

	(void)snprintf(dir, sizeof(dir), "%d/fd", holder);
	n = proc_numbers(dir, &fds);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *info = NULL;
		const char *at;

		(void)snprintf(name, sizeof(name), "fd/%d", fds[i]);
		if (!proc_link(holder, name, text, sizeof(text)))
			continue;
		if (strcmp(text, link) == 0)
			return true;
		if (strncmp(text, "anon_inode:", 11) != 0 || strstr(text, "pidfd") == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "fdinfo/%d", fds[i]);
		info = proc_read(holder, name, NULL);
		at = info != NULL ? strstr(info, "\nPid:\t") : NULL;
		if (at != NULL && strtol(at + strlen("\nPid:\t"), NULL, 10) == pid)
			return true;
	}
	return false;
}

/* The role that a process with this program is; PROCESS_MAX_: none of ours. */
static enum process role_of(pid_t pid)
{
	cleanup_free char *cmdline = NULL;
	char exe[PATH_MAX];

	if (!proc_link(pid, "exe", exe, sizeof(exe)) ||
	    strncmp(exe, ROLE_DIR "/", strlen(ROLE_DIR "/")) != 0)
		return PROCESS_MAX_;
	cmdline = proc_read(pid, "cmdline", NULL);
	for (enum process i = PROCESS_MONITOR; cmdline != NULL && i < PROCESS_MAX_; i++)
		if (strcmp(cmdline, process_names[i]) == 0)
			return i;
	return PROCESS_MAX_;
}

static void find_roles(struct subject *s)
{
	cleanup_free int *pids = NULL;
	const size_t n = proc_numbers("", &pids);
	char mem[32];

	(void)snprintf(mem, sizeof(mem), "/proc/%d/mem", s->pids[PROCESS_QEMU]);
	for (size_t i = 0; i < n; i++) {
		const enum process role = role_of(pids[i]);

		if (role != PROCESS_MAX_ && holds(pids[i], mem, s->pids[PROCESS_QEMU]))
			s->pids[role] = pids[i];
	}
}

/* The sealed memory that the launcher has written, through the mapping of a role. */
static const struct manifest *map_manifest(pid_t pid)
{
	cleanup_free char *maps = proc_read(pid, "maps", NULL);
	char path[96];

	for (char *line = maps, *next; line != NULL && *line != '\0'; line = next) {
		const struct manifest *m;
		char *end;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		end = strchr(line, ' ');
		if (end == NULL || strstr(line, MANIFEST_NAME) == NULL)
			continue;
		*end = '\0';
		(void)snprintf(path, sizeof(path), "/proc/%d/map_files/%s", pid, line);

		cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

		m = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*m), PROT_READ, MAP_SHARED, fd, 0);
		if (m != MAP_FAILED && m->magic == MANIFEST_MAGIC)
			return m;
	}
	return NULL;
}

int subject_find(uint16_t domid, struct subject *ret, struct error *err)
{
	char uid[64];

	*ret = (struct subject){.domid = domid};
	if (store_pid(domid, &ret->pids[PROCESS_QEMU], err) < 0)
		return -1;
	if (ret->pids[PROCESS_QEMU] == 0)
		return error_set(err, "domain %u has no device model in xenstore", domid);
	if (!proc_status(ret->pids[PROCESS_QEMU], "Uid", uid, sizeof(uid)))
		return error_set(err, "domain %u: its device model, pid %d, does not run", domid,
		                 ret->pids[PROCESS_QEMU]);
	ret->uid = (uid_t)strtoul(uid, NULL, 10);
	find_roles(ret);
	for (enum process i = PROCESS_MONITOR; i < PROCESS_MAX_ && ret->manifest == NULL; i++)
		if (ret->pids[i] != 0)
			ret->manifest = map_manifest(ret->pids[i]);
	return 0;
}

void subject_free(struct subject *s)
{
	if (s->manifest != NULL)
		(void)munmap((void *)(uintptr_t)s->manifest, sizeof(*s->manifest));
	s->manifest = NULL;
}
