/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sockets.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util.h"

/* XEN_RUN_STORED/socket as Debian's libxenstore spells it, and without the /var symlink. */
static const char *const xenstored_paths[] = {
        "/var/run/xenstored/socket",
        "/run/xenstored/socket",
};

bool sockaddr_is_xenstored(const void *addr, size_t len)
{
	struct sockaddr_un un = {0};
	const size_t offset = offsetof(struct sockaddr_un, sun_path);

	if (len <= offset || len > sizeof(un))
		return false;
	memcpy(&un, addr, len);
	/* A path that fills sun_path has no NUL; it is longer than ours anyway. */
	if (un.sun_family != AF_UNIX || memchr(un.sun_path, '\0', sizeof(un.sun_path)) == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(xenstored_paths); i++)
		if (strcmp(un.sun_path, xenstored_paths[i]) == 0)
			return true;
	return false;
}

int sockaddr_find_inet(const struct manifest *m, const void *addr, size_t len, uint16_t *ret_port)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u = {0};
	const void *ip;
	size_t ip_len;
	uint16_t port;

	if (len < sizeof(u.in))
		return -1;
	memcpy(&u, addr, len < sizeof(u) ? len : sizeof(u));
	if (u.sa.sa_family == AF_INET) {
		ip = &u.in.sin_addr;
		ip_len = sizeof(u.in.sin_addr);
		port = ntohs(u.in.sin_port);
	} else if (u.sa.sa_family == AF_INET6 && len >= sizeof(u.in6)) {
		ip = &u.in6.sin6_addr;
		ip_len = sizeof(u.in6.sin6_addr);
		port = ntohs(u.in6.sin6_port);
	} else {
		return -1;
	}

	for (uint32_t i = 0; i < m->n_inets; i++) {
		const struct manifest_inet *inet = &m->inets[i];

		if (inet->family != u.sa.sa_family || memcmp(inet->addr, ip, ip_len) != 0 ||
		    port < inet->port_first || port > inet->port_last)
			continue;
		*ret_port = port;
		return (int)i;
	}
	return -1;
}
