/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fdmsg.h"
#include "helpers.h"
#include "util.h"

#define LEN       ((size_t)24)
#define MANY_FDS  9
#define UNTOUCHED 4711

static int sock[2];
static size_t fds_before;

static int set_up(void **state)
{
	(void)state;
	fds_before = count_fds();
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sock);
}

/* Every test ends with as many fds as it began with. */
static int tear_down(void **state)
{
	(void)state;
	close_fdp(&sock[0]);
	close_fdp(&sock[1]);
	return count_fds() == fds_before ? 0 : -1;
}

/* What fdmsg_send() never does: any length with any number of (the same) fds. */
static void send_raw(size_t len, size_t n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * MANY_FDS)];
		struct cmsghdr align;
	} control = {0};
	char data[2 * LEN] = "what does not fit";
	struct iovec iov = {.iov_base = data, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > 0) {
		struct cmsghdr *cmsg = &control.align;
		int fds[MANY_FDS];

		for (size_t i = 0; i < n_fds; i++)
			fds[i] = sock[0];
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	assert_int_equal(sendmsg(sock[0], &msg, MSG_NOSIGNAL), len);
}

static void data_arrives(void **state)
{
	const char sent[LEN] = "all of it, NUL and all";
	char got[LEN] = {0};
	size_t n_fds = 0;

	(void)state;
	assert_int_equal(fdmsg_send(sock[0], sent, LEN, NULL, 0), 0);
	assert_int_equal(fdmsg_recv(sock[1], got, LEN, NULL, &n_fds), 1);
	assert_memory_equal(got, sent, LEN);
	assert_int_equal(n_fds, 0);
}

static void fds_arrive_in_order_close_on_exec(void **state)
{
	static const char *const paths[FDMSG_MAX_FDS] = {"/dev/null", "/dev/zero"};
	int fds[FDMSG_MAX_FDS], got[FDMSG_MAX_FDS];

	(void)state;
	for (size_t i = 0; i < FDMSG_MAX_FDS; i++)
		fds[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
	for (size_t n = 1; n <= FDMSG_MAX_FDS; n++) {
		size_t n_fds = n;
		char c = 'x';

		assert_int_equal(fdmsg_send(sock[0], &c, 1, fds, n), 0);
		c = 0;
		assert_int_equal(fdmsg_recv(sock[1], &c, 1, got, &n_fds), 1);
		assert_int_equal(c, 'x');
		assert_int_equal(n_fds, n);
		for (size_t i = 0; i < n; i++) {
			struct stat a, b;

			assert_int_equal(fstat(fds[i], &a), 0);
			assert_int_equal(fstat(got[i], &b), 0);
			assert_int_equal(a.st_rdev, b.st_rdev);
			assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
			(void)close(got[i]);
		}
	}
	for (size_t i = 0; i < FDMSG_MAX_FDS; i++)
		close_fdp(&fds[i]);
}

static void expected_fds_may_be_missing(void **state)
{
	int fds[FDMSG_MAX_FDS] = {UNTOUCHED, UNTOUCHED};
	char buf[LEN];
	size_t n_fds = 1;

	(void)state;
	send_raw(LEN, 0);
	assert_int_equal(fdmsg_recv(sock[1], buf, LEN, fds, &n_fds), 1);
	assert_int_equal(n_fds, 0);
	assert_int_equal(fds[0], UNTOUCHED);
}

static const struct {
	size_t len, sent_fds, expected_fds;
} malformed[] = {
        /* length */
        {LEN - 1, 0, 0},
        {LEN + 1, 0, 0},
        {2 * LEN, 0, 0},
        {1, 0, 0},
        {LEN - 1, 1, 1},
        {LEN + 1, 2, 2},
        /* number of fds */
        {LEN, 1, 0},
        {LEN, 2, 0},
        {LEN, 2, 1},
        {LEN, 1, 2},
        {LEN, 3, 1},
        {LEN, 3, 2},
        {LEN, MANY_FDS, 0},
        {LEN, MANY_FDS, 2},
        /* an empty message is no end of file when it carries something */
        {0, 1, 1},
        {0, 3, 0},
};

static void other_shapes_are_refused_and_leave_no_fd(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		int fds[FDMSG_MAX_FDS] = {UNTOUCHED, UNTOUCHED};
		size_t n_fds = malformed[i].expected_fds;
		const size_t before = count_fds();
		char buf[LEN];

		send_raw(malformed[i].len, malformed[i].sent_fds);
		assert_int_equal(fdmsg_recv(sock[1], buf, LEN, fds, &n_fds), -1);
		assert_int_equal(errno, EPROTO);
		assert_int_equal(count_fds(), before);
		assert_int_equal(fds[0], UNTOUCHED);
		assert_int_equal(fds[1], UNTOUCHED);
	}
	/* Each of them was taken from the socket whole. */
	data_arrives(state);
}

static void the_end_is_no_error(void **state)
{
	char buf[LEN];
	size_t n_fds = 0;

	(void)state;
	send_raw(LEN, 0);
	close_fdp(&sock[0]);
	assert_int_equal(fdmsg_recv(sock[1], buf, LEN, NULL, &n_fds), 1);
	assert_int_equal(fdmsg_recv(sock[1], buf, LEN, NULL, &n_fds), 0);
}

static void errors_are_handed_on(void **state)
{
	char buf[LEN] = "";
	size_t n_fds = 0;
	int none = -1;

	(void)state;
	assert_int_equal(fdmsg_recv(sock[1], buf, LEN, NULL, &n_fds), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fdmsg_recv(none, buf, LEN, NULL, &n_fds), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fdmsg_send(sock[0], buf, LEN, &none, 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fdmsg_recv(sock[1], buf, LEN, NULL, &n_fds), -1);
	assert_int_equal(errno, EAGAIN);
}

static bool sends_to_nobody(void)
{
	/* Whoever started us may have ignored it. */
	(void)signal(SIGPIPE, SIG_DFL);
	close_fdp(&sock[1]);
	return fdmsg_send(sock[0], "x", 1, NULL, 0) == -1 && errno == EPIPE;
}

static void a_dead_peer_is_an_error_without_signal(void **state)
{
	(void)state;
	close_fdp(&sock[1]);
	assert_true(true_in_child(sends_to_nobody));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(data_arrives),
	        TEST(fds_arrive_in_order_close_on_exec),
	        TEST(expected_fds_may_be_missing),
	        TEST(other_shapes_are_refused_and_leave_no_fd),
	        TEST(the_end_is_no_error),
	        TEST(errors_are_handed_on),
	        TEST(a_dead_peer_is_an_error_without_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
