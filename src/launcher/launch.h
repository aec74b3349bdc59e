/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying a plan out. Each file below is one step; main.c says in which order and why.
 * Every function returns 0, or -1 with err; nothing is undone here unless it says so.
 */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "config.h"
#include "error.h"
#include "landlock.h"
#include "limit.h"
#include "plan.h"
#include "role.h"

/* A user and group to become. */
struct identity {
	uid_t uid;
	gid_t gid;
};

/* identity.c ---------------------------------------------------------------------------------- */

/*
 * The device model's user as libxl chooses it: run_as ("uid:gid" or a user's name) if given, else
 * xen-qemuuser-range-base + domid, unless that uid is a named user's. Never uid 0.
 */
int identity_of_qemu(const char *run_as, uint16_t domid, struct identity *ret, struct error *err);

/* The system user of a role: one of /etc/passwd. */
int identity_of_user(const char *name, struct identity *ret, struct error *err);

/* credentials.c ------------------------------------------------------------------------------- */

/*
 * Before anything is started: no program that this process or a child of it execs will have any
 * capability but those that the monitor needs. What this process has it keeps.
 */
int credentials_limit(struct error *err);

/*
 * Become id for ever: no groups, no capability in any set, securebits locked, no_new_privs. Each
 * drop is then tried to be undone; success of any such attempt is an error.
 */
int credentials_drop(const struct identity *id, struct error *err);

/* Stay root: after credentials_limit() and the next exec with the monitor's capabilities. */
int credentials_for_monitor(struct error *err);

/*
 * Asserts, as the new user, that no other process in the system has this uid, and limits it to
 * max threads from now on. Waits two seconds for one that is ending. Call after credentials_drop().
 */
int credentials_assert_alone(const struct identity *id, unsigned int max_threads,
                             struct error *err);

/* child.c ------------------------------------------------------------------------------------- */

/*
 * A child that runs on our memory, while we wait, until it execs or exits; its fds, ids and
 * capabilities are its own. A fork would copy page tables and then pages, twice, for a child that
 * gives up all of it at once. What run() returns is its exit status, and what it leaves in memory
 * is seen here. Returns the child's pid, or -1 with errno. Not for two threads at a time.
 */
pid_t child_start(int (*run)(void *arg), void *arg);

/* fds.c --------------------------------------------------------------------------------------- */

/* An fd of ours and the number it must have after the exec. */
struct fd_move {
	int from, to;
};

/*
 * Occupies number fd, which nothing may use yet, with /dev/null, so that nothing opened from now
 * on gets it before fds_place() puts the right one there.
 */
int fds_reserve(int fd, struct error *err);

/* Closes all fds above 2 that are not in keep (at most PLAN_MAX_KEEP + all that we reserve). */
int fds_close_except(const int *keep, size_t n, struct error *err);

/*
 * Puts each move's fd at its number, inheritable over exec. The order does not matter: all are
 * first copied above every target.
 */
int fds_place(const struct fd_move *moves, size_t n, struct error *err);

/* Marks all fds above 2 close-on-exec but those in keep. */
int fds_inherit_only(const int *keep, size_t n, struct error *err);

/*
 * If fd is a listening socket, makes its accept() return at once. QEMU moves a monitor's listener
 * from its main thread to another when a client may already be there: both see the client, one
 * gets it, and the other would wait in accept() for ever (seen with QEMU 7.2).
 */
int fds_unblock_listener(int fd, struct error *err);

/* cgroup.c ------------------------------------------------------------------------------------ */

struct cgroup {
	char name[32]; /* "xen-dm-DOMID.scope" */
	char path[96]; /* where it is */
	bool own;      /* no systemd: we remove it */
	int slice;     /* locked against removal until the exec; -1 with systemd */
	int base;      /* the scope */
	int roles;     /* its group for the roles */
	int procs;     /* cgroup.procs of its group for QEMU: whoever's pid is written goes there */
	int helper;    /* with systemd: open as long as the scope must live without us */
	pid_t helper_pid; /* a child, or -1 */
};

#define CGROUP_NONE                                                                                \
	{                                                                                          \
		.slice = -1, .base = -1, .roles = -1, .procs = -1, .helper = -1, .helper_pid = -1  \
	}

/* Whether the host has control groups of version 2, and no others, where they belong. */
bool cgroup_available(void);

/* Makes the domain's groups and sets their limits. Nothing is left of them after an error. */
int cgroup_make(struct cgroup *c, uint16_t domid, const struct limits *limits, struct error *err);

/* Everybody is inside: gives up all but the lock. */
void cgroup_release(struct cgroup *c);

/* Removes the groups, which are still empty. */
void cgroup_undo(struct cgroup *c);

/* For a process that was started in one of the groups and wants to remove them. */
void cgroup_leave(const struct cgroup *c);

/* resources.c --------------------------------------------------------------------------------- */

/* What the plan's names became. All fds are close-on-exec; -1 where there is none (yet). */
struct resources {
	int privcmd, evtchn;       /* restricted */
	int files[PLAN_MAX_FILES]; /* O_PATH */
	struct stat file_stats[PLAN_MAX_FILES];
	int dirs[PLAN_MAX_DIRS]; /* O_PATH */
	int listeners[PLAN_MAX_LISTENERS];
	struct stat listener_stats[PLAN_MAX_LISTENERS];
	int taps[PLAN_MAX_TAPS];
};

void resources_init(struct resources *res);

/* Opens, binds and creates all of it. On error the caller calls resources_undo(). */
int resources_make(const struct plan *plan, struct resources *res, struct error *err);

