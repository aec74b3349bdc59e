/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection between sockets that the test holds the other ends of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "conn.h"
#include "fdmsg.h"
#include "role.h"
#include "util.h"

#define HEADER  sizeof(struct xsd_sockmsg)
#define NOW     UINT64_C(1000000000)
#define STATE   "/local/domain/0/device-model/7/state\0running"
#define ABSENT  "backend\0"
#define PAYLOAD (sizeof(STATE) - 1)

static struct conn conn;
static struct filter filter;
static int qemu, xenstored; /* the test's ends */

static int fresh(void **state)
{
	int q[2], x[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, q), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, x), 0);
	filter = (struct filter){.domid = "7", .sealed = true};
	qemu = q[0];
	xenstored = x[0];
	conn_open(&conn, q[1], x[1], &filter);
	return 0;
}

static int end(void **state)
{
	(void)state;
	conn_close(&conn);
	close_fdp(&qemu);
	close_fdp(&xenstored);
	return 0;
}

static size_t message(char *buf, uint32_t type, uint32_t req_id, const char *payload, size_t len)
{
	const struct xsd_sockmsg hdr = {.type = type, .req_id = req_id, .len = (uint32_t)len};

	memcpy(buf, &hdr, HEADER);
	memcpy(buf + HEADER, payload, len);
	return HEADER + len;
}

static void put(int fd, uint32_t type, uint32_t req_id, const char *payload, size_t len)
{
	char buf[256];
	const size_t n = message(buf, type, req_id, payload, len);

	assert_int_equal(send(fd, buf, n, 0), n);
}

static void run(void)
{
	conn_run(&conn, &filter, NOW);
}

/* The next message that fd has is this one. */
static void expect(int fd, uint32_t type, uint32_t req_id, const char *payload, size_t len)
{
	char want[256], got[256];
	const size_t n = message(want, type, req_id, payload, len);

	assert_int_equal(recv(fd, got, n, MSG_DONTWAIT), n);
	assert_memory_equal(got, want, n);
}

static void expect_nothing(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
}

static void expect_end(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);
}

static void assert_state(enum conn_state state, short of_qemu, short of_xenstored)
{
	assert_int_equal(conn.state, state);
	assert_int_equal(conn_events_qemu(&conn, false), of_qemu);
	assert_int_equal(conn_events_xenstored(&conn), of_xenstored);
}

static void answers_come_from_here(void **state)
{
	(void)state;
	put(qemu, XS_DIRECTORY, 3, ABSENT, 8);
	run();
	expect(qemu, XS_ERROR, 3, "ENOENT", 7);
	expect_nothing(xenstored);
	assert_state(CONN_REQUEST, POLLIN, 0);
}

static void a_request_goes_round(void **state)
{
	(void)state;
	put(qemu, XS_WRITE, 3, STATE, PAYLOAD);
	run();
	assert_state(CONN_REPLY, 0, POLLIN);
	expect(xenstored, XS_WRITE, 3, STATE, PAYLOAD);
	expect_nothing(qemu);
	put(xenstored, XS_WRITE, 3, "OK", 3);
	run();
	expect(qemu, XS_WRITE, 3, "OK", 3);
	assert_state(CONN_REQUEST, POLLIN, 0);
}

/* "running" is kept until the monitor has sealed: the toolstack must not hear of it before. */
static void running_waits_for_the_seal(void **state)
{
	(void)state;
	filter.sealed = false;
	put(qemu, XS_WRITE, 3, STATE, PAYLOAD);
	run();
	assert_true(filter.seal);
	assert_state(CONN_SEAL, 0, 0);
	run();
	assert_state(CONN_SEAL, 0, 0);
	expect_nothing(xenstored);
	expect_nothing(qemu);
	filter.sealed = true;
	run();
	assert_false(filter.seal);
	assert_state(CONN_REPLY, 0, POLLIN);
	expect(xenstored, XS_WRITE, 3, STATE, PAYLOAD);
}

static void nothing_else_waits_for_the_seal(void **state)
{
	(void)state;
	filter.sealed = false;
	put(qemu, XS_TRANSACTION_START, 3, "", 1);
	run();
	assert_false(filter.seal);
	assert_state(CONN_REPLY, 0, POLLIN);
	expect(xenstored, XS_TRANSACTION_START, 3, "", 1);
}

static void a_request_in_pieces_is_forwarded_whole(void **state)
{
	char buf[256];
	const size_t n = message(buf, XS_WRITE, 3, STATE, PAYLOAD);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		expect_nothing(xenstored);
		assert_int_equal(send(qemu, buf + i, 1, 0), 1);
		run();
	}
	expect(xenstored, XS_WRITE, 3, STATE, PAYLOAD);
}

static void a_reply_in_pieces_is_passed_on_whole(void **state)
{
	char buf[256];
	const size_t n = message(buf, XS_WRITE, 3, "OK", 3);

	(void)state;
	put(qemu, XS_WRITE, 3, STATE, PAYLOAD);
	run();
	for (size_t i = 0; i < n; i++) {
		expect_nothing(qemu);
		assert_int_equal(send(xenstored, buf + i, 1, 0), 1);
		run();
	}
	expect(qemu, XS_WRITE, 3, "OK", 3);
}

