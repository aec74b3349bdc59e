/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [limits] of the configuration, and the file size that a plan makes necessary. */
#include "limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch.h"
#include "util.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static struct limits limits;

static int set_up(void **state)
{
	(void)state;
	limits = limits_default;
	return 0;
}

static const char *set_key(const char *key, const char *value)
{
	return limits_assign(&limits, limits_find(key), value);
}

static void good(const char *key, const char *value, const uint64_t *field, uint64_t wanted)
{
	assert_null(set_key(key, value));
	assert_int_equal(*field, wanted);
}

static void values_are_taken(void **state)
{
	(void)state;
	good("memory-max", "512M", &limits.memory_max, 512 * MIB);
	good("memory-max", "none", &limits.memory_max, LIMIT_NONE);
	good("memory-high", "33554432", &limits.memory_high, 32 * MIB);
	good("swap-max", "0", &limits.swap_max, 0);
	good("swap-max", "1T", &limits.swap_max, 1024 * GIB);
	good("pids-max", "16", &limits.pids_max, 16);
	good("cpu-weight", "10000", &limits.cpu_weight, 10000);
	good("cpu-max", "150%", &limits.cpu_max, 150);
	good("cpu-max", "none", &limits.cpu_max, LIMIT_NONE);
	good("open-files", "4096", &limits.open_files, 4096);
	good("file-size", "100G", &limits.file_size, 100 * GIB);
	good("file-size", "none", &limits.file_size, LIMIT_NONE);
	good("log-size", "4K", &limits.log_size, 4096);
	good("log-rate", "1G", &limits.log_rate, GIB);
	assert_null(set_key("io-max", "8:0 rbps=1000 wbps=max"));
	assert_null(set_key("io-max", "/dev/vda riops=5"));
	assert_int_equal(limits.n_io_max, 2);
	assert_string_equal(limits.io_max[1], "/dev/vda riops=5");
}

static void anything_else_is_refused(void **state)
{
	static const struct {
		const char *key, *value;
	} bad[] = {
	        {"memory-max", ""},
	        {"memory-max", "31M"},
	        {"memory-max", "2T"},
	        {"memory-max", "1g"},
	        {"memory-max", "-1"},
	        {"memory-max", "1.5G"},
	        {"memory-max", "M"},
	        {"memory-max", "64 M"},
	        {"memory-max", "64MM"},
	        {"memory-max", "max"},
	        {"memory-max", "50%"},
	        {"swap-max", "17000000T"},
	        {"pids-max", "15"},
	        {"pids-max", "none"},
	        {"pids-max", "1K"},
	        {"cpu-weight", "0"},
	        {"cpu-weight", "10001"},
	        {"cpu-max", "50"},
	        {"cpu-max", "0%"},
	        {"cpu-max", "%"},
	        {"open-files", "63"},
	        {"open-files", "none"},
	        {"file-size", "0"},
	        {"file-size", "auto"},
	        {"log-size", "1"},
	        {"log-rate", "none"},
	        {"log-rate", "2G"},
	        {"log-rate", "18446744073709551616"},
	        {"io-max", ""},
	        {"io-max", "8:0"},
	        {"io-max", "8:0 rbps=0"},
	        {"io-max", "8:0 rbps"},
	        {"io-max", "8:0  rbps=1"},
	        {"io-max", "sda rbps=1"},
	        {"io-max", "8:0 speed=1"},
	        {"io-max", "/etc/x rbps=1"},
	        {"io-max", "8:0 rbps=1\t"},
	};
	struct limits before = limits;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *wrong = set_key(bad[i].key, bad[i].value);

		if (wrong == NULL || strncmp(wrong, "wants ", 6) != 0)
			fail_msg("%s = %s: %s", bad[i].key, bad[i].value, wrong);
		assert_memory_equal(&limits, &before, sizeof(limits));
	}
	assert_int_equal(limits_find("memory"), -1);
	assert_int_equal(limits_find(""), -1);
}