/* Removes the sockets from the file system and closes everything (which removes the taps). */
void resources_undo(const struct plan *plan, struct resources *res);

/* manifest.c ---------------------------------------------------------------------------------- */

/* What all roles, or most of them, get a copy of. */
struct shared_fds {
	int manifest;
	int counters;
	int journal;
};

/* What the roles get of what the launcher has. */
struct roles_plan {
	const struct plan *plan;
	const struct resources *res;
	const struct identity *id;
	const struct limits *limits;
	const struct cgroup *cgroup;
	const struct shared_fds *shared; /* the manifest: as soon as it has been made */
	uint32_t layers;                 /* bit for each layer that this launch will have */
	void (*undo)(void *arg);         /* removes all that was made outside of this process */
	void *undo_arg;
};

/* A sealed memfd with the part of the plan that the roles need. The caller owns *ret_fd. */
int manifest_make(const struct roles_plan *from, int *ret_fd, struct error *err);

/* rundir.c ------------------------------------------------------------------------------------ */

struct rundir_content {
	const struct plan *plan;
	const struct identity *id;
	uint32_t layers; /* bit for each layer that this launch will have */
	int argc;
	char *const *argv; /* as the toolstack gave it */
};

/*
 * Makes /run/qemu-depriv/DOMID with the command line and the counters, in the place of what a
 * killed monitor has left, and removes what such ones of other domains have. *ret_counters is the
 * counters file, close-on-exec and the caller's, whose lock every copy of it holds: while there is
 * one, the domain can have no second device model.
 */
int rundir_make(const struct rundir_content *from, int *ret_counters, struct error *err);

/* Adds a copy of the manifest. */
int rundir_add_manifest(uint16_t domid, int manifest, struct error *err);

/* Removes it all. */
void rundir_undo(uint16_t domid);

/* roles.c ------------------------------------------------------------------------------------- */

struct roles {
	pid_t starter; /* our child until roles_started() */
	int broker;    /* socket for the seccomp listener */
	int errors;    /* pipe: the message of a role that could not be exec'd */
	int output;    /* pipe: QEMU's standard output and error, which the broker reads */
};

#define ROLE_MAX_FDS (MONITOR_FILES + PLAN_MAX_FILES + PLAN_MAX_DIRS)

/* The fds of a monitor that somebody else becomes: the main process of the domain's unit. */
struct monitor_start {
	struct fd_move fds[ROLE_MAX_FDS];
	size_t n;
	int output; /* no fd of the monitor's: the broker's end of QEMU's output, for another broker
	             */
};

/*
 * Starts broker and xsfilter, none of them our child, and the monitor as well, unless `monitor` is
 * given: then that is filled in, and its fds are the caller's. Puts us into QEMU's control group
 * meanwhile.
 */
int roles_start(const struct roles_plan *from, struct monitor_start *monitor, struct roles *ret,
                struct error *err);

/*
 * Starts broker and xsfilter for a QEMU that runs; adds the monitor's ends of their channels to
 * `monitor`. The new broker waits for the listener at ret->broker, and reads QEMU's output from
 * monitor->output, which is closed.
 */
int roles_resume(unsigned int domid_of_qemu, const struct shared_fds *shared, int pidfd,
                 struct monitor_start *monitor, struct roles *ret, struct error *err);

/* Executes the monitor in this process. how: ROLE_UNIT or ROLE_RESUMED. Returns only with err. */
int roles_become_monitor(const struct monitor_start *monitor, pid_t qemu, const char *how,
                         struct error *err);

/* Waits for the process that does both. */
int roles_started(struct roles *roles, struct error *err);

/* Returns -1; err is what a role that could not be exec'd said, or else the sentence given. */
int roles_error(const struct roles *roles, struct error *err, const char *otherwise);

/* jail.c -------------------------------------------------------------------------------------- */

/* Enters new namespaces and the root that holds nothing but what the plan names. */
int jail_enter(const struct plan *plan, const struct resources *res, struct error *err);

/* landlock-qemu.c ----------------------------------------------------------------------------- */

struct landlock {
	int ruleset; /* -1: this kernel has no Landlock, and the configuration does without */
	struct landlock_rights deny;
	uint32_t layers; /* bit per enum layer that QEMU will have of it */
};

/* Which layers a kernel with this ABI has. */
uint32_t landlock_layers(int abi);

/* While the host's files are in sight. An error if the kernel lacks a required layer. */
int landlock_prepare(const struct plan *plan, const struct config *config, struct landlock *ret,
                     struct error *err);

/* In the jail, with no_new_privs set: enters the domain, and asserts that it refuses. */
int landlock_confine(struct landlock *l, struct error *err);

/* limits.c ------------------------------------------------------------------------------------ */

struct limit {
	int resource; /* RLIMIT_* */
	const char *name;
	rlim_t value;
};

/* Those that no configuration changes. */
extern const struct limit limits_fixed[];
extern const size_t limits_n_fixed;

/*
 * Replace the rlimits that libxl or the administrator's shell left, for QEMU and for a role. Need
 * privilege.
 */
int limits_set(const struct limits *limits, const struct plan *plan, const struct resources *res,
               struct error *err);
int limits_set_role(const struct limits *limits, struct error *err);

/*
 * RLIMIT_FSIZE in bytes: what the configuration says, or else the largest size that any writable
 * image of the plan can rightly come to, or LIMIT_NONE if that cannot be told.
 */
uint64_t limits_file_size(const struct limits *limits, const struct plan *plan,
                          const struct resources *res);