static void requests_in_one_piece_are_served_one_by_one(void **state)
{
	char buf[256];
	size_t n = 0;

	(void)state;
	n += message(buf + n, XS_DIRECTORY, 1, ABSENT, 8);
	n += message(buf + n, XS_WRITE, 2, STATE, PAYLOAD);
	n += message(buf + n, XS_GET_DOMAIN_PATH, 3, "7", 2);
	assert_int_equal(send(qemu, buf, n, 0), n);

	run();
	expect(qemu, XS_ERROR, 1, "ENOENT", 7);
	expect_nothing(qemu);
	expect_nothing(xenstored);
	run();
	expect(xenstored, XS_WRITE, 2, STATE, PAYLOAD);
	/* The third has to wait for the second's reply, also when it could be answered here. */
	run();
	expect_nothing(qemu);
	assert_int_equal(conn_events_qemu(&conn, false), 0);
	put(xenstored, XS_WRITE, 2, "OK", 3);
	run();
	expect(qemu, XS_WRITE, 2, "OK", 3);
	run();
	expect(qemu, XS_GET_DOMAIN_PATH, 3, "/local/domain/7", 16);
}

static void a_long_message_of_qemu_closes(void **state)
{
	const struct xsd_sockmsg hdr = {.type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX + 1};

	(void)state;
	assert_int_equal(send(qemu, &hdr, HEADER, 0), HEADER);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(qemu);
	expect_end(xenstored);
}

static void a_long_message_of_xenstored_closes(void **state)
{
	const struct xsd_sockmsg hdr = {.type = XS_WRITE, .len = UINT32_MAX};

	(void)state;
	put(qemu, XS_WRITE, 0, STATE, PAYLOAD);
	run();
	assert_int_equal(send(xenstored, &hdr, HEADER, 0), HEADER);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(qemu);
}

static void a_strange_reply_closes(void **state)
{
	(void)state;
	put(qemu, XS_WRITE, 1, STATE, PAYLOAD);
	run();
	put(xenstored, XS_WRITE, 2, "OK", 3);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(qemu);
}

static void events_of_xenstored_are_nobodys(void **state)
{
	(void)state;
	put(xenstored, XS_WATCH_EVENT, 0, "/local/domain/8\0t", 18);
	assert_state(CONN_REQUEST, POLLIN, 0);
	put(qemu, XS_WRITE, 0, STATE, PAYLOAD);
	run();
	put(xenstored, XS_WATCH_EVENT, 0, "/local/domain/8\0t", 18);
	run();
	assert_state(CONN_REPLY, 0, POLLIN);
	expect_nothing(qemu);
	put(xenstored, XS_WRITE, 0, "OK", 3);
	run();
	expect(qemu, XS_WRITE, 0, "OK", 3);
	expect_nothing(qemu);
}

static void qemus_end_mid_request_closes(void **state)
{
	char buf[256];
	const size_t n = message(buf, XS_WRITE, 3, STATE, PAYLOAD);

	(void)state;
	assert_int_equal(send(qemu, buf, n - 1, 0), n - 1);
	run();
	close_fdp(&qemu);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(xenstored);
}

static void qemus_end_mid_answer_closes(void **state)
{
	(void)state;
	put(qemu, XS_DIRECTORY, 1, ABSENT, 8);
	assert_int_equal(shutdown(qemu, SHUT_RD), 0);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(xenstored);
}

static void xenstoreds_end_closes(void **state)
{
	(void)state;
	put(qemu, XS_WRITE, 0, STATE, PAYLOAD);
	run();
	close_fdp(&xenstored);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(qemu);
}

static void xenstoreds_end_before_a_request_closes(void **state)
{
	(void)state;
	close_fdp(&xenstored);
	put(qemu, XS_WRITE, 0, STATE, PAYLOAD);
	run();
	assert_state(CONN_CLOSED, 0, 0);
	expect_end(qemu);
}

/* Fills the way out of fd; returns how many bytes that took. */
static size_t fill(int fd)
{
	static const char zeros[256];
	size_t sum = 0;
	ssize_t n;

	while ((n = send(fd, zeros, sizeof(zeros), MSG_DONTWAIT)) > 0)
		sum += (size_t)n;
	return sum;
}

static void drain(int fd, size_t n)
{
	char buf[256];

	while (n > 0) {
		const ssize_t got = recv(fd, buf, n < sizeof(buf) ? n : sizeof(buf), MSG_DONTWAIT);

		assert_true(got > 0);
		n -= (size_t)got;
	}
}

