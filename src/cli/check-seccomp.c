/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a filter is loaded in every thread, and that it is the one this build ships.
 *
 * The kernel gives a filter out to a tracer only, and only of a stopped thread. So one thread is
 * stopped, by PTRACE_SEIZE and PTRACE_INTERRUPT, which send no signal and restart its system call,
 * for as long as it takes to copy the program: some tens of microseconds, which are measured and
 * told. If this process dies meanwhile, the kernel lets the thread go on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/filter.h>

#include "check.h"
#include "filter.h"
#include "util.h"

/* Instructions of a filter at most: BPF_MAXINSNS. */
#define PROGRAM_MAX 4096
/* Filters of one process that are looked at. */
#define FILTERS_MAX 4

/* How long to wait for the stop: a thread in the midst of disk I/O does not stop at once. */
#define WAIT_MS 500

static const struct {
	enum role role;
	const char *name;
} shipped[] = {
        {ROLE_QEMU, "qemu"},     {ROLE_PROBE, "probe"},       {ROLE_MONITOR, "monitor"},
        {ROLE_BROKER, "broker"}, {ROLE_XSFILTER, "xsfilter"},
};

/* The first filter that was loaded must be this one. */
static const enum role wanted[PROCESS_MAX_] = {
        [PROCESS_QEMU] = ROLE_QEMU,
        [PROCESS_MONITOR] = ROLE_MONITOR,
        [PROCESS_BROKER] = ROLE_BROKER,
        [PROCESS_XSFILTER] = ROLE_XSFILTER,
};

/* What a thread has, the last loaded first, and how long it stood still for that. */
struct filters {
	struct sock_filter programs[FILTERS_MAX][PROGRAM_MAX];
	size_t lens[FILTERS_MAX];
	size_t n;
	double us;
};

static double now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* SIGCHLD, which is blocked, tells of the stop. */
static bool wait_for_stop(pid_t pid, const sigset_t *sigchld)
{
	const struct timespec most = {.tv_nsec = WAIT_MS * 1000000L};
	int status;

	for (;;) {
		const pid_t r = waitpid(pid, &status, __WALL | WNOHANG);

		if (r != 0)
			return r == pid && WIFSTOPPED(status);
		if (sigtimedwait(sigchld, NULL, &most) < 0 && errno == EAGAIN)
			return false;
	}
}

/* Of a stopped thread; returns how many, or -errno. */
static int copy_filters(pid_t pid, struct filters *f)
{
	for (f->n = 0; f->n < FILTERS_MAX; f->n++) {
		const long len = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)(uintptr_t)f->n,
		                        f->programs[f->n]);

		if (len < 0)
			return errno == ENOENT ? (int)f->n : -errno;
		f->lens[f->n] = (size_t)len;
	}
	return (int)f->n;
}

/* Returns how many filters the thread has, or -errno. */
static int get_filters(pid_t pid, struct filters *f)
{
	sigset_t sigchld, old;
	double start;
	int n = -EBUSY;

	(void)sigemptyset(&sigchld);
	(void)sigaddset(&sigchld, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &sigchld, &old);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
		n = -errno;
	} else {
		start = now_us();
		if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
		    wait_for_stop(pid, &sigchld)) {
			n = copy_filters(pid, f);
			(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
		}
		f->us = now_us() - start;
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return n;
}

/* The shipped filter that is this program; NULL: none is. */
static const char *find_shipped(const struct sock_filter *program, size_t len, enum role *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		const struct sock_fprog *ours = filter_program(shipped[i].role);

		if (ours->len != len ||
		    memcmp(ours->filter, program, len * sizeof(program[0])) != 0)
			continue;
		*ret = shipped[i].role;
		return shipped[i].name;
	}
	return NULL;
}

/* The first one that was loaded; what came later can only forbid more. */
static void check_program(struct subject *s, enum process p, const struct filters *f)
{
	const char *group = process_names[p];
	const size_t len = f->lens[f->n - 1];
	enum role role = ROLE_MAX_;
	const char *name = find_shipped(f->programs[f->n - 1], len, &role);

	if (name == NULL)
		check_add(s, RESULT_BAD, group, "filter",
		          "%zu instructions, not those of this qemu-depriv: started by another "
		          "version?",
		          len);
	else if (role != wanted[p])
		check_add(s, RESULT_BAD, group, "filter", "that of %s", name);
	else
		check_add(s, RESULT_OK, group, "filter",
		          "as shipped, %zu instructions%s (stopped for %.0f us)", len,
		          f->n > 1 ? ", and more on top" : "", f->us);
}

static void check_programs(struct subject *s, enum process p)
{
	struct filters *f = calloc(1, sizeof(*f));
	const int n = f == NULL ? -ENOMEM : get_filters(s->pids[p], f);

	if (n < 0)
		check_add(s, RESULT_UNKNOWN, process_names[p], "filter", "cannot be read: %s",
		          strerror(-n));
	else if (n == 0)
		check_add(s, RESULT_BAD, process_names[p], "filter", "none");
	else
		check_program(s, p, f);
	free(f);
}

void check_seccomp(struct subject *s, enum process p)
{
	const char *group = process_names[p];
	cleanup_free int *tids = NULL;
	size_t n, filtered = 0;
	char text[64];

	(void)snprintf(text, sizeof(text), "%d/task", s->pids[p]);
	n = proc_numbers(text, &tids);
	for (size_t i = 0; i < n; i++)
		filtered += proc_status(tids[i], "Seccomp", text, sizeof(text)) &&
		            strcmp(text, "2") == 0;
	if (n == 0)
		check_add(s, RESULT_UNKNOWN, group, "seccomp", "cannot be read");
	else if (filtered < n)
		check_add(s, RESULT_BAD, group, "seccomp", "%zu of %zu threads have no filter",
		          n - filtered, n);
	else
		check_add(s, RESULT_OK, group, "seccomp", "a filter in %s",
		          n == 1 ? "its only thread" : "every thread");
	if (filtered > 0)
		check_programs(s, p);
}
