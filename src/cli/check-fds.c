/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every fd of a process against the plan. A copy shares the open file and changes nothing in it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "role.h"
#include "util.h"

/* Lines for one process at most. */
#define MAX_FINDINGS 20

#define QEMU     (1u << PROCESS_QEMU)
#define MONITOR  (1u << PROCESS_MONITOR)
#define BROKER   (1u << PROCESS_BROKER)
#define XSFILTER (1u << PROCESS_XSFILTER)
#define ALL      (QEMU | MONITOR | BROKER | XSFILTER)

/* One fd that is looked at. */
struct held {
	struct subject *s;
	enum process process;
	int fd;
	const char *link; /* /proc/PID/fd/FD */
	char why[256];    /* what is wrong */
};

typedef bool judge(struct held *h);

static int copy_fd(const struct held *h)
{
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, h->s->pids[h->process], 0);

	return pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, h->fd, 0);
}

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* The address and, as the function's value, the port of a TCP socket. */
static uint16_t split(const union address *a, const void **ret_addr, size_t *ret_len)
{
	const bool v4 = a->sa.sa_family == AF_INET;

	*ret_addr = v4 ? (const void *)&a->in.sin_addr : (const void *)&a->in6.sin6_addr;
	*ret_len = v4 ? sizeof(a->in.sin_addr) : sizeof(a->in6.sin6_addr);
	return ntohs(v4 ? a->in.sin_port : a->in6.sin6_port);
}

static bool is_planned_address(const struct manifest *m, const union address *a)
{
	static const uint8_t any[16];
	const void *addr;
	size_t len;
	const uint16_t port = split(a, &addr, &len);

	for (uint32_t i = 0; m != NULL && i < m->n_inets; i++) {
		const struct manifest_inet *inet = &m->inets[i];

		/* A connection of a listener at every address has one address. */
		if (inet->family == a->sa.sa_family && port >= inet->port_first &&
		    port <= inet->port_last &&
		    (memcmp(inet->addr, addr, len) == 0 || memcmp(inet->addr, any, len) == 0))
			return true;
	}
	return false;
}

static bool judge_socket(struct held *h)
{
	union address a = {0};
	socklen_t len = sizeof(a);
	cleanup_fd int fd = copy_fd(h);
	char text[INET6_ADDRSTRLEN];
	const void *addr;
	uint16_t port;
	size_t size;

	if (fd < 0 || getsockname(fd, &a.sa, &len) < 0)
		return (void)snprintf(h->why, sizeof(h->why), "%s", strerror(errno)), false;
	if (a.sa.sa_family == AF_UNIX)
		return true;
	if (a.sa.sa_family != AF_INET && a.sa.sa_family != AF_INET6) {
		(void)snprintf(h->why, sizeof(h->why), "a socket of family %d", a.sa.sa_family);
		return false;
	}
	if (h->process == PROCESS_QEMU && is_planned_address(h->s->manifest, &a))
		return true;
	port = split(&a, &addr, &size);
	if (inet_ntop(a.sa.sa_family, addr, text, sizeof(text)) == NULL)
		(void)snprintf(text, sizeof(text), "?");
	(void)snprintf(h->why, sizeof(h->why), "a TCP socket at %s port %u, not of the plan", text,
	               port);
	return false;
}

