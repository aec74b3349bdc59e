/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor, with the broker in QEMU's hands: any sequence of requests. Xen, xsfilter and the
 * system calls are the fuzzer's. A model beside it says what may have been done at most.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fdmsg.h"
#include "fuzz.h"
#include "monitor.h"
#include "role.h"
#include "util.h"
#include "xenfd.h"

#define REQUESTS_MAX 64
#define DOMID        7
#define PID          4242
#define CONNECTIONS  3
#define FILES        3
#define INETS        2
#define DIRS         2

struct xen {
	bool closed;
};

/* What happens around one request. */
static struct {
	uint8_t fails;     /* which of the faked calls fails, counted from 1; 0: none */
	uint8_t populates; /* how many pages fewer than asked for Xen has */
	bool no_answer;    /* of xenstored's */
	bool late;         /* it says that the domain has had a device model */
} around;

static struct xen xen;
static struct manifest manifest;
static struct monitor m;
static struct request req;
static unsigned int calls;
static bool failed; /* one of them */
static bool looked; /* whether QEMU is alive */
static int member;  /* the fd that openat2() gave; -1: none */

/* What has been given so far. */
static struct {
	bool exec, mem;
	uint64_t pages, next_gfn;
	uint32_t connections, ptys;
	bool listens[INETS];
} model;

static bool sealed(void)
{
	return xen.closed;
}

/* The next faked system call: 0, or -1 with errno if it is the one that fails. */
static int fate(void)
{
	if (++calls != around.fails)
		return 0;
	failed = true;
	errno = EIO;
	return -1;
}

static int new_fd(void)
{
	return fate() < 0 ? -1 : fake_fd();
}

void xen_close(struct xen *x)
{
	check(x == &xen && !xen.closed, "Xen's handle is closed once");
	xen.closed = true;
}

int xenstored_has_run(uint16_t domid)
{
	check(domid == DOMID && req.type == REQ_MEM && !model.mem,
	      "asked once, at QEMU's first call");
	if (around.no_answer)
		failed = true;
	return around.no_answer ? -1 : around.late;
}

int xenstored_connect(void)
{
	check(req.type == REQ_XENSTORE, "a connection is QEMU's");
	return new_fd();
}

int xen_populate(struct xen *x, uint16_t domid, uint64_t gfn, uint32_t n)
{
	check(x == &xen && !xen.closed, "nothing is populated after sealing");
	check(model.mem && domid == DOMID && req.type == REQ_POPULATE, "nor for anybody else");
	check(n > 0 && gfn >= model.next_gfn && gfn < UINT64_C(1) << 40, "upwards");
	model.pages += n;
	model.next_gfn = gfn + n;
	check(model.pages <= manifest.extra_pages, "within the plan");
	if (fate() < 0)
		return -ENOMEM;
	return (int)(n < around.populates ? 0 : n - around.populates);
}

int xenfd_evtchn(uint16_t domid, struct error *err)
{
	int fd;

	check(domid == DOMID && !sealed() && model.mem && req.type == REQ_EVTCHN,
	      "an evtchn is this domain's, before it runs");
	fd = new_fd();
	return fd < 0 ? error_set(err, "the fuzzer's evtchn") : fd;
}

int monitor_settle(const struct monitor *monitor, struct error *err)
{
	check(monitor == &m, "there is one monitor");
	check(req.type == REQ_MEM, "the capability goes with the memory");
	return fate() < 0 ? error_set(err, "the fuzzer's capability") : 0;
}

int fdmsg_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds)
{
	check(sock == MONITOR_XSFILTER && len == 1 && *(const char *)buf == XSFILTER_CONNECTION,
	      "xsfilter gets connections");
	check(n_fds == 2 && is_fake_fd(fds[0]) && is_fake_fd(fds[1]), "with both their ends");
	return fate();
}

