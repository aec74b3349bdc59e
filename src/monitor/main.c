/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor PID [unit|resumed]: the one root process of a device model after its start. See role.h
 * for its fds.
 *
 * It answers the broker's requests, and when QEMU has ended, however it ended, it removes what was
 * made for it. SIGTERM asks it to end QEMU first, as a toolstack would.
 *
 * In a unit of systemd's it ends early when broker or xsfilter have ended, or on SIGHUP: systemd
 * starts all three anew, and QEMU does not notice.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <linux/capability.h>

#include "fdmsg.h"
#include "filter.h"
#include "landlock.h"
#include "monitor.h"
#include "role.h"
#include "unit.h"
#include "util.h"

/* QEMU 7.2 makes 3 connections and one per PV backend, 10.0 one more; xsfilter's limit is 8. */
#define XENSTORE_CONNECTIONS 8

/* Longer than the rest of a launch takes. */
#define LAUNCH_MS 10000

/*
 * With dm_restrict libxl believes QEMU's QMP answers, not xenstore: a hostile QEMU (one restored
 * from a hostile stream) need not say that it runs. But libxl gives up on a device model that has
 * not started by then (LIBXL_DEVICE_MODEL_START_TIMEOUT), and one that has asks for nothing more
 * that is permitted until sealed.
 */
#define SEAL_DEADLINE_MS 60000

/* For QEMU to write out its disks when it is asked to end. Below TimeoutStopSec= of the unit. */
#define END_DEADLINE_MS 10000

#define NEVER INT64_MAX

/* Only what the launcher left after its exec is there to be kept. */
int monitor_settle(const struct monitor *m, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const uint32_t ptrace = CAP_TO_MASK(CAP_SYS_PTRACE);

	if (syscall(SYS_capget, &header, data) < 0)
		return error_errno(err, "cannot read the own capabilities");
	data[0].effective &= ~ptrace;
	data[0].permitted &= ~ptrace;
	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno(err, "cannot drop CAP_SYS_PTRACE");
	return m->ruleset < 0 ? 0 : landlock_enter(m->ruleset, err);
}

static int open_signalfd(const struct monitor *m, struct error *err)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (m->in_unit)
		(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "cannot block SIGTERM");
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot make a signalfd") : fd;
}

static void signal_qemu(int signal)
{
	(void)syscall(SYS_pidfd_send_signal, MONITOR_QEMU, signal, NULL, 0);
}

/* Returns false when the broker is gone: nothing will be asked any more. */
static bool serve(struct monitor *m)
{
	struct request req;
	struct reply reply;
	size_t no_fds = 0;
	int r;

	r = fdmsg_recv(MONITOR_BROKER, &req, sizeof(req), NULL, &no_fds);
	if (r < 0)
		audit(AUDIT_REFUSED, "request", "malformed request: %s", strerror(errno));
	if (r <= 0)
		return false;

	cleanup_fd int fd = -1;

	reply = monitor_answer(m, &req, &fd);
	return fdmsg_send(MONITOR_BROKER, &reply, sizeof(reply), &fd, fd >= 0 ? 1 : 0) == 0;
}

/* What xsfilter says after its first message. Returns false when it is gone. */
static bool hear_xsfilter(struct monitor *m)
{
	size_t no_fds = 0;
	char what;

	if (fdmsg_recv(MONITOR_XSFILTER, &what, 1, NULL, &no_fds) != 1 || what != XSFILTER_SEAL)
		return false;
	monitor_seal(m, "the device model says that it runs");
	return fdmsg_send(MONITOR_XSFILTER, &what, 1, NULL, 0) == 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Times of now_ms(), or NEVER. */
struct deadlines {
	int64_t seal; /* passed over once it is sealed */
	int64_t kill; /* of a QEMU that was asked to end and does not */
};

/* How long to wait for anything, in ms. No timer runs once it is sealed. */
static int until(const struct monitor *m, const struct deadlines *at)
{
	int64_t next = at->kill, left;

	if (m->xen != NULL && at->seal < next)
		next = at->seal;
	if (next == NEVER)
		return -1;
	left = next - now_ms();
	return left > 0 ? (int)left : 0;
}

static void do_what_is_due(struct monitor *m, struct deadlines *at)
{
	const int64_t now = now_ms();

	if (m->xen != NULL && now >= at->seal)
		monitor_seal(m, "the device model has had its time to start");
	if (now >= at->kill) {
		role_log("the device model does not end: killed");
		signal_qemu(SIGKILL);
		at->kill = NEVER;
	}
}

/* The end of QEMU ends the other roles as well, and they may be faster to tell. */
#define QEMU_GRACE_MS 500

static bool qemu_lives(void)
{
	struct pollfd fd = {.fd = MONITOR_QEMU, .events = POLLIN};

	return poll(&fd, 1, QEMU_GRACE_MS) == 0;
}

/* Whether QEMU goes on without the role that is not heard of any more. */
static bool goes_on_without(int channel, const char *role)
{
	/* If it is not gone, it must not wait for an answer, or QEMU would with it. */
	(void)shutdown(channel, SHUT_RDWR);
	if (!qemu_lives())
		return false;
	audit(AUDIT_LOST, role, "the %s is gone", role);
	return true;
}

/* Returns false for the signal that asks for other roles instead of QEMU's end. */
static bool on_signal(int signals, struct deadlines *at)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info) && info.ssi_signo == SIGHUP)
		return false;
	audit(AUDIT_ENDED, "SIGTERM", "ending the device model");
	signal_qemu(SIGTERM);
	at->kill = now_ms() + END_DEADLINE_MS;
	return true;
}

