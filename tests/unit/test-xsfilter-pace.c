/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pace.h"
#include "policy/xenstore.h"

#define SECOND UINT64_C(1000000000)

/* As many requests as may come at `now`. */
static unsigned int drain(struct pace *p, uint64_t now, unsigned int tokens)
{
	unsigned int n = 0;

	while (pace_wait(p, now) == 0) {
		pace_charge(p, now, tokens);
		n++;
	}
	return n;
}

static void a_burst_passes_and_no_more(void **state)
{
	struct pace p = {0};

	(void)state;
	/* One more than the burst: the last one takes what is not there yet. */
	assert_int_equal(drain(&p, 5 * SECOND, 1), XSFILTER_BURST + 1);
	assert_int_equal(pace_wait(&p, 5 * SECOND), SECOND / XSFILTER_RATE);
}

static void then_the_rate_holds(void **state)
{
	struct pace p = {0};
	uint64_t now = SECOND;
	unsigned int n = 0;

	(void)state;
	(void)drain(&p, now, 1);
	for (int i = 0; i < 100; i++) {
		now += SECOND / 10;
		n += drain(&p, now, 1);
	}
	assert_int_equal(n, 10 * XSFILTER_RATE);
}

static void forwarded_requests_cost_more(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(drain(&p, SECOND, XSFILTER_FORWARD_COST),
	                 XSFILTER_BURST / XSFILTER_FORWARD_COST + 1);
	assert_int_equal(pace_wait(&p, SECOND), XSFILTER_FORWARD_COST * SECOND / XSFILTER_RATE);
}

static void idle_time_fills_it_but_not_beyond(void **state)
{
	struct pace p = {0};

	(void)state;
	(void)drain(&p, SECOND, 1);
	assert_int_equal(drain(&p, 3600 * SECOND, 1), XSFILTER_BURST + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_burst_passes_and_no_more),
	        cmocka_unit_test(then_the_rate_holds),
	        cmocka_unit_test(forwarded_requests_cost_more),
	        cmocka_unit_test(idle_time_fills_it_but_not_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
