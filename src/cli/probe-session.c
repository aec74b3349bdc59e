/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process that tries things, however it came to be. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"
#include "util.h"

#define LAUNCHER LIBEXEC_DIR "/qemu-depriv-dm"
#define BATTERY  ROLE_DIR "/probe"

/* The longest attempt is two seconds of emulated machine; the battery's own limit is 20. */
#define PATIENCE_MS 40000

/* In the child. The socket keeps its number over the exec: the command line names it. */
static void become(const struct session *s, int theirs, char *const *argv)
{
	char chardev[96];
	char option[] = "-chardev";
	const char *path = s->where == CONTROL ? BATTERY : LAUNCHER;
	size_t n = 0;
	char **all;

	while (argv[n] != NULL)
		n++;
	all = calloc(n + 3, sizeof(*all));
	if (all == NULL)
		_exit(EXIT_FAILURE);
	memcpy(all, argv, n * sizeof(*all));
	(void)snprintf(chardev, sizeof(chardev), "socket,id=%s,fd=%d,server=on,wait=off",
	               PROBE_CHARDEV, theirs);
	all[n] = option;
	all[n + 1] = chardev;
	if (fcntl(theirs, F_SETFD, 0) < 0 || dup2(open("/dev/null", O_RDWR), 0) < 0 ||
	    dup2(s->log, 1) < 0 || dup2(s->log, 2) < 0 || chdir("/") < 0)
		_exit(EXIT_FAILURE);
	(void)execv(path, all);
	(void)dprintf(2, "cannot execute %s: %s\n", path, strerror(errno));
	_exit(EXIT_FAILURE);
}

static int start_child(struct session *s, char *const *argv, struct error *err)
{
	int pair[2];

	s->log = memfd_create("probe-log", MFD_CLOEXEC);
	if (s->log < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot start a process");
	s->child = fork();
	if (s->child == 0)
		become(s, pair[1], argv);
	(void)close(pair[1]);
	s->fd = pair[0];
	return s->child < 0 ? error_errno(err, "cannot start a process") : 0;
}

static int join_library(struct session *s, const char *path, pid_t qemu, struct error *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} a = {.un = {.sun_family = AF_UNIX}};
	char log[32];

	(void)snprintf(log, sizeof(log), "/proc/%d/fd/2", qemu);
	s->log = open(log, O_PATH | O_CLOEXEC);
	(void)snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, &a.sa, sizeof(a.un)) < 0)
		return error_errno(err, "%s", path);
	if (kill(qemu, SIGRTMIN + PROBE_SIGNAL) < 0)
		return error_errno(err, "cannot signal process %d", qemu);
	return 0;
}

int session_start(struct session *s, enum where where, char *const *argv, struct error *err)
{
	*s = (struct session){.where = where, .fd = -1, .log = -1};
	if (start_child(s, argv, err) == 0)
		return 0;
	session_end(s);
	return -1;
}

int session_join(struct session *s, const char *path, pid_t qemu, struct error *err)
{
	*s = (struct session){.where = INSIDE, .fd = -1, .log = -1};
	if (join_library(s, path, qemu, err) == 0)
		return 0;
	session_end(s);
	return -1;
}

volatile sig_atomic_t session_interrupted;

static bool transmit(int fd, const void *buf, size_t n)
{
	return send(fd, buf, n, MSG_NOSIGNAL) == (ssize_t)n;
}

int session_tell(const struct session *s, const struct facts *facts, struct error *err)
{
	if (!transmit(s->fd, facts, sizeof(*facts)))
		return error_errno(err, "cannot talk to the battery");
	return 0;
}

/* false: the end, or nothing for too long (then *ret_hung). */
static bool receive(int fd, void *buf, size_t n, bool *ret_hung)
{
	for (size_t done = 0; done < n;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, PATIENCE_MS);
		ssize_t r;

		if (ready < 0 && errno == EINTR && !session_interrupted)
			continue;
		*ret_hung = ready == 0;
		if (ready <= 0)
			return false;
		r = recv(fd, (char *)buf + done, n - done, 0);
		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

static int how_it_ended(struct session *s, bool hung)
{
	int status;

	if (s->child == 0)
		return hung ? OUTCOME_HUNG : OUTCOME_DIED;
	if (hung || session_interrupted)
		(void)kill(s->child, SIGKILL);
	if (waitpid(s->child, &status, 0) != s->child)
		return OUTCOME_DIED;
	s->child = 0;
	if (hung)
		return OUTCOME_HUNG;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? OUTCOME_KILLED : OUTCOME_DIED;
}

int session_order(struct session *s, uint32_t attempt, bool *ret_alive)
{
	const struct order order = {.attempt = attempt};
	struct report report;
	bool hung = false;

	*ret_alive = transmit(s->fd, &order, sizeof(order)) &&
	             receive(s->fd, &report, sizeof(report), &hung) && report.attempt == attempt;
	return *ret_alive ? report.outcome : how_it_ended(s, hung);
}

size_t session_log_size(const struct session *s)
{
	struct stat st;

	return s->log >= 0 && fstat(s->log, &st) == 0 ? (size_t)st.st_size : 0;
}

void session_end(struct session *s)
{
	close_fdp(&s->fd);
	close_fdp(&s->log);
	if (s->child > 0) {
		(void)kill(s->child, SIGKILL);
		(void)waitpid(s->child, NULL, 0);
	}
	s->child = 0;
}

void session_last_words(const struct session *s, char *ret, size_t size)
{
	char text[4096];
	ssize_t n = s->log >= 0 ? pread(s->log, text, sizeof(text) - 1, 0) : 0;
	char *line;

	if (n < 0)
		n = 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	line = strrchr(text, '\n');
	(void)snprintf(ret, size, "%s", line != NULL ? line + 1 : text);
}
