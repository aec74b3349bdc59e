/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "broker.h"
#include "fdmsg.h"
#include "role.h"
#include "util.h"

int broker_ask(uint32_t type, uint32_t index, uint64_t arg0, uint64_t arg1, int *ret_fd)
{
	const struct request req = {.type = type, .index = index, .arg = {arg0, arg1}};
	struct reply reply;
	int fds[FDMSG_MAX_FDS];
	size_t n_fds = 1;

	*ret_fd = -1;
	if (fdmsg_send(BROKER_MONITOR, &req, sizeof(req), NULL, 0) < 0 ||
	    fdmsg_recv(BROKER_MONITOR, &reply, sizeof(reply), fds, &n_fds) <= 0)
		return -EIO;
	if (n_fds == 1)
		*ret_fd = fds[0];
	return reply.result;
}
