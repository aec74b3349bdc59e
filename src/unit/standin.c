/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * standin DOMID FDS ARGUMENT...: the process that libxl knows as the device model while the device
 * model itself is in qemu-depriv@DOMID.service. FDS: the numbers that the arguments name, "3,17" or
 * "-".
 *
 * It starts the unit, hands the launch over to it, and then lives as long as QEMU does: a signal
 * that it gets goes to QEMU, and QEMU's end is its own. The environment does not go along: the
 * launcher makes QEMU's anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handover.h"
#include "util.h"

#define SYSTEMCTL "/usr/bin/systemctl"

/* libxl waits 60 s for its device model (LIBXL_DEVICE_MODEL_START_TIMEOUT). */
#define UNIT_DEADLINE_MS 30000

#define UNIT_NAME "qemu-depriv@%u.service"

static int listen_at(const char *path, struct error *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	cleanup_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "%s", path);
	if (mkdir(HANDOVER_DIR, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", HANDOVER_DIR);
	(void)unlink(
	        path); /* of a stand-in that was killed: there is one launch of a domid at a time */
	(void)umask(0177);
	if (sock < 0 || bind(sock, &addr.sa, sizeof(addr.un)) < 0 || listen(sock, 1) < 0)
		return error_errno(err, "cannot listen on %s", path);
	return steal_fd(&sock);
}

/* Says to systemd that the unit shall start; whether it did is seen when it connects. */
static int start_unit(unsigned int domid, struct error *err)
{
	static char *const no_environment[] = {NULL};
	char unit[64], systemctl[] = SYSTEMCTL, start[] = "start", quiet[] = "--quiet",
	               no_block[] = "--no-block", no_ask[] = "--no-ask-password";
	char *const argv[] = {systemctl, start, quiet, no_block, no_ask, unit, NULL};
	pid_t pid;
	int status;

	(void)snprintf(unit, sizeof(unit), UNIT_NAME, domid);
	errno = posix_spawn(&pid, SYSTEMCTL, NULL, NULL, argv, no_environment);
	if (errno != 0)
		return error_errno(err, "cannot execute %s", SYSTEMCTL);
	if (waitpid(pid, &status, 0) != pid)
		return error_errno(err, "cannot wait for %s", SYSTEMCTL);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, "systemd does not start %s", unit);
	return 0;
}

static int accept_unit(int listener, unsigned int domid, struct error *err)
{
	struct pollfd fd = {.fd = listener, .events = POLLIN};

	if (poll(&fd, 1, UNIT_DEADLINE_MS) != 1)
		return error_set(
		        err, UNIT_NAME " has not come for its launch: see systemctl status", domid);

	cleanup_fd int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (sock < 0)
		return error_errno(err, "cannot accept " UNIT_NAME, domid);
	if (handover_assert_root(sock, err) < 0)
		return -1;
	return steal_fd(&sock);
}

static int send_argv(int sock, char *const args[], struct error *err)
{
	cleanup_fd int memfd = memfd_create("qemu-depriv-argv", MFD_CLOEXEC);

	if (memfd < 0)
		return error_errno(err, "cannot make a memfd");
	for (; *args != NULL; args++) {
		const size_t len = strlen(*args) + 1;

		if (write(memfd, *args, len) != (ssize_t)len)
			return error_errno(err, "cannot write the command line down");
	}
	return handover_send(sock, HANDOVER_ARGV, 0, memfd, err);
}

/* 0, 1, 2 and those that the arguments name; our own copies of the latter are closed. */
static int send_fds(int sock, char *list, struct error *err)
{
	char *save = NULL;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (handover_send(sock, HANDOVER_FD, fd, fd, err) < 0)
			return -1;
	for (char *s = strtok_r(list, ",", &save); s != NULL; s = strtok_r(NULL, ",", &save)) {
		uint64_t fd;

		if (strcmp(s, "-") == 0)
			continue;
		if (!parse_u64(s, STDERR_FILENO + 1, INT32_MAX, &fd))
			return error_set(err, "\"%s\" is no fd", s);
		if (handover_send(sock, HANDOVER_FD, (int)fd, (int)fd, err) < 0)
			return -1;
		(void)close((int)fd);
	}
	return handover_send(sock, HANDOVER_END, 0, -1, err);
}

static int receive_qemu(int sock, unsigned int domid, struct error *err)
{
	struct handover m;
	int fd;
	int r = handover_recv(sock, &m, &fd, err);

	if (r < 0)
		return -1;
	if (r == 0 || m.kind != HANDOVER_QEMU || fd < 0)
		return error_set(err, UNIT_NAME " failed: see systemctl status", domid);
	return fd;
}

/* Returns QEMU's pidfd. */
static int hand_over(unsigned int domid, char *fds, char *const args[], struct error *err)
{
	char path[sizeof(HANDOVER_PATH) + 8];

	(void)snprintf(path, sizeof(path), HANDOVER_PATH, domid);

	cleanup_fd int listener = listen_at(path, err);

	if (listener < 0)
		return -1;

	cleanup_fd int sock = start_unit(domid, err) < 0 ? -1 : accept_unit(listener, domid, err);

	(void)unlink(path);
	if (sock < 0 || send_argv(sock, args, err) < 0 || send_fds(sock, fds, err) < 0)
		return -1;
	return receive_qemu(sock, domid, err);
}

/* What a toolstack sends its device model. */
static int open_signals(struct error *err)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "cannot block the signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot make a signalfd") : fd;
}

static void stand_in(int qemu, int signals)
{
	struct pollfd fds[] = {{.fd = qemu, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	struct signalfd_siginfo info;

	while (fds[0].revents == 0) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents != 0 &&
		    read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			(void)syscall(SYS_pidfd_send_signal, qemu, (int)info.ssi_signo, NULL, 0);
	}
}

static int run(int argc, char *argv[], struct error *err)
{
	cleanup_fd int signals = -1;
	cleanup_fd int qemu = -1;
	uint64_t domid;

	if (argc < 4 || !parse_u64(argv[1], 1, UINT16_MAX, &domid))
		return error_set(err, "started by qemu-depriv-dm only");
	/* Before there is a QEMU: a signal meanwhile is QEMU's, too. */
	signals = open_signals(err);
	if (signals < 0)
		return -1;
	qemu = hand_over((unsigned int)domid, argv[2], argv + 3, err);
	if (qemu < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    chdir("/") < 0)
		return error_errno(err, "cannot protect itself");
	stand_in(qemu, signals);
	return 0;
}

int main(int argc, char *argv[])
{
	struct error err;

	if (run(argc, argv, &err) == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "qemu-depriv-dm: %s\n", err.msg);
	return EXIT_FAILURE;
}
