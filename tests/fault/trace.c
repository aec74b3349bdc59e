/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the launcher under ptrace. Only the process of the point is stopped at its system calls, and
 * only until the point: everything else runs as it would.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "sweep.h"
#include "util.h"

#define OPTIONS                                                                                    \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

#define PROCESSES  64
#define SAID_MAX   (1 << 16)
#define TIMEOUT_MS 15000 /* far beyond a launch, 0.2 s on the emulated Xen */

struct process {
	pid_t pid;             /* 0: free */
	char label[LABEL_MAX]; /* "": its parent's fork was not seen yet */
	unsigned int calls, children;
	bool waiting;  /* stopped until its parent's fork is seen */
	bool injected; /* in the call whose result we write */
};

static struct process processes[PROCESSES];

static struct run {
	const struct point *point;
	struct outcome *out;
	const char *payload;
	pid_t launcher;
	bool over; /* the point was hit or the payload runs: nothing is traced any more */
} run;

static struct process *find(pid_t pid)
{
	struct process *empty = NULL;

	for (size_t i = 0; i < PROCESSES; i++) {
		if (processes[i].pid == pid)
			return &processes[i];
		if (processes[i].pid == 0 && empty == NULL)
			empty = &processes[i];
	}
	if (empty == NULL)
		die("too many processes");
	*empty = (struct process){.pid = pid};
	return empty;
}

/* What ld.so and libc do before main(): everything else is ours. */
static bool is_libc_s(long call)
{
	static const long calls[] = {
	        SYS_execve, SYS_brk,       SYS_arch_prctl, SYS_access,          SYS_openat,
	        SYS_fstat,  SYS_mmap,      SYS_newfstatat, SYS_set_tid_address, SYS_close,
	        SYS_read,   SYS_pread64,   SYS_mprotect,   SYS_set_robust_list, SYS_munmap,
	        SYS_rseq,   SYS_prlimit64, SYS_getrandom,  SYS_readlink,        SYS_readlinkat,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == call)
			return true;
	return false;
}

/* A call that may be left out without that the host is changed, as by a mount in its namespace. */
static bool is_harmless(const struct __ptrace_syscall_info *info)
{
	static const unsigned long calls[] = {
	        SYS_close_range, SYS_prlimit64, SYS_prctl,   SYS_capset, SYS_setresuid,
	        SYS_setresgid,   SYS_setgroups, SYS_seccomp, SYS_fcntl,  SYS_chdir,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == info->entry.nr)
			return true;
	/* Read-only and the like; not the one that keeps the mounts to itself. */
	return info->entry.nr == SYS_mount_setattr && (info->entry.args[2] & AT_RECURSIVE) == 0;
}

/* Counts the call for its process. */
static void count(struct process *p, const struct __ptrace_syscall_info *info)
{
	static bool in_main;
	struct outcome *out = run.out;
	size_t i = 0;

	while (i < out->n_labels && strcmp(out->labels[i].name, p->label) != 0)
		i++;
	if (i == LABELS_MAX || p->calls == CALLS_MAX)
		die("too many processes or calls");
	if (i == out->n_labels) {
		(void)snprintf(out->labels[i].name, LABEL_MAX, "%s", p->label);
		out->n_labels++;
		in_main = strchr(p->label, '/') != NULL; /* a child goes on where it was forked */
	}
	out->call = (long)info->entry.nr;
	out->labels[i].calls[p->calls].number = out->call;
	out->labels[i].calls[p->calls].harmless = is_harmless(info);
	out->labels[i].n_calls = ++p->calls;
	in_main = in_main || !is_libc_s(out->call);
	out->before_main = !in_main;
}

static bool is_target(const struct process *p)
{
	return run.point->label != NULL && strcmp(p->label, run.point->label) == 0;
}

static void resume(struct process *p, int signal)
{
	const bool stop = !run.over && (is_target(p) || run.point->label == NULL);

	/* ESRCH: it was killed. */
	if (ptrace(stop || p->injected ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, 0, signal) < 0 &&
	    errno != ESRCH)
		die("cannot resume %d", p->pid);
}

/* The call becomes getpid, which every filter permits, and its result what the point says. */
static void inject(struct process *p)
{
	struct user_regs_struct regs;

	run.out->hit = run.over = true;
	if (run.point->fault == FAULT_KILL) {
		(void)kill(p->pid, SIGKILL);
		return;
	}
	if (ptrace(PTRACE_GETREGS, p->pid, 0, &regs) < 0)
		die("cannot read registers");
	regs.orig_rax = SYS_getpid;
	if (ptrace(PTRACE_SETREGS, p->pid, 0, &regs) < 0)
		die("cannot write registers");
	p->injected = true;
}

