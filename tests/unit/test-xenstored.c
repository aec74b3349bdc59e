/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's one question to xenstored, which is the test's and answers before it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#include "helpers.h"
#include "monitor.h"
#include "util.h"

#define PATH   "/local/domain/0/device-model/7/state"
#define HEADER sizeof(struct xsd_sockmsg)

static struct {
	struct xsd_sockmsg header;
	char payload[256];
} answer;
static size_t answer_len; /* bytes of it that come before the end of the connection */
static int connect_error;
static int xenstored = -1; /* the test's end */

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_un expected = {.sun_family = AF_UNIX,
	                                     .sun_path = "/run/xenstored/socket"};
	int pair[2];

	assert_int_equal(len, sizeof(expected));
	assert_memory_equal(addr, &expected, sizeof(expected));
	errno = connect_error;
	if (connect_error != 0)
		return -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup3(pair[0], fd, O_CLOEXEC), fd);
	(void)close(pair[0]);
	xenstored = pair[1];
	assert_int_equal(send(xenstored, &answer, answer_len, 0), answer_len);
	return shutdown(xenstored, SHUT_WR);
}

static void prepare(uint32_t type, const char *payload, uint32_t len)
{
	answer.header = (struct xsd_sockmsg){.type = type, .len = len};
	memset(answer.payload, 0, sizeof(answer.payload));
	memcpy(answer.payload, payload, strlen(payload));
	answer_len = HEADER + len;
}

/* Asks, and sees that the question was the right one, once, and the connection is closed. */
static int ask(void)
{
	struct xsd_sockmsg header;
	char payload[256];
	size_t fds = count_fds();
	const int r = xenstored_has_run(7);

	assert_int_equal(read(xenstored, &header, HEADER), HEADER);
	assert_int_equal(header.type, XS_READ);
	assert_int_equal(header.tx_id, 0);
	assert_int_equal(header.len, sizeof(PATH));
	assert_int_equal(read(xenstored, payload, sizeof(payload)), sizeof(PATH));
	assert_memory_equal(payload, PATH, sizeof(PATH));
	assert_true(read(xenstored, payload, 1) <= 0);
	close_fdp(&xenstored);
	assert_int_equal(count_fds(), fds);
	return r;
}

static void running(void **state)
{
	(void)state;
	prepare(XS_READ, "running", 7);
	assert_int_equal(ask(), 1);
}

static void not_running(void **state)
{
	(void)state;
	prepare(XS_ERROR, "ENOENT", 7);
	assert_int_equal(ask(), 0);
	prepare(XS_READ, "", 0);
	assert_int_equal(ask(), 0);
	prepare(XS_READ, "paused", 6);
	assert_int_equal(ask(), 0);
	prepare(XS_READ, "runningx", 8);
	assert_int_equal(ask(), 0);
}

static void no_answer_is_no_no(void **state)
{
	(void)state;
	prepare(XS_ERROR, "EACCES", 7);
	assert_int_equal(ask(), -1);
	prepare(XS_READ, "running", 7);
	for (answer_len = 0; answer_len < HEADER + 7; answer_len++)
		assert_int_equal(ask(), -1);
	prepare(XS_READ, "running", 200);
	assert_int_equal(ask(), -1);
	prepare(XS_READ, "", 0);
	answer.header.len = UINT32_MAX;
	assert_int_equal(ask(), -1);
}

static void nobody_there(void **state)
{
	size_t fds = count_fds();

	(void)state;
	connect_error = ECONNREFUSED;
	assert_int_equal(xenstored_has_run(7), -1);
	assert_int_equal(xenstored_connect(), -1);
	assert_int_equal(errno, ECONNREFUSED);
	connect_error = 0;
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(running),
	        cmocka_unit_test(not_running),
	        cmocka_unit_test(no_answer_is_no_no),
	        cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
