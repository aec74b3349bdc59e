/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "util.h"

/* Root's uid means nothing any more, and none of this can be taken back (capabilities(7)). */
#define SECUREBITS                                                                                 \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

#define BIT(cap) (UINT64_C(1) << (cap))

/*
 * What is left in the bounding set from the start: images of other users; ending QEMU; QEMU's
 * /proc/PID/mem (the monitor drops it once that is open). An exec as root gives exactly these.
 */
#define MONITOR_CAPS (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_KILL) | BIT(CAP_SYS_PTRACE))

/*
 * System calls rather than libcap-ng, which asks the kernel some 80 questions and reads /proc for
 * each process that it empties: a third of all calls of a launch.
 */
static int drop_bounding(uint64_t caps, struct error *err)
{
	for (unsigned int cap = 0; cap < 64; cap++) {
		if ((caps & BIT(cap)) == 0 || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* The first one that this kernel does not have. */
		if (errno == EINVAL && cap > CAP_SYS_PTRACE)
			return 0;
		return error_errno(err, "cannot drop capability %u from the bounding set", cap);
	}
	return 0;
}

static bool bounding_is_empty(void)
{
	for (unsigned int cap = 0; cap < 64; cap++) {
		int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (r != 0)
			return r < 0 && errno == EINVAL && cap > CAP_SYS_PTRACE;
	}
	return true;
}

/* Empties the permitted, effective and inheritable sets, and with them the ambient one. */
static int drop_sets(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return (int)syscall(SYS_capset, &header, none);
}

static bool sets_are_empty(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t any = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		any |= data[i].effective | data[i].permitted | data[i].inheritable;
	return any == 0;
}

int credentials_limit(struct error *err)
{
	return drop_bounding(~MONITOR_CAPS, err);
}

static int become(const struct identity *id, struct error *err)
{
	if (setgroups(0, NULL) < 0)
		return error_errno(err, "cannot drop the supplementary groups");
	if (setresgid(id->gid, id->gid, id->gid) < 0)
		return error_errno(err, "cannot become gid %u", id->gid);
	if (setresuid(id->uid, id->uid, id->uid) < 0)
		return error_errno(err, "cannot become uid %u", id->uid);
	return 0;
}

/* Tries to get back each thing that was given up. */
static int prove(const struct identity *id, struct error *err)
{
	uid_t uids[3];
	gid_t gids[3];

	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return error_errno(err, "cannot read the own ids");
	for (size_t i = 0; i < 3; i++)
		if (uids[i] != id->uid || gids[i] != id->gid)
			return error_set(err, "an id is still not that of uid %u", id->uid);
	if (getgroups(0, NULL) != 0)
		return error_set(err, "supplementary groups are left");
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || setgroups(0, NULL) == 0)
		return error_set(err, "root's ids could be taken back");
	if (!sets_are_empty() || !bounding_is_empty())
		return error_set(err, "capabilities are left");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0)
		return error_set(err, "an ambient capability could be raised");
	if (prctl(PR_GET_SECUREBITS) != SECUREBITS || prctl(PR_SET_SECUREBITS, 0) == 0)
		return error_set(err, "the securebits are not locked");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return error_set(err, "no_new_privs is not set");
	return 0;
}

int credentials_drop(const struct identity *id, struct error *err)
{
	/* First what needs CAP_SETPCAP; with the fixup off, only capset empties the other sets. */
	if (drop_bounding(MONITOR_CAPS, err) < 0)
		return -1;
	if (prctl(PR_SET_SECUREBITS, SECUREBITS) < 0)
		return error_errno(err, "cannot lock the securebits");
	if (become(id, err) < 0)
		return -1;
	if (drop_sets() < 0)
		return error_errno(err, "cannot drop the capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "cannot set no_new_privs");
	return prove(id, err);
}

int credentials_for_monitor(struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, "cannot become plain root");
	return 0;
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/*
 * libxl's probe run has the same uid. It may only just have ended, and is counted until libxl has
 * waited for it, which takes ms, but longer on a busy host.
 */
#define TRIES    200
#define PAUSE_MS 10

/*
 * The kernel counts the threads of each uid, in every namespace, zombies included. A child that
 * succeeds under a limit of two proves that there is no third: one system call instead of reading
 * all of /proc, and nothing to race with.
 */
int credentials_assert_alone(const struct identity *id, unsigned int max_threads, struct error *err)
{
	struct rlimit limit = {.rlim_cur = 2, .rlim_max = max_threads};
	pid_t pid = -1;

	if (setrlimit(RLIMIT_NPROC, &limit) < 0)
		return error_errno(err, "cannot set RLIMIT_NPROC");
	for (int i = 0; i < TRIES; i++) {
		pid = child_start(do_nothing, NULL);
		if (pid >= 0 || errno != EAGAIN)
			break;
		(void)poll(NULL, 0, PAUSE_MS);
		errno = EAGAIN;
	}
	if (pid < 0 && errno == EAGAIN)
		return error_set(err, "uid %u still has a process: refused", id->uid);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return error_errno(err, "cannot see whether uid %u has a process", id->uid);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NPROC, &limit) < 0)
		return error_errno(err, "cannot set RLIMIT_NPROC");
	return 0;
}
