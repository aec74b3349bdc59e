/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's answers to real notifications: QEMU is a child under a small filter, the monitor is
 * the test. The monitor's replies are queued before they are asked for, so that nothing here has to
 * run at the same time as the broker; what it has asked is read afterwards.
 */
#define __XEN_TOOLS__ 1 /* as in hypercall.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xen/xen.h>

#include <xen/memory.h>
#include <xen/sys/privcmd.h>

#include "broker.h"
#include "fdmsg.h"
#include "helpers.h"
#include "role.h"
#include "sockets.h"
#include "util.h"

#define DOMID       7
#define MAX_RESULTS 24

/* fds of a reply: none, QEMU's memory, or a file that QEMU recognises by its length. */
#define NO_FD    0
#define MEMORY   (-1)
#define FILE_(n) (n) /* > 0: it has n bytes */

/* What the broker must ask, and what it is answered. */
struct exchange {
	struct request req;
	int32_t result;
	int fd;
};

static const struct manifest manifest = {
        .magic = MANIFEST_MAGIC,
        .domid = DOMID,
        .extra_pages = 16,
        .n_files = 2,
        .files = {{1, 0}, {6, 1}},
        .n_dirs = 1,
        .dirs = {{12}},
        .n_inets = 2,
        .inets = {{AF_INET, 1, 1, 0, {10, 0, 0, 1}}, {AF_INET, 5900, 5903, 0, {127, 0, 0, 1}}},
        .pool = "\0/iso\0/disk\0/base",
};

static struct broker b;
static int monitor = -1; /* the peer of BROKER_MONITOR */
static size_t fds_before;

/* What the child's calls have returned, or -errno. */
static struct results {
	size_t n;
	long r[MAX_RESULTS];
} * results;

/* Only these, so that the child can do its part unhindered. SYS_listen is none the broker knows. */
static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 9, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 7, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)IOCTL_PRIVCMD_HYPERCALL, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
};

/* Child: notes a result for the test to compare. */
static long note(long r)
{
	if (results->n < MAX_RESULTS)
		results->r[results->n++] = r < 0 ? -errno : r;
	return r;
}

/* Child: which file fd is, and whether it is inherited. */
static void note_file(long fd)
{
	struct stat st = {0};

	(void)fstat((int)fd, &st);
	(void)note(st.st_size);
	(void)note(fcntl((int)fd, F_GETFD));
}

/* Child: never returns; its fds are then 0, 1 and 2. */
static void be_qemu(int channel, void (*scenario)(void))
{
	struct sock_fprog program = {ARRAY_SIZE(filter), (struct sock_filter *)(uintptr_t)filter};
	int listener;

	if (dup2(channel, 3) == 3 && close_range(4, ~0u, 0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		                        SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
		if (listener >= 0 && fdmsg_send(3, "L", 1, &listener, 1) == 0) {
			(void)close_range(3, ~0u, 0);
			scenario();
		}
	}
	/* Not _exit(): before a function that does not return AddressSanitizer opens files. */
	for (;;)
		(void)syscall(SYS_exit_group, 0);
}

static pid_t start_qemu(void (*scenario)(void))
{
	int fds[FDMSG_MAX_FDS], channel[2];
	size_t n_fds = 1;
	pid_t pid;
	char c;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	pid = fork();
	if (pid == 0)
		be_qemu(channel[1], scenario);
	assert_true(pid > 0);
	(void)close(channel[1]);
	assert_int_equal(fdmsg_recv(channel[0], &c, 1, fds, &n_fds), 1);
	assert_int_equal(n_fds, 1);
	(void)close(channel[0]);
	b.listener = fds[0];
	return pid;
}

static int fd_of(const struct exchange *x, pid_t qemu)
{
	int fd;

	if (x->fd == NO_FD)
		return -1;
	if (x->fd == MEMORY) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/proc/%d/mem", qemu);
		fd = open(path, O_RDWR | O_CLOEXEC);
	} else {
		fd = memfd_create("reply", MFD_CLOEXEC);
		assert_int_equal(ftruncate(fd, x->fd), 0);
	}
	assert_true(fd >= 0);
	return fd;
}

