/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv-dm: what libxl execs as its device model (device_model_override).
 *
 * Plan, then execute: the command line becomes a plan, the plan becomes handles, and then this
 * process takes everything from itself that the plan does not name and becomes QEMU. libxl has
 * recorded its pid, so it stays the same process.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit.h"
#include "configure.h"
#include "fdmsg.h"
#include "filter.h"
#include "handover.h"
#include "launch.h"
#include "supervise.h"
#include "util.h"

#include "../probe/facts.h"

#define PROBE_SOCKET "/qmp-libxl-"

#define SHIM            ROLE_DIR "/qemu-depriv-shim.so"
#define BATTERY         ROLE_DIR "/probe"
#define BATTERY_LIBRARY ROLE_DIR "/qemu-depriv-probe.so"

struct launch {
	struct plan plan;
	struct config config;
	struct resources res;
	struct cgroup cgroup;
	struct roles roles;
	struct identity id;
	struct landlock landlock;
	const char *qemu, *libraries; /* libraries: NULL for the linker's own */
	int argc;                     /* of the toolstack's command line */
	char *const *argv;
	struct shared_fds shared; /* the journal: connected before there is nothing to connect to */
	int unit;                 /* leads to the unit that this launcher runs in; -1: to none */
	int log;                  /* the toolstack's log, when QEMU's standard fds are in place */
};

/* 0, 1 and 2 must be open, or what we open next would become QEMU's standard output. */
static int open_standard_fds(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return error_errno(err, "cannot open /dev/null as fd %d", fd);
	return 0;
}

static int close_undeclared(const struct launch *l, struct error *err)
{
	int keep[PLAN_MAX_KEEP + 1];
	size_t n = l->plan.n_keep_fds;

	memcpy(keep, l->plan.keep_fds, n * sizeof(*keep));
	if (l->unit >= 0)
		keep[n++] = l->unit;
	return fds_close_except(keep, n, err);
}

/*
 * A write to a pipe without reader or beyond RLIMIT_FSIZE fails, and nobody is killed by it: not
 * the roles, and not QEMU, which would ignore the first signal itself.
 */
static int ignore_signals(struct error *err)
{
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return error_errno(err, "cannot ignore SIGPIPE and SIGXFSZ");
	return 0;
}

/*
 * Keeps what argv names, closes all else, and occupies the numbers that argv now names for the
 * fds which are still to be made.
 */
