/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fdmsg.h"
#include "util.h"

int handover_send(int sock, enum handover_kind kind, int number, int fd, struct error *err)
{
	const struct handover m = {.kind = kind, .number = number};

	if (fdmsg_send(sock, &m, sizeof(m), &fd, fd >= 0 ? 1 : 0) < 0)
		return error_errno(err, "cannot hand the launch over");
	return 0;
}

void handover_error(int sock, const struct error *what)
{
	struct handover m = {.kind = HANDOVER_ERROR};

	(void)snprintf(m.text, sizeof(m.text), "%.*s", (int)sizeof(m.text) - 1, what->msg);
	(void)fdmsg_send(sock, &m, sizeof(m), NULL, 0);
}

int handover_recv(int sock, struct handover *ret, int *ret_fd, struct error *err)
{
	int fds[FDMSG_MAX_FDS];
	size_t n = 1;
	int r = fdmsg_recv(sock, ret, sizeof(*ret), fds, &n);

	*ret_fd = r > 0 && n == 1 ? fds[0] : -1;
	if (r < 0)
		return error_errno(err, "malformed handover of a launch");
	ret->text[sizeof(ret->text) - 1] = '\0';
	return r;
}

int handover_assert_root(int sock, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_errno(err, "cannot see who the peer is");
	if (peer.uid != 0)
		return error_set(err, "the peer has uid %u: refused", peer.uid);
	return 0;
}
