/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the filters into children and makes calls with arguments that no kernel accepts: EFAULT,
 * EBADF or EINVAL mean that the call has reached the kernel, EPERM that the filter refused it,
 * SIGSYS that it killed. Each attempt is made by an unfiltered child too, and has to end otherwise
 * there. Needs neither root nor Xen.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "fdmsg.h"
#include "filter.h"
#include "util.h"

/* How a child's attempt ended: 0, an errno, or minus the signal that killed it. */
#define KILLED (-SIGSYS)

/* No address and no fd that exist; ioctl's and most other calls' arguments. */
#define BAD_ADDRESS ((long)-4096)
#define BAD_FD      (-1L)

enum load {
	LOAD_NOTHING,
	LOAD_QEMU,
	LOAD_PROBE,
	LOAD_BROKER,
};

struct attempt {
	const char *what;
	long nr;
	long args[4];
	int filtered, control;
};

/*
 * Does not return. Neither _exit() nor anything else that compilers know as such: AddressSanitizer
 * would call sigaltstack first, which the filters refuse.
 */
static void leave(int status)
{
	(void)syscall(SYS_exit_group, status);
}

static void load(enum load what)
{
	int r = 0;

	if (what != LOAD_NOTHING && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		leave(ENOTRECOVERABLE);
	switch (what) {
	case LOAD_QEMU:
		r = filter_load_qemu();
		/* Nobody listens: calls for the broker are ENOSYS. */
		if (r >= 0)
			(void)close(r);
		break;
	case LOAD_PROBE:
		r = filter_load_probe();
		break;
	case LOAD_BROKER:
		r = filter_load_role(ROLE_BROKER);
		break;
	case LOAD_NOTHING:
	default:
		break;
	}
	if (r < 0)
		leave(ENOTRECOVERABLE);
}

static int result_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), ENOTRECOVERABLE);
	return WEXITSTATUS(status);
}

static int try(const struct attempt *a, enum load what)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		load(what);
		errno = 0;
		(void)syscall(a->nr, a->args[0], a->args[1], a->args[2], a->args[3]);
		leave(errno);
	}
	return result_of(pid);
}

static void try_all(const struct attempt *attempts, size_t n, enum load what)
{
	for (size_t i = 0; i < n; i++) {
		const struct attempt *a = &attempts[i];
		int filtered = try(a, what);
		int control = try(a, LOAD_NOTHING);

		if (filtered != a->filtered)
			fail_msg("%s: %d, not %d", a->what, filtered, a->filtered);
		if (control != a->control)
			fail_msg("%s: unfiltered %d, not %d", a->what, control, a->control);
	}
}

