/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The request table: everything that QEMU's side can make root do.
 *
 * The broker, which reads QEMU's memory, is assumed to be in QEMU's hands. A request is therefore
 * of fixed size; each handler checks its numbers against the manifest and the state.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fdmsg.h"
#include "monitor.h"
#include "role.h"
#include "unit.h"
#include "util.h"
#include "xenfd.h"

/* The flags besides the access mode that QEMU's block layer uses on an image. */
#define FILE_FLAGS (O_NONBLOCK | O_DIRECT | O_DSYNC | O_SYNC | O_NOCTTY | O_CLOEXEC)

/* libxc's own limit on a gfn (addresses below 2^52); keeps gfn + pages from wrapping. */
#define GFN_END (UINT64_C(1) << 40)

/* QEMU starts when all of us have. Waits for xsfilter, which says that it is ready or is gone. */
static int answer_exec(struct monitor *m, const struct request *req, int *ret_fd)
{
	size_t no_fds = 0;
	char ready;

	(void)m;
	(void)req;
	(void)ret_fd;
	if (fdmsg_recv(MONITOR_XSFILTER, &ready, 1, NULL, &no_fds) != 1 || ready != XSFILTER_READY)
		return -EIO;
	return 0;
}

/*
 * QEMU's first call. Sealing waits for this QEMU to say that it runs; another one may have said so
 * before, and then the guest runs already.
 */
static int seal_if_started_late(struct monitor *m)
{
	int r = xenstored_has_run((uint16_t)m->manifest->domid);

	if (r > 0)
		monitor_seal(m, "the domain has had a device model before, and has run");
	return r < 0 ? -EIO : 0;
}

/* The fd belongs to the address space of this moment: QEMU's, since its exec has been seen. */
static int answer_mem(struct monitor *m, const struct request *req, int *ret_fd)
{
	struct pollfd alive = {.fd = MONITOR_QEMU, .events = POLLIN};
	char path[32];
	struct error err;

	(void)req;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", m->qemu);
	*ret_fd = openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (*ret_fd < 0)
		return -errno;
	/* Alive after the open: the pid was not somebody else's. */
	if (poll(&alive, 1, 0) != 0)
		return -ESRCH;
	if (monitor_settle(m, &err) < 0) {
		role_log("%s", err.msg);
		return -EPERM;
	}
	return seal_if_started_late(m);
}

