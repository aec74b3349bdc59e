/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network: out of the empty namespace, to the host's own listeners, and past the addresses of the
 * plan. The listeners are those of whoever runs the battery.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "attempt.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* A family or kind that the host's kernel need not have: then the control says so. */
#define SOCKET(family, type, protocol) SYS(socket, family, type, protocol), REFUSED(EPERM)

#define HIGH_BITS (1UL << 32)

union address {
	struct sockaddr sa;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int stream(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static union address host_loopback(uint16_t port)
{
	union address a = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};

	a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* Returns the address's length. */
static socklen_t unix_address(union address *ret, const char *name, bool abstract)
{
	size_t n = strlen(name), space = sizeof(ret->un.sun_path) - 2;

	if (n > space)
		n = space;

	memset(ret, 0, sizeof(*ret));
	ret->un.sun_family = AF_UNIX;
	memcpy(ret->un.sun_path + (abstract ? 1 : 0), name, n);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
}

static int try_connect(int family, const union address *a, socklen_t len)
{
	cleanup_fd int fd = stream(family);

	if (fd < 0)
		return errno;
	return outcome_of(connect(fd, &a->sa, len));
}

static int connect_loopback(const struct attempt *self, const struct facts *facts)
{
	const union address a = host_loopback(facts->port);

	(void)self;
	return try_connect(AF_INET, &a, sizeof(a.in));
}

/* A documentation address (RFC 5737): nobody answers, but a route may lead there. */
static int connect_out(const struct attempt *self, const struct facts *facts)
{
	union address a = host_loopback(facts->port);

	(void)self;
	a.in.sin_addr.s_addr = htonl(0xc0000201);
	return try_connect(AF_INET, &a, sizeof(a.in));
}

static int connect_unspec(const struct attempt *self, const struct facts *facts)
{
	const union address a = {.sa = {.sa_family = AF_UNSPEC}};

	(void)self;
	(void)facts;
	return try_connect(AF_INET, &a, sizeof(a.sa));
}

static int connect_abstract(const struct attempt *self, const struct facts *facts)
{
	union address a;
	socklen_t len = unix_address(&a, facts->abstract, true);

	(void)self;
	return try_connect(AF_UNIX, &a, len);
}

static int connect_foreign_qmp(const struct attempt *self, const struct facts *facts)
{
	union address a;
	socklen_t len = unix_address(&a, facts->foreign_socket, false);

	(void)self;
	if (facts->foreign_socket[0] == '\0')
		return OUTCOME_NOTHING;
	return try_connect(AF_UNIX, &a, len);
}

/* xenstored by another spelling: the broker knows two. */
static int connect_path(const struct attempt *self, const struct facts *facts)
{
	union address a;
	socklen_t len = unix_address(&a, self->text, false);

	(void)facts;
	return try_connect(AF_UNIX, &a, len);
}

/* Connects without connect(). */
static int fastopen_sendto(const struct attempt *self, const struct facts *facts)
{
	const union address a = host_loopback(facts->port);
	cleanup_fd int fd = stream(AF_INET);

	(void)self;
	if (fd < 0)
		return errno;
	return outcome_of(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &a.sa, sizeof(a.in)));
}

static int fastopen_sendmsg(const struct attempt *self, const struct facts *facts)
{
	union address a = host_loopback(facts->port);
	struct iovec iov = {(void *)(uintptr_t) "x", 1};
	struct msghdr msg = {
	        .msg_name = &a, .msg_namelen = sizeof(a.in), .msg_iov = &iov, .msg_iovlen = 1};
	cleanup_fd int fd = stream(AF_INET);

	(void)self;
	if (fd < 0)
		return errno;
	return outcome_of(sendmsg(fd, &msg, MSG_FASTOPEN | MSG_NOSIGNAL));
}

static int fastopen_sendmmsg(const struct attempt *self, const struct facts *facts)
{
	(void)self;
	(void)facts;
	return outcome_of(syscall(SYS_sendmmsg, -1, NULL, 0, MSG_FASTOPEN));
}

static int bind_inet(const struct attempt *self, const struct facts *facts)
{
	union address a = host_loopback((uint16_t)self->arg[0]);
	cleanup_fd int fd = stream(AF_INET);

	(void)facts;
	if (fd < 0)
		return errno;
	a.in.sin_addr.s_addr = htonl((uint32_t)self->arg[1]);
	return outcome_of(bind(fd, &a.sa, sizeof(a.in)));
}

static int bind_inet6(const struct attempt *self, const struct facts *facts)
{
	union address a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(2222)}};
	cleanup_fd int fd = stream(AF_INET6);

	(void)self;
	(void)facts;
	if (fd < 0)
		return errno;
	return outcome_of(bind(fd, &a.sa, sizeof(a.in6)));
}

