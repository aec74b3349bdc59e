/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program itself (argv[1]), with the test as monitor, QEMU and xenstored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "fdmsg.h"
#include "policy/xenstore.h"
#include "request.h"
#include "role.h"
#include "util.h"
#include "wire.h"

#define HEADER sizeof(struct xsd_sockmsg)

/* Long enough for a busy machine; nothing waits that long when all is well. */
#define PATIENCE_MS 10000

static const char *program;
static pid_t filter = -1;
static pid_t qemu = -1;
static int monitor = -1;
static int counters_file = -1;

/* A child to be QEMU: it sleeps until it is killed. */
static pid_t start_qemu(void)
{
	const pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

/* The launcher's part of the counters file. */
static int make_counters(void)
{
	const struct counters_head head = {
	        .magic = COUNTERS_MAGIC, .domid = 7, .uid = 131079, .name = "web"};
	const int fd = memfd_create("counters", MFD_CLOEXEC);

	(void)!ftruncate(fd, COUNTERS_SIZE);
	(void)!pwrite(fd, &head, sizeof(head), 0);
	return fd;
}

static pid_t start(const char *domid, int channel, int pidfd)
{
	const pid_t pid = fork();

	if (pid == 0) {
		/* Out of each other's way first. */
		const int a = fcntl(channel, F_DUPFD, 10), b = fcntl(pidfd, F_DUPFD, 10);
		const int c = fcntl(counters_file, F_DUPFD, 10);
		const int quiet = fcntl(open("/dev/null", O_WRONLY | O_CLOEXEC), F_DUPFD, 10);

		(void)dup2(a, XSFILTER_MONITOR);
		(void)dup2(b, XSFILTER_QEMU);
		(void)dup2(quiet, STDERR_FILENO);
		(void)dup2(quiet, XSFILTER_JOURNAL);
		(void)dup2(c, XSFILTER_COUNTERS);
		(void)close_range(XSFILTER_COUNTERS + 1, ~0u, 0);
		if (channel < 0)
			(void)close(XSFILTER_MONITOR);
		/* Under ASan: the search for leaks at the end traces itself, which the filter
		 * kills. */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		(void)execl(program, "xsfilter", domid, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static int set_up(void **state)
{
	int channel[2], pidfd;

	(void)state;
	qemu = start_qemu(); /* first, so that it holds no end of the channel */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	pidfd = (int)syscall(SYS_pidfd_open, qemu, 0);
	assert_true(pidfd >= 0);
	filter = start("7", channel[1], pidfd);
	(void)close(channel[1]);
	(void)close(pidfd);
	monitor = channel[0];
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void end_qemu(void)
{
	(void)kill(qemu, SIGKILL);
	(void)wait_for(qemu);
	qemu = -1;
}

/* However the test went: QEMU's end is the filter's. */
static int tear_down(void **state)
{
	int status;

	(void)state;
	if (qemu > 0)
		end_qemu();
	status = wait_for(filter);
	close_fdp(&monitor);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

struct ends {
	int qemu;
	int xenstored;
};

static struct ends connect_one(void)
{
	int q[2], x[2], fds[2];
	const char what = XSFILTER_CONNECTION;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, q), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, x), 0);
	fds[0] = q[1];
	fds[1] = x[1];
	assert_int_equal(fdmsg_send(monitor, &what, 1, fds, 2), 0);
	(void)close(q[1]);
	(void)close(x[1]);
	return (struct ends){q[0], x[0]};
}

static void disconnect(struct ends *e)
{
	close_fdp(&e->qemu);
	close_fdp(&e->xenstored);
}

static void await(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static void put(int fd, uint32_t type, const char *payload, size_t len)
{
	static struct wire w;
	const struct xsd_sockmsg hdr = {.type = type, .len = (uint32_t)len};

	wire_reset(&w);
	wire_put(&w, &hdr, payload);
	assert_int_equal(send(fd, w.bytes, w.used, MSG_NOSIGNAL), w.used);
}

static void expect(int fd, uint32_t type, const char *payload, size_t len)
{
	char buf[256];
	struct xsd_sockmsg hdr;

	await(fd);
	assert_int_equal(recv(fd, buf, HEADER + len, MSG_WAITALL), HEADER + len);
	memcpy(&hdr, buf, HEADER);
	assert_int_equal(hdr.type, type);
	assert_int_equal(hdr.len, len);
	assert_memory_equal(buf + HEADER, payload, len);
}

static void expect_end(int fd)
{
	char c;

	await(fd);
	assert_int_equal(recv(fd, &c, 1, 0), 0);
}

/* A request that is answered without xenstored. */
static void assert_served(const struct ends *e)
{
	put(e->qemu, XS_GET_DOMAIN_PATH, "7", 2);
	expect(e->qemu, XS_GET_DOMAIN_PATH, "/local/domain/7", 16);
}

static char hear(void)
{
	size_t no_fds = 0;
	char what = 0;

	await(monitor);
	assert_int_equal(fdmsg_recv(monitor, &what, 1, NULL, &no_fds), 1);
	return what;
}

static const char running[] = "/local/domain/0/device-model/7/state\0running";

/* xenstored hears that QEMU runs when the monitor has said that it is sealed, and not before. */
static void running_waits_for_the_seal(void **state)
{
	const char sealed = XSFILTER_SEAL;
	struct ends a = connect_one(), b = connect_one();
	struct pollfd early = {.fd = a.xenstored, .events = POLLIN};

	(void)state;
	assert_int_equal(hear(), XSFILTER_READY);
	put(a.qemu, XS_WRITE, "device-model/7/state\0running", 28);
	assert_int_equal(hear(), XSFILTER_SEAL);
	/* One that waits does not hold up another. */
	assert_served(&b);
	assert_int_equal(poll(&early, 1, 50), 0);
	assert_int_equal(fdmsg_send(monitor, &sealed, 1, NULL, 0), 0);
	expect(a.xenstored, XS_WRITE, running, sizeof(running) - 1);
	put(a.xenstored, XS_WRITE, "OK", 3);
	expect(a.qemu, XS_WRITE, "OK", 3);
	/* It stays sealed. */
	put(b.qemu, XS_WRITE, "device-model/7/state\0running", 28);
	expect(b.xenstored, XS_WRITE, running, sizeof(running) - 1);
	disconnect(&a);
	disconnect(&b);
}

/* A monitor that is gone, before or after it is asked, holds no handle any more. */
static void running_needs_no_monitor(void **state)
{
	struct ends a = connect_one(), b = connect_one();

	(void)state;
	assert_int_equal(hear(), XSFILTER_READY);
	put(a.qemu, XS_WRITE, "device-model/7/state\0running", 28);
	assert_int_equal(hear(), XSFILTER_SEAL);
	close_fdp(&monitor);
	expect(a.xenstored, XS_WRITE, running, sizeof(running) - 1);
	put(b.qemu, XS_WRITE, "device-model/7/state\0running", 28);
	expect(b.xenstored, XS_WRITE, running, sizeof(running) - 1);
	disconnect(&a);
	disconnect(&b);
}

static void connections_are_served(void **state)
{
	struct ends a = connect_one(), b = connect_one();

	(void)state;
	put(a.qemu, XS_TRANSACTION_START, "", 1);
	expect(a.xenstored, XS_TRANSACTION_START, "", 1);
	/* One that waits does not hold up another. */
	assert_served(&b);
	put(a.xenstored, XS_TRANSACTION_START, "42", 3);
	expect(a.qemu, XS_TRANSACTION_START, "42", 3);
	assert_served(&a);
	disconnect(&a);
	assert_served(&b);
	disconnect(&b);
}

static void it_counts(void **state)
{
	struct counters_role page;
	struct ends e = connect_one();

	(void)state;
	assert_served(&e);
	put(e.qemu, XS_RM, "name", 5);
	expect(e.qemu, XS_ERROR, "EACCES", 7);
	assert_int_equal(
	        pread(counters_file, &page, sizeof(page), COUNTERS_XSFILTER * COUNTERS_PAGE),
	        sizeof(page));
	assert_int_equal(page.pid, filter);
	assert_true(page.served >= 1);
	assert_true(page.refused >= 1);
	assert_int_equal(page.sealed, 0);
	disconnect(&e);
}

static void either_end_ends_the_other(void **state)
{
	struct ends a = connect_one(), b = connect_one();

	(void)state;
	close_fdp(&a.qemu);
	expect_end(a.xenstored);
	close_fdp(&b.xenstored);
	expect_end(b.qemu);
	disconnect(&a);
	disconnect(&b);
}

static void connections_are_limited(void **state)
{
	struct ends e[XSFILTER_CONNECTIONS], more;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		e[i] = connect_one();
	more = connect_one();
	expect_end(more.qemu);
	expect_end(more.xenstored);
	disconnect(&more);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		assert_served(&e[i]);

	/* A place that is left can be taken again. */
	disconnect(&e[3]);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		if (i != 3)
			assert_served(&e[i]);
	e[3] = connect_one();
	assert_served(&e[3]);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		disconnect(&e[i]);
}

/* Messages of the monitor of any other shape are ignored, and their fds closed. */
static void strange_messages_are_ignored(void **state)
{
	int pipefd[2];
	char c;
	struct ends e;

	(void)state;
	assert_int_equal(pipe(pipefd), 0);
	const int fds[2] = {pipefd[1], pipefd[1]};

	assert_int_equal(fdmsg_send(monitor, "X", 1, fds, 2), 0);
	assert_int_equal(fdmsg_send(monitor, "C", 1, fds, 1), 0);
	assert_int_equal(fdmsg_send(monitor, "C", 1, NULL, 0), 0);
	assert_int_equal(fdmsg_send(monitor, "CC", 2, fds, 2), 0);
	(void)close(pipefd[1]);
	await(pipefd[0]);
	assert_int_equal(read(pipefd[0], &c, 1), 0);
	(void)close(pipefd[0]);

	e = connect_one();
	assert_served(&e);
	disconnect(&e);
}

static void it_outlives_the_monitor(void **state)
{
	struct ends e = connect_one();

	(void)state;
	assert_served(&e);
	close_fdp(&monitor);
	for (int i = 0; i < 10; i++)
		assert_served(&e);
	disconnect(&e);
	assert_int_equal(waitpid(filter, NULL, WNOHANG), 0);
}

static void it_ends_with_qemu(void **state)
{
	const struct xsd_sockmsg hdr = {.type = XS_WRITE, .len = 100};
	struct ends e = connect_one();

	(void)state;
	assert_served(&e);
	/* In the midst of a request, of which xenstored then has heard nothing. */
	assert_int_equal(send(e.qemu, &hdr, HEADER, 0), HEADER);
	end_qemu();
	expect_end(e.xenstored);
	disconnect(&e);
}

/* The "read" of a flood is slowed down, not refused, and nothing is lost. */
static void a_flood_is_slowed_down(void **state)
{
	const int n = XSFILTER_BURST + XSFILTER_RATE / 4;
	struct ends e = connect_one();
	struct timespec a, b;
	double s;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i++)
		assert_served(&e);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
	assert_true(s > (double)(n - XSFILTER_BURST - 1) / XSFILTER_RATE);
	disconnect(&e);
}

/* How often it has gone to sleep of its own accord: what every wakeup ends in. */
static unsigned long sleeps(void)
{
	char path[64], line[128];
	unsigned long n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)filter);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
			n = strtoul(line + 24, NULL, 10);
	(void)fclose(f);
	return n;
}

static void it_sleeps_while_nothing_happens(void **state)
{
	const struct timespec nap = {.tv_nsec = 50000000}, rest = {.tv_nsec = 300000000};
	struct ends e = connect_one();
	unsigned long before;

	(void)state;
	assert_served(&e);
	close_fdp(&monitor);
	/* xenstored with something to say that nobody asked for must not wake it either. */
	put(e.xenstored, XS_WATCH_EVENT, "/x\0t", 5);
	(void)nanosleep(&nap, NULL);
	before = sleeps();
	(void)nanosleep(&rest, NULL);
	assert_true(before > 0);
	assert_int_equal(sleeps(), before);
	assert_served(&e);
	disconnect(&e);
}

static void bad_arguments_are_refused(void **state)
{
	static const char *const domids[] = {"", "0", "-1", "7x", "32752", "99999999999"};
	int channel[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	for (size_t i = 0; i < ARRAY_SIZE(domids); i++)
		assert_int_equal(WEXITSTATUS(wait_for(start(domids[i], channel[1], channel[1]))),
		                 EXIT_FAILURE);
	assert_int_equal(WEXITSTATUS(wait_for(start("7", -1, channel[1]))), EXIT_FAILURE);
	(void)close(channel[0]);
	(void)close(channel[1]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	        TEST(connections_are_served),
	        TEST(it_counts),
	        TEST(running_waits_for_the_seal),
	        TEST(running_needs_no_monitor),
	        TEST(either_end_ends_the_other),
	        TEST(connections_are_limited),
	        TEST(strange_messages_are_ignored),
	        TEST(it_outlives_the_monitor),
	        TEST(it_ends_with_qemu),
	        TEST(a_flood_is_slowed_down),
	        TEST(it_sleeps_while_nothing_happens),
	        cmocka_unit_test(bad_arguments_are_refused),
	};

	if (argc != 2)
		return EXIT_FAILURE;
	program = argv[1];
	counters_file = make_counters();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
