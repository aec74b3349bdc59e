/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The battery inside of a live QEMU: preloaded in a test configuration, asleep in a thread until a
 * signal, then at the service of whoever connects. It ends a process that loads it without having
 * been told where to listen.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attempt.h"
#include "serve.h"
#include "util.h"

/* QEMU has three or four of xsfilter's eight. */
#define XENSTORE_CONNECTIONS 2

static int listener = -1, wakeup = -1;

static void on_signal(int number)
{
	const uint64_t one = 1;
	int saved = errno;

	(void)number;
	(void)!write(wakeup, &one, sizeof(one));
	errno = saved;
}

static void *attend(void *arg)
{
	uint64_t n;

	while (read(wakeup, &n, sizeof(n)) == (ssize_t)sizeof(n)) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		(void)serve(fd, 0);
		(void)close(fd);
	}
	return arg;
}

static int make_listener(const char *path)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} a = {.un = {.sun_family = AF_UNIX}};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", path);
	(void)unlink(path);
	if (fd < 0 || bind(fd, &a.sa, sizeof(a.un)) < 0 || listen(fd, 1) < 0)
		return -1;
	return fd;
}

static int find_listener(const char *where)
{
	uint64_t fd;

	if (strncmp(where, "path:", 5) == 0)
		return make_listener(where + 5);
	if (strncmp(where, "fd:", 3) != 0 || !parse_u64(where + 3, 3, INT32_MAX, &fd))
		return -1;
	probe_prepare(XENSTORE_CONNECTIONS); /* confined: later there are none to be had */
	return (int)fd;
}

/* The thread takes no signals: they are QEMU's, and so is the one that wakes it. */
static int start(void)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigset_t all, before;
	pthread_t thread;
	int r;

	wakeup = eventfd(0, EFD_CLOEXEC);
	if (wakeup < 0 || sigaction(SIGRTMIN + PROBE_SIGNAL, &action, NULL) < 0)
		return -1;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, attend, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0 ? 0 : -1;
}

__attribute__((constructor)) static void load(void)
{
	const char *where = getenv(PROBE_ENV);

	if (where != NULL)
		listener = find_listener(where);
	if (listener >= 0 && start() == 0)
		return;
	(void)fprintf(stderr, "qemu-depriv-probe.so: an attack battery, loaded outside of a test "
	                      "configuration\n");
	_exit(EXIT_FAILURE);
}
