/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "broker.h"
#include "fdmsg.h"
#include "role.h"
#include "util.h"

static int ask(const struct request *req, int *ret_fd)
{
	struct reply reply;
	int fds[FDMSG_MAX_FDS];
	size_t n_fds = 1;

	*ret_fd = -1;
	if (fdmsg_send(BROKER_MONITOR, req, sizeof(*req), NULL, 0) < 0 ||
	    fdmsg_recv(BROKER_MONITOR, &reply, sizeof(reply), fds, &n_fds) <= 0)
		return -EIO;
	if (n_fds == 1)
		*ret_fd = fds[0];
	return reply.result;
}

int broker_ask(uint32_t type, uint32_t index, uint64_t arg0, uint64_t arg1, int *ret_fd)
{
	const struct request req = {.type = type, .index = index, .arg = {arg0, arg1}};

	return ask(&req, ret_fd);
}

int broker_ask_member(uint32_t index, const char *name, int flags, int *ret_fd)
{
	struct request req = {.type = REQ_MEMBER, .index = index, .arg = {(uint32_t)flags}};
	const size_t len = strlen(name);

	*ret_fd = -1;
	if (len >= sizeof(req.name))
		return -ENAMETOOLONG;
	memcpy(req.name, name, len + 1);
	return ask(&req, ret_fd);
}
