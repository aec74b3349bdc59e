/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test is QEMU: its own structures, read through its own /proc/self/mem. */
#define __XEN_TOOLS__ 1 /* as in hypercall.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <xen/xen.h>

#include <xen/memory.h>
#include <xen/sys/privcmd.h>

#include "helpers.h"
#include "hypercall.h"
#include "memory.h"
#include "util.h"

#define DOMID     7
#define MAX_PAGES 5000
#define GFN       UINT64_C(0xf0000)
#define CHUNK     512 /* hypercall.c reads so many gfns at a time */

/* Xen's own name for the first bit of a memory_op's start extent, not in its public headers. */
#define MEMOP_EXTENT_SHIFT 6

/* One populate as the libraries lay it out: each part points to the next. */
struct populate_call {
	privcmd_hypercall_t call;
	struct multicall_entry entry;
	struct xen_memory_reservation reservation;
	uint64_t gfns[MAX_PAGES + 1];
};

static struct populate_call c;
static int mem = -1;
static bool scribble;

bool __real_memory_read(int fd, uint64_t addr, void *buf, size_t len);
bool __wrap_memory_read(int fd, uint64_t addr, void *buf, size_t len);

/* The fastest attacker there can be: whatever has been read once is changed at once. */
bool __wrap_memory_read(int fd, uint64_t addr, void *buf, size_t len)
{
	const bool ok = __real_memory_read(fd, addr, buf, len);

	if (ok && scribble)
		memset((void *)(uintptr_t)addr, 0xa5, len);
	return ok;
}

static void lay_out(bool wrapped, uint64_t n)
{
	memset(&c, 0, sizeof(c));
	for (size_t i = 0; i < ARRAY_SIZE(c.gfns); i++)
		c.gfns[i] = GFN + i;
	c.reservation.extent_start.p = (xen_pfn_t *)c.gfns;
	c.reservation.nr_extents = n;
	c.reservation.domid = DOMID;
	if (wrapped) {
		c.call = (privcmd_hypercall_t){__HYPERVISOR_multicall, {address_of(&c.entry), 1}};
		c.entry.op = __HYPERVISOR_memory_op;
		c.entry.args[0] = XENMEM_populate_physmap;
		c.entry.args[1] = address_of(&c.reservation);
	} else {
		c.call = (privcmd_hypercall_t){
		        __HYPERVISOR_memory_op,
		        {XENMEM_populate_physmap, address_of(&c.reservation)}};
	}
}

static int decode(struct populate *p)
{
	return hypercall_decode(mem, address_of(&c.call), DOMID, MAX_PAGES, p);
}

static void assert_decoded(bool wrapped, uint32_t n)
{
	struct populate p = {0};

	assert_int_equal(decode(&p), 0);
	assert_int_equal(p.gfn, GFN);
	assert_int_equal(p.n, n);
	assert_int_equal(p.result, wrapped ? address_of(&c.entry.result) : 0);
}

static const uint32_t sizes[] = {1, 2, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 4096, MAX_PAGES};

static void what_qemu_makes_is_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int wrapped = 0; wrapped <= 1; wrapped++) {
			lay_out(wrapped, sizes[i]);
			assert_decoded(wrapped, sizes[i]);
		}
}

static void nothing_is_read_twice(void **state)
{
	(void)state;
	scribble = true;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int wrapped = 0; wrapped <= 1; wrapped++) {
			lay_out(wrapped, sizes[i]);
			assert_decoded(wrapped, sizes[i]);
		}
	scribble = false;
}

static void the_result_arrives_where_the_library_looks(void **state)
{
	static const int results[] = {0, 1, 16, MAX_PAGES, -EBUSY};
	struct populate p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		lay_out(false, 16);
		assert_int_equal(decode(&p), 0);
		assert_int_equal(hypercall_finish(mem, &p, results[i]), results[i]);

		lay_out(true, 16);
		c.entry.result = 4711;
		assert_int_equal(decode(&p), 0);
		assert_int_equal(hypercall_finish(mem, &p, results[i]), 0);
		assert_int_equal((int64_t)c.entry.result, results[i]);
		assert_int_equal(c.entry.op, __HYPERVISOR_memory_op);
		assert_int_equal(c.entry.args[0], XENMEM_populate_physmap);
	}
}