/* The value of "KEY:" in /proc/PID/fdinfo/FD. */
static bool fdinfo(const struct held *h, const char *key, char *buf, size_t size)
{
	cleanup_free char *info = NULL;
	char name[32];
	const char *at;

	(void)snprintf(name, sizeof(name), "fdinfo/%d", h->fd);
	info = proc_read(h->s->pids[h->process], name, NULL);
	at = info != NULL ? strstr(info, key) : NULL;
	if (at == NULL)
		return false;
	at += strlen(key);
	at += strspn(at, ": \t");
	(void)snprintf(buf, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

/* libxl names them vifDOMID.DEVID-emu. */
static bool judge_tap(struct held *h)
{
	char name[64], wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "vif%u.*", h->s->domid);
	if (!fdinfo(h, "iff", name, sizeof(name)))
		(void)snprintf(name, sizeof(name), "?");
	if (fnmatch(wanted, name, 0) == 0)
		return true;
	(void)snprintf(h->why, sizeof(h->why), "the interface %s, not of this domain", name);
	return false;
}

/* O_ACCMODE and O_PATH of an fd, as open(2) got them. */
static int open_flags(const struct held *h)
{
	char text[32];

	return fdinfo(h, "flags", text, sizeof(text)) ? (int)strtoul(text, NULL, 8) : O_RDWR;
}

static bool is_same_file(const char *path, const struct stat *st)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

static bool is_below(const char *path, const char *dir)
{
	const size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* An image: by inode, since a path may have been replaced; the monitor holds O_PATH fds. */
static bool judge_file(struct held *h)
{
	const struct manifest *m = h->s->manifest;
	const int flags = open_flags(h);
	const bool writes = (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", h->s->pids[h->process], h->fd);
	if (stat(path, &st) < 0)
		return (void)snprintf(h->why, sizeof(h->why), "%s", strerror(errno)), false;
	for (uint32_t i = 0; m != NULL && i < m->n_files; i++) {
		if (!is_same_file(manifest_string(m, m->files[i].path), &st))
			continue;
		if (!writes || m->files[i].writable)
			return true;
		(void)snprintf(h->why, sizeof(h->why), "%s for writing, planned read-only",
		               h->link);
		return false;
	}
	for (uint32_t i = 0; m != NULL && i < m->n_dirs; i++) {
		const char *dir = manifest_string(m, m->dirs[i].path);

		if (S_ISDIR(st.st_mode) ? is_same_file(dir, &st)
		                        : !writes && is_below(h->link, dir))
			return true;
	}
	(void)snprintf(h->why, sizeof(h->why), "%s, not of %s", h->link,
	               m != NULL ? "the plan" : "a plan: there is none");
	return false;
}

/* 0, 1 and 2: nothing, the log, or a pipe to whoever writes the log. */
static bool judge_standard(struct held *h)
{
	if (strcmp(h->link, "/dev/null") == 0 || fnmatch("pipe:*", h->link, 0) == 0 ||
	    fnmatch("socket:*", h->link, 0) == 0 || is_below(h->link, "/var/log"))
		return true;
	(void)snprintf(h->why, sizeof(h->why), "%s", h->link);
	return false;
}

static const struct {
	unsigned int processes;
	const char *link; /* fnmatch(3) pattern; the first match counts */
	judge *judge;     /* NULL: always in order */
} kinds[] = {
        {QEMU | MONITOR, "/dev/xen/privcmd", NULL}, /* tried by check_xen() */
        {QEMU | MONITOR, "/dev/xen/evtchn", NULL},
        {MONITOR, "/dev/xen/hypercall", NULL}, /* until it is sealed */
        {ALL, "/dev/null", NULL},
        {ALL, "pipe:*", NULL},
        {ALL, "socket:*", judge_socket},
        {QEMU, "anon_inode:?eventfd?", NULL},
        {QEMU, "anon_inode:?eventpoll?", NULL},
        {QEMU, "anon_inode:?timerfd?", NULL},
        {QEMU | MONITOR, "anon_inode:?signalfd?", NULL},
        {QEMU, "/memfd:*", NULL},
        {QEMU, "/dev/net/tun", judge_tap},
        {QEMU, "/dev/ptmx", NULL},
        {QEMU, "/dev/pts/*", NULL},
        {MONITOR | XSFILTER, "*pidfd*", NULL},
        {MONITOR, "*landlock-ruleset*", NULL},
        {MONITOR | BROKER, "/memfd:qemu-depriv-manifest*", NULL},
        {BROKER, "anon_inode:seccomp notify", NULL},
        {BROKER, "/proc/[0-9]*/mem", NULL},
        {BROKER, "/var/log/*", NULL},
        {MONITOR | BROKER | XSFILTER, "/run/qemu-depriv/[0-9]*/*", NULL}, /* counters */
        {QEMU | MONITOR, "/*", judge_file},
};

static bool is_in_order(struct held *h)
{
	if (h->fd <= STDERR_FILENO)
		return judge_standard(h);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((kinds[i].processes & 1u << h->process) != 0 &&
		    fnmatch(kinds[i].link, h->link, 0) == 0)
			return kinds[i].judge == NULL || kinds[i].judge(h);
	(void)snprintf(h->why, sizeof(h->why), "%s, which no launch gives it", h->link);
	return false;
}

void check_fds(struct subject *s, enum process p)
{
	cleanup_free int *fds = NULL;
	char name[32], link[PATH_MAX];
	size_t n, bad = 0;

	(void)snprintf(name, sizeof(name), "%d/fd", s->pids[p]);
	n = proc_numbers(name, &fds);
	for (size_t i = 0; i < n; i++) {
		struct held h = {.s = s, .process = p, .fd = fds[i], .link = link};

		(void)snprintf(name, sizeof(name), "fd/%d", fds[i]);
		/* It may have been closed meanwhile. */
		if (!proc_link(s->pids[p], name, link, sizeof(link)) || is_in_order(&h))
			continue;
		if (bad++ < MAX_FINDINGS)
			check_add(s, RESULT_BAD, process_names[p], "fd", "%d: %s", fds[i], h.why);
	}
	if (n == 0)
		check_add(s, RESULT_UNKNOWN, process_names[p], "fds", "cannot be read");
	else if (bad == 0)
		check_add(s, RESULT_OK, process_names[p], "fds", "%zu, all of %s", n,
		          s->manifest != NULL ? "the plan" : "QEMU's own");
}
