/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker: what it reads of this process is changed while it reads, lies at the end of a page,
 * is not there at all, or asks for too much. The control has no broker; there the same calls go to
 * the kernel, which gives what was asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>

#include <xen/memory.h>
#include <xen/sys/privcmd.h>
#include <xen/version.h>

#include "attempt.h"

#define PRIVCMD "/dev/xen/privcmd"
#define ALLOWED "/usr/lib/os-release"
#define PAGE    4096
#define RACE_MS 700
#define XEN_4   0x40000 /* xen_version's answer is above: major << 16 */

/* A thread that writes two values in turns to where the broker reads. */
struct flipper {
	pthread_t thread;
	atomic_bool stop;
	void *where;
	const void *values[2];
	size_t size;
	long end; /* in ms, as now_ms() */
};

static void *flip(void *arg)
{
	struct flipper *f = arg;

	for (unsigned int i = 0; !atomic_load(&f->stop); i++) {
		memcpy(f->where, f->values[i & 1], f->size);
		if (i % 7 == 0) /* odd, so that both values are left behind */
			(void)sched_yield();
	}
	return NULL;
}

static long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int start_flipping(struct flipper *f, void *where, const void *a, const void *b, size_t size)
{
	f->where = where;
	f->values[0] = a;
	f->values[1] = b;
	f->size = size;
	f->end = now_ms() + RACE_MS;
	atomic_init(&f->stop, false);
	memcpy(where, a, size);
	return pthread_create(&f->thread, NULL, flip, f);
}

/* Until it is won (0) or has been run for long enough. */
static bool race_on(const struct flipper *f, int outcome)
{
	(void)sched_yield();
	return outcome != 0 && now_ms() < f->end;
}

static void stop_flipping(struct flipper *f)
{
	atomic_store(&f->stop, true);
	(void)pthread_join(f->thread, NULL);
}

/* open() of a path that is `good` or `bad` by turns: did it ever give the inode of `bad`? */
static int race_open(const char *good, const char *bad, int flags, uint64_t dev, uint64_t ino)
{
	char path[256], first[256] = {0}, second[256] = {0};
	struct flipper f;
	int r;

	(void)snprintf(first, sizeof(first), "%s", good);
	(void)snprintf(second, sizeof(second), "%s", bad);
	r = start_flipping(&f, path, first, second, sizeof(path));
	if (r != 0)
		return r;
	r = EACCES;
	while (race_on(&f, r)) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino)
			r = 0;
		if (fd >= 0)
			(void)close(fd);
	}
	stop_flipping(&f);
	return r;
}

static int race_image(const struct attempt *self, const struct facts *facts)
{
	(void)self;
	if (facts->foreign_image[0] == '\0')
		return OUTCOME_NOTHING;
	return race_open(facts->own_file, facts->foreign_image, O_RDONLY, facts->foreign_dev,
	                 facts->foreign_ino);
}

/* Between the restricted handle and another spelling of it, which would be a fresh one. */
static int race_privcmd(const struct attempt *self, const struct facts *facts)
{
	char path[32], first[32] = PRIVCMD, second[32] = "/dev//xen/privcmd";
	struct flipper f;
	int r = start_flipping(&f, path, first, second, sizeof(path));

	(void)self;
	(void)facts;
	if (r != 0)
		return r;
	r = EPERM;
	while (race_on(&f, r)) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);

		if (fd >= 0)
			r = raw_hypercall(fd) == 0 ? 0 : EPERM;
		if (fd >= 0)
			(void)close(fd);
	}
	stop_flipping(&f);
	return r;
}

/* Between xenstored and another guest's QMP socket. */
static int race_connect(const struct attempt *self, const struct facts *facts)
{
	struct sockaddr_un addr, first = {.sun_family = AF_UNIX}, second = first;
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} peer;
	struct flipper f;
	int r;

	(void)self;
	if (facts->foreign_socket[0] == '\0')
		return OUTCOME_NOTHING;
	(void)snprintf(first.sun_path, sizeof(first.sun_path), "/run/xenstored/socket");
	(void)snprintf(second.sun_path, sizeof(second.sun_path), "%s", facts->foreign_socket);
	r = start_flipping(&f, &addr, &first, &second, sizeof(addr));
	if (r != 0)
		return r;
	r = EACCES;
	while (race_on(&f, r)) {
		cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		socklen_t len = sizeof(peer);

		if (syscall(SYS_connect, fd, &addr, sizeof(addr)) < 0) {
			r = errno == EAGAIN ? 0 : r; /* its queue is full: it is that socket */
			continue;
		}
		memset(&peer, 0, sizeof(peer));
		if (getpeername(fd, &peer.sa, &len) == 0 &&
		    strcmp(peer.un.sun_path, second.sun_path) == 0)
			r = 0;
	}
	stop_flipping(&f);
	return r;
}

