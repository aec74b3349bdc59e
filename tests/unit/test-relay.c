/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's output on its way to the log: what passes, what is dropped, what is said about it. */
#include "relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)
#define RATE   1000 /* burst: 4000 bytes */
#define START  (7 * SECOND)

static struct relay relay;
static int qemu;   /* the end that QEMU writes to; -1: closed */
static int log_fd; /* an unlinked file, or the writing end of a pipe */
static int log_reader;

static void make_pipe(int flags, int *ret_reader, int *ret_writer)
{
	int fds[2];

	assert_int_equal(pipe2(fds, flags), 0);
	*ret_reader = fds[0];
	*ret_writer = fds[1];
}

static int set_up(void **state)
{
	FILE *file = tmpfile();
	int in;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_non_null(file);
	log_fd = fcntl(fileno(file), F_DUPFD, 3);
	(void)fclose(file);
	log_reader = -1;
	make_pipe(O_NONBLOCK, &in, &qemu);
	relay_init(&relay, in, log_fd, 100000, RATE, START);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (qemu >= 0)
		(void)close(qemu);
	(void)close(log_fd);
	if (log_reader >= 0)
		(void)close(log_reader);
	return 0;
}

/* The log becomes a pipe of the smallest size, one page. */
static void log_to_pipe(void)
{
	(void)close(log_fd);
	make_pipe(O_NONBLOCK, &log_reader, &log_fd);
	(void)fcntl(log_fd, F_SETFL, 0);
	assert_int_equal(fcntl(log_fd, F_SETPIPE_SZ, 4096), 4096);
	relay.out = log_fd;
}

static void write_bytes(char c, size_t n)
{
	char *bytes = malloc(n + 1);

	assert_non_null(bytes);
	memset(bytes, c, n);
	assert_int_equal(write(qemu, bytes, n), n);
	free(bytes);
}

static char text[200000];