static void queue_replies(const struct exchange *xs, size_t n, pid_t qemu)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_fd int fd = fd_of(&xs[i], qemu);
		const struct reply reply = {xs[i].result, fd >= 0};

		assert_int_equal(fdmsg_send(monitor, &reply, sizeof(reply), &fd, fd >= 0), 0);
	}
}

/* The broker's loop, until the child has ended. */
static void serve(pid_t qemu)
{
	struct pollfd fds[] = {
	        {.fd = b.listener, .events = POLLIN},
	        {.fd = (int)syscall(SYS_pidfd_open, qemu, 0), .events = POLLIN},
	};

	for (;;) {
		struct seccomp_notif notif = {0};

		assert_true(poll(fds, ARRAY_SIZE(fds), -1) > 0);
		/* Before Linux 6.11 the listener does not tell until we have reaped the child. */
		if ((fds[0].revents & POLLIN) == 0)
			break;
		assert_int_equal(ioctl(b.listener, SECCOMP_IOCTL_NOTIF_RECV, &notif), 0);
		assert_true(broker_handle(&b, &notif));
	}
	(void)close(fds[1].fd);
}

static void end_qemu(pid_t qemu)
{
	assert_int_equal(waitpid(qemu, NULL, 0), qemu);
	close_fdp(&b.listener);
	close_fdp(&b.mem);
}

static void assert_asked(const struct exchange *xs, size_t n)
{
	struct request req;
	size_t no_fds = 0;

	if (monitor < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(fdmsg_recv(monitor, &req, sizeof(req), NULL, &no_fds), 1);
		assert_memory_equal(&req, &xs[i].req, sizeof(req));
	}
	assert_int_equal(fdmsg_recv(monitor, &req, sizeof(req), NULL, &no_fds), -1);
	assert_int_equal(errno, EAGAIN);
}

static void run(void (*scenario)(void), const struct exchange *xs, size_t n)
{
	const pid_t qemu = start_qemu(scenario);

	if (monitor >= 0)
		queue_replies(xs, n, qemu);
	serve(qemu);
	end_qemu(qemu);
	assert_asked(xs, n);
}

static void assert_results(const long *expected, size_t n)
{
	assert_int_equal(results->n, n);
	for (size_t i = 0; i < n; i++)
		if (results->r[i] != expected[i])
			fail_msg("result %zu is %ld, not %ld", i, results->r[i], expected[i]);
}

/* A scenario of the child, its exchanges and its results: with literals in the parentheses. */
#define RUN(scenario, ...)                                                                         \
	do {                                                                                       \
		static const struct exchange xs_[] = {__VA_ARGS__};                                \
		run(scenario, xs_, ARRAY_SIZE(xs_));                                               \
	} while (0)
#define RESULTS(...)                                                                               \
	do {                                                                                       \
		static const long expected_[] = {__VA_ARGS__};                                     \
		assert_results(expected_, ARRAY_SIZE(expected_));                                  \
	} while (0)

#define MEM_GRANTED                                                                                \
	{                                                                                          \
		{.type = REQ_MEM}, 0, MEMORY                                                       \
	}