static void a_result_that_cannot_be_written(void **state)
{
	const char *end = end_of_mapping();
	const uint64_t bad[] = {address_of(end), address_of(end) - 4, 1, UINT64_C(1) << 56,
	                        UINT64_MAX - 3};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct populate p = {.gfn = GFN, .n = 1, .result = bad[i]};

		assert_int_equal(hypercall_finish(mem, &p, 1), -EFAULT);
	}
}

/* Sets one field of a good call to something else. */
struct change {
	size_t offset, size;
	uint64_t value;
};

#define FIELD(field, v)                                                                            \
	{                                                                                          \
		offsetof(struct populate_call, field), sizeof(c.field), (v)                        \
	}

/* nr_extents is set to MAX_PAGES before. */
static const struct change changes_to_either[] = {
        FIELD(reservation.domid, 0),
        FIELD(reservation.domid, DOMID - 1),
        FIELD(reservation.domid, DOMID + 1),
        FIELD(reservation.domid, DOMID_SELF),
        FIELD(reservation.domid, DOMID_INVALID),
        FIELD(reservation.extent_order, 1),
        FIELD(reservation.extent_order, 9),
        FIELD(reservation.extent_order, UINT32_MAX),
        FIELD(reservation.mem_flags, 1),
        FIELD(reservation.mem_flags, XENMEMF_populate_on_demand),
        FIELD(reservation.mem_flags, UINT32_C(1) << 31),
        FIELD(reservation.nr_extents, 0),
        FIELD(reservation.nr_extents, MAX_PAGES + 1),
        FIELD(reservation.nr_extents, UINT32_MAX),
        FIELD(reservation.nr_extents, UINT64_C(1) << 32),
        FIELD(reservation.nr_extents, (UINT64_C(1) << 32) + 1),
        FIELD(reservation.nr_extents, UINT64_C(1) << 63),
        FIELD(reservation.nr_extents, UINT64_MAX),
        FIELD(gfns[0], GFN + 1),
        FIELD(gfns[0], GFN - 1),
        FIELD(gfns[1], GFN),
        FIELD(gfns[1], GFN + 2),
        FIELD(gfns[CHUNK - 1], 0),
        FIELD(gfns[CHUNK], 0),
        FIELD(gfns[CHUNK], GFN),
        FIELD(gfns[CHUNK + 1], GFN + CHUNK + 2),
        FIELD(gfns[UINT64_C(2) * CHUNK], GFN),
        FIELD(gfns[MAX_PAGES - 1], UINT64_MAX),
        FIELD(call.op, 0),
        FIELD(call.op, (UINT64_C(1) << 32) | __HYPERVISOR_memory_op),
        FIELD(call.op, (UINT64_C(1) << 32) | __HYPERVISOR_multicall),
        FIELD(call.op, UINT64_MAX),
};

static const struct change changes_to_direct[] = {
        FIELD(call.arg[0], XENMEM_populate_physmap | (1u << MEMOP_EXTENT_SHIFT)),
        FIELD(call.arg[0], (UINT64_C(1) << 32) | XENMEM_populate_physmap),
        FIELD(call.arg[0], (UINT64_C(1) << 63) | XENMEM_populate_physmap),
};

