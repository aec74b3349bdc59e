/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit whose monitor has ended while QEMU lives: systemd executes us again, with all that it
 * keeps for the unit. Broker and xsfilter are started anew as well, so that there is one way only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fdmsg.h"
#include "notify.h"
#include "request.h"
#include "role.h"
#include "unit.h"
#include "util.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* No process has it: Linux's pids end at 2^22. */
#define NO_PID INT32_MAX

/* What systemd kept, besides the monitor's own. */
struct kept {
	int listener;
	int qemu_side[STORE_CONNECTIONS], xenstored_side[STORE_CONNECTIONS];
};

static bool is_named(const char *name, const char *prefix, uint64_t max, uint64_t *ret)
{
	const size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 && parse_u64(name + len, 0, max, ret);
}

static void take(struct unit *u, struct kept *kept, const char *name, int fd)
{
	uint64_t n;

	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (is_named(name, STORE_MONITOR, ROLE_MAX_FDS - 1, &n) && u->monitor.n < ROLE_MAX_FDS)
		u->monitor.fds[u->monitor.n++] = (struct fd_move){fd, (int)n};
	else if (is_named(name, STORE_QEMU_SIDE, STORE_CONNECTIONS - 1, &n))
		kept->qemu_side[n] = fd;
	else if (is_named(name, STORE_XENSTORED_SIDE, STORE_CONNECTIONS - 1, &n))
		kept->xenstored_side[n] = fd;
	else if (strcmp(name, STORE_LISTENER) == 0)
		kept->listener = fd;
	else if (strcmp(name, STORE_OUTPUT) == 0)
		u->monitor.output = fd;
	else
		(void)close(fd);
}

/* sd_listen_fds_with_names(3) */
static int take_all(struct unit *u, struct kept *kept, struct error *err)
{
	const char *count = getenv("LISTEN_FDS"), *list = getenv("LISTEN_FDNAMES");
	char *names = strdup(list != NULL ? list : ""), *save = NULL;
	char *name = names != NULL ? strtok_r(names, ":", &save) : NULL;
	uint64_t n;

	kept->listener = u->monitor.output = -1;
	for (size_t i = 0; i < STORE_CONNECTIONS; i++)
		kept->qemu_side[i] = kept->xenstored_side[i] = -1;
	if (count == NULL || !parse_u64(count, 0, UINT16_MAX, &n))
		n = 0;
	for (uint64_t i = 0; i < n && name != NULL; i++, name = strtok_r(NULL, ":", &save))
		take(u, kept, name, FIRST_FD + (int)i);
	free(names);
	if (unit_monitor_fd(u, MONITOR_MANIFEST) < 0 || unit_monitor_fd(u, MONITOR_QEMU) < 0 ||
	    unit_monitor_fd(u, MONITOR_PRIVCMD) < 0 || unit_monitor_fd(u, MONITOR_COUNTERS) < 0 ||
	    unit_monitor_fd(u, MONITOR_JOURNAL) < 0 || kept->listener < 0 || u->monitor.output < 0)
		return error_set(err, "systemd has not kept all that is needed to take over");
	return 0;
}

/* /proc/self/fdinfo/N of a pidfd has a line "Pid: N", -1 when the process is gone. */
static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	long pid = -1;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Pid:", 4) == 0)
			pid = strtol(line + 4, NULL, 10);
	if (file != NULL)
		(void)fclose(file);
	return (pid_t)pid;
}

/* All of the unit's processes but QEMU and this one: roles of before. */
static int kill_old_roles(pid_t qemu, struct error *err)
{
	char group[UNIT_GROUP_MAX], path[sizeof(group) + sizeof("/cgroup.procs")], line[32];
	FILE *file;

	if (unit_own_group(group, sizeof(group), err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	file = fopen(path, "re");
	if (file == NULL)
		return error_errno(err, "cannot read %s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 1 && pid != qemu && pid != getpid())
			(void)kill(pid, SIGKILL);
	}
	(void)fclose(file);
	return 0;
}

/* xsfilter says when it serves; then it gets QEMU's connections as the monitor would send them. */
static int resume_xsfilter(const struct unit *u, const struct kept *kept, struct error *err)
{
	const int sock = unit_monitor_fd(u, MONITOR_XSFILTER);
	const char kind = XSFILTER_CONNECTION;
	size_t no_fds = 0;
	char ready;

	if (fdmsg_recv(sock, &ready, 1, NULL, &no_fds) != 1 || ready != XSFILTER_READY)
		return error_set(err, "xsfilter does not start");
	for (size_t i = 0; i < STORE_CONNECTIONS; i++) {
		const int fds[] = {kept->qemu_side[i], kept->xenstored_side[i]};

		if (fds[0] >= 0 && fds[1] >= 0 && fdmsg_send(sock, &kind, 1, fds, 2) < 0)
			return error_errno(err, "cannot give xsfilter its connections");
	}
	return 0;
}

static int resume_broker(const struct roles *roles, const struct kept *kept, struct error *err)
{
	const char kind = 'L';

	if (fdmsg_send(roles->broker, &kind, 1, &kept->listener, 1) < 0)
		return roles_error(roles, err, "the broker does not start");
	return 0;
}

int unit_resume(struct unit *u, struct error *err)
{
	struct shared_fds shared;
	struct roles roles;
	struct kept kept;

	if (take_all(u, &kept, err) < 0)
		return -1;
	u->qemu = pid_of(unit_monitor_fd(u, MONITOR_QEMU));
	if (u->qemu < 0) /* ended meanwhile, as its pidfd tells the monitor */
		u->qemu = NO_PID;
	shared = (struct shared_fds){.manifest = unit_monitor_fd(u, MONITOR_MANIFEST),
	                             .counters = unit_monitor_fd(u, MONITOR_COUNTERS),
	                             .journal = unit_monitor_fd(u, MONITOR_JOURNAL)};
	if (kill_old_roles(u->qemu, err) < 0 ||
	    roles_resume(u->domid, &shared, unit_monitor_fd(u, MONITOR_QEMU), &u->monitor, &roles,
	                 err) < 0 ||
	    roles_started(&roles, err) < 0 || resume_broker(&roles, &kept, err) < 0 ||
	    resume_xsfilter(u, &kept, err) < 0)
		return -1;
	notify_send(u->notify, -1,
	            "READY=1\nSTATUS=Domain %u: QEMU (pid %d) is confined; monitor, broker and "
	            "xsfilter were "
	            "restarted",
	            u->domid, u->qemu);
	return 0;
}
