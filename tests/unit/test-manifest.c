/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the launcher writes is what the roles read. */
#include "manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers.h"
#include "launch.h"
#include "role.h"
#include "util.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static const struct cgroup cgroup = {.path = "/sys/fs/cgroup/x", .own = true};
static const struct identity id = {.uid = 131079, .gid = 131072};

/* They are large, and resources' stats are what the launcher found. */
static struct plan plan;
static struct resources res;
static const struct roles_plan from = {&plan, &res, &id, &limits_default, &cgroup, NULL, 0x55};

static int set_up(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	memset(&res, 0, sizeof(res));
	plan.domid = 7;
	plan.extra_pages = 4711;
	plan.ptys = 2;
	return 0;
}

/* The plan's manifest as a role sees it. */
static const struct manifest *make_and_map(struct error *err)
{
	const size_t before = count_fds();
	const struct manifest *m = NULL;
	int fd = -1;

	if (manifest_make(&from, &fd, err) == 0)
		m = manifest_map(fd, err);
	assert_int_equal(count_fds(), before);
	return m;
}

static void unmap(const struct manifest *m)
{
	(void)munmap((void *)(uintptr_t)m, sizeof(*m));
}

static void nothing_makes_an_empty_one(void **state)
{
	const struct manifest *m;
	struct error err;

	(void)state;
	m = make_and_map(&err);
	assert_non_null(m);
	assert_int_equal(m->domid, 7);
	assert_int_equal(m->uid, id.uid);
	assert_int_equal(m->extra_pages, 4711);
	assert_int_equal(m->ptys, 2);
	assert_int_equal(m->layers, 0x55);
	assert_int_equal(m->log_size, limits_default.log_size);
	assert_int_equal(m->log_rate, limits_default.log_rate);
	assert_string_equal(manifest_string(m, m->cgroup), "/sys/fs/cgroup/x");
	assert_true(m->cgroup_own);
	assert_int_equal(m->n_files, 0);
	assert_int_equal(m->n_listeners, 0);
	assert_int_equal(m->n_inets, 0);
	assert_string_equal(manifest_string(m, m->chroot_dir), "");
	unmap(m);
}

static void everything_arrives(void **state)
{
	char iso[] = "/iso", disk[] = "/disk", qmp[] = "/run/qmp", dir[] = "/var/run/empty";
	char base[] = "/base";
	const struct manifest *m;
	struct error err;

	(void)state;
	plan.files[0] = (struct plan_file){iso, false, NULL};
	plan.files[1] = (struct plan_file){disk, true, NULL};
	plan.n_files = 2;
	plan.dirs[0] = (struct plan_dir){base, NULL};
	plan.n_dirs = 1;
	plan.listeners[0] = (struct plan_listener){qmp, 9};
	plan.n_listeners = 1;
	res.listener_stats[0].st_dev = 0x1234;
	res.listener_stats[0].st_ino = UINT64_C(0x123456789abc);
	plan.chroot_dir = dir;

	m = make_and_map(&err);
	assert_non_null(m);
	assert_int_equal(m->n_files, 2);
	assert_string_equal(manifest_string(m, m->files[0].path), iso);
	assert_false(m->files[0].writable);
	assert_string_equal(manifest_string(m, m->files[1].path), disk);
	assert_true(m->files[1].writable);
	assert_int_equal(m->n_dirs, 1);
	assert_string_equal(manifest_string(m, m->dirs[0].path), base);
	assert_int_equal(m->n_listeners, 1);
	assert_string_equal(manifest_string(m, m->listeners[0].path), qmp);
	assert_int_equal(m->listeners[0].dev, 0x1234);
	assert_int_equal(m->listeners[0].ino, UINT64_C(0x123456789abc));
	assert_string_equal(manifest_string(m, m->chroot_dir), dir);
	assert_string_equal(manifest_string(m, sizeof(m->pool)), "");
	assert_string_equal(manifest_string(m, UINT32_MAX), "");
	unmap(m);
}

