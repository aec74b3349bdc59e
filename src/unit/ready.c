/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a device model counts as started: its launcher has asserted the confinement and is QEMU
 * now, and QEMU greets on a QMP socket. Found out by a process of its own, which ends then, because
 * the monitor has QEMU's requests to answer meanwhile.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handover.h"
#include "manifest.h"
#include "notify.h"
#include "role.h"
#include "unit.h"
#include "util.h"

/* libxl gives every device model one, for xentop, and does not use it itself. */
#define QMP_SOCKET "/qmp-libxenstat-"

/* Returns true when QEMU is executed, and its listener in systemd's store. */
static bool wait_for_exec(const struct unit *u)
{
	bool listener = false;
	struct error err;
	struct handover m;
	int fd;

	while (handover_recv(u->channel, &m, &fd, &err) > 0) {
		cleanup_fd int owned = fd;

		if (m.kind == HANDOVER_LISTENER && owned >= 0) {
			notify_send(u->notify, owned,
			            "FDSTORE=1\nFDPOLL=0\nFDNAME=" STORE_LISTENER);
			listener = true;
		} else if (m.kind == HANDOVER_ERROR) {
			(void)fprintf(stderr, "%s\n", m.text);
			notify_send(u->notify, -1, "STATUS=%s", m.text);
			return false;
		}
	}
	return listener;
}

static const char *find_qmp(const struct manifest *m)
{
	for (uint32_t i = 0; i < m->n_listeners; i++) {
		const char *path = manifest_string(m, m->listeners[i].path);

		if (strstr(path, QMP_SOCKET) != NULL)
			return path;
	}
	return NULL;
}

/* QEMU's first byte, whatever it is: nothing of what it says is looked at. */
static bool wait_for_greeting(const char *path)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	cleanup_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "%s", path);
	return sock >= 0 && connect(sock, &addr.sa, sizeof(addr.un)) == 0 &&
	       read(sock, &byte, 1) == 1;
}

static void wait_and_tell(const struct unit *u, const struct manifest *m)
{
	const char *qmp = find_qmp(m);

	/* Should the monitor end, the others must see it: what is its stays with it alone. */
	for (size_t i = 0; i < u->monitor.n; i++)
		(void)close(u->monitor.fds[i].from);
	if (!wait_for_exec(u) || (qmp != NULL && !wait_for_greeting(qmp)))
		return;
	notify_send(u->notify, -1,
	            "READY=1\nSTATUS=Domain %u: QEMU (pid %d, uid %u) is confined and answers",
	            u->domid, u->qemu, m->uid);
}

int unit_wait_ready(const struct unit *u, struct error *err)
{
	const int memfd = dup(unit_monitor_fd(u, MONITOR_MANIFEST));
	const struct manifest *m = memfd < 0 ? NULL : manifest_map(memfd, err);
	pid_t pid;

	if (m == NULL)
		return memfd < 0 ? error_set(err, "the launcher gave no manifest") : -1;
	if (m->domid != u->domid)
		return error_set(err, "the launch is one of domain %u", m->domid);
	/* Twice, so that it is not the monitor's child, which waits for QEMU only. */
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			wait_and_tell(u, m);
		_exit(EXIT_SUCCESS);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return error_errno(err, "cannot fork");
	return 0;
}