static const struct change changes_to_wrapped[] = {
        FIELD(call.arg[1], 0),
        FIELD(call.arg[1], 2),
        FIELD(call.arg[1], UINT64_C(1) << 32),
        FIELD(call.arg[1], (UINT64_C(1) << 32) + 1),
        FIELD(call.arg[1], UINT64_MAX),
        FIELD(entry.op, __HYPERVISOR_multicall),
        FIELD(entry.op, __HYPERVISOR_domctl),
        FIELD(entry.op, (UINT64_C(1) << 32) | __HYPERVISOR_memory_op),
        FIELD(entry.args[0], XENMEM_populate_physmap | (1u << MEMOP_EXTENT_SHIFT)),
        FIELD(entry.args[0], (UINT64_C(1) << 32) | XENMEM_populate_physmap),
};

static void assert_refused(bool wrapped, const struct change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct populate p;

		lay_out(wrapped, MAX_PAGES);
		memcpy((char *)&c + changes[i].offset, &changes[i].value, changes[i].size);
		if (decode(&p) != -EPERM)
			fail_msg("%s, change %zu", wrapped ? "wrapped" : "direct", i);
	}
}

static void anything_else_is_refused(void **state)
{
	(void)state;
	assert_refused(false, changes_to_either, ARRAY_SIZE(changes_to_either));
	assert_refused(true, changes_to_either, ARRAY_SIZE(changes_to_either));
	assert_refused(false, changes_to_direct, ARRAY_SIZE(changes_to_direct));
	assert_refused(true, changes_to_wrapped, ARRAY_SIZE(changes_to_wrapped));
}

/* Each of them consecutive, but not with the other. */
static void two_runs_are_refused(void **state)
{
	static const size_t second[] = {1, CHUNK - 1, CHUNK, CHUNK + 1, 1024, MAX_PAGES - 1};
	struct populate p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		lay_out(false, MAX_PAGES);
		for (size_t j = second[i]; j < MAX_PAGES; j++)
			c.gfns[j] += CHUNK;
		assert_int_equal(decode(&p), -EPERM);
	}
}

static void every_other_operation_is_refused(void **state)
{
	struct populate p;

	(void)state;
	for (uint64_t op = 0; op < 256; op++) {
		lay_out(false, 1);
		c.call.op = op;
		assert_int_equal(decode(&p), op == __HYPERVISOR_memory_op ? 0 : -EPERM);
		lay_out(false, 1);
		c.call.arg[0] = op;
		assert_int_equal(decode(&p), op == XENMEM_populate_physmap ? 0 : -EPERM);
		lay_out(true, 1);
		c.entry.op = op;
		assert_int_equal(decode(&p), op == __HYPERVISOR_memory_op ? 0 : -EPERM);
		lay_out(true, 1);
		c.entry.args[0] = op;
		assert_int_equal(decode(&p), op == XENMEM_populate_physmap ? 0 : -EPERM);
	}
}

static void no_budget_allows_nothing(void **state)
{
	struct populate p;

	(void)state;
	lay_out(false, 1);
	assert_int_equal(hypercall_decode(mem, address_of(&c.call), DOMID, 0, &p), -EPERM);
	assert_int_equal(hypercall_decode(mem, address_of(&c.call), DOMID, 1, &p), 0);
}

/* Everywhere a pointer can be: by what is at it. */
static void assert_bad_pointer(uint64_t bad)
{
	struct populate p;

	assert_int_equal(hypercall_decode(mem, bad, DOMID, MAX_PAGES, &p), -EFAULT);
	lay_out(false, 16);
	c.call.arg[1] = bad;
	assert_int_equal(decode(&p), -EFAULT);
	lay_out(true, 16);
	c.call.arg[0] = bad;
	assert_int_equal(decode(&p), -EFAULT);
	lay_out(true, 16);
	c.entry.args[1] = bad;
	assert_int_equal(decode(&p), -EFAULT);
	lay_out(true, 16);
	memcpy(&c.reservation.extent_start.p, &bad, sizeof(bad));
	assert_int_equal(decode(&p), -EFAULT);
}