static int bind_unix(const struct attempt *self, const struct facts *facts)
{
	union address a;
	socklen_t len = unix_address(&a, self->text, self->arg[0] != 0);
	cleanup_fd int fd = stream(AF_UNIX);
	int r;

	(void)facts;
	if (fd < 0)
		return errno;
	r = outcome_of(bind(fd, &a.sa, len));
	if (r == 0 && self->arg[0] == 0)
		(void)unlink(self->text);
	return r;
}

/* Any socket that it can have: does it live in the host's namespace? */
static int in_host_namespace(const struct attempt *self, const struct facts *facts)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	cleanup_fd int fd = stream(AF_INET);

	(void)self;
	if (facts->netns == 0)
		return OUTCOME_NOTHING;
	if (fd < 0)
		return errno;
	/* Takes a port without bind(), and so without the broker. */
	(void)listen(fd, 1);
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		return errno;
	return cookie == facts->netns ? 0 : EXDEV;
}

static int set_option(const struct attempt *self, const struct facts *facts)
{
	cleanup_fd int fd = stream(AF_INET);
	const int on = 0;

	(void)facts;
	if (fd < 0)
		return errno;
	return outcome_of(setsockopt(fd, (int)self->arg[0], (int)self->arg[1], &on, sizeof(on)));
}

