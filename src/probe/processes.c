/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes: monitor, broker, xsfilter, another guest's QEMU and init, by each call that takes a
 * pid. Signals are number 0 and values are those that are set already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"

/* In arg: stands for the pid. */
#define PID (~0UL - 1)

typedef int target_fn(const struct attempt *self, int pid);

/* The first answer of a target that is no refusal, else the last. */
static int each_target(target_fn *try, const struct attempt *self, const struct facts *facts)
{
	const int pids[] = {facts->monitor, facts->broker, facts->xsfilter, facts->foreign_qemu, 1};
	int r = OUTCOME_NOTHING;

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		if (pids[i] == 0)
			continue;
		r = try(self, pids[i]);
		if (!is_refusal(self, r))
			break;
	}
	return r;
}

static int call_on(const struct attempt *self, int pid)
{
	unsigned long a[ARRAY_SIZE(self->arg)];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = self->arg[i] == PID ? (unsigned long)pid : self->arg[i];
	r = (int)syscall(self->call, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (r > 0 && self->call == SYS_pidfd_open)
		(void)close(r);
	return outcome_of(r);
}

static int on_all(const struct attempt *self, const struct facts *facts)
{
	return each_target(call_on, self, facts);
}

static int open_proc_of(const struct attempt *self, int pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, self->text);
	return outcome_of_fd(open(path, (int)self->arg[0] | O_CLOEXEC));
}

static int open_proc(const struct attempt *self, const struct facts *facts)
{
	return each_target(open_proc_of, self, facts);
}

static const struct attempt processes[] = {
        {"kill", on_all, SYS(kill, PID, 0), REFUSED(EPERM), .why = "ends another process"},
        {"kill-all", SYS(kill, -1UL, 0), REFUSED(EPERM), .why = "ends every process"},
        {"tkill", on_all, SYS(tkill, PID, 0), REFUSED(EPERM), .why = "ends another process"},
        {"tgkill", on_all, SYS(tgkill, PID, PID, 0), REFUSED(EPERM, ESRCH),
         .why = "QEMU may make this call: its uid reaches nobody"},
        {"rt_sigqueueinfo", on_all, SYS(rt_sigqueueinfo, PID, 0, BAD), REFUSED(EPERM),
         REACHED(EFAULT), .why = "signals another process"},
        {"rt_tgsigqueueinfo", on_all, SYS(rt_tgsigqueueinfo, PID, PID, 0, BAD), REFUSED(EPERM),
         REACHED(EFAULT), .why = "signals another process"},
        {"pidfd_open", on_all, SYS(pidfd_open, PID, 0), REFUSED(EPERM), .why = "a handle"},
        {"pidfd_send_signal", SYS(pidfd_send_signal, -1UL, 0, 0, 0), REFUSED(EPERM), REACHED(EBADF),
         .why = "signals another process"},
        {"pidfd_getfd", SYS(pidfd_getfd, -1UL, 0, 0), KILLS, REACHED(EBADF),
         .why = "takes another's fds"},
        {"ptrace", on_all, SYS(ptrace, PTRACE_SEIZE, PID, 0, 0), KILLS, .why = "another's memory"},
        {"process_vm_readv", on_all, SYS(process_vm_readv, PID), KILLS, .why = "another's memory"},
        {"process_vm_writev", on_all, SYS(process_vm_writev, PID), KILLS,
         .why = "another's memory"},
        {"process_madvise", SYS(process_madvise, -1UL, 0, 0, 0, 0), REFUSED(EPERM),
         REACHED(EBADF, EINVAL), .why = "another's memory"},
        {"process_mrelease", SYS(process_mrelease, -1UL, 0), REFUSED(EPERM), REACHED(EBADF),
         .why = "another's memory"},
        {"move_pages", on_all, SYS(move_pages, PID), REFUSED(EPERM), .why = "another's memory"},
        {"migrate_pages", on_all, SYS(migrate_pages, PID), REFUSED(EPERM), REACHED(EINVAL),
         .why = "another's memory"},
        {"kcmp", on_all, SYS(kcmp, PID, PID, 1), REFUSED(EPERM), .why = "where objects lie"},
        {"get_robust_list", on_all, SYS(get_robust_list, PID, BAD, BAD), REFUSED(EPERM),
         REACHED(EFAULT), .why = "addresses of another process"},
        {"prlimit", on_all, SYS(prlimit64, PID, RLIMIT_NOFILE, 0, 0), REFUSED(EPERM),
         .why = "another's limits"},
        {"setpriority", on_all, SYS(setpriority, PRIO_PROCESS, PID, 0), REFUSED(EPERM),
         .why = "another's priority"},
        {"setpriority-own", SYS(setpriority, PRIO_PROCESS, 0, -20UL), REFUSED(EPERM),
         .why = "runs before everybody else"},
        {"ioprio_set", on_all, SYS(ioprio_set, 1, PID, 0), REFUSED(EPERM),
         .why = "another's priority"},
        {"sched_setscheduler", on_all, SYS(sched_setscheduler, PID, 0, BAD), REFUSED(EPERM),
         REACHED(EFAULT), .why = "another's priority"},
        {"sched_setparam", on_all, SYS(sched_setparam, PID, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "another's priority"},
        {"sched_setattr", on_all, SYS(sched_setattr, PID, BAD, 0), REFUSED(EPERM), REACHED(EFAULT),
         .why = "another's priority"},
        {"sched_setaffinity", on_all, SYS(sched_setaffinity, PID, 0, BAD), REFUSED(EPERM),
         REACHED(EINVAL), .why = "ties another to a CPU"},
        {"proc-mem", open_proc, .text = "mem", NUMBER(O_RDWR), REFUSED(ENOENT, EACCES),
         .why = "another's memory"},
        {"proc-fd", open_proc, .text = "fd", NUMBER(O_RDONLY), REFUSED(ENOENT, EACCES),
         .why = "another's fds"},
        {"proc-root", open_proc, .text = "root/etc/shadow", NUMBER(O_RDONLY),
         REFUSED(ENOENT, EACCES), .why = "the host's files"},
        {"proc-environ", open_proc, .text = "environ", NUMBER(O_RDONLY), REFUSED(ENOENT, EACCES),
         .why = "another's secrets"},
        {"proc-oom_score_adj", open_proc, .text = "oom_score_adj", NUMBER(O_WRONLY),
         REFUSED(ENOENT, EACCES), .why = "who dies when memory is short"},
        {"proc-own-oom_score_adj", open_proc, .text = "../self/oom_score_adj", NUMBER(O_WRONLY),
         REFUSED(ENOENT, EACCES), .why = "to be the last that dies"},
        {"shmget", SYS(shmget, 0x71647072, 0, 0), REFUSED(EPERM), REACHED(ENOENT),
         .why = "memory shared with others"},
        {"semget", SYS(semget, 0x71647072, 0, 0), REFUSED(EPERM), REACHED(ENOENT),
         .why = "semaphores shared with others"},
        {"msgget", SYS(msgget, 0x71647072, 0), REFUSED(EPERM), REACHED(ENOENT),
         .why = "queues shared with others"},
        {"mq_open", SYS(mq_open, P("qemu-depriv-probe"), 0, 0, 0), REFUSED(EPERM), REACHED(ENOENT),
         .why = "queues shared with others"},
};

const struct group probe_processes =
        GROUP(processes, "monitor, broker, xsfilter, another guest's QEMU, init");
