/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "launch.h"
#include "util.h"

#define BASE "xen-qemuuser-range-base"

#define FIVE  "00000"
#define FIFTY FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE

#define BASE_USER 4 /* its place below */

/* The user database of the test. */
static struct user {
	const char *name;
	uid_t uid;
	gid_t gid;
} users[] = {
        {"root", 0, 0},
        {"toor", 0, 100},
        {"wheel", 100, 0},
        {"alice", 1000, 1001},
        [BASE_USER] = {BASE, 131072, 131070},
        {"intruder", 131072 + 13, 1},
};
/* Lines that are no user's. */
static const char junk[] = "\n#alice:x:1:1::/:\nalice\nalice:x:1\nalice:x:-1:1::/:\nalice:x:1:\n"
                           "alice:x::1::/:\nalice:x:4294967296:1::/:\n+::::::\n";
static int lookup_error;

/* What fopen() is with files of 64-bit size, which meson asks for. */
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	FILE *file;

	assert_string_equal(path, "/etc/passwd");
	if (lookup_error == EISDIR)
		return __real_fopen64("/", mode);
	errno = lookup_error;
	if (lookup_error != 0)
		return NULL;
	file = tmpfile();
	assert_non_null(file);
	(void)fputs(junk, file);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		(void)fprintf(file, "%s:x:%u:%u::/:/usr/sbin/nologin%s", users[i].name,
		              users[i].uid, users[i].gid, i + 1 < ARRAY_SIZE(users) ? "\n" : "");
	rewind(file);
	return file;
}

static const struct {
	const char *run_as;
	uid_t uid; /* 0: refused */
	gid_t gid;
} by_run_as[] = {
        {"131073:131072", 131073, 131072},
        {"1:1", 1, 1},
        {"4294967294:1", UINT32_MAX - 1, 1},
        {"1:4294967294", 1, UINT32_MAX - 1},
        {"000000000000001:1", 1, 1},
        {"alice", 1000, 1001},
        /* root, as a number or by name */
        {"0:0", 0, 0},
        {"0:5", 0, 0},
        {"5:0", 0, 0},
        {"00:1", 0, 0},
        {"root", 0, 0},
        {"toor", 0, 0},
        {"wheel", 0, 0},
        /* (uid_t)-1 would leave the id as it is, larger ones would wrap to root */
        {"4294967295:1", 0, 0},
        {"1:4294967295", 0, 0},
        {"4294967296:1", 0, 0},
        {"1:4294967296", 0, 0},
        {"18446744073709551616:1", 0, 0},
        {"1:18446744073709551616", 0, 0},
        /* neither two numbers nor a user */
        {"-1:1", 0, 0},
        {"1:-1", 0, 0},
        {"+1:1", 0, 0},
        {" 1:1", 0, 0},
        {"1 :1", 0, 0},
        {"1: 1", 0, 0},
        {"1:", 0, 0},
        {":1", 0, 0},
        {":", 0, 0},
        {"", 0, 0},
        {"1:1:1", 0, 0},
        {"0x10:1", 0, 0},
        {"alice:1", 0, 0},
        {"1:alice", 0, 0},
        {"1000", 0, 0},
        {"bob", 0, 0},
        {"0000000000000001:1", 0, 0}, /* no uid has that many digits */
        {FIFTY "1:1", 0, 0},
        {FIFTY FIFTY, 0, 0},
};

static void the_user_that_libxl_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(by_run_as); i++) {
		const bool good = by_run_as[i].uid != 0;
		struct identity id = {0};
		struct error err = {""};
		const int r = identity_of_qemu(by_run_as[i].run_as, 7, &id, &err);

		if (r != (good ? 0 : -1))
			fail_msg("\"%s\": %d", by_run_as[i].run_as, r);
		if (!good) {
			assert_true(err.msg[0] != '\0');
			continue;
		}
		assert_int_equal(id.uid, by_run_as[i].uid);
		assert_int_equal(id.gid, by_run_as[i].gid);
	}
}

static void otherwise_the_domain_s_own(void **state)
{
	struct identity id;
	struct error err;

	(void)state;
	assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), 0);
	assert_int_equal(id.uid, 131072 + 12);
	assert_int_equal(id.gid, 131070);
	assert_int_equal(identity_of_qemu(NULL, 13, &id, &err), -1);
	assert_non_null(strstr(err.msg, "intruder"));
}

static void the_range_must_reach_the_domain(void **state)
{
	struct user *base = &users[BASE_USER];
	const struct user saved = *base;
	struct identity id;
	struct error err;

	(void)state;
	base->uid = UINT32_MAX - 1 - 12;
	assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), 0);
	assert_int_equal(id.uid, UINT32_MAX - 1);
	assert_int_equal(identity_of_qemu(NULL, 13, &id, &err), -1);
	assert_int_equal(identity_of_qemu(NULL, 14, &id, &err), -1);
	assert_int_equal(identity_of_qemu(NULL, UINT16_MAX, &id, &err), -1);
	base->uid = 0;
	assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), -1);
	*base = saved;
}

static void an_error_is_not_absence(void **state)
{
	static const int errors[] = {EISDIR, EACCES};
	struct identity id;
	struct error err;

	(void)state;
	assert_int_equal(identity_of_user("bob", &id, &err), -1);
	assert_string_equal(err.msg, "user bob does not exist in /etc/passwd");
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		lookup_error = errors[i];
		assert_int_equal(identity_of_user("alice", &id, &err), -1);
		assert_non_null(strstr(err.msg, strerror(errors[i])));
		assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), -1);
	}
	lookup_error = 0;
	assert_int_equal(identity_of_user("alice", &id, &err), 0);
	assert_int_equal(id.uid, 1000);
	assert_int_equal(id.gid, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_user_that_libxl_names),
	        cmocka_unit_test(otherwise_the_domain_s_own),
	        cmocka_unit_test(the_range_must_reach_the_domain),
	        cmocka_unit_test(an_error_is_not_absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
