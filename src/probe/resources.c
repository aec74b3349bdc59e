/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources: more of the host than a device model needs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "attempt.h"

#define MANY_THREADS 700
#define MANY_FDS     3000
#define MIB          (1UL << 20)

/* What an attacker would do first, and root can. */
static void raise_to(int resource, rlim_t value)
{
	const struct rlimit limit = {value, value};

	(void)setrlimit((__rlimit_resource_t)resource, &limit);
}

static void *wait_for_end(void *arg)
{
	pthread_mutex_t *end = arg;

	(void)pthread_mutex_lock(end);
	(void)pthread_mutex_unlock(end);
	return NULL;
}

static int threads(const struct attempt *self, const struct facts *facts)
{
	static pthread_t ids[MANY_THREADS];
	pthread_attr_t attr;
	pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
	size_t n = 0;
	int r;

	(void)self;
	(void)facts;
	raise_to(RLIMIT_NPROC, RLIM_INFINITY);
	(void)pthread_mutex_lock(&end);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, 65536);
	do
		r = pthread_create(&ids[n], &attr, wait_for_end, &end);
	while (r == 0 && ++n < MANY_THREADS);
	(void)pthread_mutex_unlock(&end);
	while (n > 0)
		(void)pthread_join(ids[--n], NULL);
	return r;
}

static int fds(const struct attempt *self, const struct facts *facts)
{
	static int got[MANY_FDS];
	size_t n = 0;
	int r = 0;

	(void)self;
	(void)facts;
	raise_to(RLIMIT_NOFILE, MANY_FDS + 100);
	for (; n < MANY_FDS && r == 0; n += r == 0) {
		got[n] = dup(0);
		r = outcome_of(got[n]);
	}
	while (n > 0)
		(void)close(got[--n]);
	return r;
}

/* Beyond RLIMIT_MEMLOCK; it is given back at once. */
static int locked_memory(const struct attempt *self, const struct facts *facts)
{
	void *p;

	(void)self;
	(void)facts;
	raise_to(RLIMIT_MEMLOCK, RLIM_INFINITY);
	p = mmap(NULL, 16 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	(void)munmap(p, 16 * MIB);
	return 0;
}

/* 16 MiB: whoever limits the log reads it slowly, if at all. */
static int fill_log(const struct attempt *self, const struct facts *facts)
{
	static char lines[65536];

	(void)self;
	(void)facts;
	memset(lines, '.', sizeof(lines));
	for (size_t i = 0; i < 16 * MIB / sizeof(lines); i++) {
		lines[sizeof(lines) - 1] = '\n';
		if (write(STDERR_FILENO, lines, sizeof(lines)) < 0)
			return errno;
	}
	return 0;
}

/* Each of them may be worth a line to whoever refuses. */
static int refusals(const struct attempt *self, const struct facts *facts)
{
	static const struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/none"};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)self;
	(void)facts;
	for (int i = 0; i < 3000; i++)
		if (syscall(SYS_connect, fd, &nowhere, sizeof(nowhere)) == 0)
			return EPROTO;
	return 0;
}

static const struct attempt resources[] = {
        {"threads", threads, REFUSED(EAGAIN), .flags = PLACE_ONLY, .why = "more than 512 threads"},
        {"fds", fds, REFUSED(EMFILE), .flags = PLACE_ONLY, .why = "more than 1024 fds"},
        {"locked-memory", locked_memory, REFUSED(EAGAIN, EPERM), .flags = PLACE_ONLY,
         .why = "memory that cannot be swapped"},
        {"log", fill_log, NUMBER(8 * MIB), REFUSED(EDQUOT), .flags = PLACE_ONLY | LOG_GROWTH,
         .why = "the disk that the log is on"},
        {"log-by-refusals", refusals, NUMBER(65536), REFUSED(EDQUOT),
         .flags = PLACE_ONLY | LOG_GROWTH, .why = "the same by way of those who refuse"},
        {"mlock", SYS(mlock, BAD << 12, 4096), REFUSED(EPERM), REACHED(ENOMEM),
         .why = "memory that cannot be swapped"},
        {"mlockall", SYS(mlockall, 4 /* MCL_ONFAULT alone is wrong */), REFUSED(EPERM),
         REACHED(EINVAL), .why = "memory that cannot be swapped"},
        {"shmget-new", SYS(shmget, 0x71647072, 4096, 0), REFUSED(EPERM), REACHED(ENOENT),
         .why = "memory that outlives the process"},
        {"timer_create", SYS(timer_create, 0, BAD, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "timers: a limit of signals is all that bounds them"},
        {"setitimer", SYS(setitimer, 0, 0, 0), REFUSED(EPERM), .why = "timers"},
        {"alarm", SYS(alarm, 0), REFUSED(EPERM), .why = "timers"},
        {"timerfd_create", SYS(timerfd_create, 1, 0x7fff), REFUSED(EPERM), REACHED(EINVAL),
         .why = "timers"},
        {"pipe-size", SYS(fcntl, 0, F_SETPIPE_SZ, 1 << 20), REFUSED(EPERM), REACHED(EBADF),
         .why = "the kernel's memory"},
        {"sched-fifo", SYS(sched_setscheduler, 0, 1, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "a CPU for itself"},
        {"sched-deadline", SYS(sched_setattr, 0, BAD, 0), REFUSED(EPERM), REACHED(EFAULT),
         .why = "a CPU for itself"},
        {"cpus", SYS(sched_setaffinity, 0, 0, BAD), REFUSED(EPERM), REACHED(EINVAL),
         .why = "out of its cpuset"},
        {"ioprio", SYS(ioprio_set, 1, 0, 0), REFUSED(EPERM), .why = "before others' I/O"},
        {"sync", SYS(syncfs, -1UL), REFUSED(EPERM), REACHED(EBADF), .why = "makes others wait"},
        {"readahead", SYS(readahead, -1UL, 0, 1), REFUSED(EPERM), REACHED(EBADF),
         .why = "the page cache"},
};

const struct group probe_resources = GROUP(resources, "more of the host than a device model needs");
