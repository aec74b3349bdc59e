/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks that need no Xen, on a process that is anything but confined and on one that is as far
 * as a test can: the whole, with its controls, is tests/xen/cases/check.
 */
#include "check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "role.h"
#include "util.h"

static struct subject s;
static struct manifest manifest;

void check_add(struct subject *subject, enum result result, const char *group, const char *name,
               const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	subject->counts[result]++;
	report_row(&subject->report, "{s:i, s:s, s:s, s:s}", "result", result, "process", group,
	           "check", name, "detail", text);
}

/* A child that has set itself up and waits to be killed. */
static pid_t start(void (*set_up)(void))
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		const int high = fcntl(ready[1], F_DUPFD_CLOEXEC, 200);

		set_up();
		(void)!write(high, "r", 1);
		(void)close(high);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	s.pids[PROCESS_QEMU] = pid;
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The detail of the nth (from 0) row of this check; NULL: there is none. */
static const char *row(const char *name, size_t nth, int *ret_result)
{
	json_t *rows = json_object_get(s.report.root, "test");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *r = json_array_get(rows, i);

		if (strcmp(json_string_value(json_object_get(r, "check")), name) != 0 || nth-- > 0)
			continue;
		*ret_result = (int)json_integer_value(json_object_get(r, "result"));
		return json_string_value(json_object_get(r, "detail"));
	}
	return NULL;
}

static void assert_row(const char *name, int result, const char *part)
{
	int got = -1;
	const char *detail = row(name, 0, &got);

	if (detail == NULL || got != result || strstr(detail, part) == NULL)
		fail_msg("%s: %d, %s; not %d, %s", name, got, detail != NULL ? detail : "no row",
		         result, part);
}

static int set_up(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&manifest, 0, sizeof(manifest));
	manifest.magic = MANIFEST_MAGIC;
	s.domid = 7;
	s.uid = getuid();
	report_init(&s.report);
	report_section(&s.report, "test", "Test");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	report_free(&s.report);
	return 0;
}

static void nothing(void)
{
}

static void an_ordinary_process(void **state)
{
	pid_t pid = start(nothing);

	(void)state;
	check_credentials(&s, PROCESS_QEMU);
	check_seccomp(&s, PROCESS_QEMU);
	check_layers(&s, PROCESS_QEMU);
	check_tree(&s, PROCESS_QEMU);
	check_environment(&s, PROCESS_QEMU);
	check_limits(&s, PROCESS_QEMU);
	check_alone(&s, PROCESS_QEMU);
	assert_row("no-new-privs", RESULT_BAD, "not set");
	assert_row("capabilities", RESULT_BAD, "CapBnd");
	assert_row("landlock", RESULT_BAD, "none that is known of");
	assert_row("root", RESULT_BAD, "the host's");
	assert_row("mounts", RESULT_BAD, "are not as a launch makes them");
	assert_row("environment", RESULT_BAD, "inherited");
	assert_row("rlimits", RESULT_BAD, "RLIMIT_");
	assert_row("alone", RESULT_BAD, getuid() == 0 ? "root" : "pids with the same uid");
	end(pid);
}

static void confine_a_little(void)
{
	const struct rlimit nproc = {100, 100}, files = {200, 200}, size = {300, 300};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_NPROC, &nproc);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)setrlimit(RLIMIT_FSIZE, &size);
	for (size_t i = 0; i < limits_n_fixed; i++) {
		const struct rlimit limit = {limits_fixed[i].value, limits_fixed[i].value};

		(void)setrlimit((__rlimit_resource_t)limits_fixed[i].resource, &limit);
	}
}

static void what_is_set_is_seen(void **state)
{
	pid_t pid = start(confine_a_little);

	(void)state;
	s.manifest = &manifest;
	manifest.layers = 1u << LAYER_LANDLOCK | 1u << LAYER_LANDLOCK_SCOPES;
	manifest.threads = 100;
	manifest.open_files = 200;
	manifest.file_size = 300;
	check_credentials(&s, PROCESS_QEMU);
	check_limits(&s, PROCESS_QEMU);
	check_layers(&s, PROCESS_QEMU);
	assert_row("no-new-privs", RESULT_OK, "set");
	assert_row("rlimits", RESULT_OK, "none higher than a launch sets");
	assert_row("landlock", RESULT_OK, "landlock, landlock-scopes, as");
	end(pid);
}

static void a_process_that_is_gone(void **state)
{
	pid_t pid = start(nothing);

	(void)state;
	end(pid);
	check_credentials(&s, PROCESS_QEMU);
	check_seccomp(&s, PROCESS_QEMU);
	check_tree(&s, PROCESS_QEMU);
	check_limits(&s, PROCESS_QEMU);
	check_fds(&s, PROCESS_QEMU);
	check_binary(&s, PROCESS_QEMU);
	assert_true(s.counts[RESULT_UNKNOWN] >= 6);
	assert_int_equal(s.counts[RESULT_OK], 0);
}

static char image[] = "/tmp/test-check-XXXXXX";

static void open_things(void)
{
	(void)close_range(3, 199, 0);
	(void)open("/dev/null", O_RDWR);         /* 3 */
	(void)open(image, O_RDONLY);             /* 4 */
	(void)open(image, O_RDWR);               /* 5 */
	(void)open("/etc/passwd", O_RDONLY);     /* 6 */
	(void)socket(AF_UNIX, SOCK_STREAM, 0);   /* 7 */
	(void)socket(AF_INET, SOCK_STREAM, 0);   /* 8: at port 0 */
	(void)socket(AF_NETLINK, SOCK_RAW, 0);   /* 9 */
	(void)open("/", O_RDONLY | O_DIRECTORY); /* 10 */
}

static void every_fd_is_judged(void **state)
{
	static const char *const parts[] = {"5: /tmp/test-check-",
	                                    "6: /etc/passwd, not of the plan",
	                                    "8: a TCP socket at 0.0.0.0 port 0",
	                                    "9: a socket of family 16", "10: /, not of the plan"};
	const int fd = mkstemp(image);
	int result;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	s.manifest = &manifest;
	manifest.n_files = 1;
	manifest.files[0].path = 1;
	(void)snprintf(manifest.pool + 1, sizeof(manifest.pool) - 1, "%s", image);
	pid = start(open_things);
	check_fds(&s, PROCESS_QEMU);
	for (size_t n = 0, at = 0; n < ARRAY_SIZE(parts); n++) {
		const char *detail = row("fd", at++, &result);

		/* 0, 1 and 2 are the test's. */
		while (detail != NULL && detail[1] == ':' && detail[0] < '3')
			detail = row("fd", at++, &result);
		if (detail == NULL || strncmp(detail, parts[n], strlen(parts[n])) != 0)
			fail_msg("finding %zu is %s", n, detail);
	}
	end(pid);
	(void)unlink(image);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_ordinary_process),
	        TEST(what_is_set_is_seen),
	        TEST(a_process_that_is_gone),
	        TEST(every_fd_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