static void finish_injection(struct process *p)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, p->pid, 0, &regs) < 0)
		return; /* killed meanwhile */
	regs.rax = (unsigned long long)(run.point->fault == FAULT_LIE ? 0 : -run.point->error);
	(void)ptrace(PTRACE_SETREGS, p->pid, 0, &regs);
	p->injected = false;
}

static void on_call(struct process *p)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) < 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->injected)
		finish_injection(p);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || run.over || p->label[0] == '\0')
		return;
	count(p, &info);
	if (is_target(p) && p->calls == run.point->nth)
		inject(p);
}

static void on_fork(struct process *p)
{
	unsigned long pid;
	struct process *child;

	if (ptrace(PTRACE_GETEVENTMSG, p->pid, 0, &pid) < 0)
		return;
	child = find((pid_t)pid);
	(void)snprintf(child->label, LABEL_MAX, "%.40s/%u", p->label, ++p->children);
	if (child->waiting) {
		child->waiting = false;
		resume(child, 0);
	}
}

/* The first exec of the launcher's own process is the launcher's, the next one is the payload's. */
static void on_exec(struct process *p)
{
	char path[64], target[4096];
	const char *name;
	struct stat st, wanted;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	if (p->pid != run.launcher)
		(void)snprintf(p->label, LABEL_MAX, "%.40s", name != NULL ? name + 1 : target);
	else if (p->label[0] == '\0')
		(void)snprintf(p->label, LABEL_MAX, "launcher");
	p->calls = p->children = 0;
	if (run.out->payload && p->pid == run.launcher)
		run.out->second_exec = true;
	else if (stat(path, &st) == 0 && stat(run.payload, &wanted) == 0 &&
	         st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev) {
		run.out->payload = true;
		run.over = true;
		look_at_process(p->pid, &run.out->look);
	}
}

static void on_stop(struct process *p, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		on_call(p);
		signal = 0;
	} else if (status >> 16 == PTRACE_EVENT_EXEC) {
		on_exec(p);
		signal = 0;
	} else if (status >> 16 != 0) {
		on_fork(p);
		signal = 0;
	} else if (signal == SIGSTOP) { /* every new process begins so; nobody else sends it */
		signal = 0;
		if (p->label[0] == '\0' && p->pid != run.launcher) {
			p->waiting = true;
			return;
		}
	}
	resume(p, signal);
}

static pid_t start(char *const argv[], int said)
{
	const pid_t pid = fork();

	if (pid < 0)
		die("cannot fork");
	if (pid > 0)
		return pid;
	if (dup2(said, STDERR_FILENO) < 0 || dup2(said, STDOUT_FILENO) < 0 ||
	    ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 || raise(SIGSTOP) != 0)
		_exit(126);
	(void)execv(argv[0], argv);
	_exit(127);
}

static long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void kill_all(void)
{
	run.out->hung = true;
	for (size_t i = 0; i < PROCESSES; i++)
		if (processes[i].pid != 0)
			(void)kill(processes[i].pid, SIGKILL);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* SIGALRM each second makes waitpid() come back. */
static void set_timer(time_t seconds)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	const struct itimerval interval = {{seconds, 0}, {seconds, 0}};

	if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &interval, NULL) < 0)
		die("cannot set a timer");
}

/* Until every process that came of it has ended. */
static void follow(void)
{
	const long end = now_ms() + TIMEOUT_MS;
	int status;
	pid_t pid;

	set_timer(1);
	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == ECHILD)
			break;
		if (now_ms() > end)
			kill_all();
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			on_stop(find(pid), status);
			continue;
		}
		if (pid == run.launcher)
			run.out->status = status;
		find(pid)->pid = 0;
	}
	set_timer(0);
}

static void read_said(int fd, struct text *ret)
{
	static char buf[SAID_MAX + 1];
	const ssize_t n = pread(fd, buf, SAID_MAX, 0);

	buf[n < 0 ? 0 : n] = '\0';
	text_add(ret, "%s", buf);
}

void trace_run(char *const argv[], const char *payload, const struct point *point,
               struct outcome *ret)
{
	/* Not a pipe, which nobody would empty. */
	cleanup_fd int said = memfd_create("said", MFD_CLOEXEC);
	struct process *launcher;
	int status;

	memset(processes, 0, sizeof(processes));
	memset(ret, 0, sizeof(*ret));
	if (said < 0 || fcntl(said, F_SETFL, O_APPEND) < 0)
		die("cannot make a log");
	run = (struct run){.point = point, .out = ret, .payload = payload};
	run.launcher = start(argv, said);
	if (waitpid(run.launcher, &status, __WALL) != run.launcher || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, run.launcher, 0, OPTIONS) < 0)
		die("cannot trace the launcher");
	launcher = find(run.launcher);
	resume(launcher, 0);
	follow();
	read_said(said, &ret->said);
	if (ret->look.s == NULL)
		text_add(&ret->look, "%s", "");
}

void outcome_free(struct outcome *o)
{
	text_free(&o->look);
	text_free(&o->said);
}
