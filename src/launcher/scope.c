/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scope NAME CPU-WEIGHT CPU-PERCENT: asks systemd for a scope of that name in xen-dm.slice and is
 * its first process, in a group "roles" of its own, so that the launcher can make others and limit
 * them. Started by the launcher where systemd runs: so that it need not speak D-Bus itself.
 *
 * Says on standard output in one line what is wrong, or an empty line. Then it waits for the end of
 * its standard input: without a process systemd would end the scope.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "cgroup.h"
#include "error.h"
#include "limit.h"
#include "util.h"

#define SYSTEMD1 "org.freedesktop.systemd1"
#define OBJECT   "/org/freedesktop/systemd1"
#define MANAGER  "org.freedesktop.systemd1.Manager"

/* Longer than systemd takes for a scope when a host starts all its guests. */
#define TIMEOUT_US (UINT64_C(10) * 1000000)

struct job {
	const char *path;
	char result[32]; /* "" while it runs; "done" */
};

static int bus_error(struct error *err, const char *what, int r, const sd_bus_error *e)
{
	return error_set(err, "%s: %s", what,
	                 e != NULL && e->message != NULL ? e->message : strerror(-r));
}

/* JobRemoved(u id, o job, s unit, s result) */
static int on_job_removed(sd_bus_message *m, void *user, sd_bus_error *e)
{
	struct job *job = user;
	const char *path, *unit, *result;
	uint32_t id;

	(void)e;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && job->path != NULL &&
	    strcmp(path, job->path) == 0)
		(void)snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int append_property(sd_bus_message *m, const char *name, uint64_t value)
{
	return value == LIMIT_NONE ? 0 : sd_bus_message_append(m, "(sv)", name, "t", value);
}

/*
 * Delegate: what is below the scope is not systemd's to touch. Before: at shutdown systemd ends it
 * after xendomains has saved or shut down the guests.
 */
static int append_properties(sd_bus_message *m, uint64_t cpu_weight, uint64_t cpu_percent)
{
	/* CPUQuotaPerSecUSec: us of CPU time in each second. */
	const uint64_t quota = cpu_percent == LIMIT_NONE ? cpu_percent : cpu_percent * 10000;
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	if (r >= 0)
		r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
		                          "Xen device model", "Slice", "s", CGROUP_SLICE,
		                          "Delegate", "b", 1, "CollectMode", "s",
		                          "inactive-or-failed", "PIDs", "au", 1, (uint32_t)getpid(),
		                          "Before", "as", 1, "xendomains.service");
	if (r >= 0)
		r = append_property(m, "CPUWeight", cpu_weight);
	if (r >= 0)
		r = append_property(m, "CPUQuotaPerSecUSec", quota);
	return r >= 0 ? sd_bus_message_close_container(m) : r;
}

/* StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) aux) -> o job */
static int start_scope(sd_bus *bus, const char *name, uint64_t cpu_weight, uint64_t cpu_percent,
                       sd_bus_message **ret_reply, struct error *err)
{
	sd_bus_error e cleanup(sd_bus_error_free) = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD1, OBJECT, MANAGER,
	                                       "StartTransientUnit");

	if (r >= 0)
		r = sd_bus_message_append(m, "ss", name, "fail");
	if (r >= 0)
		r = append_properties(m, cpu_weight, cpu_percent);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r >= 0)
		r = sd_bus_call(bus, m, TIMEOUT_US, &e, ret_reply);
	(void)sd_bus_message_unref(m);
	return r < 0 ? bus_error(err, "StartTransientUnit", r, &e) : 0;
}

static int wait_for_job(sd_bus *bus, const struct job *job, struct error *err)
{
	while (job->result[0] == '\0') {
		int r = sd_bus_process(bus, NULL);

		if (r == 0)
			r = sd_bus_wait(bus, TIMEOUT_US);
		if (r < 0)
			return bus_error(err, "waiting for the scope", r, NULL);
		if (r == 0)
			return error_set(err, "the scope does not start");
	}
	if (strcmp(job->result, "done") != 0)
		return error_set(err, "the scope's start: %s", job->result);
	return 0;
}

static int make_scope(const char *name, uint64_t cpu_weight, uint64_t cpu_percent,
                      struct error *err)
{
	sd_bus_message *reply = NULL;
	struct job job = {0};
	sd_bus *bus = NULL;
	int r = sd_bus_open_system(&bus);

	if (r < 0)
		return bus_error(err, "cannot reach the system bus", r, NULL);
	/* Before the call, so that no signal is missed; without Subscribe() there are none. */
	r = sd_bus_match_signal(bus, NULL, SYSTEMD1, OBJECT, MANAGER, "JobRemoved", on_job_removed,
	                        &job);
	if (r >= 0)
		r = sd_bus_call_method(bus, SYSTEMD1, OBJECT, MANAGER, "Subscribe", NULL, NULL, "");
	if (r < 0)
		r = bus_error(err, "Subscribe", r, NULL);
	else
		r = start_scope(bus, name, cpu_weight, cpu_percent, &reply, err);
	if (r == 0 && sd_bus_message_read(reply, "o", &job.path) < 0)
		r = error_set(err, "StartTransientUnit: malformed answer");
	if (r == 0)
		r = wait_for_job(bus, &job, err);
	(void)sd_bus_message_unref(reply);
	(void)sd_bus_flush_close_unref(bus);
	return r;
}

/* Out of the scope itself: the kernel limits no group that has processes beside groups. */
static int enter_roles(const char *name, struct error *err)
{
	char path[128];

	(void)snprintf(path, sizeof(path), CGROUP_PATH "/%s/" CGROUP_ROLES, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", path);
	(void)snprintf(path, sizeof(path), CGROUP_PATH "/%s/" CGROUP_ROLES "/cgroup.procs", name);

	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) < 0)
		return error_errno(err, "cannot enter %s", path);
	return 0;
}

int main(int argc, char *argv[])
{
	struct error err = {""};
	uint64_t weight, percent;
	char byte;
	int r = 0;

	if (argc != 4 || !parse_u64(argv[2], 1, UINT64_MAX, &weight) ||
	    !parse_u64(argv[3], 1, UINT64_MAX, &percent))
		r = error_set(&err, "started by qemu-depriv-dm only");
	if (r == 0)
		r = make_scope(argv[1], weight, percent, &err);
	if (r == 0)
		r = enter_roles(argv[1], &err);
	if (dprintf(STDOUT_FILENO, "%s\n", err.msg) < 0 || r < 0)
		return EXIT_FAILURE;
	while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
	return EXIT_SUCCESS;
}
