/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xsfilter DOMID [unit|resumed]: stands between a device model and xenstored. See role.h for its
 * fds.
 *
 * It is the only holder of the device model's connections to xenstored, each of which has all the
 * rights of dom0, and lets through what policy/xenstore.c permits. It ends with QEMU: should the
 * monitor end first, what is connected is served on; unless in a unit of systemd's, which starts
 * another one, there is nobody else to tell of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xen/xen.h>

#include "conn.h"
#include "fdmsg.h"
#include "filter.h"
#include "request.h"
#include "role.h"
#include "util.h"

/* Where poll() looks: two fixed fds, then two for each connection. */
enum {
	POLL_QEMU,
	POLL_MONITOR,
	POLL_CONNS,
	POLL_MAX = POLL_CONNS + 2 * XSFILTER_CONNECTIONS,
};

/* Shortest sleep while throttled: 10 ms let a batch of requests through for each wakeup. */
#define THROTTLE_MS 10

static struct conn conns[XSFILTER_CONNECTIONS];
static bool in_unit;

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static void take_connection(const struct filter *f, const int fds[2])
{
	for (size_t i = 0; i < ARRAY_SIZE(conns); i++) {
		if (conns[i].state != CONN_CLOSED)
			continue;
		conn_open(&conns[i], fds[0], fds[1], f);
		return;
	}
	audit(AUDIT_REFUSED, "connection", "refused a connection: there are %d already",
	      XSFILTER_CONNECTIONS);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* The monitor has closed its unrestricted handle: what waited for that goes on. */
static void go_on_sealed(struct filter *f)
{
	f->seal = false;
	f->sealed = true;
	for (size_t i = 0; i < ARRAY_SIZE(conns); i++)
		if (conns[i].state == CONN_SEAL)
			conn_run(&conns[i], f, now_ns());
}

/* Returns false at the end of the channel. A monitor that is gone holds no handle: sealed, too. */
static bool hear_monitor(struct filter *f)
{
	char what;
	int fds[FDMSG_MAX_FDS];
	size_t n = ARRAY_SIZE(fds);
	const int r = fdmsg_recv(XSFILTER_MONITOR, &what, sizeof(what), fds, &n);

	if (r < 0 && errno == EPROTO) {
		role_log("ignored a malformed message of the monitor");
		return true;
	}
	if (r > 0 && what == XSFILTER_CONNECTION && n == 2) {
		take_connection(f, fds);
		return true;
	}
	if (r <= 0 && !in_unit)
		audit(AUDIT_LOST, "monitor",
		      "the monitor is gone: nothing is opened for the device model any more");
	if (r <= 0 || (what == XSFILTER_SEAL && n == 0)) {
		go_on_sealed(f);
		return r > 0;
	}
	role_log("ignored a message of the monitor that is no connection");
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	return true;
}

/* Should the monitor be gone, hear_monitor() finds out. */
static void ask_to_seal(struct filter *f)
{
	const char what = XSFILTER_SEAL;

	f->seal = false;
	(void)fdmsg_send(XSFILTER_MONITOR, &what, 1, NULL, 0);
}

static void prepare(struct pollfd fds[POLL_MAX], bool throttled)
{
	for (size_t i = 0; i < ARRAY_SIZE(conns); i++) {
		struct pollfd *p = &fds[POLL_CONNS + 2 * i];
		const struct conn *c = &conns[i];
		const bool open = c->state != CONN_CLOSED;

		p[0].fd = open ? c->qemu : -1;
		p[0].events = conn_events_qemu(c, throttled);
		p[1].fd = open ? c->xenstored : -1;
		p[1].events = conn_events_xenstored(c);
	}
}

static void serve(const struct pollfd fds[POLL_MAX], struct filter *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(conns); i++) {
		const short got = (short)(fds[POLL_CONNS + 2 * i].revents |
		                          fds[POLL_CONNS + 2 * i + 1].revents);

		/* Whoever hangs up reads no answer any more, nor wants one passed on. */
		if ((got & (POLLHUP | POLLERR | POLLNVAL)) != 0)
			conn_close(&conns[i]);
		else if (got != 0)
			conn_run(&conns[i], f, now_ns());
	}
}

/* Until QEMU has ended. No timer runs but while requests come faster than XSFILTER_RATE. */
static int loop(struct filter *f, struct error *err)
{
	struct pollfd fds[POLL_MAX] = {
	        [POLL_QEMU] = {.fd = XSFILTER_QEMU, .events = POLLIN},
	        [POLL_MONITOR] = {.fd = XSFILTER_MONITOR, .events = POLLIN},
	};

	for (;;) {
		const uint64_t wait = pace_wait(&f->pace, now_ns());
		int timeout = -1;

		if (wait > 0)
			timeout = THROTTLE_MS + (int)(wait / 1000000);
		prepare(fds, wait > 0);
		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, "cannot wait for requests");
		}
		if (fds[POLL_QEMU].revents != 0)
			return 0;
		serve(fds, f);
		if (f->seal)
			ask_to_seal(f);
		if (fds[POLL_MONITOR].revents != 0 && !hear_monitor(f))
			fds[POLL_MONITOR].fd = -1;
	}
}

static int start(struct error *err)
{
	const char ready = XSFILTER_READY;

	/* A pollfd of neither would read as QEMU's end. */
	if (fcntl(XSFILTER_MONITOR, F_GETFD) < 0 || fcntl(XSFILTER_QEMU, F_GETFD) < 0)
		return error_errno(err, "was started without its fds");
	/* The log may be a pipe whose reader ends before QEMU does. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return error_errno(err, "cannot ignore SIGPIPE");
	if (role_attach("xsfilter", XSFILTER_COUNTERS, COUNTERS_XSFILTER, XSFILTER_JOURNAL, err) <
	            0 ||
	    role_protect(err) < 0)
		return -1;
	(void)close(XSFILTER_COUNTERS);
	if (filter_load_role(ROLE_XSFILTER) < 0)
		return error_errno(err, "cannot load the system call filter");
	if (fdmsg_send(XSFILTER_MONITOR, &ready, 1, NULL, 0) < 0)
		return error_errno(err, "cannot tell the monitor that it is ready");
	return 0;
}

int main(int argc, char *argv[])
{
	struct filter f = {0};
	char domid[sizeof("65535")];
	struct error err;
	uint64_t n;

	if (argc < 2 || argc > 3 || !parse_u64(argv[1], 1, DOMID_FIRST_RESERVED - 1, &n)) {
		audit_init("xsfilter", -1);
		audit(AUDIT_FAILED, "xsfilter", "started by qemu-depriv-dm only");
		return EXIT_FAILURE;
	}
	audit_init("xsfilter", XSFILTER_JOURNAL);
	(void)snprintf(domid, sizeof(domid), "%u", (unsigned int)n);
	f.domid = domid;
	in_unit = argc == 3;

	if (start(&err) < 0 || loop(&f, &err) < 0) {
		audit(AUDIT_FAILED, "xsfilter", "%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
