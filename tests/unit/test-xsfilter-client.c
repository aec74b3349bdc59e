/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xsfilter (argv[1]) under the unmodified libxenstore, which makes QEMU's requests.
 *
 * The test is the device model. A child is everything else: it listens where libxenstore connects
 * to, hands the connections over as the monitor does, and is a xenstored that agrees to whatever
 * reaches it and notes it down.
 */
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <xenstore.h>

#include "fdmsg.h"
#include "policy/xenstore.h"
#include "request.h"
#include "role.h"
#include "util.h"
#include "wire.h"

#define HEADER sizeof(struct xsd_sockmsg)

static const char *program;
static char directory[] = "/tmp/test-xsfilter-XXXXXX";
static char address[64];
static pid_t world = -1;
static int heard = -1; /* one line for each request that reached xenstored */

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

static pid_t start_filter(int channel)
{
	const pid_t of = getpid(), pid = fork();
	int pidfd, counters_fd;

	if (pid != 0)
		return pid;
	pidfd = (int)syscall(SYS_pidfd_open, of, 0);
	counters_fd = fcntl(make_counters(), F_DUPFD, 10);
	channel = fcntl(channel, F_DUPFD, 10);
	(void)dup2(fcntl(pidfd, F_DUPFD, 10), XSFILTER_QEMU);
	(void)dup2(channel, XSFILTER_MONITOR);
	(void)dup2(STDERR_FILENO, XSFILTER_JOURNAL);
	(void)dup2(counters_fd, XSFILTER_COUNTERS);
	(void)close_range(XSFILTER_COUNTERS + 1, ~0u, 0);
	(void)execl(program, "xsfilter", "7", (char *)NULL);
	_exit(127);
}

/* As xenstored would, if everything were permitted. False at the end of the connection. */
static bool agree(int fd, int note)
{
	struct xsd_sockmsg hdr;
	char payload[XENSTORE_PAYLOAD_MAX], line[256];
	const char *answer = "OK";
	struct wire out = {0};
	int n;

	if (recv(fd, &hdr, HEADER, MSG_WAITALL) != (ssize_t)HEADER ||
	    recv(fd, payload, hdr.len, MSG_WAITALL) != (ssize_t)hdr.len)
		return false;
	for (uint32_t i = 0; i < hdr.len; i++)
		if (payload[i] == '\0')
			payload[i] = '|';
	n = snprintf(line, sizeof(line), "%u %u %.*s\n", hdr.type, hdr.tx_id, (int)hdr.len,
	             payload);
	(void)!write(note, line, (size_t)n);
	if (hdr.type == XS_TRANSACTION_START)
		answer = "42";
	hdr.len = 3;
	wire_put(&out, &hdr, answer);
	return send(fd, out.bytes, out.used, MSG_NOSIGNAL) == (ssize_t)out.used;
}

static int take_over(int listener, int channel)
{
	const char what = XSFILTER_CONNECTION;
	int x[2], fds[2];

	fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	(void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, x);
	fds[1] = x[1];
	(void)fdmsg_send(channel, &what, 1, fds, 2);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return x[0];
}

/* xsfilter's messages to the monitor; only the one that wants it sealed wants an answer. */
static void be_the_monitor(int channel)
{
	char what;

	if (read(channel, &what, 1) == 1 && what == XSFILTER_SEAL)
		(void)!write(channel, &what, 1);
}

static void be_the_world(int listener, int note)
{
	struct pollfd fds[2 + XSFILTER_CONNECTIONS] = {{.fd = listener, .events = POLLIN}};
	size_t n = 2;
	int channel[2];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel);
	(void)start_filter(channel[1]);
	fds[1] = (struct pollfd){channel[0], POLLIN, 0};
	while (poll(fds, n, -1) > 0) {
		for (size_t i = 2; i < n; i++)
			if (fds[i].revents != 0 && !agree(fds[i].fd, note))
				close_fdp(&fds[i].fd);
		if (fds[1].revents != 0)
			be_the_monitor(channel[0]);
		if (fds[0].revents != 0 && n < ARRAY_SIZE(fds))
			fds[n++] = (struct pollfd){take_over(listener, channel[0]), POLLIN, 0};
	}
	_exit(0);
}

