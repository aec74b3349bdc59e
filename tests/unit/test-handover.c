/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes between libxl's stand-in, the unit and its launcher; and systemd's notifications. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "fdmsg.h"
#include "handover.h"
#include "notify.h"

static int pair[2];

static int make_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	(void)close(pair[0]);
	return close(pair[1]);
}

static void with_fd(void **state)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct handover m;
	struct error err;
	int fd;

	(void)state;
	assert_int_equal(handover_send(pair[0], HANDOVER_FD, 17, null, &err), 0);
	assert_int_equal(handover_recv(pair[1], &m, &fd, &err), 1);
	assert_int_equal(m.kind, HANDOVER_FD);
	assert_int_equal(m.number, 17);
	assert_true(fd >= 0 && fd != null);
	(void)close(fd);
	(void)close(null);
}

static void without_fd(void **state)
{
	struct handover m;
	struct error err;
	int fd = 5;

	(void)state;
	assert_int_equal(handover_send(pair[0], HANDOVER_END, 0, -1, &err), 0);
	assert_int_equal(handover_recv(pair[1], &m, &fd, &err), 1);
	assert_int_equal(m.kind, HANDOVER_END);
	assert_int_equal(fd, -1);
}

static void last_words(void **state)
{
	struct error why, err;
	struct handover m;
	int fd;

	(void)state;
	memset(why.msg, 'x', sizeof(why.msg) - 1);
	why.msg[sizeof(why.msg) - 1] = '\0';
	handover_error(pair[0], &why);
	assert_int_equal(handover_recv(pair[1], &m, &fd, &err), 1);
	assert_int_equal(m.kind, HANDOVER_ERROR);
	assert_int_equal(strlen(m.text), sizeof(m.text) - 1);
}

/* A peer that ends no string, sends too little, or nothing. */
static void bad_peers(void **state)
{
	struct handover m;
	struct error err;
	int fd;

	(void)state;
	memset(&m, 'x', sizeof(m));
	assert_int_equal(fdmsg_send(pair[0], &m, sizeof(m), NULL, 0), 0);
	assert_int_equal(handover_recv(pair[1], &m, &fd, &err), 1);
	assert_int_equal(strlen(m.text), sizeof(m.text) - 1);

	assert_int_equal(fdmsg_send(pair[0], &m, sizeof(m) - 1, NULL, 0), 0);
	assert_int_equal(handover_recv(pair[1], &m, &fd, &err), -1);
	assert_int_equal(fd, -1);
	assert_string_equal(err.msg, "malformed handover of a launch: Protocol error");

	(void)shutdown(pair[0], SHUT_WR);
	assert_int_equal(handover_recv(pair[1], &m, &fd, &err), 0);
}

static void who_is_there(void **state)
{
	struct error err;

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(handover_assert_root(pair[0], &err), 0);
	} else {
		assert_int_equal(handover_assert_root(pair[0], &err), -1);
		assert_non_null(strstr(err.msg, "refused"));
	}
	assert_int_equal(handover_assert_root(STDIN_FILENO, &err), -1);
}

/* NOTIFY_SOCKET as systemd sets it: an abstract address here, so that nothing is left behind. */
static void notifications(void **state)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	const int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct error err;
	int fds[FDMSG_MAX_FDS], notify;
	char name[64], got[64], want[] = "FDSTORE=1\nFDNAME=monitor-5";
	size_t n = 1;

	(void)state;
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&err), -1);
	assert_string_equal(err.msg, "not started by systemd: no NOTIFY_SOCKET");
	(void)setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_open(&err), -1);
	(void)setenv("NOTIFY_SOCKET", "/none/such", 1);
	assert_int_equal(notify_open(&err), -1);

	(void)snprintf(name, sizeof(name), "@qemu-depriv-test-%d", getpid());
	memcpy(addr.un.sun_path, name, strlen(name));
	addr.un.sun_path[0] = '\0';
	assert_int_equal(bind(sock, &addr.sa,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	                 0);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	notify = notify_open(&err);
	assert_true(notify >= 0);
	notify_send(notify, STDERR_FILENO, "FDSTORE=1\nFDNAME=monitor-%d", 5);
	assert_int_equal(fdmsg_recv(sock, got, strlen(want), fds, &n), 1);
	assert_int_equal(n, 1);
	assert_memory_equal(got, want, strlen(want));
	(void)close(fds[0]);
	(void)close(notify);
	(void)close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(with_fd, make_pair, close_pair),
	        cmocka_unit_test_setup_teardown(without_fd, make_pair, close_pair),
	        cmocka_unit_test_setup_teardown(last_words, make_pair, close_pair),
	        cmocka_unit_test_setup_teardown(bad_peers, make_pair, close_pair),
	        cmocka_unit_test_setup_teardown(who_is_there, make_pair, close_pair),
	        cmocka_unit_test(notifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