static int answer_privcmd(struct monitor *m, const struct request *req, int *ret_fd)
{
	(void)m;
	(void)req;
	*ret_fd = fcntl(MONITOR_PRIVCMD, F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? -errno : 0;
}

static int answer_evtchn(struct monitor *m, const struct request *req, int *ret_fd)
{
	struct error err;

	(void)req;
	*ret_fd = xenfd_evtchn((uint16_t)m->manifest->domid, &err);
	if (*ret_fd >= 0)
		return 0;
	role_log("%s", err.msg);
	return -EACCES;
}

static int answer_populate(struct monitor *m, const struct request *req, int *ret_fd)
{
	uint64_t gfn = req->arg[0], n = req->arg[1];
	int r;

	(void)ret_fd;
	if (n == 0 || n > m->pages_left || gfn >= GFN_END || gfn < m->next_gfn)
		return -EPERM;
	m->pages_left -= (uint32_t)n;
	m->next_gfn = gfn + n;
	r = xen_populate(m->xen, (uint16_t)m->manifest->domid, gfn, (uint32_t)n);
	if (r != (int)n)
		role_log("populate of %llu pages at gfn %#llx gave %d", (unsigned long long)n,
		         (unsigned long long)gfn, r);
	return r;
}

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int answer_xenstore(struct monitor *m, const struct request *req, int *ret_fd)
{
	const char kind = XSFILTER_CONNECTION;
	int pair[2];
	int r;

	(void)req;
	if (m->connections_left == 0)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;

	cleanup_fd int filter_end = pair[0];
	cleanup_fd int qemu_end = pair[1];
	cleanup_fd int upstream = xenstored_connect();

	if (upstream < 0)
		return -ECONNREFUSED;
	r = fdmsg_send(MONITOR_XSFILTER, &kind, 1, (int[]){filter_end, upstream}, 2);
	if (r < 0)
		return -errno;
	unit_store_connection(m, filter_end, upstream);
	m->connections_left--;
	*ret_fd = steal_fd(&qemu_end);
	return 0;
}

/* What QEMU may ask of open(2) besides an access mode that the plan gives. */
static bool is_image_open(const struct request *req)
{
	const int flags = (int)req->arg[0];

	return (flags & ~(O_ACCMODE | FILE_FLAGS)) == 0 && (flags & O_ACCMODE) != O_ACCMODE;
}

/* Opens what an O_PATH fd stands for: that inode, whatever its path is by now. */
static int reopen(int path_fd, int flags, int *ret_fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	*ret_fd = openat(AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY);
	return *ret_fd < 0 ? -errno : 0;
}

static int answer_file(struct monitor *m, const struct request *req, int *ret_fd)
{
	const int flags = (int)req->arg[0];

	if (req->index >= m->manifest->n_files || req->arg[0] > INT32_MAX)
		return -EINVAL;
	if (!is_image_open(req) ||
	    ((flags & O_ACCMODE) != O_RDONLY && !m->manifest->files[req->index].writable))
		return -EACCES;
	return reopen(MONITOR_FILES + (int)req->index, flags, ret_fd);
}

/*
 * The kernel keeps the name below the directory: no "..", link or mount leads out. Only looking at
 * the inode first keeps a device or a FIFO from being opened.
 */
static int answer_member(struct monitor *m, const struct request *req, int *ret_fd)
{
	const struct open_how how = {
	        .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
	        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
	                   RESOLVE_NO_XDEV,
	};
	cleanup_fd int fd = -1;
	struct stat st;

	if (req->index >= m->manifest->n_dirs || req->arg[0] > INT32_MAX ||
	    memchr(req->name, '\0', sizeof(req->name)) == NULL)
		return -EINVAL;
	if (!is_image_open(req) || ((int)req->arg[0] & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	fd = (int)syscall(SYS_openat2, MONITOR_FILES + m->manifest->n_files + req->index, req->name,
	                  &how, sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return reopen(fd, (int)req->arg[0], ret_fd);
}

static union address inet_address(const struct manifest_inet *inet, uint16_t port)
{
	union address addr = {0};

	if (inet->family == AF_INET) {
		addr.in.sin_family = AF_INET;
		addr.in.sin_port = htons(port);
		memcpy(&addr.in.sin_addr, inet->addr, sizeof(addr.in.sin_addr));
	} else {
		addr.in6.sin6_family = AF_INET6;
		addr.in6.sin6_port = htons(port);
		memcpy(&addr.in6.sin6_addr, inet->addr, sizeof(addr.in6.sin6_addr));
	}
	return addr;
}

/*
 * Bound *and* listening before QEMU sees it: a socket of the host's namespace that is merely bound
 * could still be connected, or listen elsewhere.
 */
static int answer_listen(struct monitor *m, const struct request *req, int *ret_fd)
{
	const int on = 1;
	const struct manifest_inet *inet;
	union address addr;

	if (req->index >= m->manifest->n_inets || req->arg[0] > UINT16_MAX)
		return -EINVAL;
	inet = &m->manifest->inets[req->index];
	if (req->arg[0] < inet->port_first || req->arg[0] > inet->port_last)
		return -EACCES;
	if ((m->inets_used & (1u << req->index)) != 0)
		return -EMFILE;

	cleanup_fd int fd = socket(inet->family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	addr = inet_address(inet, (uint16_t)req->arg[0]);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (inet->family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, &addr.sa, inet->family == AF_INET ? sizeof(addr.in) : sizeof(addr.in6)) < 0 ||
	    listen(fd, 1) < 0)
		return -errno;
	m->inets_used |= 1u << req->index;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* The slave stays root's: QEMU gets at it by TIOCGPTPEER only, others not at all. */
static int answer_pty(struct monitor *m, const struct request *req, int *ret_fd)
{
	(void)req;
	if (m->ptys_left == 0)
		return -EMFILE;
	*ret_fd = openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_fd < 0)
		return -errno;
	m->ptys_left--;
	return 0;
}

enum when {
	ALWAYS,
	ONCE,
	UNTIL_SEALED,
};

struct entry {
	const char *name;
	int (*answer)(struct monitor *m, const struct request *req, int *ret_fd);
	enum when when;
	enum request_type after; /* request that must have succeeded before; itself: none */
};

static const struct entry entries[REQ_MAX_] = {
        [REQ_EXEC] = {"exec", answer_exec, ONCE, REQ_EXEC},
        [REQ_MEM] = {"mem", answer_mem, ONCE, REQ_EXEC},
        [REQ_PRIVCMD] = {"privcmd", answer_privcmd, UNTIL_SEALED, REQ_MEM},
        [REQ_EVTCHN] = {"evtchn", answer_evtchn, UNTIL_SEALED, REQ_MEM},
        [REQ_POPULATE] = {"populate", answer_populate, UNTIL_SEALED, REQ_MEM},
        [REQ_XENSTORE] = {"xenstore", answer_xenstore, UNTIL_SEALED, REQ_MEM},
        [REQ_FILE] = {"file", answer_file, ALWAYS, REQ_MEM},
        [REQ_MEMBER] = {"member", answer_member, ALWAYS, REQ_MEM},
        /* Each address once. Without dm_restrict QEMU's displays come after its "running". */
        [REQ_LISTEN] = {"listen", answer_listen, ALWAYS, REQ_MEM},
        [REQ_PTY] = {"pty", answer_pty, UNTIL_SEALED, REQ_MEM},
};

void monitor_seal(struct monitor *m, const char *why)
{
	if (m->xen == NULL)
		return;
	xen_close(m->xen);
	m->xen = NULL;
	counters->sealed = 1;
	audit(AUDIT_SEALED, "xen", "sealed: %s", why);
	unit_status(m, "sealed");
}

static int permitted(const struct monitor *m, const struct request *req)
{
	const struct entry *e = &entries[req->type];

	if (e->when == ONCE && (m->made & (1u << req->type)) != 0)
		return -EPERM;
	if (e->when == UNTIL_SEALED && m->xen == NULL)
		return -EPERM;
	if (e->after != req->type && (m->made & (1u << e->after)) == 0)
		return -EPERM;
	return 0;
}

struct reply monitor_answer(struct monitor *m, const struct request *req, int *ret_fd)
{
	struct reply reply = {.result = -EINVAL};

	*ret_fd = -1;
	if (req->type >= REQ_MAX_) {
		counters->refused++;
		audit(AUDIT_REFUSED, "request", "refused: request type %u does not exist",
		      req->type);
		return reply;
	}
	reply.result = permitted(m, req);
	if (reply.result < 0) {
		counters->refused++;
		audit(AUDIT_REFUSED, entries[req->type].name, "refused: %s, not permitted %s",
		      entries[req->type].name, m->xen == NULL ? "after sealing" : "at this time");
		return reply;
	}
	reply.result = entries[req->type].answer(m, req, ret_fd);
	if (reply.result < 0) {
		close_fdp(ret_fd);
		counters->refused++;
		audit(AUDIT_REFUSED, entries[req->type].name, "refused: %s(%u, %#llx, %#llx): %s",
		      entries[req->type].name, req->index, (unsigned long long)req->arg[0],
		      (unsigned long long)req->arg[1], strerror(-reply.result));
		return reply;
	}
	if (req->type == REQ_EXEC)
		audit(AUDIT_STARTED, "QEMU", "QEMU starts, confined, as pid %d", m->qemu);
	counters->served++;
	m->made |= 1u << req->type;
	reply.has_fd = *ret_fd >= 0;
	return reply;
}
