/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's request table, with the fds where the launcher puts them. Xen, xenstored and the
 * capabilities are the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fdmsg.h"
#include "helpers.h"
#include "monitor.h"
#include "role.h"
#include "util.h"
#include "xenfd.h"

#define DOMID 7
#define PAGES 100
#define PTYS  2

/* TCP ports of manifest.inets[0] and [1]; the first port of [0] is in use. */
#define PORTS 64

enum test_file {
	READ_ONLY,
	WRITABLE,
	N_FILES,
	DIRECTORY = N_FILES, /* manifest.dirs[0]; its fd follows the files' */
	N_PINNED,
};

struct xen {
	int closed;
	int refuses; /* populate: 0 or -errno */
	uint64_t gfn;
	uint32_t n;
};

static struct xen fake;
static bool evtchn_fails, drop_fails;
static int connect_error;
static ino_t connected;
static int had_run, asked; /* what xenstored says, and how often it was asked */

static struct manifest manifest;
static struct monitor m;
static int filter_end = -1; /* the peer of MONITOR_XSFILTER */
static int pidfd = -1;      /* of this process; MONITOR_QEMU is a copy */
static int listener = -1;   /* on the first port of manifest.inets[0] */
static int given = -1;      /* the fd that came with the last reply */
static size_t fds_before;

void xen_close(struct xen *xen)
{
	assert_ptr_equal(xen, &fake);
	xen->closed++;
}

int xen_populate(struct xen *xen, uint16_t domid, uint64_t gfn, uint32_t n)
{
	assert_ptr_equal(xen, &fake);
	assert_int_equal(xen->closed, 0);
	assert_int_equal(domid, DOMID);
	xen->gfn = gfn;
	xen->n = n;
	return xen->refuses < 0 ? xen->refuses : (int)n;
}

int xenfd_evtchn(uint16_t domid, struct error *err)
{
	assert_int_equal(domid, DOMID);
	if (evtchn_fails)
		return error_set(err, "the test's evtchn is not restricted");
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int monitor_settle(const struct monitor *monitor, struct error *err)
{
	assert_ptr_equal(monitor, &m);
	return drop_fails ? error_set(err, "the test's capability stays") : 0;
}

int xenstored_connect(void)
{
	struct stat st;
	int fd = connect_error != 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && fstat(fd, &st) == 0)
		connected = st.st_ino;
	errno = connect_error;
	return fd;
}

int xenstored_has_run(uint16_t domid)
{
	assert_int_equal(domid, DOMID);
	asked++;
	return had_run;
}

static int32_t ask_request(const struct request *req)
{
	struct reply reply;

	close_fdp(&given);
	reply = monitor_answer(&m, req, &given);
	assert_int_equal(reply.has_fd, given >= 0);
	if (given >= 0) {
		assert_true(reply.result == 0);
		assert_int_equal(fcntl(given, F_GETFD), FD_CLOEXEC);
	}
	return reply.result;
}

static int32_t ask(uint32_t type, uint32_t index, uint64_t arg0, uint64_t arg1)
{
	const struct request req = {type, index, {arg0, arg1}, "x"};

	return ask_request(&req);
}

static bool is_file(int fd, int same_as)
{
	struct stat a, b;

	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(same_as, &b), 0);
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void move_to(int fd, int number)
{
	assert_int_equal(dup2(fd, number), number);
	(void)close(fd);
}

static int make_file(int number)
{
	char path[] = "/tmp/test-requests-XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	move_to(open(path, O_PATH | O_CLOEXEC), number);
	(void)close(fd);
	return unlink(path);
}

/* /dir has x, sub/y, the links to x and out, a FIFO and a directory. It goes when main() ends. */
static char directory[] = "/tmp/test-requests-dir-XXXXXX";