static int race_bind(const struct attempt *self, const struct facts *facts)
{
	struct sockaddr_in addr, first = {.sin_family = AF_INET}, second = first;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
	} bound = {0};
	struct flipper f;
	int r;

	(void)self;
	(void)facts;
	first.sin_addr.s_addr = second.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	first.sin_port = htons(5900);
	second.sin_port = htons(2222);
	r = start_flipping(&f, &addr, &first, &second, sizeof(addr));
	if (r != 0)
		return r;
	r = EACCES;
	while (race_on(&f, r)) {
		cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		socklen_t len = sizeof(bound);

		if (syscall(SYS_bind, fd, &addr, sizeof(addr)) == 0 &&
		    getsockname(fd, &bound.sa, &len) == 0 && bound.in.sin_port == second.sin_port)
			r = 0;
	}
	stop_flipping(&f);
	return r;
}

/* Between what is brokered and xen_version, whose answer betrays it. */
static int race_hypercall_on(int fd, const struct attempt *self, const struct facts *facts)
{
	xen_pfn_t gfn = 0x1000;
	struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = facts->domid};
	privcmd_hypercall_t call, first = {.op = __HYPERVISOR_memory_op}, second;
	struct flipper f;
	int r;

	(void)self;
	reservation.extent_start.p = &gfn;
	first.arg[0] = XENMEM_populate_physmap;
	first.arg[1] = (uintptr_t)&reservation;
	second = (privcmd_hypercall_t){.op = __HYPERVISOR_xen_version, .arg = {XENVER_version}};
	r = start_flipping(&f, &call, &first, &second, sizeof(call));
	if (r != 0)
		return r;
	r = EPERM;
	while (race_on(&f, r))
		if (syscall(SYS_ioctl, fd, IOCTL_PRIVCMD_HYPERCALL, &call) >= XEN_4)
			r = 0;
	stop_flipping(&f);
	return r;
}

static int race_hypercall(const struct attempt *self, const struct facts *facts)
{
	return each_privcmd(race_hypercall_on, self, facts);
}

/* Two pages of which the second cannot be read. NULL: no memory. */
static char *before_hole(void)
{
	char *p = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	               -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)mprotect(p + PAGE, PAGE, PROT_NONE);
	memset(p, 'x', PAGE);
	return p;
}

/* Is the broker there and right? 0: it is. */
static int still_serves(void)
{
	return outcome_of_fd((int)syscall(SYS_openat, AT_FDCWD, ALLOWED, O_RDONLY | O_CLOEXEC, 0));
}

static int bad_paths(const struct attempt *self, const struct facts *facts)
{
	char *p = before_hole();
	const char *const paths[] = {
	        NULL,
	        (const char *)BAD,
	        p != NULL ? p + PAGE - 1 : NULL,
	        p,
	        p != NULL ? p + PAGE : p,
	        (const char *)(~0UL - 4),
	        (const char *)(1UL << 47),
	        (const char *)(1UL << 63),
	};

	(void)self;
	(void)facts;
	if (p == NULL)
		return ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (syscall(SYS_openat, AT_FDCWD, paths[i], O_RDONLY, 0) >= 0)
			return EPROTO;
	/* A whole name whose NUL is the last byte that can be read. */
	memcpy(p + PAGE - sizeof(ALLOWED), ALLOWED, sizeof(ALLOWED));
	if (outcome_of_fd((int)syscall(SYS_openat, AT_FDCWD, p + PAGE - sizeof(ALLOWED),
	                               O_RDONLY | O_CLOEXEC, 0)) != 0)
		return EPROTO;
	(void)munmap(p, (size_t)2 * PAGE);
	return still_serves();
}