int fdmsg_recv(int sock, void *buf, size_t len, int *fds, size_t *n_fds)
{
	check(sock == MONITOR_XSFILTER && len == 1 && *n_fds == 0 && fds == NULL,
	      "xsfilter says a byte");
	check(req.type == REQ_EXEC, "before QEMU's exec");
	*(char *)buf = XSFILTER_READY;
	if (fate() < 0) /* nothing, or something else */
		return around.populates == 0 ? 0 : (*(char *)buf = 'x', 1);
	return 1;
}

int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_fcntl64(int fd, int cmd, ...);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socketpair(int family, int type, int protocol, int fds[2]);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_listen(int fd, int backlog);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
long __wrap_syscall(long nr, ...);
int __wrap_fstat64(int fd, struct stat *st);

/* /proc/self/fd/N of a file of the plan, by the flags that its entry allows. */
static void check_file(const char *path, int flags)
{
	char expected[32];

	check(req.index < manifest.n_files, "a file is one of the plan");
	(void)snprintf(expected, sizeof(expected), "/proc/self/fd/%u", MONITOR_FILES + req.index);
	check(strcmp(path, expected) == 0, "and the one that was asked for");
	check((flags & O_ACCMODE) == O_RDONLY || manifest.files[req.index].writable,
	      "a read-only file stays so");
	check((flags & O_ACCMODE) == ((int)req.arg[0] & O_ACCMODE), "as QEMU wants it");
	check((flags & (O_CREAT | O_TRUNC | O_APPEND | O_PATH | O_TMPFILE | O_DIRECTORY)) == 0,
	      "nothing is created, truncated or only looked at");
	check((flags & O_NOCTTY) != 0, "no terminal becomes the monitor's");
}

/* /proc/self/fd/N of what was found below a directory. */
static void check_member(const char *path, int flags)
{
	char expected[32];

	check(member >= 0 && fake_fds() == 1, "a member was looked at");
	(void)snprintf(expected, sizeof(expected), "/proc/self/fd/%d", member);
	check(strcmp(path, expected) == 0, "and is what is opened");
	check((flags & O_ACCMODE) == O_RDONLY && (flags & O_NOCTTY) != 0, "read-only");
	check((flags & (O_CREAT | O_TRUNC | O_APPEND | O_PATH | O_TMPFILE | O_DIRECTORY)) == 0,
	      "nothing is created, truncated or only looked at");
}

/* openat2(), the only one. */
long __wrap_syscall(long nr, ...)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	const struct open_how *how;
	const char *name;
	va_list ap;
	int dir;

	va_start(ap, nr);
	dir = va_arg(ap, int);
	name = va_arg(ap, const char *);
	how = va_arg(ap, const struct open_how *);
	va_end(ap);
	check(nr == SYS_openat2 && req.type == REQ_MEMBER, "only a member is looked for");
	check(req.index < manifest.n_dirs, "in a directory of the plan");
	check(dir == MONITOR_FILES + (int)(manifest.n_files + req.index), "which was asked for");
	check(name == req.name && memchr(name, '\0', REQUEST_NAME) != NULL, "by its whole name");
	check((how->flags & O_PATH) != 0 && (how->flags & O_CLOEXEC) != 0, "without opening it");
	check((how->resolve & resolve) == resolve, "beneath the directory");
	return member = new_fd();
}

int __wrap_fstat64(int fd, struct stat *st)
{
	static const mode_t modes[] = {S_IFREG, S_IFREG, S_IFIFO, S_IFBLK};

	check(fd == member && is_fake_fd(fd), "the member is looked at");
	memset(st, 0, sizeof(*st));
	st->st_mode = modes[around.populates];
	if (!S_ISREG(st->st_mode))
		failed = true; /* must not be granted */
	return fate();
}

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	char expected[32];

	if (dir != AT_FDCWD) /* replay.c opens a seed */
		return __real_openat64(dir, path, flags);
	check((flags & O_CLOEXEC) != 0, "close-on-exec");
	(void)snprintf(expected, sizeof(expected), "/proc/%d/mem", PID);
	switch (req.type) {
	case REQ_MEM:
		check(strcmp(path, expected) == 0 && !model.mem && model.exec,
		      "QEMU's memory once, after the exec");
		break;
	case REQ_PTY:
		check(strcmp(path, "/dev/ptmx") == 0 && model.ptys < manifest.ptys && !sealed(),
		      "as many terminals as planned");
		break;
	case REQ_FILE:
		check_file(path, flags);
		break;
	case REQ_MEMBER:
		check(!failed, "only a regular file is opened");
		check_member(path, flags);
		break;
	default:
		check(false, "nothing else is opened");
	}
	return new_fd();
}