static int make_directory(int number)
{
	int dir;

	if (mkdtemp(directory) == NULL)
		return -1;
	dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(dir, "sub", 0700) < 0 || symlinkat("x", dir, "link") < 0 ||
	    symlinkat("/etc", dir, "out") < 0 || mkfifoat(dir, "fifo", 0600) < 0)
		return -1;
	(void)close(openat(dir, "x", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
	(void)close(openat(dir, "sub/y", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
	move_to(dir, number);
	return 0;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"x", "sub/y", "link", "out", "fifo"};
	const int dir = MONITOR_FILES + DIRECTORY;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(dir, names[i], 0);
	(void)unlinkat(dir, "sub", AT_REMOVEDIR);
	return rmdir(directory);
}

/* The address that fd is bound to. */
union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union address address_of_socket(int fd)
{
	union address addr = {0};
	socklen_t len = sizeof(addr);

	assert_int_equal(getsockname(fd, &addr.sa, &len), 0);
	return addr;
}

/* A port that is in use, with PORTS - 1 numbers above it. */
static uint16_t occupy_port(void)
{
	const union address loopback = {.in = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}}};

	for (;;) {
		uint16_t port;

		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(listener, &loopback.sa, sizeof(loopback.in)), 0);
		assert_int_equal(listen(listener, 1), 0);
		port = ntohs(address_of_socket(listener).in.sin_port);
		if (port <= UINT16_MAX - PORTS)
			return port;
		(void)close(listener);
	}
}

static int place_fds(void **state)
{
	struct manifest_inet inet = {AF_INET, 0, 0, 0, {127, 0, 0, 1}};
	int pair[2];

	(void)state;
	/* From here on nothing gets a low number by chance. */
	for (int fd = MONITOR_BROKER; fd < MONITOR_FILES + N_PINNED; fd++)
		if (dup2(STDERR_FILENO, fd) != fd)
			return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	move_to(pair[0], MONITOR_XSFILTER);
	filter_end = pair[1];
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	move_to(open("/dev/zero", O_RDWR | O_CLOEXEC), MONITOR_PRIVCMD);
	if (make_file(MONITOR_FILES + READ_ONLY) < 0 || make_file(MONITOR_FILES + WRITABLE) < 0)
		return -1;

	if (make_directory(MONITOR_FILES + DIRECTORY) < 0)
		return -1;

	manifest = (struct manifest){
	        .magic = MANIFEST_MAGIC, .domid = DOMID, .n_files = N_FILES, .n_dirs = 1};
	manifest.files[WRITABLE].writable = 1;
	inet.port_first = occupy_port();
	inet.port_last = (uint16_t)(inet.port_first + PORTS - 1);
	manifest.inets[0] = inet;
	/* Bound to any other address a socket is IPv6's only in any case. */
	manifest.inets[1] =
	        (struct manifest_inet){AF_INET6, inet.port_first, inet.port_last, 0, {0}};
	manifest.n_inets = 2;
	fds_before = count_fds();
	return 0;
}

static int set_up(void **state)
{
	const char ready = XSFILTER_READY;
	char byte;

	(void)state;
	fake = (struct xen){0};
	evtchn_fails = drop_fails = false;
	connect_error = had_run = asked = 0;
	m = (struct monitor){
	        .manifest = &manifest,
	        .qemu = getpid(),
	        .xen = &fake,
	        .pages_left = PAGES,
	        .ptys_left = PTYS,
	        .connections_left = 2,
	};
	/* What an earlier test left unread; then xsfilter is ready. */
	while (read(MONITOR_XSFILTER, &byte, 1) > 0)
		;
	if (write(filter_end, &ready, 1) != 1)
		return -1;
	return dup2(pidfd, MONITOR_QEMU) == MONITOR_QEMU ? 0 : -1;
}

static int set_up_started(void **state)
{
	if (set_up(state) < 0)
		return -1;
	return ask(REQ_EXEC, 0, 0, 0) == 0 && ask(REQ_MEM, 0, 0, 0) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	close_fdp(&given);
	return count_fds() == fds_before ? 0 : -1;
}

/* A request of each type that would be granted at its time, and until when. */
static const struct {
	uint64_t arg[2];
	bool until_sealed;
} good[REQ_MAX_] = {
        [REQ_PRIVCMD] = {.until_sealed = true}, [REQ_EVTCHN] = {.until_sealed = true},
        [REQ_POPULATE] = {{1, 1}, true},        [REQ_XENSTORE] = {.until_sealed = true},
        [REQ_FILE] = {.until_sealed = false},   [REQ_LISTEN] = {.until_sealed = false},
        [REQ_PTY] = {.until_sealed = true},     [REQ_MEMBER] = {.until_sealed = false},
};