static int bad_addresses(const struct attempt *self, const struct facts *facts)
{
	static const unsigned long lengths[] = {
	        0, 1, 2, 7, 109, 0x7fffffff, 0x80000000, 0xffffffff, (1UL << 32) + 16};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *p = before_hole();

	(void)self;
	(void)facts;
	if (p == NULL || fd < 0)
		return ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		(void)syscall(SYS_connect, fd, p + PAGE - 8, lengths[i]);
		(void)syscall(SYS_connect, fd, BAD, lengths[i]);
		(void)syscall(SYS_bind, -1, p + PAGE - 8, lengths[i]);
		(void)syscall(SYS_bind, -1, BAD, lengths[i]);
	}
	(void)munmap(p, (size_t)2 * PAGE);
	return still_serves();
}

/* Hypercalls ----------------------------------------------------------------------------------- */

enum malformed {
	OTHER_DOMAIN,
	DOM0,
	SELF,
	ORDER_9,
	FLAGS,
	NO_EXTENTS,
	HUGE_COUNT,
	GAP,
	WRAP,
	START_EXTENT,
	UNREADABLE,
	OVER_BUDGET,
	AS_QEMU,
	AGAIN,
};

/*
 * One populate_physmap that differs from QEMU's in one thing. Where there is no broker, Xen gets an
 * array that it cannot read or a count of none: it populates nothing.
 */
static int populate_on(int fd, const struct attempt *self, const struct facts *facts)
{
	/* Upwards from row to row, as the monitor wants them. */
	const xen_pfn_t first = 0x10000 + 16 * self->arg[0];
	xen_pfn_t gfns[2] = {first, first + 1};
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = facts->domid};
	privcmd_hypercall_t call = {.op = __HYPERVISOR_memory_op,
	                            .arg = {XENMEM_populate_physmap, (uintptr_t)&r}};

	r.extent_start.p = facts->forks ? (xen_pfn_t *)BAD : gfns;
	switch ((enum malformed)self->arg[0]) {
	case OTHER_DOMAIN:
		r.domid = facts->foreign;
		break;
	case DOM0:
		r.domid = 0;
		break;
	case SELF:
		r.domid = DOMID_SELF;
		break;
	case ORDER_9:
		r.extent_order = 9;
		break;
	case FLAGS:
		r.mem_flags = 1u << 8; /* XENMEMF_address_bits */
		break;
	case NO_EXTENTS:
		r.nr_extents = 0;
		break;
	case HUGE_COUNT:
		r.nr_extents = (1UL << 32) + 1;
		break;
	case GAP:
		r.nr_extents = 2;
		gfns[1]++;
		break;
	case WRAP:
		gfns[0] = ~0UL;
		break;
	case START_EXTENT:
		call.arg[0] |= 1UL << 6; /* MEMOP_EXTENT_SHIFT */
		r.nr_extents = 2;
		break;
	case UNREADABLE:
		r.extent_start.p = (xen_pfn_t *)(~0UL << 12);
		break;
	case OVER_BUDGET:
		r.nr_extents = 0xffffffff;
		break;
	case AGAIN:
		break;
	case AS_QEMU:
		r.extent_start.p = gfns;
		break;
	}
	return outcome_of(syscall(SYS_ioctl, fd, IOCTL_PRIVCMD_HYPERCALL, &call));
}

static int populate(const struct attempt *self, const struct facts *facts)
{
	if (self->arg[0] == OTHER_DOMAIN && facts->foreign == 0)
		return OUTCOME_NOTHING;
	return each_privcmd(populate_on, self, facts);
}

/* A multicall, as libxenctrl wraps it, with more or other entries than one populate. */
static int multicall_on(int fd, const struct attempt *self, const struct facts *facts)
{
	struct multicall_entry entries[2] = {
	        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
	        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
	};
	privcmd_hypercall_t call = {.op = __HYPERVISOR_multicall,
	                            .arg = {(uintptr_t)entries, self->arg[0]}};

	(void)facts;
	if (self->arg[0] > 2)
		call.arg[0] = BAD;
	return outcome_of(syscall(SYS_ioctl, fd, IOCTL_PRIVCMD_HYPERCALL, &call));
}

