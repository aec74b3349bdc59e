/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch.h"
#include "util.h"

int fds_reserve(int fd, struct error *err)
{
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0)
		return error_errno(err, "cannot open /dev/null");
	if (null == fd)
		return steal_fd(&null), 0;
	if (dup3(null, fd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot reserve fd %d", fd);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Calls close_range(flags) on every gap between the numbers in keep, above 2. */
static int close_gaps(const int *keep, size_t n, int flags, struct error *err)
{
	unsigned int from = STDERR_FILENO + 1;
	int *sorted = calloc(n + 1, sizeof(*sorted));

	if (sorted == NULL)
		return error_errno(err, "cannot sort the fds");
	if (n > 0)
		memcpy(sorted, keep, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	if (sorted[0] < 0) {
		free(sorted);
		return error_set(err, "an fd to be kept is not open");
	}
	for (size_t i = 0; i <= n; i++) {
		unsigned int end = i < n ? (unsigned int)sorted[i] : ~0u;

		if (end > from && close_range(from, i < n ? end - 1 : end, flags) < 0) {
			free(sorted);
			return error_errno(err, "cannot close the undeclared fds");
		}
		if (end >= from)
			from = end + 1;
	}
	free(sorted);
	return 0;
}

int fds_close_except(const int *keep, size_t n, struct error *err)
{
	return close_gaps(keep, n, 0, err);
}

int fds_inherit_only(const int *keep, size_t n, struct error *err)
{
	return close_gaps(keep, n, CLOSE_RANGE_CLOEXEC, err);
}

int fds_unblock_listener(int fd, struct error *err)
{
	socklen_t len = sizeof(int);
	int listening = 0, flags;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 && errno != ENOTSOCK)
		return error_errno(err, "cannot see whether fd %d is listening", fd);
	if (!listening)
		return 0;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, "cannot unblock the listening fd %d", fd);
	return 0;
}

static int highest_target(const struct fd_move *moves, size_t n)
{
	int high = STDERR_FILENO;

	for (size_t i = 0; i < n; i++)
		if (moves[i].to > high)
			high = moves[i].to;
	return high;
}

int fds_place(const struct fd_move *moves, size_t n, struct error *err)
{
	int floor = highest_target(moves, n) + 1;
	int *high = calloc(n + 1, sizeof(*high));
	int r = 0;

	if (high == NULL)
		return error_errno(err, "cannot place the fds");
	for (size_t i = 0; i < n && r == 0; i++) {
		high[i] = fcntl(moves[i].from, F_DUPFD_CLOEXEC, floor);
		if (high[i] < 0)
			r = error_errno(err, "cannot move fd %d", moves[i].from);
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		if (dup2(high[i], moves[i].to) < 0)
			r = error_errno(err, "cannot place fd %d", moves[i].to);
		(void)close(high[i]);
	}
	free(high);
	return r;
}