static int32_t ask_good(uint32_t type)
{
	const uint64_t arg = type == REQ_LISTEN ? manifest.inets[0].port_last : good[type].arg[0];

	return ask(type, 0, arg, good[type].arg[1]);
}

static void nothing_before_the_exec(void **state)
{
	(void)state;
	for (uint32_t type = 0; type < REQ_MAX_; type++)
		if (type != REQ_EXEC)
			assert_int_equal(ask_good(type), -EPERM);
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	assert_int_equal(given, -1);
}

static void nothing_before_the_memory(void **state)
{
	(void)state;
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	for (uint32_t type = 0; type < REQ_MAX_; type++)
		if (type != REQ_MEM)
			assert_int_equal(ask_good(type), -EPERM);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), 0);
	assert_int_equal(ask_good(REQ_FILE), 0);
}

static void exec_and_memory_once(void **state)
{
	(void)state;
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), -EPERM);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), -EPERM);
}

static void unknown_types_are_refused(void **state)
{
	static const uint32_t types[] = {REQ_MAX_, REQ_MAX_ + 1,      32,
	                                 255,      UINT32_C(1) << 31, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(ask(types[i], 0, 0, 0), -EINVAL);
}

static void the_memory_is_qemu_s(void **state)
{
	volatile uint64_t here = UINT64_C(0x123456789abcdef);
	uint64_t there = 0;

	(void)state;
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), 0);
	assert_int_equal(pread(given, &there, sizeof(there), (off_t)address_of(&here)),
	                 sizeof(there));
	assert_int_equal(there, here);
	there = 5;
	assert_int_equal(pwrite(given, &there, sizeof(there), (off_t)address_of(&here)),
	                 sizeof(there));
	assert_int_equal(here, 5);
}

/* QEMU has ended and its pid is another process's: ours, which could be opened. */
static void a_reused_pid_is_not_opened(void **state)
{
	const pid_t pid = fork();
	int dead;

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	dead = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	move_to(dead, MONITOR_QEMU);

	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), -ESRCH);
	m.qemu = pid;
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), -ENOENT);
	assert_int_equal(ask_good(REQ_FILE), -EPERM);
}

static void no_memory_with_the_capability_kept(void **state)
{
	(void)state;
	drop_fails = true;
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), -EPERM);
	assert_int_equal(ask_good(REQ_FILE), -EPERM);
}

static void sealed_for_ever(void **state)
{
	(void)state;
	assert_int_equal(ask_good(REQ_PRIVCMD), 0);
	assert_int_equal(ask_good(REQ_POPULATE), 1);
	assert_ptr_equal(m.xen, &fake);
	assert_int_equal(fake.closed, 0);
	monitor_seal(&m, "the test says so");
	assert_int_equal(fake.closed, 1);
	assert_null(m.xen);
	monitor_seal(&m, "the test says so twice");
	assert_int_equal(fake.closed, 1);
	for (uint32_t type = REQ_PRIVCMD; type < REQ_MAX_; type++)
		assert_int_equal(ask_good(type), good[type].until_sealed ? -EPERM : 0);
}

static void nothing_else_seals(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(REQ_PRIVCMD, 0, 0, 0), 0);
	assert_ptr_equal(m.xen, &fake);
	assert_int_equal(fake.closed, 0);
	assert_int_equal(asked, 1);
}

/* A device model that starts when another one has been there: the guest may run already. */
static void sealed_before_anything(void **state)
{
	(void)state;
	had_run = 1;
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), 0);
	assert_int_equal(fake.closed, 1);
	for (uint32_t type = REQ_PRIVCMD; type < REQ_MAX_; type++)
		assert_int_equal(ask_good(type), good[type].until_sealed ? -EPERM : 0);
}

