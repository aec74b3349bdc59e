/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain's control group (v2), xen.slice/xen-dm.slice/xen-dm-DOMID.scope, the same with and
 * without systemd. It has the cpu controller, for QEMU and its helpers together, so that a domain
 * pays for what its QEMU makes them do. Within it are:
 *
 * - qemu: memory, pids and io for QEMU alone, so that what it runs into hits nobody else;
 * - roles: monitor, broker, xsfilter.
 *
 * Where systemd runs, the scope is systemd's (a helper asks for it) and it removes all of it when
 * the last process is gone. Otherwise the monitor does, or, if that was killed, the next launch.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "launch.h"
#include "util.h"

#define SYSTEMD "/run/systemd/system" /* sd_booted(3) */
#define HELPER  ROLE_DIR "/scope"

/* How often the slice may vanish under us, because its last scope did. */
#define TRIES 10

static const char *const controllers[] = {"memory", "pids", "cpu", "io"};

/* The file `name` below dir gets text, which is written at once, as the kernel wants it. */
static int put(int dir, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int put_limit(const struct cgroup *c, const char *name, uint64_t value, struct error *err)
{
	char text[32] = "max";

	if (value != LIMIT_NONE)
		(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	if (put(c->base, name, text) < 0)
		return error_errno(err, "cannot set %s/%s to %s", c->path, name, text);
	return 0;
}

/* One by one, so that the error says which one this kernel lacks. */
static int enable_controllers(int dir, const char *path, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "+%s", controllers[i]);
		if (put(dir, "cgroup.subtree_control", text) < 0)
			return error_errno(err, "cannot enable the %s controller in %s",
			                   controllers[i], path);
	}
	return 0;
}

/* The kernel refuses to remove a group that has processes or groups. */
static void remove_groups(int scope)
{
	(void)unlinkat(scope, CGROUP_QEMU, AT_REMOVEDIR);
	(void)unlinkat(scope, CGROUP_ROLES, AT_REMOVEDIR);
}

