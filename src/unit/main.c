/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit DOMID: what qemu-depriv@DOMID.service executes. It ends in the monitor, which is the unit's
 * main process: of a device model that is to be started, or, with fds in systemd's fd store, of one
 * that runs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
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

/* memory.events counts the processes that the kernel killed for lack of memory. */
static int open_memory_events(unsigned int domid, struct error *err)
{
	char line[512], path[sizeof(line) + 64];
	FILE *file;
	const char *group;
	int fd;

	/* The launcher has made a group for QEMU alone, unless the host cannot. */
	(void)snprintf(path, sizeof(path),
	               CGROUP_PATH "/" CGROUP_PREFIX "%u.scope/" CGROUP_QEMU "/memory.events",
	               domid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	file = fopen("/proc/self/cgroup", "re");
	group = file != NULL ? fgets(line, sizeof(line), file) : NULL;

	if (file != NULL)
		(void)fclose(file);
	if (group == NULL || strncmp(line, "0::", 3) != 0)
		return error_set(
		        err,
		        "no unified control groups: /proc/self/cgroup does not begin with 0::");
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.events", line + 3);
	fd = open(path, O_RDONLY | O_CLOEXEC);
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
	if (give(u, open_memory_events(u->domid, err), MONITOR_MEMORY) < 0 ||
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