static void nothing_without_xenstored(void **state)
{
	(void)state;
	had_run = -1;
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), 0);
	assert_int_equal(ask(REQ_MEM, 0, 0, 0), -EIO);
	for (uint32_t type = REQ_PRIVCMD; type < REQ_MAX_; type++)
		assert_int_equal(ask_good(type), -EPERM);
}

static void xen_handles(void **state)
{
	(void)state;
	assert_int_equal(ask(REQ_PRIVCMD, 0, 0, 0), 0);
	assert_true(is_file(given, MONITOR_PRIVCMD));
	assert_int_equal(ask(REQ_EVTCHN, 0, 0, 0), 0);
	assert_true(given >= 0);
	evtchn_fails = true;
	assert_int_equal(ask(REQ_EVTCHN, 0, 0, 0), -EACCES);
}

static void the_page_budget_is_exact(void **state)
{
	(void)state;
	assert_int_equal(ask(REQ_POPULATE, 0, 10, PAGES - 1), PAGES - 1);
	assert_int_equal(fake.gfn, 10);
	assert_int_equal(fake.n, PAGES - 1);
	assert_int_equal(ask(REQ_POPULATE, 0, 1000, 2), -EPERM);
	assert_int_equal(ask(REQ_POPULATE, 0, 1000, 1), 1);
	assert_int_equal(fake.gfn, 1000);
	assert_int_equal(ask(REQ_POPULATE, 0, 2000, 1), -EPERM);
	assert_int_equal(fake.gfn, 1000);
}

static const uint64_t bad_ranges[][2] = {
        {0, 0},
        {0, PAGES + 1},
        {0, UINT32_MAX},
        {0, UINT64_C(1) << 32},
        {0, (UINT64_C(1) << 32) + 1},
        {0, UINT64_MAX},
        {UINT64_C(1) << 40, 1},
        {(UINT64_C(1) << 52) - 1, 1},
        {UINT64_MAX, 1},
        {UINT64_MAX - PAGES + 1, PAGES},
};

static void bad_ranges_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_ranges); i++)
		assert_int_equal(ask(REQ_POPULATE, 0, bad_ranges[i][0], bad_ranges[i][1]), -EPERM);
	assert_int_equal(fake.n, 0);
	assert_int_equal(ask(REQ_POPULATE, 0, 0, PAGES), PAGES);
}

static void populate_goes_upwards_only(void **state)
{
	(void)state;
	assert_int_equal(ask(REQ_POPULATE, 0, 50, 10), 10);
	assert_int_equal(ask(REQ_POPULATE, 0, 50, 1), -EPERM);
	assert_int_equal(ask(REQ_POPULATE, 0, 59, 1), -EPERM);
	assert_int_equal(ask(REQ_POPULATE, 0, 0, 1), -EPERM);
	assert_int_equal(ask(REQ_POPULATE, 0, 60, 1), 1);
	assert_int_equal(ask(REQ_POPULATE, 0, (UINT64_C(1) << 40) - 1, 1), 1);
	assert_int_equal(ask(REQ_POPULATE, 0, UINT64_C(1) << 40, 1), -EPERM);
}

static void what_xen_refuses_is_used_up(void **state)
{
	(void)state;
	fake.refuses = -EBUSY;
	assert_int_equal(ask(REQ_POPULATE, 0, 10, PAGES), -EBUSY);
	fake.refuses = 0;
	assert_int_equal(ask(REQ_POPULATE, 0, 10 + PAGES, 1), -EPERM);
}

