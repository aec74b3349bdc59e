/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's own dealings with xenstored, which is trusted: connections, and one question. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <xen/io/xs_wire.h>

#include "fdmsg.h"
#include "monitor.h"
#include "role.h"
#include "util.h"

#define XENSTORED "/run/xenstored/socket" /* xenstored's default on Linux, XEN_RUN_STORED */

int xenstored_connect(void)
{
	const union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX, .sun_path = XENSTORED}};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, &addr.sa, sizeof(addr.un)) < 0) {
		role_log("cannot connect to %s: %s", XENSTORED, strerror(errno));
		close_fdp(&fd);
	}
	return fd;
}

static bool read_all(int fd, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

int xenstored_has_run(uint16_t domid)
{
	cleanup_fd int fd = xenstored_connect();
	struct {
		struct xsd_sockmsg header;
		char payload[64];
	} m = {.header = {.type = XS_READ}};
	int n = snprintf(m.payload, sizeof(m.payload), "/local/domain/0/device-model/%u/state",
	                 domid);

	m.header.len = (uint32_t)n + 1;
	if (fd < 0 || fdmsg_send(fd, &m, sizeof(m.header) + m.header.len, NULL, 0) < 0 ||
	    !read_all(fd, &m.header, sizeof(m.header)) || m.header.len > sizeof(m.payload) ||
	    !read_all(fd, m.payload, m.header.len))
		return -1;
	if (m.header.type == XS_ERROR)
		return strncmp(m.payload, "ENOENT", m.header.len) == 0 ? 0 : -1;
	return m.header.len == strlen(XENSTORE_RUNNING) &&
	       memcmp(m.payload, XENSTORE_RUNNING, m.header.len) == 0;
}
