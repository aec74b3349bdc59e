/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "launch.h"
#include "util.h"

#define BASE "xen-qemuuser-range-base"

#define FIVE  "00000"
#define FIFTY FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE

#define BASE_USER 4 /* its place below */

/* The user database of the test. */
static struct passwd users[] = {
        {.pw_name = (char[]){"root"}, .pw_uid = 0, .pw_gid = 0},
        {.pw_name = (char[]){"toor"}, .pw_uid = 0, .pw_gid = 100},
        {.pw_name = (char[]){"wheel"}, .pw_uid = 100, .pw_gid = 0},
        {.pw_name = (char[]){"alice"}, .pw_uid = 1000, .pw_gid = 1001},
        [BASE_USER] = {.pw_name = (char[]){BASE}, .pw_uid = 131072, .pw_gid = 131070},
        {.pw_name = (char[]){"intruder"}, .pw_uid = 131072 + 13, .pw_gid = 1},
};
static int lookup_error;

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwuid(uid_t uid);

struct passwd *__wrap_getpwnam(const char *name)
{
	errno = lookup_error;
	for (size_t i = 0; lookup_error == 0 && i < ARRAY_SIZE(users); i++)
		if (strcmp(users[i].pw_name, name) == 0)
			return &users[i];
	return NULL;
}

struct passwd *__wrap_getpwuid(uid_t uid)
{
	errno = 0;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		if (users[i].pw_uid == uid)
			return &users[i];
	return NULL;
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
	struct passwd *base = &users[BASE_USER];
	const struct passwd saved = *base;
	struct identity id;
	struct error err;

	(void)state;
	base->pw_uid = UINT32_MAX - 1 - 12;
	assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), 0);
	assert_int_equal(id.uid, UINT32_MAX - 1);
	assert_int_equal(identity_of_qemu(NULL, 13, &id, &err), -1);
	assert_int_equal(identity_of_qemu(NULL, 14, &id, &err), -1);
	assert_int_equal(identity_of_qemu(NULL, UINT16_MAX, &id, &err), -1);
	base->pw_uid = 0;
	assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), -1);
	*base = saved;
}

static void an_error_is_not_absence(void **state)
{
	struct identity id;
	struct error err;

	(void)state;
	assert_int_equal(identity_of_user("bob", &id, &err), -1);
	assert_string_equal(err.msg, "user bob does not exist");
	lookup_error = EIO;
	assert_int_equal(identity_of_user("alice", &id, &err), -1);
	assert_non_null(strstr(err.msg, strerror(EIO)));
	assert_int_equal(identity_of_qemu(NULL, 12, &id, &err), -1);
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