/* Flags of open(), for which file, and what comes of it. */
static const struct {
	int64_t flags;
	uint32_t index;
	int result;
} opens[] = {
        {O_RDONLY, READ_ONLY, 0},
        {O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, READ_ONLY, 0},
        {O_RDONLY | O_DSYNC, READ_ONLY, 0},
        {O_RDONLY | O_SYNC, READ_ONLY, 0},
        {O_RDWR, READ_ONLY, -EACCES},
        {O_WRONLY, READ_ONLY, -EACCES},
        {O_ACCMODE, READ_ONLY, -EACCES},
        {O_RDONLY, WRITABLE, 0},
        {O_RDWR, WRITABLE, 0},
        {O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_DSYNC, WRITABLE, 0},
        {O_ACCMODE, WRITABLE, -EACCES},
        /* flags that do more than open */
        {O_RDWR | O_CREAT, WRITABLE, -EACCES},
        {O_RDWR | O_CREAT | O_EXCL, WRITABLE, -EACCES},
        {O_RDWR | O_TRUNC, WRITABLE, -EACCES},
        {O_RDWR | O_APPEND, WRITABLE, -EACCES},
        {O_RDWR | O_TMPFILE, WRITABLE, -EACCES},
        {O_RDONLY | O_TRUNC, READ_ONLY, -EACCES},
        {O_RDONLY | O_CREAT, READ_ONLY, -EACCES},
        {O_RDONLY | O_PATH, READ_ONLY, -EACCES},
        {O_RDONLY | O_DIRECTORY, READ_ONLY, -EACCES},
        {O_RDONLY | O_NOFOLLOW, READ_ONLY, -EACCES},
        {O_RDONLY | O_NOATIME, READ_ONLY, -EACCES},
        {O_RDONLY | O_ASYNC, READ_ONLY, -EACCES},
        {O_RDONLY | (1 << 30), READ_ONLY, -EACCES},
        /* not an int */
        {INT64_C(1) << 31, READ_ONLY, -EINVAL},
        {INT64_C(1) << 32, READ_ONLY, -EINVAL},
        {-1, READ_ONLY, -EINVAL},
        /* not a file of the plan */
        {O_RDONLY, N_FILES, -EINVAL},
        {O_RDONLY, UINT32_MAX, -EINVAL},
        {O_RDONLY, (uint32_t)MONITOR_PRIVCMD - (uint32_t)MONITOR_FILES, -EINVAL},
};

static void files_with_the_plan_s_access(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		const int32_t r = ask(REQ_FILE, opens[i].index, (uint64_t)opens[i].flags, 0);

		if (r != opens[i].result)
			fail_msg("open %zu gives %d", i, r);
		if (r < 0)
			continue;
		assert_true(is_file(given, MONITOR_FILES + (int)opens[i].index));
		assert_int_equal(fcntl(given, F_GETFL) & O_ACCMODE, opens[i].flags & O_ACCMODE);
	}
}

static const struct {
	const char *name;
	int64_t flags;
	uint32_t index;
	int32_t result;
} members[] = {
        {"x", O_RDONLY, 0, 0},
        {"sub/y", O_RDONLY | O_CLOEXEC | O_DIRECT, 0, 0},
        {"sub/../x", O_RDONLY, 0, 0},
        /* read-only, and with an image's flags */
        {"x", O_RDWR, 0, -EACCES},
        {"x", O_WRONLY, 0, -EACCES},
        {"x", O_ACCMODE, 0, -EACCES},
        {"x", O_RDONLY | O_CREAT, 0, -EACCES},
        {"x", O_RDONLY | O_TRUNC, 0, -EACCES},
        {"x", O_RDONLY | O_PATH, 0, -EACCES},
        {"x", INT64_C(1) << 32, 0, -EINVAL},
        /* beneath the directory */
        {"..", O_RDONLY, 0, -EXDEV},
        {"../x", O_RDONLY, 0, -EXDEV},
        {"sub/../../etc/shadow", O_RDONLY, 0, -EXDEV},
        {"/etc/shadow", O_RDONLY, 0, -EXDEV},
        {"out/shadow", O_RDONLY, 0, -ELOOP},
        /* not through a link, nothing but a regular file */
        {"link", O_RDONLY, 0, -EACCES},
        {"fifo", O_RDONLY, 0, -EACCES},
        {"sub", O_RDONLY, 0, -EACCES},
        {".", O_RDONLY, 0, -EACCES},
        {"", O_RDONLY, 0, -ENOENT},
        {"none", O_RDONLY, 0, -ENOENT},
        /* not a directory of the plan */
        {"x", O_RDONLY, 1, -EINVAL},
        {"x", O_RDONLY, UINT32_MAX, -EINVAL},
};

