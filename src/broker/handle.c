/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One notified system call: which resource of the plan is meant, ask the monitor for it, put it in
 * QEMU's fd table.
 *
 * SECCOMP_USER_NOTIF_FLAG_CONTINUE is never a security decision here: the kernel then carries the
 * call out as what QEMU is, an unprivileged process in a tree that holds nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "broker.h"
#include "hypercall.h"
#include "memory.h"
#include "role.h"
#include "sockets.h"
#include "util.h"

/* How the call ends. */
struct answer {
	int error;     /* 0 or a negative errno */
	int64_t value; /* what the call returns when there is no error */
	bool resume;   /* let the kernel do it */
	int fd;        /* >= 0: install this one (and close our copy) */
	int at; /* >= 0: at this number, and return value; < 0: anywhere, and return its number */
	bool cloexec;
};

#define ANSWER_NONE                                                                                \
	{                                                                                          \
		.fd = -1, .at = -1                                                                 \
	}

typedef struct answer handler(struct broker *b, const uint64_t args[6]);

static struct answer fail(int error)
{
	struct answer a = ANSWER_NONE;

	a.error = error;
	return a;
}

static struct answer resume(void)
{
	struct answer a = ANSWER_NONE;

	a.resume = true;
	return a;
}

/* A request to the monitor whose fd becomes what open() returns. */
static struct answer open_by_monitor(uint32_t type, uint32_t index, int flags, uint64_t arg)
{
	struct answer a = ANSWER_NONE;

	a.error = broker_ask(type, index, arg, 0, &a.fd);
	if (a.error >= 0 && a.fd < 0)
		a.error = -EIO; /* no answer of the monitor's */
	a.cloexec = (flags & O_CLOEXEC) != 0;
	return a;
}

static const struct {
	const char *path;
	enum request_type type;
} devices[] = {
        {"/dev/xen/privcmd", REQ_PRIVCMD},
        {"/dev/xen/evtchn", REQ_EVTCHN},
        {"/dev/ptmx", REQ_PTY},
};

/* An open by a path that is none of the devices'. */
static struct answer open_path(struct broker *b, const char *path, int flags)
{
	struct answer a = ANSWER_NONE;
	const char *name;
	uint32_t index;
	const enum path_kind kind = path_find(b->manifest, path, &index, &name);

	if (kind == PATH_JAIL)
		return resume();
	if (kind == PATH_FILE) {
		a = open_by_monitor(REQ_FILE, index, flags, (uint32_t)flags);
	} else if (kind == PATH_MEMBER) {
		a.error = broker_ask_member(index, name, flags, &a.fd);
		if (a.error >= 0 && a.fd < 0)
			a.error = -EIO; /* no answer of the monitor's */
		a.cloexec = (flags & O_CLOEXEC) != 0;
	} else {
		a.error = -EACCES;
	}
	if (a.error < 0)
		path_log_refusal(path, flags, kind, a.error);
	return a;
}

static struct answer do_open(struct broker *b, uint64_t path_addr, uint64_t flags_arg)
{
	const int flags = (int)(flags_arg & UINT32_MAX); /* the kernel reads an int */
	char path[PATH_MAX];
	int r = memory_read_string(b->mem, path_addr, path, sizeof(path));

	if (r < 0)
		return fail(r);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (strcmp(path, devices[i].path) == 0)
			return open_by_monitor(devices[i].type, 0, flags, 0);
	return open_path(b, path, flags);
}

static struct answer on_open(struct broker *b, const uint64_t args[6])
{
	return do_open(b, args[0], args[1]);
}

static struct answer on_openat(struct broker *b, const uint64_t args[6])
{
	return do_open(b, args[1], args[2]);
}

/*
 * The launcher's exec of QEMU is the first one; there is no second. It goes on when the monitor is
 * ready, so that a launch without monitor or broker ends here.
 */
static struct answer on_execve(struct broker *b, const uint64_t args[6])
{
	int fd, r;

	(void)args;
	if (b->executed)
		return fail(-EPERM);
	r = broker_ask(REQ_EXEC, 0, 0, 0, &fd);
	if (r < 0)
		return fail(r);
	b->executed = true;
	return resume();
}

/* The address of connect() and bind(), copied once. */
static bool read_sockaddr(struct broker *b, const uint64_t args[6], char *buf, size_t *ret_len)
{
	uint64_t len = args[2] & UINT32_MAX;

	if (len > SOCKADDR_MAX || !memory_read(b->mem, args[1], buf, len))
		return false;
	*ret_len = len;
	return true;
}