static void qemu_not_reading_stops_only_itself(void **state)
{
	const size_t n = fill(conn.qemu);

	(void)state;
	put(qemu, XS_DIRECTORY, 1, ABSENT, 8);
	put(qemu, XS_DIRECTORY, 2, ABSENT, 8);
	run();
	assert_state(CONN_ANSWER, POLLOUT, 0);
	run();
	assert_state(CONN_ANSWER, POLLOUT, 0);
	drain(qemu, n);
	run();
	expect(qemu, XS_ERROR, 1, "ENOENT", 7);
	expect_nothing(qemu);
	run();
	expect(qemu, XS_ERROR, 2, "ENOENT", 7);
}

static void xenstored_not_reading_is_waited_for(void **state)
{
	const size_t n = fill(conn.xenstored);

	(void)state;
	put(qemu, XS_WRITE, 1, STATE, PAYLOAD);
	run();
	assert_state(CONN_FORWARD, 0, POLLOUT);
	drain(xenstored, n);
	run();
	assert_state(CONN_REPLY, 0, POLLIN);
	expect(xenstored, XS_WRITE, 1, STATE, PAYLOAD);
}

static void nothing_is_remembered_over_a_close(void **state)
{
	struct xsd_sockmsg hdr = {.type = XS_WRITE, .tx_id = 9, .len = PAYLOAD};

	put(qemu, XS_TRANSACTION_START, 0, "", 1);
	run();
	put(xenstored, XS_TRANSACTION_START, 0, "9", 2);
	run();
	put(qemu, XS_WATCH, 0, "backend/qdisk/7\0t", 18);
	run();
	assert_int_equal(conn.session.n_transactions, 1);
	assert_int_equal(conn.session.n_watches, 1);
	(void)end(state);

	(void)fresh(state);
	assert_int_equal(send(qemu, &hdr, HEADER, 0), HEADER);
	assert_int_equal(send(qemu, STATE, PAYLOAD, 0), PAYLOAD);
	run();
	expect_nothing(xenstored);
	assert_int_equal(recv(qemu, &hdr, HEADER, 0), HEADER);
	assert_int_equal(hdr.type, XS_ERROR);
	assert_int_equal(conn.session.n_watches, 0);
}

static void fds_of_qemu_are_dropped(void **state)
{
	char buf[256];
	const size_t n = message(buf, XS_DIRECTORY, 1, ABSENT, 8);
	int pipefd[2];
	char c;

	(void)state;
	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(fdmsg_send(qemu, buf, n, &pipefd[1], 1), 0);
	(void)close(pipefd[1]);
	run();
	expect(qemu, XS_ERROR, 1, "ENOENT", 7);
	/* End of file: nobody holds the other end any more. */
	assert_int_equal(read(pipefd[0], &c, 1), 0);
	(void)close(pipefd[0]);
}

static void throttling_stops_new_requests_only(void **state)
{
	(void)state;
	assert_int_equal(conn_events_qemu(&conn, true), 0);
	put(qemu, XS_WRITE, 1, STATE, PAYLOAD);
	run();
	assert_int_equal(conn_events_xenstored(&conn), POLLIN);
	assert_int_equal(filter.pace.full_at,
	                 NOW + XSFILTER_FORWARD_COST * (UINT64_C(1000000000) / XSFILTER_RATE));
}

static void what_is_decided_is_counted(void **state)
{
	struct counters_role page = {0}, *saved = counters;

	(void)state;
	counters = &page;
	for (uint32_t i = 0; i < 100; i++) {
		put(qemu, XS_RM, i, "name", 5);
		run();
		expect(qemu, XS_ERROR, i, "EACCES", 7);
	}
	put(qemu, XS_DIRECTORY, 3, ABSENT, 8);
	run();
	put(qemu, XS_WRITE, 3, STATE, PAYLOAD);
	run();
	counters = saved;
	assert_int_equal(page.refused, 100);
	assert_int_equal(page.served, 1);
	assert_int_equal(page.passed, 1);
	/* And not all is logged; the tests before have used some of the burst. */
	assert_in_range(page.suppressed, 100 - AUDIT_BURST - 2, 99);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(answers_come_from_here),
	        TEST(a_request_goes_round),
	        TEST(running_waits_for_the_seal),
	        TEST(nothing_else_waits_for_the_seal),
	        TEST(a_request_in_pieces_is_forwarded_whole),
	        TEST(a_reply_in_pieces_is_passed_on_whole),
	        TEST(requests_in_one_piece_are_served_one_by_one),
	        TEST(a_long_message_of_qemu_closes),
	        TEST(a_long_message_of_xenstored_closes),
	        TEST(a_strange_reply_closes),
	        TEST(events_of_xenstored_are_nobodys),
	        TEST(qemus_end_mid_request_closes),
	        TEST(qemus_end_mid_answer_closes),
	        TEST(xenstoreds_end_closes),
	        TEST(xenstoreds_end_before_a_request_closes),
	        TEST(qemu_not_reading_stops_only_itself),
	        TEST(xenstored_not_reading_is_waited_for),
	        TEST(nothing_is_remembered_over_a_close),
	        TEST(fds_of_qemu_are_dropped),
	        TEST(throttling_stops_new_requests_only),
	        TEST(what_is_decided_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