static void io_lines_have_an_end(void **state)
{
	(void)state;
	for (int i = 0; i < LIMITS_MAX_IO; i++)
		assert_null(set_key("io-max", "8:0 rbps=1"));
	assert_string_equal(set_key("io-max", "8:0 rbps=1"), "too many");
}

static struct plan plan;
static struct resources res;

/* An image of the plan. Its path is never looked at. */
static void image(bool writable, bool grows, uint64_t size, const void *bytes, size_t n)
{
	static char path[] = "/image";
	const size_t i = plan.n_files++;

	plan.files[i] = (struct plan_file){.path = path, .writable = writable, .grows = grows};
	res.files[i] = memfd_create("image", MFD_CLOEXEC);
	assert_true(res.files[i] >= 0);
	assert_int_equal(pwrite(res.files[i], bytes, n, 0), n);
	assert_int_equal(ftruncate(res.files[i], (off_t)size), 0);
	assert_int_equal(fstat(res.files[i], &res.file_stats[i]), 0);
}

static int no_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < plan.n_files; i++)
		(void)close(res.files[i]);
	memset(&plan, 0, sizeof(plan));
	return 0;
}

static void file_size_is_the_largest_raw_image(void **state)
{
	(void)state;
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 64 * MIB);
	image(true, false, 4 * MIB, "", 0);
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 64 * MIB);
	image(true, false, 10 * GIB, "", 0);
	image(true, false, 5 * GIB, "", 0);
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 10 * GIB);
	image(true, false, 20 * GIB - 4000, "", 0); /* to the end of its last sector */
	image(false, false, 90 * GIB, "", 0);
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 20 * GIB);
}

static void the_configuration_has_the_last_word(void **state)
{
	(void)state;
	limits = limits_default;
	image(true, false, 10 * GIB, "", 0);
	assert_null(set_key("file-size", "1G"));
	assert_int_equal(limits_file_size(&limits, &plan, &res), GIB);
}

static void a_large_display_has_room(void **state)
{
	(void)state;
	plan.extra_pages = 256 * 256; /* 256 MiB */
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), GIB);
}

static void block_devices_do_not_count(void **state)
{
	(void)state;
	image(true, true, 0, "", 0);
	res.file_stats[0].st_mode = S_IFBLK | 0660;
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 64 * MIB);
}

static void qcow2_grows_to_its_virtual_size(void **state)
{
	uint8_t header[32] = "QFI\xfb";
	uint64_t size = htobe64(32 * GIB);

	(void)state;
	memcpy(header + 24, &size, sizeof(size));
	image(true, true, 200 * 1024, header, sizeof(header));
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 34 * GIB + 64 * MIB);
	size = UINT64_MAX;
	memcpy(header + 24, &size, sizeof(size));
	image(true, true, 200 * 1024, header, sizeof(header));
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), LIMIT_NONE);
}

/* A guest can write any header into its disk. */
static void raw_means_raw(void **state)
{
	uint8_t header[32] = "QFI\xfb";
	uint64_t size = htobe64(32 * GIB);

	(void)state;
	memcpy(header + 24, &size, sizeof(size));
	image(true, false, 100 * MIB, header, sizeof(header));
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), 100 * MIB);
}

static void what_cannot_be_told_has_no_limit(void **state)
{
	(void)state;
	image(true, true, 200 * 1024, "conectix", 8); /* VHD */
	assert_int_equal(limits_file_size(&limits_default, &plan, &res), LIMIT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(values_are_taken, set_up),
	        cmocka_unit_test_setup(anything_else_is_refused, set_up),
	        cmocka_unit_test_setup(io_lines_have_an_end, set_up),
	        cmocka_unit_test_setup(file_size_is_the_largest_raw_image, no_plan),
	        cmocka_unit_test_setup(the_configuration_has_the_last_word, no_plan),
	        cmocka_unit_test_setup(a_large_display_has_room, no_plan),
	        cmocka_unit_test_setup(block_devices_do_not_count, no_plan),
	        cmocka_unit_test_setup(qcow2_grows_to_its_virtual_size, no_plan),
	        cmocka_unit_test_setup(raw_means_raw, no_plan),
	        cmocka_unit_test_setup(what_cannot_be_told_has_no_limit, no_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