static const struct attempt qemu_attempts[] = {
        {"read", SYS_read, {BAD_FD}, EBADF, EBADF},
        {"evtchn NOTIFY", SYS_ioctl, {BAD_FD, 0x44504}, EBADF, EBADF},
        {"privcmd DM_OP", SYS_ioctl, {BAD_FD, 0x105005}, EBADF, EBADF},
        {"DM_OP, upper half set", SYS_ioctl, {BAD_FD, 0x7f00000000105005}, EBADF, EBADF},
        {"sendmsg", SYS_sendmsg, {BAD_FD, 0, 0}, EBADF, EBADF},
        {"a tcp socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}, 0, 0},

        {"evtchn BIND_STATIC", SYS_ioctl, {BAD_FD, 0x44507}, EPERM, EBADF},
        {"BIND_STATIC, upper half set", SYS_ioctl, {BAD_FD, 0x7f00000000044507}, EPERM, EBADF},
        {"TIOCSTI", SYS_ioctl, {BAD_FD, TIOCSTI}, EPERM, EBADF},
        {"a datagram socket", SYS_socket, {AF_INET, SOCK_DGRAM, 0}, EPERM, 0},
        {"a netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}, EPERM, 0},
        {"SO_ATTACH_FILTER", SYS_setsockopt, {BAD_FD, SOL_SOCKET, 26}, EPERM, EBADF},
        {"MSG_FASTOPEN", SYS_sendto, {BAD_FD, 0, 0, MSG_FASTOPEN}, EPERM, EBADF},
        {"fork's clone", SYS_clone, {SIGCHLD | CLONE_THREAD}, EPERM, EINVAL},
        {"a signal to itself", SYS_kill, {0, 0}, EPERM, 0},
        {"another filter", SYS_seccomp, {SECCOMP_SET_MODE_FILTER, -1}, EPERM, EINVAL},
        {"execveat", SYS_execveat, {BAD_FD, BAD_ADDRESS, 0, 0}, EPERM, EFAULT},

        {"openat", SYS_openat, {BAD_FD, BAD_ADDRESS}, ENOSYS, EFAULT},
        {"connect", SYS_connect, {BAD_FD, BAD_ADDRESS, 0}, ENOSYS, EBADF},
        {"bind", SYS_bind, {BAD_FD, BAD_ADDRESS, 0}, ENOSYS, EBADF},
        {"execve", SYS_execve, {BAD_ADDRESS, 0, 0}, ENOSYS, EFAULT},
        {"privcmd HYPERCALL", SYS_ioctl, {BAD_FD, 0x305000}, ENOSYS, EBADF},
        {"HYPERCALL, upper half set", SYS_ioctl, {BAD_FD, 0x7f00000000305000}, ENOSYS, EBADF},
        {"clone3", SYS_clone3, {BAD_ADDRESS, 64}, ENOSYS, EFAULT},
        {"openat2", SYS_openat2, {BAD_FD, BAD_ADDRESS, BAD_ADDRESS, 24}, ENOSYS, EFAULT},

        {"mount", SYS_mount, {BAD_ADDRESS, BAD_ADDRESS, BAD_ADDRESS}, KILLED, EFAULT},
        {"setns", SYS_setns, {BAD_FD, 0}, KILLED, EBADF},
        {"pidfd_getfd", SYS_pidfd_getfd, {BAD_FD, 0, 0}, KILLED, EBADF},
        {"unshare", SYS_unshare, {CLONE_PARENT}, KILLED, EINVAL},
        {"ptrace", SYS_ptrace, {-1, 0, 0, 0}, KILLED, ESRCH},
};

static const struct attempt broker_attempts[] = {
        {"NOTIF_ID_VALID", SYS_ioctl, {BAD_FD, SECCOMP_IOCTL_NOTIF_ID_VALID}, EBADF, EBADF},
        {"pread64", SYS_pread64, {BAD_FD, 0, 0, 0}, EBADF, EBADF},
        {"another ioctl", SYS_ioctl, {BAD_FD, 0x305000}, KILLED, EBADF},
        {"openat", SYS_openat, {BAD_FD, BAD_ADDRESS}, KILLED, EFAULT},
        {"socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, KILLED, 0},
        {"executable memory", SYS_mmap, {0, 0, 4, 0}, KILLED, EINVAL},
        {"memory", SYS_mmap, {0, 0, 1, 0}, EINVAL, EINVAL},
};

static void test_qemu(void **state)
{
	(void)state;
	try_all(qemu_attempts, ARRAY_SIZE(qemu_attempts), LOAD_QEMU);
}

static void test_broker(void **state)
{
	(void)state;
	try_all(broker_attempts, ARRAY_SIZE(broker_attempts), LOAD_BROKER);
}

/* int 0x80 enters as i386, where 20 is getpid: in x86-64's table it is writev, which is allowed. */
static int try_int80(enum load what)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		long r = 20;

		load(what);
		__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
		leave(r > 0 ? 0 : EDOM);
	}
	return result_of(pid);
}

static void test_foreign_calls(void **state)
{
	static const struct attempt x32 = {
	        "x32's getpid", __X32_SYSCALL_BIT | SYS_getpid, {0}, KILLED, ENOSYS,
	};
	int control = try_int80(LOAD_NOTHING);

	(void)state;
	assert_int_equal(try(&x32, LOAD_QEMU), KILLED);
	assert_int_not_equal(try(&x32, LOAD_NOTHING), KILLED);
	if (control == 0)
		assert_int_equal(try_int80(LOAD_QEMU), KILLED);
	else
		print_message("no i386 calls on this kernel\n");
}

static void *answer(void *arg)
{
	*(int *)arg = 42;
	return NULL;
}

/* glibc tries clone3, is told that there is none, and passes clone what the filter permits. */
static void test_threads_work(void **state)
{
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;
		int value = 0;

		load(LOAD_QEMU);
		if (pthread_create(&thread, NULL, answer, &value) != 0)
			leave(1);
		(void)pthread_join(thread, NULL);
		leave(value == 42 ? 0 : 2);
	}
	assert_int_equal(result_of(pid), 0);
}

