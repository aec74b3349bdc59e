/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The helper that asks systemd for a scope, against a systemd of our own at the end of a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "util.h"

static const char *helper;

/* What our systemd does, and what it has been asked. */
static struct {
	const char *error;  /* answer to StartTransientUnit, or NULL */
	const char *result; /* of the job; NULL: it never ends */
	bool subscribed;
	char unit[64], slice[64];
	uint64_t weight, quota;
	uint32_t pid;
	int delegate;
} manager;

static int on_subscribe(sd_bus_message *m)
{
	manager.subscribed = true;
	return sd_bus_reply_method_return(m, "");
}

static int read_property(sd_bus_message *m)
{
	const char *name, *text;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return r;
	if (strcmp(name, "Slice") == 0) {
		r = sd_bus_message_read(m, "v", "s", &text);
		(void)snprintf(manager.slice, sizeof(manager.slice), "%s", text);
		return r;
	}
	if (strcmp(name, "Delegate") == 0)
		return sd_bus_message_read(m, "v", "b", &manager.delegate);
	if (strcmp(name, "PIDs") == 0)
		return sd_bus_message_read(m, "v", "au", 1, &manager.pid);
	if (strcmp(name, "CPUWeight") == 0)
		return sd_bus_message_read(m, "v", "t", &manager.weight);
	if (strcmp(name, "CPUQuotaPerSecUSec") == 0)
		return sd_bus_message_read(m, "v", "t", &manager.quota);
	return sd_bus_message_skip(m, "v");
}

/* As the bus passes it on: with its sender. */
static int job_removed(sd_bus *bus, uint32_t id, const char *job, const char *unit,
                       const char *result)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_signal(bus, &m, "/org/freedesktop/systemd1",
	                                  "org.freedesktop.systemd1.Manager", "JobRemoved");

	if (r >= 0)
		r = sd_bus_message_set_sender(m, "org.freedesktop.systemd1");
	if (r >= 0)
		r = sd_bus_message_append(m, "uoss", id, job, unit, result);
	if (r >= 0)
		r = sd_bus_send(bus, m, NULL);
	(void)sd_bus_message_unref(m);
	return r;
}

static int on_start(sd_bus_message *m)
{
	const char *unit, *mode;
	int r = sd_bus_message_read(m, "ss", &unit, &mode);

	assert_true(r >= 0);
	assert_string_equal(mode, "fail");
	assert_true(manager.subscribed);
	(void)snprintf(manager.unit, sizeof(manager.unit), "%s", unit);
	assert_true(sd_bus_message_enter_container(m, 'a', "(sv)") >= 0);
	while ((r = sd_bus_message_enter_container(m, 'r', "sv")) > 0) {
		assert_true(read_property(m) >= 0);
		assert_true(sd_bus_message_exit_container(m) >= 0);
	}
	assert_int_equal(r, 0);
	if (manager.error != NULL)
		return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.UnitExists", "%s",
		                                  manager.error);
	r = sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/7");
	if (r >= 0) /* somebody else's first */
		r = job_removed(sd_bus_message_get_bus(m), 6, "/org/freedesktop/systemd1/job/6",
		                "x.service", "failed");
	if (r >= 0 && manager.result != NULL)
		r = job_removed(sd_bus_message_get_bus(m), 7, "/org/freedesktop/systemd1/job/7",
		                unit, manager.result);
	return r;
}

/* The bus daemon and systemd in one. */
static int on_message(sd_bus_message *m, void *user, sd_bus_error *e)
{
	(void)user;
	(void)e;
	if (sd_bus_message_is_method_call(m, NULL, "Hello") > 0)
		return sd_bus_reply_method_return(m, "s", ":1.1");
	if (sd_bus_message_is_method_call(m, NULL, "AddMatch") > 0 ||
	    sd_bus_message_is_method_call(m, NULL, "RemoveMatch") > 0)
		return sd_bus_reply_method_return(m, "");
	if (sd_bus_message_is_method_call(m, NULL, "Subscribe") > 0)
		return on_subscribe(m);
	if (sd_bus_message_is_method_call(m, NULL, "StartTransientUnit") > 0)
		return on_start(m);
	return 0;
}

