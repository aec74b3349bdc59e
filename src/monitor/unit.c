/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "notify.h"
#include "role.h"
#include "util.h"

int unit_init(struct monitor *m, const char *how, struct error *err)
{
	if (how == NULL)
		return 0;
	m->resumed = strcmp(how, ROLE_RESUMED) == 0;
	if (!m->resumed && strcmp(how, ROLE_UNIT) != 0)
		return error_set(err, "\"%s\" is no way to start", how);
	m->in_unit = true;
	return 0;
}

void unit_store_connection(struct monitor *m, int qemu_side, int xenstored_side)
{
	if (!m->in_unit)
		return;
	notify_send(MONITOR_NOTIFY, qemu_side, "FDSTORE=1\nFDNAME=" STORE_QEMU_SIDE "%u",
	            m->connections_stored);
	notify_send(MONITOR_NOTIFY, xenstored_side, "FDSTORE=1\nFDNAME=" STORE_XENSTORED_SIDE "%u",
	            m->connections_stored);
	m->connections_stored++;
}

void unit_status(const struct monitor *m, const char *state)
{
	if (m->in_unit)
		notify_send(MONITOR_NOTIFY, -1,
		            "STATUS=Domain %u: QEMU (pid %d, uid %u) is confined; %s",
		            m->manifest->domid, m->qemu, m->manifest->uid, state);
}

/*
 * Writes how QEMU ended. Returns true if it is how a toolstack or an administrator ends it. What
 * the kernel killed it for is in the kernel's log only, which src/unit/ended.c reads.
 */
static bool describe_end(const struct monitor *m, char *buf, size_t size)
{
	siginfo_t info = {0};

	/* Only its parent learns how it ended: not a monitor that came later. */
	if (waitid(P_PID, (id_t)m->qemu, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
		(void)snprintf(buf, size,
		               "has ended; how is not known, since the monitor was restarted");
		return true;
	}
	if (info.si_code == CLD_EXITED) {
		(void)snprintf(buf, size, "has exited with status %d", info.si_status);
		return info.si_status == 0;
	}
	if (info.si_status == SIGSYS) {
		(void)snprintf(buf, size, "was killed by its system call filter");
		return false;
	}
	(void)snprintf(buf, size, "was killed by signal %d", info.si_status);
	return info.si_status == SIGKILL || info.si_status == SIGTERM || info.si_status == SIGHUP;
}

int unit_report_end(const struct monitor *m)
{
	char how[128];
	bool over;

	if (!m->in_unit)
		return EXIT_SUCCESS;
	over = describe_end(m, how, sizeof(how));
	role_log("QEMU %s", how);
	notify_send(MONITOR_NOTIFY, -1, "STOPPING=1\nSTATUS=Domain %u: QEMU %s", m->manifest->domid,
	            how);
	return over ? EXIT_SUCCESS : UNIT_STATUS_FAILED;
}
