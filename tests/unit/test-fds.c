/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each case ruins the fd table of a child of its own. Which file is at a number is told by its
 * length: the child's files have 1, 2, 3, ... bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers.h"
#include "launch.h"
#include "util.h"

/* Numbers that the tests use: FIRST .. FIRST + SPAN - 1. */
#define FIRST 3
#define SPAN  64

#define END (-1) /* of a list of numbers */

/* Nothing above 2 but files 1..n at FIRST, FIRST + 1, ... */
static bool start_with(int n)
{
	if (close_range(FIRST, ~0u, 0) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		const int fd = memfd_create("numbered", MFD_CLOEXEC);

		if (fd != FIRST + i || ftruncate(fd, i + 1) < 0)
			return false;
	}
	return true;
}

/* The file's number at fd; 0: nothing is open there. */
static int file_at(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (int)st.st_size;
}

static bool inherited(int fd)
{
	return fcntl(fd, F_GETFD) == 0;
}

static bool is_in(const int *list, int fd)
{
	for (; *list != END; list++)
		if (*list == fd)
			return true;
	return false;
}

static size_t length(const int *list)
{
	size_t n = 0;

	while (list[n] != END)
		n++;
	return n;
}

/* The case that the child of this moment runs. */
static const void *current;

struct placement {
	const char *what;
	int files;
	size_t n;
	struct fd_move moves[4]; /* from holds file from - FIRST + 1 */
};

static const struct placement placements[] = {
        {"nothing", 2, 0, {{0}}},
        {"onto itself", 1, 1, {{3, 3}}},
        {"elsewhere", 1, 1, {{3, 40}}},
        {"to the next number", 1, 1, {{3, 4}}},
        {"to the next numbers", 2, 2, {{3, 5}, {4, 6}}},
        {"onto another that is not moved", 2, 1, {{3, 4}}},
        {"an exchange", 2, 2, {{3, 4}, {4, 3}}},
        {"a cycle", 3, 3, {{3, 4}, {4, 5}, {5, 3}}},
        {"a cycle backwards", 4, 4, {{6, 5}, {5, 4}, {4, 3}, {3, 6}}},
        {"a chain upwards", 3, 3, {{3, 4}, {4, 5}, {5, 6}}},
        {"a chain downwards", 3, 3, {{5, 4}, {4, 3}, {3, 6}}},
        {"one to two places", 2, 2, {{3, 4}, {3, 5}}},
        {"far apart", 4, 4, {{3, 60}, {4, 3}, {5, 66}, {6, 4}}},
};

static bool places(void)
{
	const struct placement *p = current;
	struct error err;
	size_t before;

	if (!start_with(p->files))
		return false;
	before = count_fds();
	if (fds_place(p->moves, p->n, &err) < 0)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		const struct fd_move *m = &p->moves[i];

		if (file_at(m->to) != m->from - FIRST + 1 || !inherited(m->to))
			return false;
		before += (size_t)(m->to >= FIRST + p->files);
	}
	/* No copy is left over. */
	return count_fds() == before;
}

static void fds_get_to_their_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(placements); i++) {
		current = &placements[i];
		if (!true_in_child(places))
			fail_msg("%s", placements[i].what);
	}
}

static const struct placement bad_placements[] = {
        {"from one that is not open", 1, 2, {{3, 10}, {50, 11}}},
        {"from none", 1, 1, {{-1, 10}}},
        {"to none", 1, 1, {{3, -1}}},
};

static bool does_not_place(void)
{
	const struct placement *p = current;
	struct error err = {""};

	return start_with(p->files) && fds_place(p->moves, p->n, &err) == -1 &&
	       err.msg[0] != '\0' && file_at(FIRST) == 1;
}

static void bad_fds_are_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_placements); i++) {
		current = &bad_placements[i];
		if (!true_in_child(does_not_place))
			fail_msg("%s", bad_placements[i].what);
	}
}

static const int keep_lists[][8] = {
        {END},
        {3, END},
        {66, END},
        {3, 4, 5, END},
        {3, 5, 7, END},
        {30, 4, 66, 5, END},
        {7, 7, 7, 3, 3, END},
        {4, 0, 1, 2, END},
        {50, 49, 48, 20, 20, 21, 3, END},
};

