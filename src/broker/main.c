/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * broker: receives QEMU's notified system calls. See role.h for its fds.
 *
 * It reads hostile memory and holds no privilege: its own uid, no capabilities, a small filter, and
 * a socket to the monitor. It ends when the last process under QEMU's filter has ended.
 *
 * It also passes QEMU's output on to the log (relay.h). Calls and output take turns, a call or 64
 * KiB at a time, so neither waits long for a flood of the other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "broker.h"
#include "fdmsg.h"
#include "filter.h"
#include "relay.h"
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

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
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
	/* The log may be a pipe that nobody reads any more. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return error_errno(err, "cannot ignore SIGPIPE");
	b->mem = -1;
	if (filter_load_role(ROLE_BROKER) < 0)
		return error_errno(err, "cannot load the system call filter");
	b->listener = receive_listener(err);
	return b->listener < 0 ? b->listener : 0;
}

/* Returns false when no task uses the filter any more, or none can be answered. */
static bool serve(struct broker *b, short revents)
{
	struct seccomp_notif notif = {0};

	if ((revents & POLLIN) == 0)
		return revents == 0;
	/* ENOENT: the call that woke us was cancelled before we looked. */
	if (ioctl(b->listener, SECCOMP_IOCTL_NOTIF_RECV, &notif) == 0)
		return broker_handle(b, &notif);
	return errno == ENOENT || errno == EINTR;
}

static void loop(struct broker *b, struct relay *r)
{
	struct pollfd fds[2] = {{.fd = b->listener, .events = POLLIN}};

	for (;;) {
		const uint64_t now = relay_is_idle(r) ? 0 : now_ns();
		const int timeout = relay_prepare(r, &fds[1], now);

		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (!serve(b, fds[0].revents))
			break;
		if (fds[1].revents != 0 || !relay_is_idle(r))
			relay_run(r, fds[1].revents != 0, now_ns());
	}
	relay_finish(r, now_ns());
}

int main(int argc, char *argv[])
{
	struct broker b = {0};
	struct relay relay;
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
	relay_init(&relay, BROKER_OUTPUT, STDERR_FILENO, b.manifest->log_size, b.manifest->log_rate,
	           now_ns());
	loop(&b, &relay);
	return EXIT_SUCCESS;
}