static int arrange_fds(struct launch *l, struct error *err)
{
	const struct plan *plan = &l->plan;

	for (size_t i = 0; i < plan->n_keep_fds; i++) {
		if (fcntl(plan->keep_fds[i], F_GETFD) < 0)
			return error_set(err, "the command line names fd %d, which is not open",
			                 plan->keep_fds[i]);
		if (fds_unblock_listener(plan->keep_fds[i], err) < 0)
			return -1;
	}
	if (close_undeclared(l, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_listeners; i++)
		if (fds_reserve(plan->listeners[i].fd, err) < 0)
			return -1;
	for (size_t i = 0; i < plan->n_taps; i++)
		if (fds_reserve(plan->taps[i].fd, err) < 0)
			return -1;
	return 0;
}

/* libxl's probe names no domain, but its socket does: /var/run/xen/qmp-libxl-DOMID. */
static int domid_of_probe(const struct plan *plan, uint16_t *ret, struct error *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {0};
	const char *name;
	uint64_t n;

	for (size_t i = 0; i < plan->n_keep_fds; i++) {
		socklen_t len = sizeof(addr.un);

		if (getsockname(plan->keep_fds[i], &addr.sa, &len) < 0 ||
		    addr.sa.sa_family != AF_UNIX || len >= sizeof(addr.un))
			continue;
		name = strstr(addr.un.sun_path, PROBE_SOCKET);
		if (name == NULL || !parse_u64(name + strlen(PROBE_SOCKET), 1, UINT16_MAX, &n))
			continue;
		*ret = (uint16_t)n;
		return 0;
	}
	return error_set(err, "-machine none without -xen-domid, and no QMP socket names a domain");
}

static int find_program(struct launch *l, struct error *err)
{
	if (!l->plan.battery)
		return plan_find_qemu(&l->config, &l->qemu, &l->libraries, err);
	l->qemu = BATTERY;
	return access(l->qemu, X_OK) < 0 ? error_errno(err, "%s", l->qemu) : 0;
}

static int prepare(struct launch *l, int argc, char *const argv[], struct error *err)
{
	uint16_t domid;

	if (open_standard_fds(err) < 0 || ignore_signals(err) < 0 ||
	    plan_parse(argc, argv, &l->plan, err) < 0 ||
	    plan_configure(&l->plan, CONFIG_DIR, &l->config, err) < 0 || find_program(l, err) < 0 ||
	    arrange_fds(l, err) < 0)
		return -1;
	domid = l->plan.domid;
	if (l->plan.mode == PLAN_PROBE && domid_of_probe(&l->plan, &domid, err) < 0)
		return -1;
	if (identity_of_qemu(l->plan.run_as, domid, &l->id, err) < 0)
		return -1;
	l->shared.journal = audit_connect(); /* -1: then it will do without */
	return landlock_prepare(&l->plan, &l->config, &l->landlock, err);
}

/* In a unit its main process becomes the monitor, and gets here what a monitor needs. */
static int start_roles(struct launch *l, const struct roles_plan *from, struct error *err)
{
	struct monitor_start monitor = {.n = 0};

	if (roles_start(from, l->unit >= 0 ? &monitor : NULL, &l->roles, err) < 0)
		return -1;
	if (l->unit < 0)
		return 0;
	for (size_t i = 0; i < monitor.n; i++)
		if (handover_send(l->unit, HANDOVER_FD, monitor.fds[i].to, monitor.fds[i].from,
		                  err) < 0)
			return -1;
	/* Should the monitor end, broker and xsfilter must see it: their channels are its alone. */
	for (size_t i = 0; i < monitor.n; i++)
		if (monitor.fds[i].to == MONITOR_BROKER || monitor.fds[i].to == MONITOR_XSFILTER)
			(void)close(monitor.fds[i].from);
	if (handover_send(l->unit, HANDOVER_OUTPUT, 0, monitor.output, err) < 0)
		return -1;
	(void)close(monitor.output); /* or QEMU would not notice that nobody reads */
	return handover_send(l->unit, HANDOVER_END, 0, -1, err);
}

/* In a unit broker and xsfilter stay there: who starts them anew looks for them in it. */
static int make_cgroup(struct launch *l, struct error *err)
{
	if (l->config.need[LAYER_CGROUP] == NEED_IF_AVAILABLE && !cgroup_available())
		return 0;
	if (cgroup_make(&l->cgroup, l->plan.domid, &l->config.limits, err) < 0)
		return -1;
	if (l->unit >= 0)
		close_fdp(&l->cgroup.roles);
	return 0;
}

static void undo_all(void *arg)
{
	struct launch *l = arg;

	resources_undo(&l->plan, &l->res);
	cgroup_undo(&l->cgroup);
	rundir_undo(l->plan.domid);
}

static int make_all(struct launch *l, uint32_t layers, struct error *err)
{
	const struct roles_plan roles = {.plan = &l->plan,
	                                 .res = &l->res,
	                                 .id = &l->id,
	                                 .limits = &l->config.limits,
	                                 .cgroup = &l->cgroup,
	                                 .shared = &l->shared,
	                                 .layers = layers,
	                                 .undo = undo_all,
	                                 .undo_arg = l};

	if (make_cgroup(l, err) < 0 || resources_make(&l->plan, &l->res, err) < 0 ||
	    manifest_make(&roles, &l->shared.manifest, err) < 0 ||
	    rundir_add_manifest(l->plan.domid, l->shared.manifest, err) < 0)
		return -1;
	return start_roles(l, &roles, err);
}

/* Everything that exists outside this process: undone here, or by the monitor once it runs. */
static int make_and_start(struct launch *l, struct error *err)
{
	const bool limited = l->config.need[LAYER_CGROUP] == NEED_YES || cgroup_available();
	const uint32_t layers =
	        LAYERS_CORE | l->landlock.layers | (uint32_t)limited << LAYER_CGROUP;
	const struct rundir_content content = {
	        .plan = &l->plan, .id = &l->id, .layers = layers, .argc = l->argc, .argv = l->argv};

	/* First: a second launch for a domain ends here, and takes nothing of the first one's. */
	if (rundir_make(&content, &l->shared.counters, err) < 0)
		return -1;
	if (make_all(l, layers, err) == 0)
		return 0;
	undo_all(l);
	return -1;
}

/* From here on this process cannot get anything that it does not hold. */
static int confine(struct launch *l, struct error *err)
{
	const struct limits *limits = &l->config.limits;
	sigset_t none;

	/* Neither the toolstack's mask nor one that a fork() of ours could not restore. */
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return error_errno(err, "cannot unblock signals");
	if (limits_set(limits, &l->plan, &l->res, err) < 0 ||
	    jail_enter(&l->plan, &l->res, err) < 0 || credentials_drop(&l->id, err) < 0 ||
	    credentials_assert_alone(&l->id, (unsigned int)limits->pids_max, err) < 0)
		return -1;
	return landlock_confine(&l->landlock, err);
}

/*
 * Nothing comes in, and what goes out goes to the broker. The log itself, which we still have
 * something to say to if the exec fails, is not QEMU's.
 */
static int add_standard_fds(struct launch *l, struct fd_move *moves, size_t *n, struct error *err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0)
		return error_errno(err, "cannot open /dev/null");
	l->log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (l->log < 0)
		return error_errno(err, "cannot keep the log");
	moves[(*n)++] = (struct fd_move){null, STDIN_FILENO};
	moves[(*n)++] = (struct fd_move){l->roles.output, STDOUT_FILENO};
	moves[(*n)++] = (struct fd_move){l->roles.output, STDERR_FILENO};
	return 0;
}