static int set_up(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int note[2];

	(void)state;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", address);
	(void)unlink(address);
	assert_int_equal(bind(listener, &sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(pipe2(note, O_CLOEXEC | O_NONBLOCK), 0);
	world = fork();
	if (world == 0)
		be_the_world(listener, note[1]);
	(void)close(listener);
	(void)close(note[1]);
	heard = note[0];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)kill(world, SIGKILL); /* the filter takes it for QEMU and ends too */
	(void)waitpid(world, NULL, 0);
	close_fdp(&heard);
	return 0;
}

static void assert_heard(const char *lines)
{
	char buf[1024];
	const ssize_t n = read(heard, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	assert_string_equal(buf, lines);
}

/* Waits for the event that every new watch has at once. */
static void assert_fires(struct xs_handle *xs, const char *path, const char *token)
{
	unsigned int n;
	char **event = xs_read_watch(xs, &n);

	assert_non_null(event);
	assert_string_equal(event[XS_WATCH_PATH], path);
	assert_string_equal(event[XS_WATCH_TOKEN], token);
	free(event);
}

static void qemu_starts(void **state)
{
	static const char *const types[] = {"console", "vkbd", "9pfs", "qusb"};
	struct xs_handle *ioreq = xs_open(0), *bus = xs_open(0), *legacy = xs_open(0);
	struct xs_permissions perms[2] = {{.id = 0, .perms = XS_PERM_NONE},
	                                  {.id = 7, .perms = XS_PERM_NONE}};
	unsigned int n;

	(void)state;
	assert_true(ioreq != NULL && bus != NULL && legacy != NULL);

	assert_null(xs_read(bus, XBT_NULL, "domid", &n));
	assert_int_equal(errno, ENOENT);
	assert_null(xs_read(bus, XBT_NULL, "/local/domain/7/image/device-model-domid", &n));
	assert_int_equal(errno, ENOENT);
	assert_true(xs_watch(bus, "backend/qdisk/7", "d0b5e6a2-0d3c-4a44-9f53-1f0d0c1f6a11"));
	assert_fires(bus, "backend/qdisk/7", "d0b5e6a2-0d3c-4a44-9f53-1f0d0c1f6a11");
	assert_null(xs_directory(bus, XBT_NULL, "backend", &n));
	assert_int_equal(errno, ENOENT);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		char path[64], token[64];

		(void)snprintf(path, sizeof(path), "device-model/7/backends/%s", types[i]);
		assert_true(xs_mkdir(legacy, XBT_NULL, path));
		assert_true(xs_set_permissions(legacy, XBT_NULL, path, perms, 2));
		(void)snprintf(path, sizeof(path), "backend/%s/7", types[i]);
		(void)snprintf(token, sizeof(token), "be:%p:%d:%p", (void *)path, 7, (void *)token);
		assert_true(xs_watch(legacy, path, token));
		assert_null(xs_directory(legacy, XBT_NULL, path, &n));
		assert_fires(legacy, path, token);
	}
	assert_heard("");

	assert_true(xs_write(ioreq, XBT_NULL, "device-model/7/state", "running", 7));
	assert_heard("11 0 /local/domain/0/device-model/7/state|running\n");

	/* And ends: each watch has fired once, so nothing is left to read. */
	assert_true(xs_unwatch(bus, "backend/qdisk/7", "d0b5e6a2-0d3c-4a44-9f53-1f0d0c1f6a11"));
	assert_null(xs_check_watch(bus));
	assert_null(xs_check_watch(legacy));
	xs_close(legacy);
	xs_close(bus);
	xs_close(ioreq);
	assert_heard("");
}

static void domain_paths(void **state)
{
	struct xs_handle *xs = xs_open(0);
	char *path;

	(void)state;
	path = xs_get_domain_path(xs, 7);
	assert_string_equal(path, "/local/domain/7");
	free(path);
	assert_null(xs_get_domain_path(xs, 8));
	assert_int_equal(errno, EACCES);
	xs_close(xs);
}

static void transactions(void **state)
{
	struct xs_handle *xs = xs_open(0);
	xs_transaction_t t;

	(void)state;
	t = xs_transaction_start(xs);
	assert_int_equal(t, 42);
	assert_true(xs_write(xs, t, "device-model/7/state", "running", 7));
	assert_true(xs_transaction_end(xs, t, false));
	assert_false(xs_transaction_end(xs, t, false));
	assert_int_equal(errno, ENOENT);
	assert_heard("6 0 |\n"
	             "11 42 /local/domain/0/device-model/7/state|running\n"
	             "7 42 T|\n");
	xs_close(xs);
}

static void qemu_turns_hostile(void **state)
{
	struct xs_handle *xs = xs_open(0);
	struct xs_permissions perms = {.id = 7, .perms = XS_PERM_READ | XS_PERM_WRITE};
	unsigned int n;

	(void)state;
	assert_null(xs_read(xs, XBT_NULL, "/local/domain/8/vm", &n));
	assert_int_equal(errno, EACCES);
	assert_null(xs_directory(xs, XBT_NULL, "/", &n));
	assert_int_equal(errno, EACCES);
	assert_null(xs_get_permissions(xs, XBT_NULL, "/", &n));
	assert_int_equal(errno, EACCES);
	assert_false(xs_write(xs, XBT_NULL, "/local/domain/7/console/tty", "/etc/shadow", 11));
	assert_int_equal(errno, EACCES);
	assert_false(xs_write(xs, XBT_NULL, "backend/vif/7/0/script", "x", 1));
	assert_int_equal(errno, EACCES);
	assert_false(xs_rm(xs, XBT_NULL, "/local/domain/8"));
	assert_int_equal(errno, EACCES);
	assert_false(xs_set_permissions(xs, XBT_NULL, "/", &perms, 1));
	assert_int_equal(errno, EACCES);
	assert_false(xs_watch(xs, "@releaseDomain", "t"));
	assert_int_equal(errno, EACCES);
	assert_false(xs_watch(xs, "/", "t"));
	assert_int_equal(errno, EACCES);
	assert_false(xs_introduce_domain(xs, 7, 1, 1));
	assert_int_equal(errno, EACCES);
	assert_false(xs_release_domain(xs, 8));
	assert_int_equal(errno, EACCES);
	assert_false(xs_set_target(xs, 7, 0));
	assert_int_equal(errno, EACCES);
	assert_null(xs_control_command(xs, "live-update", NULL, 0));
	assert_int_equal(errno, EACCES);
	assert_heard("");
	xs_close(xs);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	        TEST(qemu_starts),
	        TEST(domain_paths),
	        TEST(transactions),
	        TEST(qemu_turns_hostile),
	};
	int r;

	if (argc != 2 || mkdtemp(directory) == NULL)
		return EXIT_FAILURE;
	program = argv[1];
	(void)snprintf(address, sizeof(address), "%s/socket", directory);
	(void)setenv("XENSTORED_PATH", address, 1);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(address);
	(void)rmdir(directory);
	return r;
}