static void sweep_scope(int slice, const char *name)
{
	cleanup_fd int scope = openat(slice, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (scope >= 0)
		remove_groups(scope);
	(void)unlinkat(slice, name, AT_REMOVEDIR);
}

/*
 * Removes what monitors that were killed have left. Not while another launch is between making its
 * groups and entering them: each holds the lock, shared, until its exec.
 */
static int lock_and_sweep(int slice, struct error *err)
{
	if (flock(slice, LOCK_EX | LOCK_NB) == 0) {
		int copy = openat(slice, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
		const struct dirent *entry;

		while (dir != NULL && (entry = readdir(dir)) != NULL)
			if (strncmp(entry->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) == 0)
				sweep_scope(slice, entry->d_name);
		if (dir != NULL)
			(void)closedir(dir);
		else
			close_fdp(&copy);
	}
	if (flock(slice, LOCK_SH) < 0)
		return error_errno(err, "cannot lock " CGROUP_PATH);
	return 0;
}

/* Makes one group below dir, with the controllers; path is for messages. */
static int make_slice(int dir, const char *name, mode_t mode, const char *path, int *ret,
                      struct error *err)
{
	cleanup_fd int slice = -1;

	if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", path);
	slice = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (slice < 0)
		return error_errno(err, "cannot open %s", path);
	if (enable_controllers(slice, path, err) < 0)
		return -1;
	*ret = steal_fd(&slice);
	return 0;
}

static int make_slices(int root, int *ret, struct error *err)
{
	cleanup_fd int parent = -1;

	if (enable_controllers(root, CGROUP_ROOT, err) < 0 ||
	    make_slice(root, CGROUP_PARENT, 0755, CGROUP_ROOT "/" CGROUP_PARENT, &parent, err) < 0)
		return -1;
	/* Whoever can open it can lock it, and no domain would start while they do. */
	return make_slice(parent, CGROUP_SLICE, 0700, CGROUP_PATH, ret, err);
}

/* Without systemd: down from the root. An empty scope of an earlier launch is as good as a new one.
 */
static int make_scope(struct cgroup *c, int root, struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		close_fdp(&c->slice);
		if (make_slices(root, &c->slice, err) < 0) {
			if (errno == ENOENT || errno == ENODEV)
				continue;
			return -1;
		}
		if (lock_and_sweep(c->slice, err) < 0)
			return -1;
		if (mkdirat(c->slice, c->name, 0755) == 0 || errno == EEXIST)
			return 0;
		(void)error_errno(err, "cannot make %s", c->path);
		if (errno != ENOENT && errno != ENODEV)
			return -1;
	}
	return -1;
}

/* In the child. Its standard input ends when the roles are in the scope. */
static void exec_helper(const struct cgroup *c, const struct limits *limits, int in, int out)
{
	static char *const no_environment[] = {NULL};
	char weight[24], percent[24];
	const char *argv[] = {"scope", c->name, weight, percent, NULL};

	(void)snprintf(weight, sizeof(weight), "%" PRIu64, limits->cpu_weight);
	(void)snprintf(percent, sizeof(percent), "%" PRIu64, limits->cpu_max);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
	(void)execve(HELPER, (char *const *)(uintptr_t)argv, no_environment);
	_exit(EXIT_FAILURE);
}

/*
 * D-Bus is not spoken in this process. The helper puts itself into the new scope, says on its
 * standard output in one line what went wrong or nothing but a newline, and keeps the scope alive
 * until we close its input.
 */
static int ask_systemd(struct cgroup *c, const struct limits *limits, struct error *err)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1};
	char answer[ERROR_MAX - 64];
	ssize_t n;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		exec_helper(c, limits, in[0], out[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	c->helper = in[1];
	c->helper_pid = pid;
	if (pid < 0)
		return error_errno(err, "cannot fork");
	n = read(out[0], answer, sizeof(answer) - 1);
	(void)close(out[0]);
	if (n <= 0)
		return error_set(err, "%s ended without an answer", HELPER);
	answer[n] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return *answer == '\0' ? 0
	                       : error_set(err, "systemd gives no scope %s: %s", c->name, answer);
}

static int make_group(const struct cgroup *c, const char *name, struct error *err)
{
	if (mkdirat(c->base, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/%s", c->path, name);
	return 0;
}

/* cgroup-v2.rst: "$MAX $PERIOD", both in us; 100 ms is the kernel's default period. */
static int set_cpu(const struct cgroup *c, const struct limits *limits, struct error *err)
{
	const uint64_t max = limits->cpu_max;

	if (put_limit(c, "cpu.weight", limits->cpu_weight, err) < 0)
		return -1;
	return put_limit(c, "cpu.max", max == LIMIT_NONE ? max : max * 1000, err);
}

/* The kernel knows devices by number only. */
static int set_io(const struct cgroup *c, const char *line, struct error *err)
{
	const size_t len = strcspn(line, " ");
	char text[LIMITS_IO_SIZE + 32], path[LIMITS_IO_SIZE];
	struct stat st;

	(void)snprintf(text, sizeof(text), "%s", line);
	if (*line == '/') {
		(void)snprintf(path, sizeof(path), "%.*s", (int)len, line);
		if (stat(path, &st) < 0)
			return error_errno(err, "io-max: %s", path);
		if (!S_ISBLK(st.st_mode))
			return error_set(err, "io-max: %s is no block device", path);
		(void)snprintf(text, sizeof(text), "%u:%u%s", major(st.st_rdev), minor(st.st_rdev),
		               line + len);
	}
	if (put(c->base, CGROUP_QEMU "/io.max", text) < 0)
		return error_errno(err, "cannot set %s/" CGROUP_QEMU "/io.max to %s", c->path,
		                   text);
	return 0;
}

static int set_limits(const struct cgroup *c, const struct limits *limits, struct error *err)
{
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
	        {CGROUP_QEMU "/memory.max", limits->memory_max},
	        {CGROUP_QEMU "/memory.high", limits->memory_high},
	        {CGROUP_QEMU "/memory.swap.max", limits->swap_max},
	        /* A QEMU that lost a thread is no QEMU: all of it or nothing. */
	        {CGROUP_QEMU "/memory.oom.group", 1},
	        {CGROUP_QEMU "/pids.max", limits->pids_max},
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (put_limit(c, values[i].name, values[i].value, err) < 0)
			return -1;
	for (size_t i = 0; i < limits->n_io_max; i++)
		if (set_io(c, limits->io_max[i], err) < 0)
			return -1;
	return set_cpu(c, limits, err);
}

static int make_groups(struct cgroup *c, const struct limits *limits, struct error *err)
{
	c->base = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->base < 0)
		return error_errno(err, "cannot open %s", c->path);
	if (make_group(c, CGROUP_ROLES, err) < 0 || make_group(c, CGROUP_QEMU, err) < 0 ||
	    enable_controllers(c->base, c->path, err) < 0 || set_limits(c, limits, err) < 0)
		return -1;
	c->roles = openat(c->base, CGROUP_ROLES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->procs = openat(c->base, CGROUP_QEMU "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (c->roles < 0 || c->procs < 0)
		return error_errno(err, "cannot open the groups of %s", c->path);
	return 0;
}

bool cgroup_available(void)
{
	struct statfs fs;

	return statfs(CGROUP_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_make(struct cgroup *c, uint16_t domid, const struct limits *limits, struct error *err)
{
	cleanup_fd int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool systemd = access(SYSTEMD, F_OK) == 0;
	int r;

	*c = (struct cgroup)CGROUP_NONE;
	(void)snprintf(c->name, sizeof(c->name), CGROUP_PREFIX "%u.scope", domid);
	(void)snprintf(c->path, sizeof(c->path), CGROUP_PATH "/%s", c->name);
	if (root < 0)
		return error_errno(err, "cannot open " CGROUP_ROOT);
	if (!cgroup_available())
		return error_set(err, CGROUP_ROOT " is no cgroup v2: QEMU could not be limited");
	c->own = !systemd;
	r = systemd ? ask_systemd(c, limits, err) : make_scope(c, root, err);
	if (r == 0)
		r = make_groups(c, limits, err);
	if (r < 0)
		cgroup_undo(c);
	return r;
}

void cgroup_release(struct cgroup *c)
{
	close_fdp(&c->helper);
	if (c->helper_pid > 0)
		(void)waitpid(c->helper_pid, NULL, 0);
	c->helper_pid = -1;
	close_fdp(&c->base);
	close_fdp(&c->roles);
	close_fdp(&c->procs);
}

void cgroup_leave(const struct cgroup *c)
{
	cleanup_fd int root = -1;

	if (c == NULL || !c->own || c->roles < 0)
		return;
	root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)put(root, "cgroup.procs", "0");
}

void cgroup_undo(struct cgroup *c)
{
	if (c->base >= 0 && c->own)
		remove_groups(c->base);
	cgroup_release(c);
	if (c->slice >= 0)
		(void)unlinkat(c->slice, c->name, AT_REMOVEDIR);
	/* Even without a scope: the launch may have failed before it was made. */
	if (c->own) {
		(void)rmdir(CGROUP_PATH);
		(void)rmdir(CGROUP_ROOT "/" CGROUP_PARENT);
	}
	close_fdp(&c->slice);
}
