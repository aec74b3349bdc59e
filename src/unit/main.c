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

static void give(struct unit *u, int from, int to)
{
	u->monitor.fds[u->monitor.n++] = (struct fd_move){from, to};
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
	give(u, u->notify, MONITOR_NOTIFY);
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