static void members_beneath_a_directory_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct request req = {REQ_MEMBER, members[i].index, {(uint64_t)members[i].flags}};
		int32_t r;

		memcpy(req.name, members[i].name, strlen(members[i].name));
		r = ask_request(&req);
		if (r != members[i].result)
			fail_msg("\"%s\" gives %d", members[i].name, r);
		if (r == 0)
			assert_int_equal(fcntl(given, F_GETFL) & O_ACCMODE, O_RDONLY);
	}
}

static void a_name_without_end_is_none(void **state)
{
	struct request req = {.type = REQ_MEMBER};

	(void)state;
	memset(req.name, 'x', sizeof(req.name));
	assert_int_equal(ask_request(&req), -EINVAL);
}

static void a_file_each_time_afresh(void **state)
{
	int first;

	(void)state;
	assert_int_equal(ask(REQ_FILE, WRITABLE, O_RDWR, 0), 0);
	first = steal_fd(&given);
	assert_int_equal(ask(REQ_FILE, WRITABLE, O_RDWR, 0), 0);
	/* QEMU's locks belong to the description: one's must not be the other's. */
	assert_int_equal(lseek(first, 5, SEEK_SET), 5);
	assert_int_equal(lseek(given, 0, SEEK_CUR), 0);
	(void)close(first);
}

static bool is_listening(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len), 0);
	return on != 0;
}

/* As QEMU does: the next port if this one is in use. Others may use some, too. */
static uint16_t listen_from(uint32_t index, uint32_t port)
{
	int32_t r = -EADDRINUSE;

	for (; r == -EADDRINUSE && port <= manifest.inets[index].port_last; port++)
		r = ask(REQ_LISTEN, index, port, 0);
	if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)
		skip(); /* no IPv6 here */
	assert_int_equal(r, 0);
	return (uint16_t)(port - 1);
}

static void a_port_in_use_does_not_spend_the_listener(void **state)
{
	union address addr;
	uint16_t port;

	(void)state;
	assert_int_equal(ask(REQ_LISTEN, 0, manifest.inets[0].port_first, 0), -EADDRINUSE);
	port = listen_from(0, manifest.inets[0].port_first);
	assert_int_not_equal(port, manifest.inets[0].port_first);
	assert_true(is_listening(given));
	addr = address_of_socket(given);
	assert_int_equal(addr.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(ntohs(addr.in.sin_port), port);
	/* One listener for each. */
	assert_int_equal(ask(REQ_LISTEN, 0, port + 1, 0), -EMFILE);
}

static void an_ipv6_listener_is_ipv6_only(void **state)
{
	union address addr;
	int only = 0;
	socklen_t len = sizeof(only);
	uint16_t port;

	(void)state;
	port = listen_from(1, manifest.inets[1].port_first);
	assert_true(is_listening(given));
	addr = address_of_socket(given);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&addr.in6.sin6_addr));
	assert_int_equal(ntohs(addr.in6.sin6_port), port);
	assert_int_equal(getsockopt(given, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len), 0);
	assert_int_equal(only, 1);
	/* The other one is not used up. */
	(void)listen_from(0, manifest.inets[0].port_first);
}

static void ports_of_the_plan_only(void **state)
{
	const uint32_t first = manifest.inets[0].port_first, last = manifest.inets[0].port_last;

	(void)state;
	assert_int_equal(ask(REQ_LISTEN, 0, first - 1, 0), -EACCES);
	assert_int_equal(ask(REQ_LISTEN, 0, last + 1, 0), -EACCES);
	assert_int_equal(ask(REQ_LISTEN, 0, 0, 0), -EACCES);
	assert_int_equal(ask(REQ_LISTEN, 0, UINT64_C(65536) + first + 1, 0), -EINVAL);
	assert_int_equal(ask(REQ_LISTEN, 0, (UINT64_C(1) << 32) + first + 1, 0), -EINVAL);
	assert_int_equal(ask(REQ_LISTEN, 2, first + 1, 0), -EINVAL);
	assert_int_equal(ask(REQ_LISTEN, 32, first + 1, 0), -EINVAL);
	assert_int_equal(ask(REQ_LISTEN, UINT32_MAX, first + 1, 0), -EINVAL);
	assert_int_equal(m.inets_used, 0);
}

