/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The battery's table is sound, it knows every call that the filter kills for, and what its
 * outcomes mean. Running it is a case on Xen. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attempt.h"
#include "facts.h"
#include "probe.h"
#include "rule.h"
#include "util.h"

static bool is_in(const int16_t list[ANSWERS], int answer)
{
	for (size_t i = 0; i < ANSWERS && list[i] != 0; i++)
		if (list[i] == answer)
			return true;
	return false;
}

static void test_there_are_enough(void **state)
{
	(void)state;
	assert_true(attempt_count() >= 120);
}

static void test_each_row_says_what_it_must(void **state)
{
	const struct group *group, *other_group;
	const struct attempt *a, *b;

	(void)state;
	for (size_t i = 0; (a = attempt_get(i, &group)) != NULL; i++) {
		bool withstand = (a->flags & WITHSTAND) != 0;

		if (a->name == NULL || a->why == NULL || (a->try == NULL && a->call == 0) ||
		    withstand != (a->refused[0] == 0))
			fail_msg("%s.%s: incomplete", group->name, a->name);
		for (size_t k = 0; k < ANSWERS && a->reached[k] != 0; k++)
			if (is_in(a->refused, a->reached[k]))
				fail_msg("%s.%s: %s is both", group->name, a->name,
				         strerror(a->reached[k]));
		for (size_t k = 0; k < i; k++) {
			b = attempt_get(k, &other_group);
			if (group == other_group && strcmp(a->name, b->name) == 0)
				fail_msg("%s.%s: twice", group->name, a->name);
		}
	}
}

/* Whatever kills must be tried, or nobody sees that it does. */
static void test_every_killing_call_is_tried(void **state)
{
	const struct group *group;
	const struct attempt *a;

	(void)state;
	for (size_t t = 0; t < POLICY_TABLES && policy_qemu.tables[t] != NULL; t++) {
		for (const struct rule *r = policy_qemu.tables[t]; r->call != NULL; r++) {
			bool tried = r->action != ACTION_KILL;

			for (size_t i = 0; (a = attempt_get(i, &group)) != NULL; i++)
				tried |= a->call == r->nr && a->refused[0] == OUTCOME_KILLED;
			if (!tried)
				fail_msg("%s: no attempt", r->call);
		}
	}
}

static void test_verdicts(void **state)
{
	static const struct attempt refused = {.refused = {EPERM}, .reached = {EFAULT}},
	                            withstood = {.flags = WITHSTAND};
	static const struct {
		const struct attempt *attempt;
		struct result result;
		enum verdict verdict;
	} cases[] = {
	        {&refused, {EPERM, 0}, REFUSED_},
	        {&refused, {EPERM, EFAULT}, REFUSED_},
	        {&refused, {EPERM, EPERM}, VOID_},
	        {&refused, {EPERM, OUTCOME_NOTHING}, VOID_},
	        {&refused, {OUTCOME_NOTHING, 0}, VOID_},
	        {&refused, {0, 0}, ESCAPED},
	        {&refused, {0, EPERM}, ESCAPED},
	        {&refused, {EFAULT, EFAULT}, ESCAPED},
	        {&refused, {ENOSYS, 0}, ESCAPED},
	        {&refused, {OUTCOME_DIED, 0}, ESCAPED},
	        {&refused, {OUTCOME_HUNG, 0}, ESCAPED},
	        {&refused, {OUTCOME_LEFT_OUT, 0}, LEFT_OUT},
	        {&withstood, {0, 0}, REFUSED_},
	        {&withstood, {0, EPERM}, VOID_},
	        {&withstood, {OUTCOME_HUNG, 0}, ESCAPED},
	        {&withstood, {EIO, 0}, ESCAPED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(probe_verdict(cases[i].attempt, &cases[i].result),
		                 cases[i].verdict);
}

static void test_outcomes_have_names(void **state)
{
	(void)state;
	assert_string_equal(outcome_name(0), "went through");
	assert_string_equal(outcome_name(EPERM), "EPERM");
	assert_string_equal(outcome_name(OUTCOME_KILLED), "killed");
	assert_string_equal(outcome_name(54321), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_there_are_enough),
	        cmocka_unit_test(test_each_row_says_what_it_must),
	        cmocka_unit_test(test_every_killing_call_is_tried),
	        cmocka_unit_test(test_verdicts),
	        cmocka_unit_test(test_outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
