/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fdmsg.h"
#include "util.h"

int notify_open(struct error *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(addr.un.sun_path) || (*path != '/' && *path != '@'))
		return error_set(err, "not started by systemd: no NOTIFY_SOCKET");
	memcpy(addr.un.sun_path, path, len);
	if (*path == '@') /* an abstract address */
		addr.un.sun_path[0] = '\0';

	cleanup_fd int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 ||
	    connect(sock, &addr.sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return error_errno(err, "cannot connect to %s", path);
	return steal_fd(&sock);
}

void notify_send(int sock, int fd, const char *fmt, ...)
{
	char text[ERROR_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		(void)fdmsg_send(sock, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1,
		                 &fd, fd >= 0 ? 1 : 0);
}