int __wrap_fcntl64(int fd, int cmd, ...)
{
	check(req.type == REQ_PRIVCMD && fd == MONITOR_PRIVCMD && cmd == F_DUPFD_CLOEXEC,
	      "the restricted privcmd is copied");
	return new_fd();
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	check(n == 1 && fds->fd == MONITOR_QEMU && timeout == 0, "QEMU is looked at");
	looked = fake_fds() == 1; /* after its memory was opened */
	return fate() < 0 ? 1 : 0;
}

int __wrap_socket(int family, int type, int protocol)
{
	check((type & SOCK_CLOEXEC) != 0, "close-on-exec");
	check(req.type == REQ_LISTEN && protocol == IPPROTO_TCP && family != AF_UNIX,
	      "sockets are for listeners");
	return new_fd();
}

int __wrap_socketpair(int family, int type, int protocol, int fds[2])
{
	check(req.type == REQ_XENSTORE && family == AF_UNIX && protocol == 0 &&
	              (type & SOCK_CLOEXEC) != 0,
	      "QEMU's end and xsfilter's");
	if (fate() < 0)
		return -1;
	fds[0] = fake_fd();
	fds[1] = fake_fd();
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct manifest_inet *inet = &manifest.inets[req.index];
	uint8_t bytes[28] = {0};

	check(req.type == REQ_LISTEN && is_fake_fd(fd) && len <= sizeof(bytes), "a listener");
	check(req.index < manifest.n_inets && !model.listens[req.index], "of the plan, once");
	memcpy(bytes, addr, len);
	check(addr->sa_family == inet->family, "of its family");
	check(((uint64_t)bytes[2] << 8 | bytes[3]) == req.arg[0], "at the port asked for");
	check(req.arg[0] >= inet->port_first && req.arg[0] <= inet->port_last, "which is planned");
	if (inet->family == AF_INET)
		check(len == 16 && memcmp(bytes + 4, inet->addr, 4) == 0, "at its address");
	else
		check(len == 28 && memcmp(bytes + 8, inet->addr, 16) == 0, "at its address");
	return fate();
}

int __wrap_listen(int fd, int backlog)
{
	check(is_fake_fd(fd) && req.type == REQ_LISTEN && backlog >= 1, "it listens");
	return fate();
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	check(is_fake_fd(fd) && value != NULL && len == sizeof(int), "an option");
	check((level == SOL_SOCKET && name == SO_REUSEADDR) ||
	              (level == IPPROTO_IPV6 && name == IPV6_V6ONLY),
	      "of a listener");
	return fate();
}

/* The plan, small, so that its limits are met. */
static void take_plan(struct input *in)
{
	static const struct manifest_inet inets[INETS] = {
	        {AF_INET, 5900, 5999, 0, {127, 0, 0, 1}},
	        {AF_INET6, 0, 65535, 0, {0}},
	};
	uint8_t b;

	memset(&manifest, 0, sizeof(manifest));
	manifest.magic = MANIFEST_MAGIC;
	manifest.domid = DOMID;
	manifest.extra_pages = (uint32_t)take(in, 2);
	b = (uint8_t)take(in, 1);
	manifest.ptys = b & 3;
	manifest.n_inets = (b >> 2 & 3) % (INETS + 1);
	manifest.n_files = (b >> 4 & 3) % (FILES + 1);
	manifest.n_dirs = (b >> 6) % (DIRS + 1);
	for (size_t i = 0; i < FILES; i++)
		manifest.files[i].writable = i % 2;
	memcpy(manifest.inets, inets, sizeof(inets));
}

