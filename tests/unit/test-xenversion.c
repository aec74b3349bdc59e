/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which Xen runs and which one a program is made for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "xenversion.h"

static char dir[] = "/tmp/test-xenversion-XXXXXX";

static void put(const char *name, const void *bytes, size_t n)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static void running(void **state)
{
	char got[XEN_VERSION_MAX];

	(void)state;
	assert_false(xen_version_running("/none", got));
	put_text("major", "4\n");
	assert_false(xen_version_running(dir, got));
	put_text("minor", "17\n");
	assert_true(xen_version_running(dir, got));
	assert_string_equal(got, "4.17");
	put_text("minor", "x\n");
	assert_false(xen_version_running(dir, got));
	put_text("minor", "");
	assert_false(xen_version_running(dir, got));
}

static void needed_of(const char *name, int result, const char *version)
{
	char path[128], got[XEN_VERSION_MAX];
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(xen_version_needed(path, got, &err), result);
	assert_string_equal(got, version);
}

static void no_programs(void **state)
{
	(void)state;
	needed_of("none", -1, "");
	put_text("script", "#!/bin/sh\n");
	needed_of("script", -1, "");
	put_text("short", "\177ELF\2");
	needed_of("short", -1, "");
}

/* Ourselves: a whole dynamic program without libxenctrl; and every way to cut it short. */
static void this_program(void **state)
{
	char path[128], got[XEN_VERSION_MAX];
	static char bytes[1 << 16];
	FILE *self = fopen("/proc/self/exe", "re");
	struct error err;
	size_t n;

	(void)state;
	assert_int_equal(xen_version_needed("/proc/self/exe", got, &err), 0);
	assert_string_equal(got, "");
	assert_non_null(self);
	n = fread(bytes, 1, sizeof(bytes), self);
	(void)fclose(self);
	(void)snprintf(path, sizeof(path), "%s/cut", dir);
	for (size_t len = 0; len < 2048 && len < n; len++) {
		put("cut", bytes, len);
		(void)xen_version_needed(path, got, &err);
		assert_string_equal(got, "");
	}
}

#ifdef WITH_LIBXENCTRL
/* The library of this host that is tied to one release: what needs it says so. */
static void linked(void **state)
{
	char got[XEN_VERSION_MAX];
	struct error err;

	(void)state;
	assert_int_equal(xen_version_needed(WITH_LIBXENCTRL, got, &err), 0);
	assert_true(got[0] == '4' && got[1] == '.');
}
#endif

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"major", "minor", "script", "short", "cut"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(running),
	        cmocka_unit_test(no_programs),
	        cmocka_unit_test(this_program),
#ifdef WITH_LIBXENCTRL
	        cmocka_unit_test(linked),
#endif
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
