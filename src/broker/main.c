/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * broker: receives QEMU's notified system calls. See role.h for its fds.
 *
 * It reads hostile memory and holds no privilege: its own uid, no capabilities, a small filter, and
 * a socket to the monitor. It ends when the last process under QEMU's filter has ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "broker.h"
#include "fdmsg.h"
#include "filter.h"
#include "role.h"
#include "util.h"

/* The launcher has said why: that is the launch's one line. */
#define LAUNCH_ENDED (-2)

static int receive_listener(struct error *err)
{
	int fds[FDMSG_MAX_FDS];
	size_t n_fds = 1;
	char kind;
	int r = fdmsg_recv(BROKER_LAUNCHER, &kind, 1, fds, &n_fds);

	(void)close(BROKER_LAUNCHER);
	if (r < 0 || (r > 0 && n_fds != 1))
		return error_set(err, "malformed message instead of the seccomp listener");
	if (r == 0)
		return LAUNCH_ENDED;
	return fds[0];
}

static int start(struct broker *b, struct error *err)
{
	b->manifest = manifest_map(BROKER_MANIFEST, err);
	if (b->manifest == NULL)
		return -1;
	if (role_attach("broker", BROKER_COUNTERS, COUNTERS_BROKER, BROKER_JOURNAL, err) < 0 ||
	    role_protect(err) < 0)
		return -1;
	(void)close(BROKER_COUNTERS);
	b->mem = -1;
	if (filter_load_role(ROLE_BROKER) < 0)
		return error_errno(err, "cannot load the system call filter");
	b->listener = receive_listener(err);
	return b->listener < 0 ? b->listener : 0;
}

int main(int argc, char *argv[])
{
	struct broker b = {0};
	struct error err;
	int r;

	audit_init("broker", BROKER_JOURNAL);
	/* For a QEMU that runs: its exec was seen by a broker before this one. */
	b.executed = argc == 2 && strcmp(argv[1], ROLE_RESUMED) == 0;
	r = start(&b, &err);
	if (r < 0) {
		if (r != LAUNCH_ENDED)
			audit(AUDIT_FAILED, "broker", "%s", err.msg);
		return EXIT_FAILURE;
	}

	for (;;) {
		struct pollfd fd = {.fd = b.listener, .events = POLLIN};
		struct seccomp_notif notif = {0};

		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			break;
		/* POLLHUP: no task uses the filter any more. */
		if ((fd.revents & POLLIN) == 0 && fd.revents != 0)
			break;
		/* ENOENT: the call that woke us was cancelled before we looked. */
		if (ioctl(b.listener, SECCOMP_IOCTL_NOTIF_RECV, &notif) == 0)
			broker_handle(&b, &notif);
		else if (errno != ENOENT && errno != EINTR)
			break;
	}
	return EXIT_SUCCESS;
}