static void the_plan_at_its_limits_fits(void **state)
{
	char path[] = "/a/file", any[] = "";
	const struct manifest *m;
	struct error err;

	(void)state;
	for (plan.n_files = 0; plan.n_files < PLAN_MAX_FILES; plan.n_files++)
		plan.files[plan.n_files].path = path;
	for (plan.n_dirs = 0; plan.n_dirs < PLAN_MAX_DIRS; plan.n_dirs++)
		plan.dirs[plan.n_dirs].path = path;
	for (plan.n_listeners = 0; plan.n_listeners < PLAN_MAX_LISTENERS; plan.n_listeners++)
		plan.listeners[plan.n_listeners].path = path;
	for (plan.n_inets = 0; plan.n_inets < PLAN_MAX_INET; plan.n_inets++)
		plan.inets[plan.n_inets] = (struct plan_inet){any, 1, 65535};
	m = make_and_map(&err);
	assert_non_null(m);
	assert_int_equal(m->n_files, PLAN_MAX_FILES);
	assert_int_equal(m->n_dirs, PLAN_MAX_DIRS);
	assert_int_equal(m->n_listeners, PLAN_MAX_LISTENERS);
	assert_int_equal(m->n_inets, 2 * PLAN_MAX_INET);
	unmap(m);
}

static void the_pool_is_filled_to_its_last_byte_only(void **state)
{
	static char path[MANIFEST_POOL + 1];
	const struct manifest *m;
	struct error err;

	(void)state;
	plan.files[0].path = path;
	plan.n_files = 1;
	memset(path, 'x', sizeof(path) - 1);

	/* The pool begins with "" and ends with the control group. */
	path[MANIFEST_POOL - 2 - sizeof("/sys/fs/cgroup/x")] = '\0';
	m = make_and_map(&err);
	assert_non_null(m);
	assert_int_equal(m->pool_used, MANIFEST_POOL);
	assert_string_equal(manifest_string(m, m->files[0].path), path);
	unmap(m);

	path[MANIFEST_POOL - 2 - sizeof("/sys/fs/cgroup/x")] = 'x';
	path[MANIFEST_POOL - 1 - sizeof("/sys/fs/cgroup/x")] = '\0';
	assert_null(make_and_map(&err));
	assert_non_null(strstr(err.msg, "paths exceed"));
	path[MANIFEST_POOL - 1] = 'x';
	assert_null(make_and_map(&err));

	/* The last one to come. */
	path[MANIFEST_POOL - 2] = '\0';
	plan.chroot_dir = path + MANIFEST_POOL - 2;
	assert_null(make_and_map(&err));
}

static const struct {
	const char *addr;
	uint16_t n;
	uint16_t family[2];
	uint8_t first; /* byte of the (first) address */
	uint8_t last;  /* byte of an IPv6 address */
} inets[] = {
        {"", 2, {AF_INET, AF_INET6}, 0, 0},
        {"0.0.0.0", 1, {AF_INET}, 0, 0},
        {"127.0.0.1", 1, {AF_INET}, 127, 0},
        {"::", 1, {AF_INET6}, 0, 0},
        {"::1", 1, {AF_INET6}, 0, 1},
        {"fd00::2", 1, {AF_INET6}, 0xfd, 2},
        {"::ffff:127.0.0.1", 1, {AF_INET6}, 0, 1},
};

static void addresses_by_family(void **state)
{
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inets); i++) {
		char *addr = strdup(inets[i].addr);
		const struct manifest *m;

		plan.inets[0] = (struct plan_inet){addr, 5900, 5901};
		plan.n_inets = 1;
		m = make_and_map(&err);
		assert_non_null(m);
		assert_int_equal(m->n_inets, inets[i].n);
		for (size_t j = 0; j < m->n_inets; j++) {
			assert_int_equal(m->inets[j].family, inets[i].family[j]);
			assert_int_equal(m->inets[j].port_first, 5900);
			assert_int_equal(m->inets[j].port_last, 5901);
		}
		assert_int_equal(m->inets[0].addr[0], inets[i].first);
		assert_int_equal(m->inets[0].addr[15], inets[i].last);
		unmap(m);
		free(addr);
	}
}