/* After the request: what the reply says has happened. */
static void check_reply(const struct reply *reply, int fd)
{
	const bool needs_fd =
	        req.type != REQ_EXEC && req.type != REQ_POPULATE && req.type < REQ_MAX_;

	check((reply->has_fd != 0) == (fd >= 0), "the reply says whether it has an fd");
	check(fake_fds() == (fd >= 0), "no other fd is left open");
	check(reply->result >= -4095, "the result is an errno or a number");
	if (reply->result < 0) {
		check(fd < 0, "a refusal gives nothing");
		return;
	}
	check(req.type < REQ_MAX_, "there is such a request");
	check(!failed, "what failed is not granted");
	check(needs_fd == (fd >= 0), "what was asked for is given");
	check(needs_fd ? reply->result == 0 : true, "and nothing more");
	check(!sealed() || req.type == REQ_FILE || req.type == REQ_MEMBER ||
	              req.type == REQ_LISTEN || req.type == REQ_EXEC || req.type == REQ_MEM,
	      "after sealing there are only files and listeners");
	check(req.type == REQ_EXEC || model.exec, "first of all is the exec");
	check(req.type == REQ_EXEC || req.type == REQ_MEM || model.mem, "then the memory");
	switch (req.type) {
	case REQ_EXEC:
		check(!model.exec, "one exec");
		model.exec = true;
		break;
	case REQ_MEM:
		check(!model.mem && looked, "one memory, of a process that was QEMU still");
		model.mem = true;
		break;
	case REQ_XENSTORE:
		check(++model.connections <= CONNECTIONS, "as many connections as there may be");
		break;
	case REQ_PTY:
		check(++model.ptys <= manifest.ptys, "as many terminals as planned");
		break;
	case REQ_LISTEN:
		model.listens[req.index] = true;
		break;
	default:
		break;
	}
}

static void take_request(struct input *in)
{
	const uint8_t what = (uint8_t)take(in, 1);

	req.type = (uint32_t)take(in, 1);
	if (req.type == 0xff)
		req.type = (uint32_t)take(in, 4);
	req.index = (uint32_t)take(in, 1);
	if (req.index == 0xff)
		req.index = (uint32_t)take(in, 4);
	req.arg[0] = take(in, 8);
	req.arg[1] = take(in, 8);
	memset(req.name, 0, sizeof(req.name));
	if (req.type == REQ_MEMBER) {
		const size_t len = take(in, 1) + 1; /* 256: without an end */

		for (size_t i = 0; i < len; i++)
			req.name[i] = (char)take(in, 1);
	}
	around.fails = what & 0xf;
	around.populates = what >> 6;
	around.no_answer = (what & 0x10) != 0;
	around.late = (what & 0x20) != 0;
	if (around.late && req.type != REQ_MEM)
		monitor_seal(&m, "the fuzzer says so");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	take_plan(&in);
	memset(&model, 0, sizeof(model));
	fake_fds_reset();
	xen.closed = false;
	m = (struct monitor){
	        .manifest = &manifest,
	        .qemu = PID,
	        .xen = &xen,
	        .pages_left = manifest.extra_pages,
	        .ptys_left = manifest.ptys,
	        .connections_left = CONNECTIONS,
	};
	for (size_t i = 0; i < REQUESTS_MAX && in.n > 0; i++) {
		struct reply reply;
		int fd = -1;

		take_request(&in);
		calls = 0;
		failed = looked = false;
		member = -1;
		reply = monitor_answer(&m, &req, &fd);
		check_reply(&reply, fd);
		close_fdp(&fd);
	}
	return 0;
}