static const char *log_text(void)
{
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* What a caller does, with a poll() that does not wait. */
static int turn(uint64_t now)
{
	struct pollfd fd;
	int timeout = relay_prepare(&relay, &fd, now);
	int r = poll(&fd, 1, 0);

	if (r > 0 || !relay_is_idle(&relay))
		relay_run(&relay, r > 0, now);
	return timeout;
}

static void lines_pass_as_they_are(void **state)
{
	(void)state;
	assert_int_equal(write(qemu, "one\ntwo", 7), 7);
	assert_int_equal(turn(START), -1);
	assert_string_equal(log_text(), "one\ntwo");
	assert_true(relay_is_idle(&relay));
	assert_int_equal(turn(START + SECOND), -1);
	relay_finish(&relay, START + SECOND);
	assert_string_equal(log_text(), "one\ntwo");
}

static void a_burst_passes_and_the_rest_is_counted(void **state)
{
	(void)state;
	write_bytes('a', 5000);
	(void)turn(START);
	assert_int_equal(strlen(log_text()), RELAY_BURST * RATE);
	assert_false(relay_is_idle(&relay));
	/* Half a burst has come back after two seconds; nothing is said before. */
	(void)turn(START + SECOND);
	assert_int_equal(strlen(log_text()), RELAY_BURST * RATE);
	(void)turn(START + 2 * SECOND + MS);
	assert_string_equal(
	        log_text() + RELAY_BURST * RATE,
	        "\nqemu-depriv: 1000 bytes of the device model's output left out here\n");
	assert_true(relay_is_idle(&relay));
	assert_int_equal(write(qemu, "later\n", 6), 6);
	(void)turn(START + 2 * SECOND + MS);
	assert_non_null(strstr(log_text(), "left out here\nlater\n"));
}

static void the_timer_is_for_the_notice_only(void **state)
{
	struct pollfd fd;

	(void)state;
	write_bytes('a', 5000);
	(void)turn(START);
	/* First the pause of the pipe, then the notice's time, then nothing. */
	assert_int_equal(relay_prepare(&relay, &fd, START), RELAY_PAUSE);
	assert_int_equal(fd.fd, -1);
	assert_in_range(relay_prepare(&relay, &fd, START + RELAY_PAUSE * MS), 1980, 2000);
	assert_int_equal(fd.fd, relay.in);
	(void)turn(START + 2 * SECOND + MS);
	assert_int_equal(relay_prepare(&relay, &fd, START + 2 * SECOND + MS), -1);
}

static void a_flood_is_drained_at_its_pace(void **state)
{
	uint64_t now = START;

	(void)state;
	for (int i = 0; i < 6000; i++) { /* a minute */
		struct pollfd fd;

		write_bytes('x', 60000);
		(void)turn(now);
		/* At once again: the pipe is left alone. */
		(void)relay_prepare(&relay, &fd, now + MS);
		assert_int_equal(fd.fd, -1);
		now += RELAY_PAUSE * MS;
		if (strlen(log_text()) > 80000)
			break;
	}
	/* A burst, then the rate; and one notice for each half burst, of about 80 bytes. */
	assert_in_range(strlen(log_text()), 60 * RATE, 72 * RATE);
}

static void a_full_log_says_so_once(void **state)
{
	struct pollfd fd;
	size_t length;

	(void)state;
	relay.left = 3000;
	write_bytes('a', 3500);
	(void)turn(START);
	assert_string_equal(log_text() + 3000,
	                    "\nqemu-depriv: 500 bytes of the device model's output left out here, "
	                    "and all that follows: the log is full\n");
	length = strlen(log_text());
	for (int i = 1; i < 100; i++) {
		write_bytes('b', 60000);
		(void)turn(START + (uint64_t)i * SECOND);
	}
	assert_int_equal(strlen(log_text()), length);
	/* Nothing is waited for but QEMU. */
	assert_int_equal(relay_prepare(&relay, &fd, START + 200 * SECOND), -1);
	assert_int_equal(fd.fd, relay.in);
}

static void last_words_arrive(void **state)
{
	(void)state;
	relay.left = 0;
	write_bytes('a', 50000);
	(void)turn(START);
	assert_int_equal(write(qemu, "the end\n", 8), 8);
	(void)close(qemu);
	qemu = -1;
	relay_finish(&relay, START + SECOND);
	assert_non_null(strstr(log_text(), "qemu-depriv: 45912 bytes of the device model's output "
	                                   "left out; its last:\naaaa"));
	assert_non_null(strstr(log_text(), "aaaathe end\n"));
	assert_true(strlen(log_text()) < RELAY_TAIL + 300);
}

static void what_fits_the_tail_is_not_lost(void **state)
{
	(void)state;
	write_bytes('a', RELAY_BURST * RATE);
	(void)turn(START);
	assert_int_equal(write(qemu, "why it ended\n", 13), 13);
	(void)turn(START);
	relay_finish(&relay, START);
	assert_string_equal(log_text() + RELAY_BURST * RATE, "why it ended\n");
}

static void the_end_of_the_pipe_is_seen_once(void **state)
{
	struct pollfd fd;

	(void)state;
	assert_int_equal(write(qemu, "bye\n", 4), 4);
	(void)close(qemu);
	qemu = -1;
	(void)turn(START);
	assert_string_equal(log_text(), "bye\n");
	assert_int_equal(relay_prepare(&relay, &fd, START), -1);
	assert_int_equal(fd.fd, -1);
	relay_finish(&relay, START);
	assert_string_equal(log_text(), "bye\n");
}

/* A terminal, a pipe: it takes a part, then nothing, and nobody waits for it. */
static void a_log_that_takes_nothing_is_not_waited_for(void **state)
{
	char got[8192];

	(void)state;
	log_to_pipe();
	write_bytes('a', 3000);
	(void)turn(START);
	write_bytes('b', 900);
	(void)alarm(5); /* what could block is a write() */
	(void)turn(START + SECOND);
	write_bytes('c', 900);
	(void)turn(START + SECOND);
	(void)turn(START + 10 * SECOND);
	assert_false(relay_is_idle(&relay));
	/* The timer goes on, but not at full speed. */
	assert_in_range(turn(START + 10 * SECOND), 1, 2001);
	assert_in_range(read(log_reader, got, sizeof(got)), 3000, 4096);
	(void)turn(START + 14 * SECOND);
	assert_true(relay_is_idle(&relay));
	assert_in_range(read(log_reader, got, sizeof(got)), 60, 80);
	assert_memory_equal(got, "\nqemu-depriv: ", 14);
	(void)alarm(0);
}

static void a_log_without_reader_is_no_end(void **state)
{
	(void)state;
	log_to_pipe();
	(void)close(log_reader);
	log_reader = -1;
	write_bytes('a', 100);
	(void)turn(START);
	write_bytes('a', 100);
	(void)turn(START + SECOND);
	assert_true(relay.in >= 0);
	relay_finish(&relay, START + SECOND);
}

/* A full disk, as RLIMIT_FSIZE makes one: the write is cut short, then fails. */
static void a_full_disk_is_no_end(void **state)
{
	const struct rlimit small = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
	const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	write_bytes('a', 300);
	(void)turn(START);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(strlen(log_text()), 100);
	(void)turn(START + 4 * SECOND);
	assert_string_equal(
	        log_text() + 100,
	        "\nqemu-depriv: 200 bytes of the device model's output left out here\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	        TEST(lines_pass_as_they_are),
	        TEST(a_burst_passes_and_the_rest_is_counted),
	        TEST(the_timer_is_for_the_notice_only),
	        TEST(a_flood_is_drained_at_its_pace),
	        TEST(a_full_log_says_so_once),
	        TEST(last_words_arrive),
	        TEST(what_fits_the_tail_is_not_lost),
	        TEST(the_end_of_the_pipe_is_seen_once),
	        TEST(a_log_that_takes_nothing_is_not_waited_for),
	        TEST(a_log_without_reader_is_no_end),
	        TEST(a_full_disk_is_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
