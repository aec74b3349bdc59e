/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "util.h"

struct number {
	const char *s;
	uint64_t min, max;
	bool good;
	uint64_t value;
};

static const struct number numbers[] = {
        {"0", 0, 0, true, 0},
        {"7", 7, 7, true, 7},
        {"007", 0, 9, true, 7},
        {"18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", 0, UINT64_MAX, false, 0},
        {"99999999999999999999999999", 0, UINT64_MAX, false, 0},
        {"6", 7, 9, false, 0},
        {"10", 7, 9, false, 0},
        {"5", 9, 7, false, 0},
        {"", 0, 9, false, 0},
        {" 1", 0, 9, false, 0},
        {"1 ", 0, 9, false, 0},
        {"1\n", 0, 9, false, 0},
        {"+1", 0, 9, false, 0},
        {"-1", 0, UINT64_MAX, false, 0},
        {"-0", 0, 9, false, 0},
        {"0x1", 0, 9, false, 0},
        {"1.0", 0, 9, false, 0},
        {"1k", 0, UINT64_MAX, false, 0},
        {"x", 0, 9, false, 0},
};

static void numbers_are_whole_and_in_range(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct number *n = &numbers[i];
		uint64_t v = 4711;

		if (parse_u64(n->s, n->min, n->max, &v) != n->good)
			fail_msg("\"%s\"", n->s);
		assert_int_equal(v, n->good ? n->value : 4711);
	}
}

static void an_error_is_the_sentence(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, "%s has %d", "this", 3), -1);
	assert_string_equal(err.msg, "this has 3");
	errno = ENOENT;
	assert_int_equal(error_errno(&err, "cannot open %s", "it"), -1);
	assert_string_equal(err.msg, "cannot open it: No such file or directory");
	assert_int_equal(errno, ENOENT);
}

static void an_error_is_one_line(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, "cannot open %s", "a\nb\r\033[2J\177c\xc3\xa4"), -1);
	assert_string_equal(err.msg, "cannot open a?b??[2J?c\xc3\xa4");
}

static void a_long_error_is_cut(void **state)
{
	char longer[2 * ERROR_MAX];
	struct error err;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (size_t len = ERROR_MAX - 4; len < ERROR_MAX + 4; len++) {
		const char *s = longer + sizeof(longer) - 1 - len;

		assert_int_equal(error_set(&err, "%s", s), -1);
		assert_int_equal(strlen(err.msg), len < ERROR_MAX ? len : ERROR_MAX - 1);
		/* Whatever of ": ..." still fits, and no byte more. */
		errno = EIO;
		assert_int_equal(error_errno(&err, "%s", s), -1);
		assert_int_equal(strlen(err.msg), ERROR_MAX - 1);
		assert_int_equal(errno, EIO);
	}
}

static void cleanup_closes_and_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int number = fd;
	int none = -1;

	(void)state;
	assert_true(fd >= 0);
	errno = E2BIG;
	close_fdp(&fd);
	close_fdp(&none);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(number, F_GETFD), -1);

	fd = 5;
	assert_int_equal(steal_fd(&fd), 5);
	assert_int_equal(fd, -1);
}

static void cleanup_frees_once(void **state)
{
	char *p = strdup("x");

	(void)state;
	free_pp(&p);
	assert_null(p);
	free_pp(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers_are_whole_and_in_range),
	        cmocka_unit_test(an_error_is_the_sentence),
	        cmocka_unit_test(an_error_is_one_line),
	        cmocka_unit_test(a_long_error_is_cut),
	        cmocka_unit_test(cleanup_closes_and_keeps_errno),
	        cmocka_unit_test(cleanup_frees_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
