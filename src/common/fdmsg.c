/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fdmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "util.h"

union control {
	char buf[CMSG_SPACE(sizeof(int) * FDMSG_MAX_FDS)];
	struct cmsghdr align;
};

int fdmsg_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds)
{
	union control control = {0};
	/* sendmsg() only reads what iov_base points to. */
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (n_fds > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = &control.align; /* what CMSG_FIRSTHDR() gives, but never NULL */
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}

	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* The fds of msg, at most FDMSG_MAX_FDS: what does not fit the control buffer never arrives. */
static size_t take_fds(struct msghdr *msg, int fds[FDMSG_MAX_FDS])
{
	struct cmsghdr *cmsg;
	size_t n = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > FDMSG_MAX_FDS)
			n = FDMSG_MAX_FDS;
		memcpy(fds, CMSG_DATA(cmsg), n * sizeof(int));
		break;
	}
	return n;
}

int fdmsg_recv(int sock, void *buf, size_t len, int *fds, size_t *n_fds)
{
	union control control;
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr msg = {
	        .msg_iov = &iov,
	        .msg_iovlen = 1,
	        .msg_control = control.buf,
	        .msg_controllen = sizeof(control.buf),
	};
	int got[FDMSG_MAX_FDS];
	size_t n_got;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;

	n_got = take_fds(&msg, got);
	if (n == 0 && n_got == 0)
		return 0;
	if ((size_t)n != len || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    (n_got != 0 && n_got != *n_fds)) {
		for (size_t i = 0; i < n_got; i++)
			(void)close(got[i]);
		errno = EPROTO;
		return -1;
	}
	if (n_got > 0) /* else fds may be NULL */
		memcpy(fds, got, n_got * sizeof(int));
	*n_fds = n_got;
	return 1;
}