static int set_up(void **state)
{
	int pair[2];

	(void)state;
	fds_before = count_fds();
	memset(results, 0, sizeof(*results));
	b = (struct broker){.manifest = &manifest, .listener = -1, .mem = -1, .executed = true};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	if (dup2(pair[0], BROKER_MONITOR) < 0)
		return -1;
	(void)close(pair[0]);
	monitor = pair[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fdp(&monitor);
	return count_fds() == fds_before ? 0 : -1;
}

static void open_planned(void)
{
	note_file(note(syscall(SYS_openat, AT_FDCWD, "/disk", O_RDWR | O_CLOEXEC)));
	note_file(note(syscall(SYS_open, "/iso", O_RDONLY | O_NONBLOCK)));
	/* The directory does not matter; the kernel would look at 32 bits of the flags only. */
	note_file(note(syscall(SYS_openat, 99, "/iso", 0xffffffff00000000)));
}

static void planned_files_are_the_monitor_s(void **state)
{
	(void)state;
	RUN(open_planned, MEM_GRANTED, {{REQ_FILE, 1, {O_RDWR | O_CLOEXEC, 0}}, 0, FILE_(11)},
	    {{REQ_FILE, 0, {O_RDONLY | O_NONBLOCK, 0}}, 0, FILE_(12)},
	    {{REQ_FILE, 0, {0, 0}}, 0, FILE_(13)});
	RESULTS(3, 11, FD_CLOEXEC, 4, 12, 0, 5, 13, 0);
}

static void open_devices(void)
{
	note_file(note(syscall(SYS_openat, AT_FDCWD, "/dev/xen/privcmd", O_RDWR | O_CLOEXEC)));
	note_file(note(syscall(SYS_open, "/dev/xen/evtchn", O_RDWR)));
	note_file(note(syscall(SYS_open, "/dev/ptmx", O_RDWR)));
}

static void devices_are_the_monitor_s(void **state)
{
	(void)state;
	RUN(open_devices, MEM_GRANTED, {{.type = REQ_PRIVCMD}, 0, FILE_(1)},
	    {{.type = REQ_EVTCHN}, 0, FILE_(2)}, {{.type = REQ_PTY}, 0, FILE_(3)});
	RESULTS(3, 1, FD_CLOEXEC, 4, 2, 0, 5, 3, 0);
}

static void open_others(void)
{
	static const char *const missing[] = {"disk", "", "/etc/no such file", "/usr/none",
	                                      "/sys/none"};

	(void)note(syscall(SYS_open, "/dev/null", O_RDONLY));
	(void)note(syscall(SYS_open, "/usr", O_RDONLY));
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		(void)note(syscall(SYS_open, missing[i], O_RDONLY));
}

static void other_files_are_the_kernel_s(void **state)
{
	(void)state;
	RUN(open_others, MEM_GRANTED);
	RESULTS(3, 4, -ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT);
}

static void open_unnamed(void)
{
	static const char *const paths[] = {
	        "/disk/", "//disk",       "/dis",      "/disk2",         "/ISO",       "/base",
	        "/base/", "/basement/x",  "/tmp",      "/dev/sda",       "/root/.x",   "/",
	        "/var",   "/dev/nullify", "/usr2/lib", "/home/a\nb\033", "/lib64.img",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		(void)note(syscall(SYS_open, paths[i], O_RDONLY));
}

/* What audit() has written while fn ran. */
static void log_of(void (*fn)(void), char *buf, size_t size)
{
	const int saved = dup(STDERR_FILENO);
	int pipefd[2];
	ssize_t n;

	assert_int_equal(pipe2(pipefd, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(dup2(pipefd[1], STDERR_FILENO), STDERR_FILENO);
	fn();
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	n = read(pipefd[0], buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	(void)close(pipefd[0]);
	(void)close(pipefd[1]);
	(void)close(saved);
}

static void run_open_unnamed(void)
{
	RUN(open_unnamed, MEM_GRANTED);
}

static void paths_of_the_host_are_refused_by_name(void **state)
{
	char log[16384];

	(void)state;
	log_of(run_open_unnamed, log, sizeof(log));
	RESULTS(-EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES,
	        -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES);
	assert_non_null(strstr(log, "refused: open of /disk2 for reading: not in the plan. If it "
	                            "is a backing file, allow it in qemu-depriv.conf(5): [files] "
	                            "read-only = /disk2\n"));
	assert_non_null(strstr(log, "open of /home/a?b? for reading"));
}

static void open_members(void)
{
	note_file(note(syscall(SYS_openat, AT_FDCWD, "/base/a/b.img", O_RDONLY | O_CLOEXEC)));
	(void)note(syscall(SYS_open, "/base/../etc/shadow", O_RDONLY));
	(void)note(syscall(SYS_open, "/base/x", O_RDWR));
}

static void members_are_the_monitor_s(void **state)
{
	(void)state;
	RUN(open_members, MEM_GRANTED,
	    {{REQ_MEMBER, 0, {O_RDONLY | O_CLOEXEC, 0}, "a/b.img"}, 0, FILE_(5)},
	    {{REQ_MEMBER, 0, {O_RDONLY, 0}, "../etc/shadow"}, -EXDEV, NO_FD},
	    {{REQ_MEMBER, 0, {O_RDWR, 0}, "x"}, -EACCES, NO_FD});
	RESULTS(3, 5, FD_CLOEXEC, -EXDEV, -EACCES);
}

static void open_long_members(void)
{
	char path[sizeof("/base/") + REQUEST_NAME] = "/base/";

	memset(path + strlen("/base/"), 'n', REQUEST_NAME);
	(void)note(syscall(SYS_open, path, O_RDONLY));
	path[strlen("/base/") + REQUEST_NAME - 1] = '\0';
	note_file(note(syscall(SYS_open, path, O_RDONLY)));
}

static void a_member_s_name_is_never_cut(void **state)
{
	struct exchange xs[] = {MEM_GRANTED, {{.type = REQ_MEMBER}, 0, FILE_(1)}};

	(void)state;
	memset(xs[1].req.name, 'n', REQUEST_NAME - 1);
	run(open_long_members, xs, ARRAY_SIZE(xs));
	RESULTS(-ENAMETOOLONG, 3, 1, 0);
}

static void a_refusal_is_handed_on(void **state)
{
	(void)state;
	RUN(open_planned, MEM_GRANTED, {{REQ_FILE, 1, {O_RDWR | O_CLOEXEC, 0}}, -EACCES, NO_FD},
	    {{REQ_FILE, 0, {O_RDONLY | O_NONBLOCK, 0}}, -EPERM, NO_FD},
	    /* Nobody does this; the fd is not for QEMU then. */
	    {{REQ_FILE, 0, {0, 0}}, -EMFILE, FILE_(13)});
	RESULTS(-EACCES, 0, -EBADF, -EPERM, 0, -EBADF, -EMFILE, 0, -EBADF);
}

static void open_bad_paths(void)
{
	static const char iso[] = "/iso";
	static char path[PATH_MAX + 1];
	char *end = end_of_mapping();

	(void)note(syscall(SYS_open, NULL, O_RDONLY));
	(void)note(syscall(SYS_open, end, O_RDONLY));
	(void)note(syscall(SYS_open, UINT64_MAX, O_RDONLY));
	memcpy(end - sizeof(iso), iso, sizeof(iso));
	(void)note(syscall(SYS_open, end - sizeof(iso), O_RDONLY));
	end[-1] = 'x';
	(void)note(syscall(SYS_open, end - sizeof(iso), O_RDONLY));
	memset(path, '/', sizeof(path));
	(void)note(syscall(SYS_open, path, O_RDONLY));
}

static void paths_that_cannot_be_read(void **state)
{
	(void)state;
	RUN(open_bad_paths, MEM_GRANTED, {{.type = REQ_FILE}, 0, FILE_(1)});
	RESULTS(-EFAULT, -EFAULT, -EFAULT, 3, -EFAULT, -ENAMETOOLONG);
}

/* A path that nothing has: the kernel goes on with the call, and the child remains. */
static void exec_nothing(void)
{
	static char *const none[] = {NULL};

	(void)note(syscall(SYS_execve, "/nonexistent", none, none));
}

static void exec_twice(void)
{
	exec_nothing();
	exec_nothing();
	(void)note(syscall(SYS_open, "/iso", O_RDONLY));
	exec_nothing();
}

static void there_is_one_exec(void **state)
{
	(void)state;
	b.executed = false;
	RUN(exec_twice, {{.type = REQ_EXEC}, 0, NO_FD}, MEM_GRANTED,
	    {{.type = REQ_FILE}, 0, FILE_(1)});
	RESULTS(-ENOENT, -EPERM, 3, -EPERM);
}

static void open_and_exec(void)
{
	(void)note(syscall(SYS_open, "/iso", O_RDONLY));
	exec_nothing();
	exec_nothing();
}

static void nothing_is_read_before_the_exec(void **state)
{
	(void)state;
	b.executed = false;
	/* A refused exec has not happened. */
	RUN(open_and_exec, {{.type = REQ_EXEC}, -EAGAIN, NO_FD}, {{.type = REQ_EXEC}, 0, NO_FD});
	RESULTS(-EFAULT, -EAGAIN, -ENOENT);
}

static void open_iso_twice(void)
{
	(void)note(syscall(SYS_open, "/iso", O_RDONLY));
	(void)note(syscall(SYS_open, "/iso", O_RDONLY));
}

static void no_memory_no_answer(void **state)
{
	(void)state;
	RUN(open_iso_twice, {{.type = REQ_MEM}, -ESRCH, NO_FD}, MEM_GRANTED,
	    {{.type = REQ_FILE}, 0, FILE_(1)});
	RESULTS(-ESRCH, 3);
}

static void make_calls_without_monitor(void)
{
	(void)note(syscall(SYS_open, "/iso", O_RDONLY));
	(void)note(syscall(SYS_open, "/nonexistent", O_RDONLY));
	exec_nothing();
}

static void a_dead_monitor_is_an_io_error(void **state)
{
	(void)state;
	close_fdp(&monitor);
	run(make_calls_without_monitor, NULL, 0);
	RESULTS(-EIO, -EIO, -EIO);

	/* Dead later on: what needs no monitor still works. */
	memset(results, 0, sizeof(*results));
	b.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	run(make_calls_without_monitor, NULL, 0);
	RESULTS(-EIO, -EACCES, -EPERM);

	memset(results, 0, sizeof(*results));
	b.executed = false;
	run(exec_nothing, NULL, 0);
	RESULTS(-EIO);
}

static void socket_calls(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/var/run/xenstored/socket"};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)note(syscall(SYS_connect, fd, &un, sizeof(un)));
	note_file(fd);
	/* The upper half of an fd is nothing to the kernel. */
	(void)note(syscall(SYS_connect, (INT64_C(5) << 32) | fd, &un, sizeof(un)));
	note_file(fd);
	(void)note(syscall(SYS_connect, -1, &un, sizeof(un)));
}

static void connect_to_xenstored_replaces_the_socket(void **state)
{
	(void)state;
	RUN(socket_calls, MEM_GRANTED, {{.type = REQ_XENSTORE}, 0, FILE_(21)},
	    {{.type = REQ_XENSTORE}, 0, FILE_(22)}, {{.type = REQ_XENSTORE}, 0, FILE_(23)});
	RESULTS(0, 21, FD_CLOEXEC, 0, 22, FD_CLOEXEC, -EBADF);
}

static void a_refused_connection_leaves_the_socket(void **state)
{
	(void)state;
	RUN(socket_calls, MEM_GRANTED, {{.type = REQ_XENSTORE}, -ECONNREFUSED, NO_FD},
	    {{.type = REQ_XENSTORE}, -EMFILE, NO_FD}, {{.type = REQ_XENSTORE}, -EPERM, NO_FD});
	RESULTS(-ECONNREFUSED, 0, 0, -EMFILE, 0, 0, -EPERM);
}

static void connect_elsewhere(void)
{
	const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/dbus/socket"};
	const struct sockaddr_in in = {AF_INET, htons(5900), {htonl(INADDR_LOOPBACK)}, {0}};
	const struct sockaddr unspec = {.sa_family = AF_UNSPEC};
	static char longer[SOCKADDR_MAX + 1];
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)note(syscall(SYS_connect, fd, &un, sizeof(un)));
	(void)note(syscall(SYS_connect, fd, &in, sizeof(in)));
	(void)note(syscall(SYS_connect, fd, &unspec, sizeof(unspec)));
	(void)note(syscall(SYS_connect, fd, &in, 0));
	(void)note(syscall(SYS_connect, fd, longer, SOCKADDR_MAX));
	(void)note(syscall(SYS_connect, fd, longer, SOCKADDR_MAX + 1));
	(void)note(syscall(SYS_connect, fd, &in, UINT32_MAX));
	(void)note(syscall(SYS_connect, fd, NULL, sizeof(in)));
	(void)note(syscall(SYS_connect, fd, end_of_mapping() - 4, sizeof(in)));
}

static void no_other_connection(void **state)
{
	(void)state;
	RUN(connect_elsewhere, MEM_GRANTED);
	RESULTS(-EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EFAULT, -EFAULT, -EFAULT, -EFAULT);
}

static void bind_here_and_there(void)
{
	const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};
	struct sockaddr_in in = {AF_INET, htons(5903), {htonl(INADDR_LOOPBACK)}, {0}};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)note(syscall(SYS_bind, fd, &in, sizeof(in)));
	note_file(fd);
	in.sin_port = htons(5904);
	(void)note(syscall(SYS_bind, fd, &in, sizeof(in)));
	in.sin_port = 0;
	(void)note(syscall(SYS_bind, fd, &in, sizeof(in)));
	(void)note(syscall(SYS_bind, fd, &un, sizeof(un)));
	(void)note(syscall(SYS_bind, fd, &in, sizeof(in) - 1));
	(void)note(syscall(SYS_bind, fd, NULL, sizeof(in)));
}

static void bind_gives_a_planned_listener(void **state)
{
	(void)state;
	RUN(bind_here_and_there, MEM_GRANTED, {{REQ_LISTEN, 1, {5903, 0}}, 0, FILE_(31)});
	RESULTS(0, 31, FD_CLOEXEC, -EACCES, -EACCES, -EACCES, -EACCES, -EFAULT);
}

/* Also one as libxenctrl makes it, whose count is in the multicall's entry. */
static void populate(void)
{
	static xen_pfn_t gfns[] = {0x100, 0x101, 0x102, 0x103};
	volatile struct xen_memory_reservation r = {.nr_extents = ARRAY_SIZE(gfns), .domid = DOMID};
	struct multicall_entry entry = {.op = __HYPERVISOR_memory_op,
	                                .args = {XENMEM_populate_physmap, address_of(&r)}};
	privcmd_hypercall_t call = {__HYPERVISOR_memory_op,
	                            {XENMEM_populate_physmap, address_of(&r)}};
	const privcmd_hypercall_t multicall = {__HYPERVISOR_multicall, {address_of(&entry), 1}};

	r.extent_start.p = gfns;
	(void)note(syscall(SYS_ioctl, 0, IOCTL_PRIVCMD_HYPERCALL, &call));
	(void)note(syscall(SYS_ioctl, 0, IOCTL_PRIVCMD_HYPERCALL, &multicall));
	(void)note((long)*(volatile xen_ulong_t *)&entry.result);
	(void)note(syscall(SYS_ioctl, 0, IOCTL_PRIVCMD_HYPERCALL, &call));
	r.domid = 0;
	(void)note(syscall(SYS_ioctl, 0, IOCTL_PRIVCMD_HYPERCALL, &call));
	(void)note(syscall(SYS_ioctl, 0, IOCTL_PRIVCMD_HYPERCALL, NULL));
}

static void hypercalls_are_the_monitor_s(void **state)
{
	(void)state;
	RUN(populate, MEM_GRANTED, {{REQ_POPULATE, 0, {0x100, 4}}, 4, NO_FD},
	    {{REQ_POPULATE, 0, {0x100, 4}}, 3, NO_FD},
	    {{REQ_POPULATE, 0, {0x100, 4}}, -EPERM, NO_FD});
	RESULTS(4, 0, 3, -EPERM, -EPERM, -EFAULT);
}

static void listen_on_nothing(void)
{
	(void)note(syscall(SYS_listen, 0, 0));
}

static void unknown_calls_are_refused(void **state)
{
	(void)state;
	RUN(listen_on_nothing, MEM_GRANTED);
	RESULTS(-EPERM);
}

static void open_iso(void)
{
	(void)syscall(SYS_open, "/iso", O_RDONLY);
}

/* QEMU is killed while the broker is at work: the fd stays with nobody. */
static void a_cancelled_call_leaves_nothing(void **state)
{
	static const struct exchange xs[] = {{{.type = REQ_FILE}, 0, FILE_(1)}};
	const pid_t qemu = start_qemu(open_iso);
	struct seccomp_notif notif = {0};
	size_t before;

	(void)state;
	assert_int_equal(ioctl(b.listener, SECCOMP_IOCTL_NOTIF_RECV, &notif), 0);
	/* Ours is laid out alike and stays, so that the broker gets as far as it can. */
	b.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	before = count_fds();
	queue_replies(xs, ARRAY_SIZE(xs), qemu);
	assert_int_equal(kill(qemu, SIGKILL), 0);
	assert_int_equal(waitpid(qemu, NULL, 0), qemu);
	assert_true(broker_handle(&b, &notif)); /* and nobody waits */
	assert_int_equal(count_fds(), before);
	assert_asked(xs, ARRAY_SIZE(xs));
	close_fdp(&b.listener);
	close_fdp(&b.mem);
}

/* The answer cannot be given: whoever waits is only helped by the broker's end. */
static void an_answer_that_nobody_takes(void **state)
{
	struct seccomp_notif notif = {.id = 1, .data = {.nr = SYS_listen}};

	(void)state;
	b.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	b.listener = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_false(broker_handle(&b, &notif));
	close_fdp(&b.listener);
	close_fdp(&b.mem);
}

static void malformed_replies_are_an_io_error(void **state)
{
	const struct reply reply = {0, 1};
	const int fds[] = {STDIN_FILENO, STDIN_FILENO};
	const size_t before = count_fds();
	int fd;

	(void)state;
	assert_int_equal(fdmsg_send(monitor, &reply, sizeof(reply) - 1, NULL, 0), 0);
	assert_int_equal(broker_ask(REQ_FILE, 0, 0, 0, &fd), -EIO);
	assert_int_equal(fd, -1);
	assert_int_equal(fdmsg_send(monitor, &reply, sizeof(reply), fds, 2), 0);
	assert_int_equal(broker_ask(REQ_FILE, 0, 0, 0, &fd), -EIO);
	assert_int_equal(fd, -1);
	assert_int_equal(count_fds(), before);
}

static int make_results(void **state)
{
	(void)state;
	/* Whatever is opened from now on has another number. */
	if (dup2(STDERR_FILENO, BROKER_MONITOR) < 0)
		return -1;
	results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	               -1, 0);
	return results == MAP_FAILED ? -1 : 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(planned_files_are_the_monitor_s),
	        TEST(devices_are_the_monitor_s),
	        TEST(other_files_are_the_kernel_s),
	        TEST(paths_of_the_host_are_refused_by_name),
	        TEST(members_are_the_monitor_s),
	        TEST(a_member_s_name_is_never_cut),
	        TEST(a_refusal_is_handed_on),
	        TEST(paths_that_cannot_be_read),
	        TEST(there_is_one_exec),
	        TEST(nothing_is_read_before_the_exec),
	        TEST(no_memory_no_answer),
	        TEST(a_dead_monitor_is_an_io_error),
	        TEST(connect_to_xenstored_replaces_the_socket),
	        TEST(a_refused_connection_leaves_the_socket),
	        TEST(no_other_connection),
	        TEST(bind_gives_a_planned_listener),
	        TEST(hypercalls_are_the_monitor_s),
	        TEST(unknown_calls_are_refused),
	        TEST(a_cancelled_call_leaves_nothing),
	        TEST(an_answer_that_nobody_takes),
	        TEST(malformed_replies_are_an_io_error),
	};

	return cmocka_run_group_tests(tests, make_results, NULL);
}