static const struct attempt network[] = {
        {"connect-host-loopback", connect_loopback, REFUSED(EACCES, EPERM), REACHED(EINPROGRESS),
         .why = "a service of the host"},
        {"connect-out", connect_out, REFUSED(EACCES, EPERM), REACHED(EINPROGRESS, ENETUNREACH),
         .why = "the network"},
        {"connect-unspec", connect_unspec, REFUSED(EACCES, EPERM),
         .why = "turns a listener back into a socket that can connect"},
        {"connect-abstract", connect_abstract, REFUSED(EACCES, EPERM),
         .why = "services with abstract addresses: D-Bus, X, containers"},
        {"connect-foreign-qmp", connect_foreign_qmp, REFUSED(EACCES, EPERM),
         REACHED(EAGAIN, ECONNREFUSED), .why = "another guest's device model"},
        {"connect-xenstored-spelled", connect_path, .text = "/run/../run/xenstored/socket",
         REFUSED(EACCES, EPERM), .why = "xenstored past the filter"},
        {"fastopen-sendto", fastopen_sendto, REFUSED(EPERM), REACHED(EINPROGRESS, EOPNOTSUPP),
         .why = "connects without connect()"},
        {"fastopen-sendmsg", fastopen_sendmsg, REFUSED(EPERM), REACHED(EINPROGRESS, EOPNOTSUPP),
         .why = "connects without connect()"},
        {"fastopen-sendmmsg", fastopen_sendmmsg, REFUSED(EPERM), REACHED(EBADF),
         .why = "connects without connect()"},
        {"bind-other-port", bind_inet, .arg = {2222, INADDR_LOOPBACK}, REFUSED(EACCES, EPERM),
         .why = "a listener that the plan has not"},
        {"bind-any-address", bind_inet, .arg = {2222, INADDR_ANY}, REFUSED(EACCES, EPERM),
         .why = "a listener for everybody"},
        {"bind-port-0", bind_inet, .arg = {0, INADDR_ANY}, REFUSED(EACCES, EPERM),
         .why = "a listener at any port"},
        {"bind-inet6", bind_inet6, REFUSED(EACCES, EPERM), .why = "a listener for everybody"},
        {"bind-unix", bind_unix, .text = "/run/qemu-depriv-probe", REFUSED(EACCES, EPERM),
         .why = "a socket that others may take for somebody's"},
        {"bind-abstract", bind_unix, .text = "qemu-depriv-probe-bind", NUMBER(1),
         REFUSED(EACCES, EPERM), .why = "a socket that others may take for somebody's"},
        {"host-namespace", in_host_namespace, REFUSED(EXDEV),
         .why = "sockets must be in the empty namespace, also those that listen unbound"},
        {"socket-dgram", SOCKET(AF_INET, SOCK_DGRAM, 0), .why = "UDP"},
        {"socket-raw", SOCKET(AF_INET, SOCK_RAW, IPPROTO_ICMP), .why = "any packet"},
        {"socket-netlink", SOCKET(AF_NETLINK, SOCK_RAW, 0), .why = "the kernel's configuration"},
        {"socket-packet", SOCKET(AF_PACKET, SOCK_RAW, 0), .why = "all packets"},
        {"socket-vsock", SOCKET(40, SOCK_STREAM, 0), REACHED(EAFNOSUPPORT, ESOCKTNOSUPPORT),
         .why = "other machines"},
        {"socket-alg", SOCKET(38, SOCK_SEQPACKET, 0), REACHED(EAFNOSUPPORT),
         .why = "the kernel's ciphers"},
        {"socket-xdp", SOCKET(44, SOCK_RAW, 0), REACHED(EAFNOSUPPORT), .why = "all packets"},
        {"socket-bluetooth", SOCKET(31, SOCK_RAW, 1), REACHED(EAFNOSUPPORT), .why = "drivers"},
        {"socket-can", SOCKET(29, SOCK_RAW, 1), REACHED(EAFNOSUPPORT), .why = "drivers"},
        {"socket-key", SOCKET(15, SOCK_RAW, 2), REACHED(EAFNOSUPPORT), .why = "IPsec's keys"},
        {"socket-unix-dgram", SOCKET(AF_UNIX, SOCK_DGRAM, 0), .why = "the host's log and others"},
        {"socket-unix-seqpacket", SOCKET(AF_UNIX, SOCK_SEQPACKET, 0), .why = "not needed"},
        {"socket-sctp", SOCKET(AF_INET, SOCK_STREAM, IPPROTO_SCTP), REACHED(EPROTONOSUPPORT),
         .why = "another transport"},
        {"socket-mptcp", SOCKET(AF_INET, SOCK_STREAM, 262), REACHED(EPROTONOSUPPORT),
         .why = "another transport"},
        {"socket-netlink-high-bits", SOCKET(HIGH_BITS | AF_NETLINK, SOCK_RAW, 0),
         .why = "the kernel ignores the upper half of an int; the filter has to as well"},
        {"option-attach-filter", set_option, .arg = {SOL_SOCKET, SO_ATTACH_FILTER}, REFUSED(EPERM),
         REACHED(EINVAL), .why = "code in the kernel"},
        {"option-attach-bpf", set_option, .arg = {SOL_SOCKET, SO_ATTACH_BPF}, REFUSED(EPERM),
         REACHED(EINVAL, EBADF), .why = "code in the kernel"},
        {"option-bind-device", set_option, .arg = {SOL_SOCKET, SO_BINDTODEVICE}, REFUSED(EPERM),
         .why = "another interface"},
        {"option-mark", set_option, .arg = {SOL_SOCKET, SO_MARK}, REFUSED(EPERM),
         .why = "routes and firewall rules"},
        {"option-ulp", set_option, .arg = {IPPROTO_TCP, 31}, REFUSED(EPERM),
         REACHED(EINVAL, ENOENT, EFAULT, ENOTCONN), .why = "TLS in the kernel"},
};

const struct group probe_network =
        GROUP(network, "the host's listeners, its network, other socket families");