/* Start-up from ld.so on, with nobody to ask. */
static void test_probe_starts_a_program(void **state)
{
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		load(LOAD_PROBE);
		(void)execl("/bin/true", "true", (char *)NULL);
		leave(errno);
	}
	assert_int_equal(result_of(pid), 0);
}

static void notified_child(int sock, const struct attempt *a)
{
	int listener;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		leave(ENOTRECOVERABLE);
	listener = filter_load_qemu();
	if (listener < 0 || fdmsg_send(sock, "", 1, &listener, 1) < 0)
		leave(ENOTRECOVERABLE);
	(void)close(listener);
	(void)syscall(a->nr, a->args[0], a->args[1], a->args[2]);
	leave(errno);
}

/* The listener that filter_load_qemu() returns is one: the call arrives there and is answered. */
static void test_notified(void **state)
{
	static const struct attempt attempts[] = {
	        {"openat", SYS_openat, {BAD_FD, BAD_ADDRESS}, EOWNERDEAD, 0},
	        {"execve", SYS_execve, {BAD_ADDRESS, 0, 0}, EOWNERDEAD, 0},
	        {"privcmd HYPERCALL", SYS_ioctl, {BAD_FD, 0x7f00000000305000}, EOWNERDEAD, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		struct seccomp_notif notif = {0};
		struct seccomp_notif_resp resp = {.error = -EOWNERDEAD};
		int fds[FDMSG_MAX_FDS], pair[2];
		size_t n_fds = 1;
		char byte;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			notified_child(pair[1], &attempts[i]);
		assert_int_equal(fdmsg_recv(pair[0], &byte, 1, fds, &n_fds), 1);
		assert_int_equal(ioctl(fds[0], SECCOMP_IOCTL_NOTIF_RECV, &notif), 0);
		assert_int_equal(notif.data.nr, attempts[i].nr);
		assert_int_equal(notif.data.args[1], attempts[i].args[1]);
		resp.id = notif.id;
		assert_int_equal(ioctl(fds[0], SECCOMP_IOCTL_NOTIF_SEND, &resp), 0);
		assert_int_equal(result_of(pid), EOWNERDEAD);
		(void)close(fds[0]);
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
}

/* seccomp() says 0 and does nothing: not even that may start a QEMU without its filter. */
static void test_a_filter_that_does_not_hold(void **state)
{
	const struct sock_filter lie[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(lie), (struct sock_filter *)(uintptr_t)lie};
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
			leave(ENOTRECOVERABLE);
		leave(filter_load_probe() == 0 || filter_load_qemu() >= 0);
	}
	assert_int_equal(result_of(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_qemu),
	        cmocka_unit_test(test_broker),
	        cmocka_unit_test(test_foreign_calls),
	        cmocka_unit_test(test_threads_work),
	        cmocka_unit_test(test_probe_starts_a_program),
	        cmocka_unit_test(test_notified),
	        cmocka_unit_test(test_a_filter_that_does_not_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