/*
 * Until QEMU has ended: true. A dead broker is only reported: a running guest does not need it. In
 * a unit it is a reason to end, as the others are: false.
 */
static bool loop(struct monitor *m, int signals)
{
	struct deadlines at = {.seal = now_ms() + SEAL_DEADLINE_MS, .kill = NEVER};
	struct pollfd fds[] = {
	        {.fd = MONITOR_QEMU, .events = POLLIN},
	        {.fd = MONITOR_BROKER, .events = POLLIN},
	        {.fd = signals, .events = POLLIN},
	        {.fd = -1, .events = POLLIN}, /* xsfilter: answer_exec() hears its first message */
	        {.fd = m->in_unit ? MONITOR_STANDIN : -1, .events = POLLIN},
	};
	bool xsfilter_lives = true;
	int n;

	for (;;) {
		do_what_is_due(m, &at);
		n = poll(fds, ARRAY_SIZE(fds), until(m, &at));
		if (n < 0 && errno != EINTR)
			return true;
		if (n <= 0)
			continue;
		if (fds[0].revents != 0)
			return true;
		if (fds[1].revents != 0 && !serve(m)) {
			fds[1].fd = -1;
			if (!goes_on_without(MONITOR_BROKER, "broker"))
				return true;
			if (m->in_unit)
				return false;
		}
		if (fds[2].revents != 0 && !on_signal(signals, &at))
			return false;
		if (fds[3].revents != 0 && !hear_xsfilter(m)) {
			xsfilter_lives = false;
			if (!goes_on_without(MONITOR_XSFILTER, "xsfilter"))
				return true;
			if (m->in_unit)
				return false;
		}
		if (fds[4].revents != 0) {
			audit(AUDIT_ENDED, "libxl", "the process that libxl knows has ended");
			signal_qemu(SIGKILL);
			fds[4].fd = -1;
		}
		fds[3].fd =
		        xsfilter_lives && (m->made & (1u << REQ_EXEC)) != 0 ? MONITOR_XSFILTER : -1;
	}
}

static int start(struct monitor *m, const char *pid, const char *how, int *ret_signals,
                 struct error *err)
{
	uint64_t n;

	/* First, because it says what there is to clean up. */
	m->manifest = manifest_map(MONITOR_MANIFEST, err);
	if (m->manifest == NULL)
		return -1;
	if (!parse_u64(pid, 2, INT32_MAX, &n))
		return error_set(err, "\"%s\" is no pid", pid);
	m->qemu = (pid_t)n;
	if (unit_init(m, how, err) < 0)
		return -1;
	m->pages_left = m->manifest->extra_pages;
	m->ptys_left = m->manifest->ptys;
	m->connections_left = XENSTORE_CONNECTIONS;

	if (role_attach("monitor", MONITOR_COUNTERS, COUNTERS_MONITOR, MONITOR_JOURNAL, err) < 0 ||
	    role_protect(err) < 0)
		return -1;
	*ret_signals = open_signalfd(m, err);
	if (*ret_signals < 0)
		return -1;
	/* Whoever takes over gives images of the plan, and the broker QEMU's memory, but no more.
	 */
	if (m->resumed)
		m->made = 1u << REQ_EXEC;
	else
		m->xen = xen_open(err);
	if (m->xen == NULL && !m->resumed)
		return -1;
	if (monitor_make_ruleset(m->manifest, &m->ruleset, err) < 0)
		return -1;
	if (filter_load_role(ROLE_MONITOR) < 0)
		return error_errno(err, "cannot load the system call filter");
	return 0;
}

/* Without us the launch fails: what it has made is removed when it has. */
static void abandon(const struct monitor *m)
{
	struct pollfd launcher = {.fd = MONITOR_QEMU, .events = POLLIN};

	(void)close(MONITOR_BROKER);
	(void)close(MONITOR_XSFILTER);
	(void)poll(&launcher, 1, LAUNCH_MS);
	monitor_cleanup(m->manifest);
}

int main(int argc, char *argv[])
{
	struct monitor m = {.ruleset = -1};
	struct error err;
	int signals = -1, status;
	const bool called_well = argc == 2 || argc == 3;

	if (!called_well || start(&m, argv[1], argv[2], &signals, &err) < 0) {
		audit_init("monitor", !called_well ? -1 : MONITOR_JOURNAL);
		audit(AUDIT_FAILED, "monitor", "%s",
		      !called_well ? "started by qemu-depriv-dm only" : err.msg);
		if (m.manifest != NULL)
			abandon(&m);
		return argc == 3 ? UNIT_STATUS_START : EXIT_FAILURE;
	}
	if (!loop(&m, signals))
		return UNIT_STATUS_RESTART;
	/* First: the cleanup may be the end of the group that knows how QEMU ended. */
	status = unit_report_end(&m);
	monitor_cleanup(m.manifest);
	return status;
}
