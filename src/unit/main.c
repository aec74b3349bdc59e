/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit DOMID: what qemu-depriv@DOMID.service executes. It ends in the monitor, which is the unit's
 * main process: of a device model that is to be started, or, with fds in systemd's fd store, of one
 * that runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cgroup.h"
#include "manifest.h"
#include "notify.h"
#include "role.h"
#include "unit.h"
#include "util.h"

int unit_monitor_fd(const struct unit *u, int number)
{
	for (size_t i = 0; i < u->monitor.n; i++)
		if (u->monitor.fds[i].to == number)
			return u->monitor.fds[i].from;
	return -1;
}

static int give(struct unit *u, int from, int to)
{
	if (from < 0)
		return -1;
	u->monitor.fds[u->monitor.n++] = (struct fd_move){from, to};
	return 0;
}

int unit_own_group(char *buf, size_t size, struct error *err)
{
	char line[512];
	FILE *file = fopen("/proc/self/cgroup", "re");
	const bool have = file != NULL && fgets(line, sizeof(line), file) != NULL;

	if (file != NULL)
		(void)fclose(file);
	if (!have || strncmp(line, "0::", 3) != 0)
		return error_set(err,
		                 "/proc/self/cgroup does not begin with 0::, as cgroup v2 has it");
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(buf, size, CGROUP_ROOT "%s", line + 3);
	return 0;
}

/* The group that QEMU is in: its own, or, without limits, the unit's. */
static int find_group_of_qemu(const struct unit *u, char *buf, size_t size, struct error *err)
{
	const int memfd = fcntl(unit_monitor_fd(u, MONITOR_MANIFEST), F_DUPFD_CLOEXEC, 0);
	const struct manifest *m = manifest_map(memfd, err);
	int r = 0;

	if (m == NULL)
		return -1;
	if (m->cgroup != 0)
		(void)snprintf(buf, size, "%s/" CGROUP_QEMU, manifest_string(m, m->cgroup));
	else
		r = unit_own_group(buf, size, err);
	(void)munmap((void *)(uintptr_t)m, sizeof(*m));
	return r;
}

/* memory.events counts the processes that the kernel killed for lack of memory. */
static int open_memory_events(const struct unit *u, struct error *err)
{
	char group[UNIT_GROUP_MAX], path[sizeof(group) + sizeof("/memory.events")];
	int fd;

	if (find_group_of_qemu(u, group, sizeof(group), err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/memory.events", group);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* QEMU may have ended before a monitor takes over, and its group with it. */
	if (fd < 0 && errno == ENOENT)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot open %s", path) : fd;
}

static int run(struct unit *u, const char *domid, struct error *err)
{
	const bool resume = getenv("LISTEN_FDS") != NULL;
	uint64_t n;

	if (!parse_u64(domid, 1, UINT16_MAX, &n))
		return error_set(err, "\"%s\" is no domain id", domid);
	u->domid = (unsigned int)n;
	u->notify = notify_open(err);
	if (u->notify < 0)
		return -1;
	/* A launcher needs more than the roles that are to come: it is started before. */
	if (!resume && unit_start(u, err) < 0)
		return -1;
	if (credentials_limit(err) < 0 || (resume && unit_resume(u, err) < 0))
		return -1;
	if (give(u, open_memory_events(u, err), MONITOR_MEMORY) < 0 ||
	    give(u, u->notify, MONITOR_NOTIFY) < 0)
		return -1;
	return roles_become_monitor(&u->monitor, u->qemu, resume ? ROLE_RESUMED : ROLE_UNIT, err);
}

int main(int argc, char *argv[])
{
	struct unit u = {.notify = -1, .channel = -1};
	struct error err;

	if (argc != 2)
		(void)error_set(&err, "started by systemd only, in qemu-depriv@.service");
	else
		(void)run(&u, argv[1], &err);
	if (u.notify >= 0)
		notify_send(u.notify, -1, "STATUS=%s", err.msg);
	(void)fprintf(stderr, "%s\n", err.msg);
	return UNIT_STATUS_START;
}