static void pointers_to_nowhere(void **state)
{
	const char *end = end_of_mapping();
	const uint64_t bad[] = {
	        0,
	        1,
	        address_of(end),
	        UINT64_C(1) << 47,
	        (UINT64_C(1) << 56) - 8,
	        (UINT64_C(1) << 56) - 1,
	        UINT64_C(1) << 56,
	        (UINT64_C(1) << 56) + address_of(&c),
	        UINT64_C(1) << 63,
	        (UINT64_C(1) << 63) + address_of(&c),
	        UINT64_C(0xffff800000000000),
	        UINT64_MAX - 127,
	        UINT64_MAX - 7,
	        UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_bad_pointer(bad[i]);
	/* The smallest structure is the reservation; 16 gfns and the rest are longer. */
	for (size_t i = 1; i < sizeof(c.reservation); i++)
		assert_bad_pointer(address_of(end) - i);
}

/* The same with every structure complete before the mapping ends. */
static void structures_at_the_end_of_a_mapping(void **state)
{
	const size_t n = 300;
	char *call = end_of_mapping() - sizeof(c.call);
	char *entry = end_of_mapping() - sizeof(c.entry);
	char *reservation = end_of_mapping() - sizeof(c.reservation);
	char *gfns = end_of_mapping() - n * sizeof(c.gfns[0]);
	struct populate p;

	(void)state;
	lay_out(true, n);
	c.call.arg[0] = address_of(entry);
	c.entry.args[1] = address_of(reservation);
	c.reservation.extent_start.p = (xen_pfn_t *)(uintptr_t)gfns;
	memcpy(call, &c.call, sizeof(c.call));
	memcpy(entry, &c.entry, sizeof(c.entry));
	memcpy(reservation, &c.reservation, sizeof(c.reservation));
	memcpy(gfns, c.gfns, n * sizeof(c.gfns[0]));
	assert_int_equal(hypercall_decode(mem, address_of(call), DOMID, MAX_PAGES, &p), 0);
	assert_int_equal(p.gfn, GFN);
	assert_int_equal(p.n, n);
	assert_int_equal(hypercall_finish(mem, &p, 5), 0);

	/* One gfn more than there are. */
	c.reservation.nr_extents = n + 1;
	memcpy(reservation, &c.reservation, sizeof(c.reservation));
	assert_int_equal(hypercall_decode(mem, address_of(call), DOMID, MAX_PAGES, &p), -EFAULT);
}

struct string {
	size_t mapped; /* bytes up to the end of the mapping */
	size_t size;   /* of the buffer */
	bool nul;      /* the last byte is NUL */
	int r;
};

static const struct string strings[] = {
        {1, 16, true, 0},
        {2, 16, true, 0},
        {16, 16, true, 0}, /* size - 1 characters */
        {17, 16, true, -ENAMETOOLONG},
        {64, 16, true, -ENAMETOOLONG},
        {16, 16, false, -ENAMETOOLONG}, /* the buffer ends as the page does */
        {15, 16, false, -EFAULT},
        {1, 16, false, -EFAULT},
        {4096, 4096, true, 0},
        {4096, 4096, false, -ENAMETOOLONG},
        {4095, 4096, false, -EFAULT},
        {1, 1, true, 0},
        {1, 1, false, -ENAMETOOLONG},
        {1, 0, true, -ENAMETOOLONG},
};

static void strings_at_the_end_of_a_mapping(void **state)
{
	char *end = end_of_mapping();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		const struct string *s = &strings[i];
		char *start = end - s->mapped;
		char buf[4096 + 1];

		memset(start, 'x', s->mapped);
		if (s->nul)
			end[-1] = '\0';
		memset(buf, '!', sizeof(buf));
		if (memory_read_string(mem, address_of(start), buf, s->size) != s->r)
			fail_msg("string %zu", i);
		assert_int_equal(buf[s->size], '!');
		if (s->r == 0)
			assert_string_equal(buf, start);
	}
}