static void as_many_ptys_as_planned(void **state)
{
	(void)state;
	if (access("/dev/ptmx", R_OK | W_OK) < 0)
		skip();
	for (int i = 0; i < PTYS; i++) {
		assert_int_equal(ask(REQ_PTY, 0, 0, 0), 0);
		assert_non_null(ptsname(given));
	}
	assert_int_equal(ask(REQ_PTY, 0, 0, 0), -EMFILE);
}

/* xsfilter's side of the connection that has just been granted. */
static void assert_filtered(void)
{
	int fds[FDMSG_MAX_FDS];
	size_t n_fds = 2;
	struct stat st;
	char c = 0;

	assert_int_equal(fdmsg_recv(filter_end, &c, 1, fds, &n_fds), 1);
	assert_int_equal(c, XSFILTER_CONNECTION);
	assert_int_equal(n_fds, 2);
	/* The first is QEMU's peer, the second what has been connected to xenstored. */
	assert_int_equal(send(given, "q", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(fds[0], &c, 1, 0), 1);
	assert_int_equal(c, 'q');
	assert_int_equal(fstat(fds[1], &st), 0);
	assert_int_equal(st.st_ino, connected);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void xenstore_connections_are_filtered_and_limited(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(REQ_XENSTORE, 0, 0, 0), 0);
		assert_filtered();
	}
	assert_int_equal(ask(REQ_XENSTORE, 0, 0, 0), -EMFILE);
}

static void what_xenstored_refuses_is_not_used_up(void **state)
{
	char c;

	(void)state;
	connect_error = ENOENT;
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask(REQ_XENSTORE, 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(m.connections_left, 2);
	assert_int_equal(recv(filter_end, &c, 1, 0), -1);
	connect_error = 0;
	assert_int_equal(ask(REQ_XENSTORE, 0, 0, 0), 0);
	assert_filtered();
}

/* Run last: there is no xsfilter afterwards. */
static void no_connection_without_filter(void **state)
{
	(void)state;
	close_fdp(&filter_end);
	fds_before--;
	assert_int_equal(ask(REQ_XENSTORE, 0, 0, 0), -EPIPE);
	assert_int_equal(m.connections_left, 2);
}

#define TEST(fn)    cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
#define STARTED(fn) cmocka_unit_test_setup_teardown(fn, set_up_started, tear_down)

/* QEMU does not start without a confined xsfilter. */
static void exec_wants_xsfilter_ready(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(read(MONITOR_XSFILTER, &byte, 1), 1);
	assert_int_equal(write(filter_end, "?", 1), 1);
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), -EIO);
	assert_int_equal(ask(REQ_EXEC, 0, 0, 0), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(nothing_before_the_exec),
	        TEST(nothing_before_the_memory),
	        TEST(exec_wants_xsfilter_ready),
	        STARTED(exec_and_memory_once),
	        STARTED(unknown_types_are_refused),
	        TEST(the_memory_is_qemu_s),
	        TEST(a_reused_pid_is_not_opened),
	        TEST(no_memory_with_the_capability_kept),
	        STARTED(sealed_for_ever),
	        STARTED(nothing_else_seals),
	        TEST(sealed_before_anything),
	        TEST(nothing_without_xenstored),
	        STARTED(xen_handles),
	        STARTED(the_page_budget_is_exact),
	        STARTED(bad_ranges_are_refused),
	        STARTED(populate_goes_upwards_only),
	        STARTED(what_xen_refuses_is_used_up),
	        STARTED(files_with_the_plan_s_access),
	        STARTED(members_beneath_a_directory_only),
	        STARTED(a_name_without_end_is_none),
	        STARTED(a_file_each_time_afresh),
	        STARTED(a_port_in_use_does_not_spend_the_listener),
	        STARTED(an_ipv6_listener_is_ipv6_only),
	        STARTED(ports_of_the_plan_only),
	        STARTED(as_many_ptys_as_planned),
	        STARTED(xenstore_connections_are_filtered_and_limited),
	        STARTED(what_xenstored_refuses_is_not_used_up),
	        STARTED(no_connection_without_filter),
	};

	return cmocka_run_group_tests(tests, place_fds, remove_directory);
}
