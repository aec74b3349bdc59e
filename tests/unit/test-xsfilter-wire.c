/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"

#define HEADER sizeof(struct xsd_sockmsg)

static void feed(struct wire *w, const void *bytes, size_t n)
{
	memcpy(w->bytes + w->used, bytes, n);
	w->used += n;
}

static void an_empty_one_wants_a_header(void **state)
{
	static struct wire w;

	(void)state;
	wire_reset(&w);
	assert_int_equal(wire_state(&w), WIRE_PARTIAL);
	assert_int_equal(wire_missing(&w), HEADER);
}

static void it_comes_byte_by_byte(void **state)
{
	static struct wire w, whole;
	const struct xsd_sockmsg hdr = {XS_READ, 1, 2, 5};

	(void)state;
	wire_reset(&w);
	wire_reset(&whole);
	wire_put(&whole, &hdr, "path");
	for (size_t i = 0; i < whole.used; i++) {
		assert_int_equal(wire_state(&w), WIRE_PARTIAL);
		assert_true(wire_missing(&w) >= 1);
		/* Never past the header before the header is known, never past the message. */
		assert_int_equal(wire_missing(&w), (i < HEADER ? HEADER : whole.used) - i);
		feed(&w, whole.bytes + i, 1);
	}
	assert_int_equal(wire_state(&w), WIRE_COMPLETE);
	assert_int_equal(wire_header(&w).req_id, 1);
	assert_int_equal(wire_header(&w).tx_id, 2);
	assert_string_equal(wire_payload(&w), "path");
}

static void an_empty_payload_is_complete(void **state)
{
	static struct wire w;
	const struct xsd_sockmsg hdr = {.type = XS_TRANSACTION_START};

	(void)state;
	wire_reset(&w);
	wire_put(&w, &hdr, NULL);
	assert_int_equal(w.used, HEADER);
	assert_int_equal(wire_state(&w), WIRE_COMPLETE);
}

static void the_longest_fits_exactly(void **state)
{
	static struct wire w;
	static const char payload[XENSTORE_PAYLOAD_MAX];
	const struct xsd_sockmsg hdr = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX};

	(void)state;
	wire_reset(&w);
	wire_put(&w, &hdr, payload);
	assert_int_equal(w.used, WIRE_MAX);
	assert_int_equal(wire_state(&w), WIRE_COMPLETE);
}

static void longer_ones_are_recognised_by_their_header(void **state)
{
	static const uint32_t lens[] = {XENSTORE_PAYLOAD_MAX + 1, 0x10000, INT32_MAX,
	                                UINT32_MAX - HEADER + 1, UINT32_MAX};
	static struct wire w;

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		const struct xsd_sockmsg hdr = {.type = XS_READ, .len = lens[i]};

		wire_reset(&w);
		feed(&w, &hdr, HEADER - 1);
		assert_int_equal(wire_state(&w), WIRE_PARTIAL);
		feed(&w, (const char *)&hdr + HEADER - 1, 1);
		assert_int_equal(wire_state(&w), WIRE_TOO_LONG);
	}
}

static void messages_are_put_one_after_the_other(void **state)
{
	static struct wire w;
	const struct xsd_sockmsg ack = {XS_WATCH, 9, 0, 3}, event = {XS_WATCH_EVENT, 0, 0, 4};
	struct xsd_sockmsg second;

	(void)state;
	wire_reset(&w);
	wire_put(&w, &ack, "OK");
	wire_put(&w, &event, "p\0t");
	assert_int_equal(w.used, 2 * HEADER + 7);
	memcpy(&second, w.bytes + HEADER + 3, HEADER);
	assert_memory_equal(&second, &event, HEADER);
	assert_memory_equal(w.bytes + 2 * HEADER + 3, "p\0t", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_empty_one_wants_a_header),
	        cmocka_unit_test(it_comes_byte_by_byte),
	        cmocka_unit_test(an_empty_payload_is_complete),
	        cmocka_unit_test(the_longest_fits_exactly),
	        cmocka_unit_test(longer_ones_are_recognised_by_their_header),
	        cmocka_unit_test(messages_are_put_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