static void names_are_no_addresses(void **state)
{
	static const char *const names[] = {"localhost", "*",         "127.1",       "127.0.0.1 ",
	                                    "[::1]",     "fe80::1%1", "127.0.0.256", " "};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *addr = strdup(names[i]);

		plan.inets[0] = (struct plan_inet){addr, 5900, 5901};
		plan.n_inets = 1;
		assert_null(make_and_map(&err));
		assert_non_null(strstr(err.msg, "is no numeric address"));
		free(addr);
	}
}

static void nobody_can_change_it(void **state)
{
	const struct manifest *m;
	struct error err;
	int fd = -1;

	(void)state;
	assert_int_equal(manifest_make(&from, &fd, &err), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GET_SEALS), SEALS);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 2 * sizeof(*m)), -1);
	assert_ptr_equal(mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	                 MAP_FAILED);
	m = manifest_map(fd, &err);
	assert_non_null(m);
	assert_int_equal(mprotect((void *)(uintptr_t)m, sizeof(*m), PROT_READ | PROT_WRITE), -1);
	unmap(m);
}

/* A memfd with these bytes and seals. */
static int memfd_with(const struct manifest *m, size_t size, int seals)
{
	const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, m, size, 0), size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* manifest_map() of fd is refused, and closes it. */
static void assert_no_manifest(int fd)
{
	struct error err = {""};

	assert_null(manifest_map(fd, &err));
	assert_true(err.msg[0] != '\0');
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void every_seal_is_required(void **state)
{
	static const int seals[] = {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL};
	static const struct manifest good = {.magic = MANIFEST_MAGIC};
	const struct manifest *m;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seals); i++)
		assert_no_manifest(memfd_with(&good, sizeof(good), SEALS & ~seals[i]));
	m = manifest_map(memfd_with(&good, sizeof(good), SEALS), &err);
	assert_non_null(m);
	unmap(m);
}

static void what_cannot_be_sealed_is_refused(void **state)
{
	static const struct manifest good = {.magic = MANIFEST_MAGIC};
	char path[] = "/tmp/test-manifest-XXXXXX";
	const int fd = mkstemp(path);
	int pipe_fds[2];

	(void)state;
	assert_true(fd >= 0);
	(void)unlink(path);
	assert_int_equal(write(fd, &good, sizeof(good)), sizeof(good));
	assert_no_manifest(fd);

	assert_int_equal(pipe(pipe_fds), 0);
	assert_no_manifest(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	assert_no_manifest(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	assert_no_manifest(-1);
}

static void other_sizes_are_refused(void **state)
{
	static const struct manifest good[2] = {{.magic = MANIFEST_MAGIC}};

	(void)state;
	assert_no_manifest(memfd_with(good, 0, SEALS));
	assert_no_manifest(memfd_with(good, sizeof(good->magic), SEALS));
	assert_no_manifest(memfd_with(good, sizeof(*good) - 1, SEALS));
	assert_no_manifest(memfd_with(good, sizeof(*good) + 1, SEALS));
}

static void nonsense_is_refused(void **state)
{
	static const struct manifest bad[] = {
	        {.magic = 0},
	        {.magic = MANIFEST_MAGIC + 1},
	        {.magic = MANIFEST_MAGIC, .n_files = MANIFEST_FILES + 1},
	        {.magic = MANIFEST_MAGIC, .n_listeners = MANIFEST_LISTENERS + 1},
	        {.magic = MANIFEST_MAGIC, .n_inets = MANIFEST_INETS + 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_no_manifest(memfd_with(&bad[i], sizeof(bad[i]), SEALS));
}

#define TEST(fn) cmocka_unit_test_setup(fn, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(nothing_makes_an_empty_one),
	        TEST(everything_arrives),
	        TEST(the_plan_at_its_limits_fits),
	        TEST(the_pool_is_filled_to_its_last_byte_only),
	        TEST(addresses_by_family),
	        TEST(names_are_no_addresses),
	        TEST(nobody_can_change_it),
	        TEST(every_seal_is_required),
	        TEST(what_cannot_be_sealed_is_refused),
	        TEST(other_sizes_are_refused),
	        TEST(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