static void strings_over_a_page_boundary(void **state)
{
	static char pages[3 * 4096] __attribute__((aligned(4096)));
	char buf[4096 + 16];

	(void)state;
	memset(pages, 'y', sizeof(pages));
	for (size_t len = 0; len < sizeof(buf); len++) {
		pages[4090 + len] = '\0';
		assert_int_equal(
		        memory_read_string(mem, address_of(pages + 4090), buf, sizeof(buf)), 0);
		assert_int_equal(strlen(buf), len);
		pages[4090 + len] = 'y';
	}
	assert_int_equal(memory_read_string(mem, address_of(pages + 4090), buf, sizeof(buf)),
	                 -ENAMETOOLONG);
}

static void strings_nowhere(void **state)
{
	const uint64_t bad[] = {0, UINT64_C(1) << 56, (UINT64_C(1) << 56) - 1, UINT64_MAX,
	                        UINT64_MAX - 4095};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(memory_read_string(mem, bad[i], buf, sizeof(buf)), -EFAULT);
}

static void no_memory_at_all(void **state)
{
	struct populate p;
	char buf[16];

	(void)state;
	lay_out(false, 1);
	assert_int_equal(hypercall_decode(-1, address_of(&c.call), DOMID, 1, &p), -EFAULT);
	assert_int_equal(memory_read_string(-1, address_of("x"), buf, sizeof(buf)), -EFAULT);
}

static atomic_bool race_ends;

#define OTHER_GFN UINT64_C(0x5000)

/*
 * Four good calls that differ in length and place, and as many of another domain; and whatever is
 * between them. Wherever this thread is interrupted, both are likely.
 */
static void *racer(void *arg)
{
	volatile struct xen_memory_reservation *r = &c.reservation;
	volatile uint64_t *gfns = c.gfns;

	(void)arg;
	for (unsigned int i = 0; !atomic_load(&race_ends); i++) {
		r->nr_extents = (i & 1) != 0 ? 16 : 8;
		for (size_t j = 0; j < 16; j++)
			gfns[j] = ((i & 2) != 0 ? GFN : OTHER_GFN) + j;
		r->domid = (i & 4) != 0 ? DOMID : 0;
	}
	return NULL;
}

static void a_race_wins_nothing(void **state)
{
	unsigned int accepted = 0, refused = 0;
	pthread_t thread;

	(void)state;
	lay_out(true, 16);
	atomic_store(&race_ends, false);
	assert_int_equal(pthread_create(&thread, NULL, racer, NULL), 0);
	while (accepted < 1000 || refused < 1000) {
		struct populate p = {0};
		const int r = decode(&p);

		refused += r == -EPERM;
		if (r != 0)
			continue;
		accepted++;
		assert_true(p.gfn == GFN || p.gfn == OTHER_GFN);
		assert_true(p.n == 8 || p.n == 16);
	}
	atomic_store(&race_ends, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static int open_memory(void **state)
{
	(void)state;
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	return mem < 0 ? -1 : 0;
}

static int close_memory(void **state)
{
	(void)state;
	close_fdp(&mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_qemu_makes_is_decoded),
	        cmocka_unit_test(nothing_is_read_twice),
	        cmocka_unit_test(the_result_arrives_where_the_library_looks),
	        cmocka_unit_test(a_result_that_cannot_be_written),
	        cmocka_unit_test(anything_else_is_refused),
	        cmocka_unit_test(two_runs_are_refused),
	        cmocka_unit_test(every_other_operation_is_refused),
	        cmocka_unit_test(no_budget_allows_nothing),
	        cmocka_unit_test(pointers_to_nowhere),
	        cmocka_unit_test(structures_at_the_end_of_a_mapping),
	        cmocka_unit_test(strings_at_the_end_of_a_mapping),
	        cmocka_unit_test(strings_over_a_page_boundary),
	        cmocka_unit_test(strings_nowhere),
	        cmocka_unit_test(no_memory_at_all),
	        cmocka_unit_test(a_race_wins_nothing),
	};

	return cmocka_run_group_tests(tests, open_memory, close_memory);
}
