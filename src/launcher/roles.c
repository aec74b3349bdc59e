/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting monitor, broker and xsfilter. Each is exec'd, so that it shares no memory layout with
 * the others, and none of them is QEMU's child: a starter in between ends at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "launch.h"
#include "role.h"
#include "util.h"

#define BROKER_USER   "qemu-depriv-broker"
#define XSFILTER_USER "qemu-depriv-xsfilter"

/* One role as it is to be started. */
struct start {
	const char *path;
	const char *argv[4];         /* NULL-terminated */
	const struct identity *id;   /* NULL: the monitor */
	const struct limits *limits; /* NULL: those that there are */
	struct fd_move fds[ROLE_MAX_FDS];
	size_t n_fds;
};

static void give(struct start *s, int from, int to)
{
	s->fds[s->n_fds++] = (struct fd_move){.from = from, .to = to};
}

/* In the child, on its parent's memory. Comes back only with an error. */
static int become_role(const struct start *s, struct error *err)
{
	static char *const no_environment[] = {NULL};
	int keep[ROLE_MAX_FDS];

	if (fds_place(s->fds, s->n_fds, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n_fds; i++)
		keep[i] = s->fds[i].to;
	if (fds_inherit_only(keep, s->n_fds, err) < 0)
		return -1;
	if (chdir("/") < 0)
		return error_errno(err, "cannot enter /");
	if (s->limits != NULL && limits_set_role(s->limits, err) < 0)
		return -1;
	if ((s->id != NULL ? credentials_drop(s->id, err) : credentials_for_monitor(err)) < 0)
		return -1;
	/* execve() does not write to the strings; its prototype is older than const. */
	(void)execve(s->path, (char *const *)(uintptr_t)s->argv, no_environment);
	return error_errno(err, "cannot execute %s", s->path);
}

struct role_child {
	const struct start *start;
	struct error err;
	bool failed;
};

static int run_role(void *arg)
{
	struct role_child *child = arg;

	child->failed = become_role(child->start, &child->err) < 0;
	return EXIT_FAILURE;
}

/* Returns how many were started; fewer than n: and why. */
static size_t start_roles(const struct start *starts, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct role_child child = {.start = &starts[i]};
		const pid_t pid = child_start(run_role, &child);

		if (pid < 0) {
			(void)error_errno(err, "cannot start %s", starts[i].path);
			return i;
		}
		if (child.failed) {
			/* Until it is dead it keeps the control group from being removed. */
			(void)waitpid(pid, NULL, 0);
			(void)error_set(err, "%s", child.err.msg);
			return i;
		}
		/* It has come to its exec, or it was killed before. */
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			(void)error_set(err, "%s ended at once", starts[i].path);
			return i;
		}
	}
	return n;
}

/*
 * While the launcher is there: when it has failed and ended, the starter is a child of init, and
 * its pid may soon be anybody's.
 */
static int move_launcher(const struct cgroup *cgroup, pid_t launcher, struct error *err)
{
	char pid[16];
	const int n = snprintf(pid, sizeof(pid), "%d", launcher);

	if (getppid() != launcher)
		return error_set(err, "the launch has ended");
	if (write(cgroup->procs, pid, (size_t)n) < 0)
		return error_errno(err, "cannot enter %s/" CGROUP_QEMU, cgroup->path);
	return 0;
}

/*
 * The starter: a session of its own, so that no terminal or toolstack signals the roles. It also
 * puts the launcher into QEMU's control group: the kernel waits for all CPUs then, for which the
 * launcher need not. And where the monitor cannot be started, who undoes what was made for QEMU:
 * the launcher is in QEMU's root by then. `from` is NULL where there is nothing to undo.
 */