/* The plan's fds at their numbers; everything else goes at the exec. */
static int hand_over_fds(struct launch *l, struct error *err)
{
	const struct plan *plan = &l->plan;
	struct fd_move moves[PLAN_MAX_LISTENERS + PLAN_MAX_TAPS + STDERR_FILENO + 1];
	int keep[ARRAY_SIZE(moves) + PLAN_MAX_KEEP + 2];
	size_t n = 0, n_keep = 0;

	for (size_t i = 0; i < plan->n_listeners; i++)
		moves[n++] = (struct fd_move){l->res.listeners[i], plan->listeners[i].fd};
	for (size_t i = 0; i < plan->n_taps; i++)
		moves[n++] = (struct fd_move){l->res.taps[i], plan->taps[i].fd};
	if (plan->mode == PLAN_GUEST && add_standard_fds(l, moves, &n, err) < 0)
		return -1;
	if (fds_place(moves, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		keep[n_keep++] = moves[i].to;
	for (size_t i = 0; i < plan->n_keep_fds; i++)
		keep[n_keep++] = plan->keep_fds[i];
	if (plan->mode == PLAN_GUEST) {
		keep[n_keep++] = l->res.privcmd;
		keep[n_keep++] = l->res.evtchn;
	}
	if (fds_inherit_only(keep, n_keep, err) < 0)
		return -1;
	for (size_t i = 0; i < n_keep; i++)
		if (fcntl(keep[i], F_SETFD, 0) < 0)
			return error_errno(err, "cannot hand over fd %d", keep[i]);
	return 0;
}

/*
 * Loads the filter and gives its listener to the broker. Ours is closed before the exec: if the
 * broker is gone then, the exec fails at once instead of waiting for an answer.
 */
static int filter_and_hand_over(struct launch *l, struct error *err)
{
	const char kind = 'L';
	cleanup_fd int listener = filter_load_qemu();
	cleanup_fd int broker = l->roles.broker;

	if (listener < 0)
		return error_errno(err, "cannot load the system call filter");
	if (fdmsg_send(broker, &kind, 1, &listener, 1) < 0)
		return roles_error(&l->roles, err, "the broker died before QEMU's start");
	/* systemd keeps it for another broker, should this one end. */
	return l->unit >= 0 ? handover_send(l->unit, HANDOVER_LISTENER, 0, listener, err) : 0;
}

#define ENV_MAX 64

static int become_qemu(struct launch *l, struct error *err)
{
	char domid[ENV_MAX], fds[ENV_MAX], battery[ENV_MAX];
	char preload[] = "LD_PRELOAD=" SHIM,
	     preload_battery[] = "LD_PRELOAD=" SHIM ":" BATTERY_LIBRARY;
	char xenstored[] = "XENSTORED_PATH=/run/xenstored/socket";
	char libraries[sizeof("LD_LIBRARY_PATH=") + PATH_MAX];
	size_t n_env = 4; /* of guest_env, so far */
	char *also = l->libraries != NULL ? libraries : NULL;
	char *guest_env[] = {preload, xenstored, domid, fds, NULL, NULL, NULL};
	char *probe_env[] = {also, NULL};
	bool guest = l->plan.mode == PLAN_GUEST;

	(void)snprintf(libraries, sizeof(libraries), "LD_LIBRARY_PATH=%s",
	               l->libraries != NULL ? l->libraries : "");

	l->plan.argv[0] = (char *)(uintptr_t)l->qemu; /* what QEMU prefixes its messages with */
	(void)snprintf(domid, sizeof(domid), "XEN_DOMAIN_ID=%u", l->plan.domid);
	(void)snprintf(fds, sizeof(fds), "QEMU_DEPRIV_FDS=privcmd:%d,evtchn:%d", l->res.privcmd,
	               l->res.evtchn);
	if (l->plan.battery_fd != 0) {
		(void)snprintf(battery, sizeof(battery), PROBE_ENV "=fd:%d", l->plan.battery_fd);
		guest_env[0] = preload_battery;
		guest_env[n_env++] = battery;
	}
	guest_env[n_env] = also;
	(void)execve(l->qemu, l->plan.argv, guest ? guest_env : probe_env);
	if (guest && (errno == ENOSYS || errno == EIO))
		return roles_error(&l->roles, err, "a helper died before QEMU's start");
	return error_errno(err, "cannot execute %s", l->qemu);
}

static int launch_guest(struct launch *l, struct error *err)
{
	if (make_and_start(l, err) < 0)
		return -1;
	if (confine(l, err) < 0 || roles_started(&l->roles, err) < 0)
		return -1;
	cgroup_release(&l->cgroup);
	if (hand_over_fds(l, err) < 0 || filter_and_hand_over(l, err) < 0)
		return -1;
	return become_qemu(l, err);
}

/* No domain, no handles, no roles: QEMU answers libxl's question about its options and goes. */
static int launch_probe(struct launch *l, struct error *err)
{
	if (confine(l, err) < 0 || hand_over_fds(l, err) < 0)
		return -1;
	if (filter_load_probe() < 0)
		return error_errno(err, "cannot load the system call filter");
	return become_qemu(l, err);
}

/*
 * As the host's default (qemu-depriv enable) this is also what Xen's init script runs to serve
 * backends of dom0 itself: root's own QEMU, for root. It is none that could be confined to a
 * domain. By its own name this program never runs an unconfined QEMU.
 */
static bool is_for_dom0(char *argv[])
{
	const char *name = strrchr(argv[0], '/');

	if (strcmp(name != NULL ? name + 1 : argv[0], "xen-qemu-system-i386") != 0)
		return false;
	for (size_t i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++)
		if (strcmp(argv[i], "-xen-domid") == 0)
			return strcmp(argv[i + 1], "0") == 0;
	return false;
}

static int become_qemu_of_dom0(char *argv[], struct error *err)
{
	const char *qemu, *libraries;
	struct config config;

	if (config_read(CONFIG_DIR, NULL, &config, err) < 0 ||
	    plan_find_qemu(&config, &qemu, &libraries, err) < 0)
		return -1;
	if (libraries != NULL && setenv("LD_LIBRARY_PATH", libraries, 1) < 0)
		return error_errno(err, "cannot set LD_LIBRARY_PATH");
	(void)execv(qemu, argv);
	return error_errno(err, "cannot execute %s", qemu);
}

/* In the root of QEMU there is no journal: one that failed before has not been connected yet. */
static void report(struct launch *l, const char *message)
{
	/* It goes to standard error, which may be the broker's by now. QEMU's filter has no dup2().
	 */
	if (l->log > STDERR_FILENO) {
		(void)close(STDERR_FILENO);
		(void)fcntl(l->log, F_DUPFD_CLOEXEC, STDERR_FILENO);
	}
	audit_init(NULL, l->shared.journal >= 0 ? l->shared.journal : audit_connect());
	audit_domain(l->plan.domid, l->plan.name, l->id.uid);
	audit(AUDIT_FAILED, "launch", "%s", message);
}

int main(int argc, char *argv[])
{
	struct launch l = {.cgroup = CGROUP_NONE,
	                   .argc = argc,
	                   .argv = argv,
	                   .shared = {-1, -1, -1},
	                   .unit = -1,
	                   .log = STDERR_FILENO};
	struct error err;

	resources_init(&l.res);
	if (argc > 0 && is_for_dom0(argv)) {
		(void)become_qemu_of_dom0(argv, &err);
	} else if (supervise_find_unit(&l.unit, &err) == 0 && credentials_limit(&err) == 0 &&
	           prepare(&l, argc, argv, &err) == 0) {
		if (l.plan.mode == PLAN_PROBE)
			(void)launch_probe(&l, &err);
		else if (l.unit < 0 && !l.plan.battery && supervise_wanted(l.config.supervision))
			(void)supervise_become_standin(&l.plan, argv, &err);
		else
			(void)launch_guest(&l, &err);
	}
	if (l.unit >= 0)
		handover_error(l.unit, &err);
	report(&l, err.msg);
	/* It may be moving us: our pid must not become another process's meanwhile. */
	if (l.roles.starter > 0)
		(void)roles_started(&l.roles, &err);
	return EXIT_FAILURE;
}