static int multicall(const struct attempt *self, const struct facts *facts)
{
	return each_privcmd(multicall_on, self, facts);
}

/* The call's own structure is not there, or ends with the page. */
static int unreadable_call_on(int fd, const struct attempt *self, const struct facts *facts)
{
	char *p = before_hole();

	(void)self;
	(void)facts;
	if (p == NULL)
		return ENOMEM;
	(void)syscall(SYS_ioctl, fd, IOCTL_PRIVCMD_HYPERCALL, p + PAGE - 8);
	(void)syscall(SYS_ioctl, fd, IOCTL_PRIVCMD_HYPERCALL, 1UL << 63);
	(void)syscall(SYS_ioctl, fd, IOCTL_PRIVCMD_HYPERCALL, NULL);
	(void)munmap(p, (size_t)2 * PAGE);
	return 0;
}

static int unreadable_call(const struct attempt *self, const struct facts *facts)
{
	int r = each_privcmd(unreadable_call_on, self, facts);

	return r != 0 ? r : still_serves();
}

/* Floods and signals --------------------------------------------------------------------------- */

struct storm {
	atomic_bool stop;
	atomic_uint calls;
	atomic_uint wrong; /* answers that are no answer to the question */
};

static void *open_storm(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->stop)) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, ALLOWED, O_RDONLY | O_CLOEXEC, 0);

		atomic_fetch_add(&s->calls, 1);
		if (fd < 0 && errno != EINTR)
			atomic_fetch_add(&s->wrong, 1);
		if (fd >= 0)
			(void)close(fd);
	}
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

static void sleep_ms(long ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000};

	(void)nanosleep(&t, NULL);
}

/* arg[0] threads call at once; with arg[1], each is signalled all the time. */
static int storm(const struct attempt *self, const struct facts *facts)
{
	const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
	struct storm s = {0};
	pthread_t threads[8];
	size_t n = 0;

	(void)facts;
	if (sigaction(SIGUSR1, &action, NULL) < 0)
		return errno;
	while (n < self->arg[0] && pthread_create(&threads[n], NULL, open_storm, &s) == 0)
		n++;
	for (int i = 0; i < 100; i++) {
		for (size_t t = 0; t < n && self->arg[1] != 0; t++)
			(void)pthread_kill(threads[t], SIGUSR1);
		sleep_ms(5);
	}
	atomic_store(&s.stop, true);
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
	if (atomic_load(&s.wrong) != 0)
		return EPROTO;
	return atomic_load(&s.calls) > 0 ? still_serves() : EAGAIN;
}

/* A socket() that the broker has replaced must not be what a late answer lands on. */
static void *close_storm(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->stop)) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0)
			(void)close(fd);
		(void)usleep(10);
	}
	return NULL;
}

static int race_close(const struct attempt *self, const struct facts *facts)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/none"};
	struct storm s = {0};
	pthread_t thread;
	int r = pthread_create(&thread, NULL, close_storm, &s);

	(void)self;
	(void)facts;
	if (r != 0)
		return r;
	for (int i = 0; i < 400; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && syscall(SYS_connect, fd, &addr, sizeof(addr)) == 0)
			r = EPROTO;
		if (fd >= 0)
			(void)close(fd);
	}
	atomic_store(&s.stop, true);
	(void)pthread_join(thread, NULL);
	return r != 0 ? r : still_serves();
}

#define POPULATE(name, kind, reason)                                                               \
	{                                                                                          \
		"populate-" name, populate, NUMBER(kind), REFUSED(EPERM, EFAULT), .why = (reason)  \
	}

