/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A launch from libxl's process, and the launcher that carries it out as our child. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "handover.h"
#include "notify.h"
#include "role.h"
#include "unit.h"
#include "util.h"

/* An instance of a unit is one directory entry; libxl's longest command line has some 150 words. */
#define MAX_ARGS 4096

/* Arguments and fds as libxl gave them. */
struct launch_in {
	char *text; /* HANDOVER_ARGV_MAX at most, NUL-terminated strings */
	size_t len;
	char *argv[MAX_ARGS + 1];
	struct fd_move fds[STDERR_FILENO + 1 + PLAN_MAX_KEEP + 1];
	size_t n_fds;
};

static int connect_standin(unsigned int domid, struct error *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	cleanup_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), HANDOVER_PATH, domid);
	if (sock < 0 || connect(sock, &addr.sa, sizeof(addr.un)) < 0)
		return error_errno(
		        err, "no launch waits at %s: qemu-depriv-dm starts this unit, for libxl",
		        addr.un.sun_path);
	if (handover_assert_root(sock, err) < 0)
		return -1;
	return steal_fd(&sock);
}

/* Keeps the process that libxl knows in sight: its end is to be QEMU's. */
static int open_standin(int sock, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_errno(err, "cannot see who the peer is");
	fd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	return fd < 0 ? error_errno(err, "libxl's process is gone") : fd;
}

static int take_argv(struct launch_in *in, int memfd, struct error *err)
{
	struct stat st;
	size_t n = 0;

	if (fstat(memfd, &st) < 0 || st.st_size <= 0 || st.st_size > HANDOVER_ARGV_MAX)
		return error_set(err, "the command line that was handed over is empty or too long");
	in->len = (size_t)st.st_size;
	in->text = malloc(in->len + 1);
	if (in->text == NULL || pread(memfd, in->text, in->len, 0) != (ssize_t)in->len)
		return error_errno(err, "cannot read the command line");
	in->text[in->len] = '\0';
	for (size_t at = 0; at < in->len; at += strlen(in->text + at) + 1) {
		if (n == MAX_ARGS)
			return error_set(err, "the command line has more than %d words", MAX_ARGS);
		in->argv[n++] = in->text + at;
	}
	return 0;
}

static int receive_launch(int sock, struct launch_in *in, struct error *err)
{
	for (;;) {
		struct handover m;
		int fd;
		int r = handover_recv(sock, &m, &fd, err);

		if (r < 0)
			return -1;
		if (r > 0 && m.kind == HANDOVER_END)
			return in->argv[0] != NULL
			               ? 0
			               : error_set(err, "no command line was handed over");
		if (r > 0 && m.kind == HANDOVER_ARGV && in->text == NULL) {
			cleanup_fd int memfd = fd;

			if (take_argv(in, memfd, err) < 0)
				return -1;
		} else if (r > 0 && m.kind == HANDOVER_FD && fd >= 0 && m.number >= 0 &&
		           in->n_fds < ARRAY_SIZE(in->fds) - 1) {
			in->fds[in->n_fds++] = (struct fd_move){fd, m.number};
		} else {
			return error_set(err, "the launch was not handed over whole");
		}
	}
}

/* In the child: the world that libxl made for qemu-depriv-dm, and the way to us in addition. */
static int become_launcher(struct launch_in *in, int channel, struct error *err)
{
	char variable[sizeof(HANDOVER_ENV) + 16];
	char *const env[] = {variable, NULL};
	int keep[ARRAY_SIZE(in->fds)];
	int highest = STDERR_FILENO;

	for (size_t i = 0; i < in->n_fds; i++)
		if (in->fds[i].to > highest)
			highest = in->fds[i].to;
	in->fds[in->n_fds++] = (struct fd_move){channel, highest + 1};
	(void)snprintf(variable, sizeof(variable), "%s=%d", HANDOVER_ENV, highest + 1);
	if (fds_place(in->fds, in->n_fds, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n_fds; i++)
		keep[i] = in->fds[i].to;
	if (fds_inherit_only(keep, in->n_fds, err) < 0)
		return -1;
	if (setsid() < 0)
		return error_errno(err, "cannot make a session");
	(void)execve(LAUNCHER, in->argv, env);
	return error_errno(err, "cannot execute %s", LAUNCHER);
}

static int fork_launcher(struct unit *u, struct launch_in *in, struct error *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot make a channel to the launcher");
	u->qemu = fork();
	if (u->qemu == 0) {
		(void)become_launcher(in, pair[1], err);
		(void)fprintf(stderr, "%s\n", err->msg);
		_exit(EXIT_FAILURE);
	}
	u->channel = pair[0];
	(void)close(pair[1]);
	for (size_t i = 0; i < in->n_fds; i++)
		(void)close(in->fds[i].from);
	return u->qemu < 0 ? error_errno(err, "cannot fork") : 0;
}

/*
 * What the monitor of a restarted unit needs again, named by its number there. FDPOLL=0: systemd
 * cannot poll an O_PATH fd, and must not drop the others when QEMU has ended.
 */
static void keep_in_store(const struct unit *u, const struct fd_move *fd)
{
	if (fd->to != MONITOR_BROKER && fd->to != MONITOR_XSFILTER)
		notify_send(u->notify, fd->from, "FDSTORE=1\nFDPOLL=0\nFDNAME=" STORE_MONITOR "%d",
		            fd->to);
}

static int receive_monitor(struct unit *u, struct error *err)
{
	for (;;) {
		struct handover m;
		int fd;
		int r = handover_recv(u->channel, &m, &fd, err);

		if (r < 0)
			return -1;
		if (r > 0 && m.kind == HANDOVER_END)
			break;
		if (r > 0 && m.kind == HANDOVER_ERROR)
			return error_set(err, "%s", m.text);
		if (r > 0 && m.kind == HANDOVER_OUTPUT && fd >= 0) {
			notify_send(u->notify, fd, "FDSTORE=1\nFDPOLL=0\nFDNAME=" STORE_OUTPUT);
			(void)close(fd);
			continue;
		}
		if (r == 0 || m.kind != HANDOVER_FD || fd < 0 ||
		    u->monitor.n == ROLE_MAX_FDS - UNIT_OWN_FDS)
			return error_set(err, "the launcher ended before QEMU's start");
		u->monitor.fds[u->monitor.n++] = (struct fd_move){fd, m.number};
		keep_in_store(u, &u->monitor.fds[u->monitor.n - 1]);
	}
	return 0;
}

static int hand_out_qemu(const struct unit *u, int sock, struct error *err)
{
	cleanup_fd int qemu = (int)syscall(SYS_pidfd_open, u->qemu, 0);

	if (qemu < 0)
		return error_errno(err, "cannot open a pidfd");
	return handover_send(sock, HANDOVER_QEMU, 0, qemu, err);
}

int unit_start(struct unit *u, struct error *err)
{
	static struct launch_in in;
	cleanup_fd int sock = connect_standin(u->domid, err);
	int standin;

	if (sock < 0)
		return -1;
	notify_send(u->notify, -1, "STATUS=Starting the device model of domain %u", u->domid);
	standin = open_standin(sock, err);
	if (standin < 0 || receive_launch(sock, &in, err) < 0 || fork_launcher(u, &in, err) < 0 ||
	    hand_out_qemu(u, sock, err) < 0 || receive_monitor(u, err) < 0)
		return -1;
	u->monitor.fds[u->monitor.n++] = (struct fd_move){standin, MONITOR_STANDIN};
	keep_in_store(u, &u->monitor.fds[u->monitor.n - 1]);
	return unit_wait_ready(u, err);
}