static bool keeps_exactly(void)
{
	const int *keep = current;
	struct error err;

	if (!start_with(SPAN) || fds_close_except(keep, length(keep), &err) < 0)
		return false;
	for (int fd = FIRST; fd < FIRST + SPAN; fd++)
		if (file_at(fd) != (is_in(keep, fd) ? fd - FIRST + 1 : 0))
			return false;
	for (int fd = 0; fd < FIRST; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return false;
	return true;
}

static bool inherits_exactly(void)
{
	const int *keep = current;
	struct error err;

	if (!start_with(SPAN))
		return false;
	for (int fd = FIRST; fd < FIRST + SPAN; fd++)
		(void)fcntl(fd, F_SETFD, 0);
	if (fds_inherit_only(keep, length(keep), &err) < 0)
		return false;
	for (int fd = FIRST; fd < FIRST + SPAN; fd++)
		if (file_at(fd) != fd - FIRST + 1 || inherited(fd) != is_in(keep, fd))
			return false;
	return inherited(STDIN_FILENO) && inherited(STDOUT_FILENO) && inherited(STDERR_FILENO);
}

static void only_what_is_listed_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keep_lists); i++) {
		current = keep_lists[i];
		if (!true_in_child(keeps_exactly) || !true_in_child(inherits_exactly))
			fail_msg("list %zu", i);
	}
}

/* A number that nothing gave a value: not everything up to it, the standard fds included. */
static bool refuses_to_keep_none(void)
{
	static const int keep[] = {4, -1};
	struct error err = {""};

	return start_with(4) && fds_close_except(keep, ARRAY_SIZE(keep), &err) == -1 &&
	       err.msg[0] != '\0' && fds_inherit_only(keep, ARRAY_SIZE(keep), &err) == -1 &&
	       fcntl(STDERR_FILENO, F_GETFD) == 0 && file_at(FIRST) == 1;
}

static void a_negative_number_cannot_be_kept(void **state)
{
	(void)state;
	assert_true(true_in_child(refuses_to_keep_none));
}

static bool is_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev &&
	       !inherited(fd);
}

/* Also the number that open() would have given anyway, and one that is reserved already. */
static bool reserves(void)
{
	struct error err;

	if (!start_with(2) || fds_reserve(5, &err) < 0 || fds_reserve(9, &err) < 0 ||
	    fds_reserve(6, &err) < 0 || fds_reserve(9, &err) < 0)
		return false;
	return is_null(5) && is_null(6) && is_null(9) && count_fds() == 8 && file_at(3) == 1 &&
	       file_at(4) == 2;
}

static bool does_not_reserve(void)
{
	struct error err = {""};

	return start_with(2) && fds_reserve(-1, &err) == -1 && err.msg[0] != '\0' &&
	       fds_reserve(INT32_MAX, &err) == -1 && count_fds() == 5;
}

static void numbers_are_reserved(void **state)
{
	(void)state;
	assert_true(true_in_child(reserves));
	assert_true(true_in_child(does_not_reserve));
}

static bool blocks(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

static void only_listeners_are_unblocked(void **state)
{
	struct error err = {""};
	cleanup_fd int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_fd int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_fd int file = memfd_create("no socket", MFD_CLOEXEC);

	const struct sockaddr unnamed = {.sa_family = AF_UNIX};

	(void)state;
	/* Only the family: Linux chooses an abstract name, unix(7). */
	assert_int_equal(bind(listener, &unnamed, sizeof(unnamed.sa_family)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_true(blocks(listener));
	assert_int_equal(fds_unblock_listener(listener, &err), 0);
	assert_int_equal(fds_unblock_listener(other, &err), 0);
	assert_int_equal(fds_unblock_listener(file, &err), 0);
	assert_false(blocks(listener));
	assert_true(blocks(other));
	assert_true(blocks(file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(fds_get_to_their_places),
	        cmocka_unit_test(bad_fds_are_an_error),
	        cmocka_unit_test(only_what_is_listed_is_kept),
	        cmocka_unit_test(a_negative_number_cannot_be_kept),
	        cmocka_unit_test(numbers_are_reserved),
	        cmocka_unit_test(only_listeners_are_unblocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