static void start_all(const struct start *starts, size_t n, const struct cgroup *cgroup,
                      const struct roles_plan *from, pid_t launcher, int errors)
{
	struct error err;
	size_t started = 0;
	int r = setsid() < 0 ? error_errno(&err, "cannot make a session for the roles") : 0;

	if (r == 0) {
		started = start_roles(starts, n, &err);
		r = started == n ? 0 : -1;
	}
	if (r == 0 && cgroup != NULL && cgroup->procs >= 0)
		r = move_launcher(cgroup, launcher, &err);
	/* At most PIPE_BUF, into an empty pipe: whole or not at all. */
	if (r < 0)
		(void)!write(errors, err.msg, strlen(err.msg));
	if (r < 0 && started == 0 && from != NULL) {
		cgroup_leave(cgroup);
		from->undo(from->undo_arg);
	}
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int make_channel(int ret[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return error_errno(err, "cannot make a channel between the roles");
	return 0;
}

/* All fds the roles talk through; both ends, ours until the starter has them. */
struct channels {
	int broker[2];            /* monitor, broker */
	int xsfilter[2];          /* monitor, xsfilter */
	int launcher[2];          /* launcher, broker */
	int errors[2];            /* read, write */
	int output[2];            /* likewise: from QEMU to the broker */
	int qemu;                 /* pidfd of this very process */
	struct shared_fds shared; /* the caller's */
};

/* pidfd: of QEMU, or -1: of this process. */
static int make_channels(struct channels *c, int pidfd, struct error *err)
{
	if (make_channel(c->broker, err) < 0 || make_channel(c->xsfilter, err) < 0 ||
	    make_channel(c->launcher, err) < 0)
		return -1;
	/* Of the output's two ends only the broker's does not block. */
	if (pipe2(c->errors, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(c->output, O_CLOEXEC) < 0 ||
	    fcntl(c->output[0], F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "cannot make a pipe");
	c->qemu = pidfd < 0 ? (int)syscall(SYS_pidfd_open, getpid(), 0)
	                    : fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
	if (c->qemu < 0)
		return error_errno(err, "cannot open a pidfd");
	return 0;
}

static void plan_monitor(struct start *monitor, const struct plan *plan,
                         const struct resources *res, const struct channels *c, const char *pid)
{
	*monitor = (struct start){.path = ROLE_DIR "/monitor", .argv = {"monitor", pid}};
	give(monitor, c->broker[0], MONITOR_BROKER);
	give(monitor, c->xsfilter[0], MONITOR_XSFILTER);
	give(monitor, c->shared.manifest, MONITOR_MANIFEST);
	give(monitor, c->qemu, MONITOR_QEMU);
	give(monitor, res->privcmd, MONITOR_PRIVCMD);
	give(monitor, c->shared.journal, MONITOR_JOURNAL);
	give(monitor, c->shared.counters, MONITOR_COUNTERS);
	for (size_t i = 0; i < plan->n_files; i++)
		give(monitor, res->files[i], MONITOR_FILES + (int)i);
	for (size_t i = 0; i < plan->n_dirs; i++)
		give(monitor, res->dirs[i], MONITOR_FILES + (int)(plan->n_files + i));
}

static void plan_broker(struct start *broker, const struct channels *c, const struct identity *id)
{
	*broker = (struct start){.path = ROLE_DIR "/broker", .argv = {"broker"}, .id = id};
	give(broker, c->broker[1], BROKER_MONITOR);
	give(broker, c->launcher[1], BROKER_LAUNCHER);
	give(broker, c->shared.manifest, BROKER_MANIFEST);
	give(broker, c->shared.journal, BROKER_JOURNAL);
	give(broker, c->shared.counters, BROKER_COUNTERS);
	give(broker, c->output[0], BROKER_OUTPUT);
}

static void plan_xsfilter(struct start *xsfilter, const struct channels *c, const char *domid,
                          const struct identity *id)
{
	*xsfilter =
	        (struct start){.path = ROLE_DIR "/xsfilter", .argv = {"xsfilter", domid}, .id = id};
	give(xsfilter, c->xsfilter[1], XSFILTER_MONITOR);
	give(xsfilter, c->qemu, XSFILTER_QEMU);
	give(xsfilter, c->shared.journal, XSFILTER_JOURNAL);
	give(xsfilter, c->shared.counters, XSFILTER_COUNTERS);
}

/* The other ends; and the monitor's, unless it is the caller who becomes the monitor. */
static void close_channels(const struct channels *c, bool keep_monitor)
{
	const int others[] = {c->broker[1], c->xsfilter[1], c->launcher[1], c->errors[1],
	                      c->output[0]};
	const int monitors[] = {c->broker[0], c->xsfilter[0], c->qemu};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		(void)close(others[i]);
	for (size_t i = 0; i < ARRAY_SIZE(monitors) && !keep_monitor; i++)
		(void)close(monitors[i]);
}

/* Like fork(), but the child is in the roles' control group from the start: moving takes longer. */
static pid_t fork_into(int cgroup)
{
	struct clone_args args = {
	        .flags = CLONE_INTO_CGROUP,
	        .exit_signal = SIGCHLD,
	        .cgroup = (unsigned int)cgroup,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int fork_starter(const struct start *starts, size_t n, const struct channels *c,
                        const struct cgroup *cgroup, const struct roles_plan *from,
                        struct roles *ret, struct error *err)
{
	const pid_t launcher = getpid();

	ret->starter = cgroup != NULL && cgroup->roles >= 0 ? fork_into(cgroup->roles) : fork();
	if (ret->starter == 0)
		start_all(starts, n, cgroup, from, launcher, c->errors[1]);
	if (ret->starter < 0)
		return error_errno(err, "cannot fork");
	ret->broker = c->launcher[0];
	ret->errors = c->errors[0];
	ret->output = c->output[1];
	return 0;
}

static int find_users(struct identity *broker, struct identity *xsfilter, struct error *err)
{
	return identity_of_user(BROKER_USER, broker, err) < 0
	               ? -1
	               : identity_of_user(XSFILTER_USER, xsfilter, err);
}

int roles_start(const struct roles_plan *from, struct monitor_start *monitor, struct roles *ret,
                struct error *err)
{
	const size_t skip = monitor != NULL ? 1 : 0;
	struct start starts[3];
	struct identity ids[2];
	struct channels c = {.shared = *from->shared};
	char pid[16], domid[16];

	if (find_users(&ids[0], &ids[1], err) < 0 || make_channels(&c, -1, err) < 0)
		return -1;
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	(void)snprintf(domid, sizeof(domid), "%u", from->plan->domid);
	plan_monitor(&starts[0], from->plan, from->res, &c, pid);
	plan_broker(&starts[1], &c, &ids[0]);
	plan_xsfilter(&starts[2], &c, domid, &ids[1]);
	if (monitor != NULL)
		starts[2].argv[2] = ROLE_UNIT;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		starts[i].limits = from->limits;
	if (fork_starter(starts + skip, ARRAY_SIZE(starts) - skip, &c, from->cgroup,
	                 skip == 0 ? from : NULL, ret, err) < 0)
		return -1;
	if (monitor != NULL) {
		memcpy(monitor->fds, starts[0].fds, sizeof(monitor->fds));
		monitor->n = starts[0].n_fds;
		monitor->output = fcntl(c.output[0], F_DUPFD_CLOEXEC, 0);
	}
	close_channels(&c, monitor != NULL);
	return 0;
}

int roles_resume(unsigned int domid_of_qemu, const struct shared_fds *shared, int pidfd,
                 struct monitor_start *monitor, struct roles *ret, struct error *err)
{
	struct start starts[2];
	struct identity ids[2];
	struct channels c = {.shared = *shared};
	char domid[16];

	if (find_users(&ids[0], &ids[1], err) < 0 || make_channels(&c, pidfd, err) < 0)
		return -1;
	(void)close(c.output[0]);
	c.output[0] = monitor->output;
	(void)snprintf(domid, sizeof(domid), "%u", domid_of_qemu);
	plan_broker(&starts[0], &c, &ids[0]);
	starts[0].argv[1] = ROLE_RESUMED;
	plan_xsfilter(&starts[1], &c, domid, &ids[1]);
	starts[1].argv[2] = ROLE_RESUMED;
	if (fork_starter(starts, ARRAY_SIZE(starts), &c, NULL, NULL, ret, err) < 0)
		return -1;
	monitor->fds[monitor->n++] = (struct fd_move){c.broker[0], MONITOR_BROKER};
	monitor->fds[monitor->n++] = (struct fd_move){c.xsfilter[0], MONITOR_XSFILTER};
	close_channels(&c, true);
	(void)close(c.qemu);
	close_fdp(&ret->output); /* QEMU has its own */
	return 0;
}

int roles_started(struct roles *roles, struct error *err)
{
	int status;

	if (waitpid(roles->starter, &status, 0) != roles->starter)
		return error_errno(err, "cannot wait for the roles' start");
	roles->starter = -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
		return roles_error(roles, err, "monitor, broker and xsfilter could not be started");
	return 0;
}

int roles_error(const struct roles *roles, struct error *err, const char *otherwise)
{
	ssize_t n = read(roles->errors, err->msg, sizeof(err->msg) - 1);

	if (n <= 0)
		return error_set(err, "%s", otherwise);
	err->msg[n] = '\0';
	return -1;
}

int roles_become_monitor(const struct monitor_start *monitor, pid_t qemu, const char *how,
                         struct error *err)
{
	struct start s = {.path = ROLE_DIR "/monitor"};
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", qemu);
	s.argv[0] = "monitor";
	s.argv[1] = pid;
	s.argv[2] = how;
	memcpy(s.fds, monitor->fds, sizeof(s.fds));
	s.n_fds = monitor->n;
	return become_role(&s, err);
}