static const struct attempt broker[] = {
        {"race-image", race_image, REFUSED(EACCES), .why = "a path that changes while it is read"},
        {"race-privcmd", race_privcmd, REFUSED(EPERM),
         .why = "a path that changes while it is read"},
        {"race-connect", race_connect, REFUSED(EACCES),
         .why = "an address that changes while it is read"},
        {"race-bind", race_bind, REFUSED(EACCES),
         .why = "an address that changes while it is read"},
        {"race-hypercall", race_hypercall, REFUSED(EPERM), .flags = EARLY,
         .why = "a hypercall that changes while it is read, when one is permitted"},
        {"race-hypercall-sealed", race_hypercall, REFUSED(EPERM), .why = "the same after sealing"},
        {"race-close", race_close, .flags = WITHSTAND | PLACE_ONLY,
         .why = "fds that come and go while a call waits for its answer"},
        {"bad-paths", bad_paths, .flags = WITHSTAND,
         .why = "paths at a page's end, unmapped, in the kernel's half, without an end"},
        {"bad-addresses", bad_addresses, .flags = WITHSTAND,
         .why = "lengths of 0 to 4 GiB, at a page's end, unmapped"},
        {"bad-hypercalls", unreadable_call, .flags = WITHSTAND,
         .why = "calls at a page's end, unmapped"},
        {"populate-other", populate, NUMBER(OTHER_DOMAIN), REFUSED(EPERM), REACHED(EFAULT),
         .flags = EARLY, .why = "memory of another guest"},
        {"populate-dom0", populate, NUMBER(DOM0), REFUSED(EPERM), REACHED(EFAULT, EINVAL),
         .flags = EARLY, .why = "memory of dom0"},
        {"populate-DOMID_SELF", populate, NUMBER(SELF), REFUSED(EPERM), REACHED(EFAULT),
         .flags = EARLY, .why = "memory of whoever makes the call: the monitor"},
        {"populate-order", populate, NUMBER(ORDER_9), REFUSED(EPERM), REACHED(EFAULT),
         .flags = EARLY, .why = "2 MiB for a page of the budget"},
        {"populate-flags", populate, NUMBER(FLAGS), REFUSED(EPERM), REACHED(EFAULT), .flags = EARLY,
         .why = "scarce memory below 4 GiB"},
        {"populate-none", populate, NUMBER(NO_EXTENTS), REFUSED(EPERM), .flags = EARLY,
         .why = "a count of none"},
        {"populate-huge", populate, NUMBER(HUGE_COUNT), REFUSED(EPERM), REACHED(EFAULT),
         .flags = EARLY, .why = "a count of 2^32 + 1"},
        {"populate-gap", populate, NUMBER(GAP), REFUSED(EPERM), REACHED(EFAULT), .flags = EARLY,
         .why = "frames that do not follow each other"},
        {"populate-wrap", populate, NUMBER(WRAP), REFUSED(EPERM), REACHED(EFAULT), .flags = EARLY,
         .why = "the last frame that a number can name"},
        {"populate-start-extent", populate, NUMBER(START_EXTENT), REFUSED(EPERM), REACHED(EFAULT),
         .flags = EARLY, .why = "bits above the command"},
        {"populate-unreadable", populate, NUMBER(UNREADABLE), REFUSED(EPERM, EFAULT),
         .flags = EARLY, .why = "an array in the kernel's half"},
        {"populate-over-budget", populate, NUMBER(OVER_BUDGET), REFUSED(EPERM), REACHED(EFAULT),
         .flags = EARLY, .why = "more pages than VRAM and ROMs have"},
        {"populate-as-qemu", populate, NUMBER(AS_QEMU), .flags = WITHSTAND | EARLY,
         .why = "no attack: what QEMU does before the guest runs works, so the rows above mean it"},
        {"populate-sealed", populate, NUMBER(AGAIN), REFUSED(EPERM), REACHED(EFAULT),
         .why = "what QEMU may do before the guest runs, when it has run"},
        {"multicall-other", multicall, NUMBER(1), REFUSED(EPERM), .flags = EARLY,
         .why = "another hypercall in the wrapping of the brokered one"},
        {"multicall-two", multicall, NUMBER(2), REFUSED(EPERM), .flags = EARLY,
         .why = "two calls in one"},
        {"multicall-huge", multicall, NUMBER(1UL << 40), REFUSED(EPERM), REACHED(EFAULT, EINVAL),
         .flags = EARLY, .why = "a count of 2^40"},
        {"flood", storm, .arg = {4, 0}, .flags = WITHSTAND | PLACE_ONLY,
         .why = "four threads call for half a second"},
        {"flood-and-signals", storm, .arg = {4, 1}, .flags = WITHSTAND | PLACE_ONLY,
         .why = "the same, interrupted by signals"},
};

const struct group probe_broker = GROUP(broker, "what reads this process's memory");