/* Replaces QEMU's socket by the monitor's, which is connected or bound already. */
static struct answer replace_socket(uint32_t type, uint32_t index, uint16_t port, uint64_t sockfd)
{
	struct answer a = ANSWER_NONE;

	a.error = broker_ask(type, index, port, 0, &a.fd);
	if (a.error >= 0 && a.fd < 0)
		a.error = -EIO; /* no answer of the monitor's */
	a.at = (int)(sockfd & INT32_MAX);
	a.cloexec = true;
	return a;
}

static struct answer on_connect(struct broker *b, const uint64_t args[6])
{
	char addr[SOCKADDR_MAX];
	size_t len;

	if (!read_sockaddr(b, args, addr, &len))
		return fail(-EFAULT);
	if (sockaddr_is_xenstored(addr, len))
		return replace_socket(REQ_XENSTORE, 0, 0, args[0]);
	audit(AUDIT_REFUSED, "connect", "refused: connect");
	return fail(-EACCES);
}

static struct answer on_bind(struct broker *b, const uint64_t args[6])
{
	char addr[SOCKADDR_MAX];
	uint16_t port = 0;
	size_t len;
	int index;

	if (!read_sockaddr(b, args, addr, &len))
		return fail(-EFAULT);
	index = sockaddr_find_inet(b->manifest, addr, len, &port);
	if (index >= 0)
		return replace_socket(REQ_LISTEN, (uint32_t)index, port, args[0]);
	audit(AUDIT_REFUSED, "bind", "refused: bind");
	return fail(-EACCES);
}

/* The filter notifies one ioctl only: IOCTL_PRIVCMD_HYPERCALL. */
static struct answer on_ioctl(struct broker *b, const uint64_t args[6])
{
	struct answer a = ANSWER_NONE;
	struct populate p;
	int fd;

	a.error = hypercall_decode(b->mem, args[2], (uint16_t)b->manifest->domid,
	                           b->manifest->extra_pages, &p);
	if (a.error < 0)
		return a;
	a.error = broker_ask(REQ_POPULATE, 0, p.gfn, p.n, &fd);
	if (a.error < 0)
		return a;
	a.value = hypercall_finish(b->mem, &p, a.error);
	a.error = a.value < 0 ? (int)a.value : 0;
	return a;
}

static const struct {
	int nr;
	handler *handle;
} handlers[] = {
        {SYS_openat, on_openat}, {SYS_open, on_open},   {SYS_connect, on_connect},
        {SYS_bind, on_bind},     {SYS_ioctl, on_ioctl}, {SYS_execve, on_execve},
};

static struct answer decide(struct broker *b, const struct seccomp_notif *notif)
{
	uint64_t args[6];

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = notif->data.args[i];
	/* The first call after the exec: from here on there is a QEMU whose memory can be read. */
	if (b->mem < 0 && b->executed) {
		int r = broker_ask(REQ_MEM, 0, 0, 0, &b->mem);

		if (r < 0)
			return fail(r);
	}
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].nr == notif->data.nr)
			return handlers[i].handle(b, args);
	return fail(-EPERM);
}

/* Returns the number that the fd has in QEMU, or -errno. */
static int install(struct broker *b, uint64_t id, const struct answer *a)
{
	struct seccomp_notif_addfd add = {
	        .id = id,
	        .flags = a->at >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : SECCOMP_ADDFD_FLAG_SEND,
	        .srcfd = (uint32_t)a->fd,
	        .newfd = a->at >= 0 ? (uint32_t)a->at : 0,
	        .newfd_flags = a->cloexec ? O_CLOEXEC : 0,
	};
	int r = ioctl(b->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return r < 0 ? -errno : r;
}

bool broker_handle(struct broker *b, const struct seccomp_notif *notif)
{
	struct answer a = decide(b, notif);
	cleanup_fd int fd = a.fd;
	struct seccomp_notif_resp resp = {.id = notif->id};

	if (a.error >= 0 && fd >= 0) {
		int r = install(b, notif->id, &a);

		if (r >= 0 && a.at < 0) {
			counters->served++;
			return true; /* installed and answered in one step */
		}
		a.error = r < 0 ? r : 0;
	}
	counters->refused += a.error < 0;
	counters->passed += a.error >= 0 && a.resume;
	counters->served += a.error >= 0 && !a.resume;
	resp.error = a.error < 0 ? a.error : 0;
	resp.val = resp.error == 0 ? a.value : 0;
	resp.flags = a.resume ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	/* ENOENT: the caller was killed meanwhile. */
	return ioctl(b->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) == 0 || errno == ENOENT;
}