static void serve(int fd)
{
	sd_id128_t id;
	sd_bus *bus;
	int r;

	assert_true(sd_id128_randomize(&id) >= 0);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
	assert_true(sd_bus_set_server(bus, 1, id) >= 0);
	assert_true(sd_bus_set_anonymous(bus, 1) >= 0);
	assert_true(sd_bus_add_filter(bus, NULL, on_message, NULL) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	do
		r = sd_bus_process(bus, NULL);
	while (r > 0 || (r == 0 && sd_bus_wait(bus, UINT64_MAX) >= 0));
	(void)sd_bus_flush_close_unref(bus);
}

static int listen_at(char address[128])
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	char dir[] = "/tmp/test-scope-XXXXXX";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "%s/bus", dir);
	(void)snprintf(address, 128, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s/bus", dir);
	assert_int_equal(bind(fd, &addr.sa, sizeof(addr.un)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Runs the helper, answers it until it hangs up, and returns its line. */
static const char *ask(const char *name, const char *weight, const char *percent)
{
	static char line[1024];
	char address[128];
	cleanup_fd int listener = listen_at(address);
	const char *dir = strchr(address, '/');
	char *const argv[] = {strdup("scope"), strdup(name), strdup(weight), strdup(percent), NULL};
	char *const env[] = {address, NULL};
	int out[2], status, fd;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execve(helper, argv, env);
		_exit(127);
	}
	(void)close(out[1]);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	serve(fd);
	n = read(out[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	(void)close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	for (size_t i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	(void)unlink(dir);
	*strrchr(address, '/') = '\0';
	(void)rmdir(dir);
	manager.pid = manager.pid == (uint32_t)pid ? 1 : 0;
	return line;
}

static int set_up(void **state)
{
	(void)state;
	memset(&manager, 0, sizeof(manager));
	manager.result = "done";
	return 0;
}

/* There is no such control group here: the next step fails, and the line says so. */
static void a_scope_is_asked_for(void **state)
{
	(void)state;
	assert_string_equal(
	        ask("xen-dm-7.scope", "50", "150"),
	        "cannot make /sys/fs/cgroup/xen.slice/xen-dm.slice/xen-dm-7.scope/roles: No such "
	        "file or "
	        "directory\n");
	assert_string_equal(manager.unit, "xen-dm-7.scope");
	assert_string_equal(manager.slice, "xen-dm.slice");
	assert_true(manager.delegate);
	assert_int_equal(manager.pid, 1); /* its own */
	assert_int_equal(manager.weight, 50);
	assert_int_equal(manager.quota, 1500000);
}

static void no_quota_is_no_property(void **state)
{
	(void)state;
	(void)ask("xen-dm-7.scope", "100", "18446744073709551615");
	assert_int_equal(manager.quota, 0);
}

static void systemds_refusal_is_told(void **state)
{
	(void)state;
	manager.error = "Unit xen-dm-7.scope was already loaded";
	assert_string_equal(ask("xen-dm-7.scope", "100", "100"),
	                    "StartTransientUnit: Unit xen-dm-7.scope was already loaded\n");
}

static void a_job_that_fails_is_told(void **state)
{
	(void)state;
	manager.result = "failed";
	assert_string_equal(ask("xen-dm-7.scope", "100", "100"), "the scope's start: failed\n");
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_scope_is_asked_for, set_up),
	        cmocka_unit_test_setup(no_quota_is_no_property, set_up),
	        cmocka_unit_test_setup(systemds_refusal_is_told, set_up),
	        cmocka_unit_test_setup(a_job_that_fails_is_told, set_up),
	};

	if (argc != 2)
		return EXIT_FAILURE;
	helper = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
