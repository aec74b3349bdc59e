/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-used DIR: what QEMU's policy permits against what QEMU does. DIR/used-SUITE.txt holds the
 * calls that a confined QEMU has made in the cases on Xen (tests/xen/learn writes it), one a line:
 *   CALL [INDEX=VALUE...]     the arguments are those that the policy looks at, their low 32 bits
 * DIR/unused.txt names what no case makes on either suite, with the reason why it is permitted:
 *   CALL [WORD...]: REASON    a word is the rule's name of what it lets through or INDEX=VALUE of a
 *                             check; together they name one rule
 * Every rule that lets a call through is in one or the other, none in both. What is refused needs
 * no user.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rule.h"
#include "util.h"

#define WORDS_MAX 8

/* A line of either file, split in place. */
struct line {
	char *text;
	const char *words[WORDS_MAX];
	size_t n;
	const char *reason; /* NULL in used-SUITE.txt */
};

/* Large enough for any of the files; what does not fit fails. */
static struct list {
	struct line lines[500];
	size_t n;
} used, unused;

static const char *dir;

static bool is_check(const struct check *c, const char *word)
{
	char *end;
	const unsigned long index = strtoul(word, &end, 10);

	return *end == '=' && index == c->index &&
	       (strtoul(end + 1, NULL, 0) & c->mask) == c->value;
}

/* One of the line's words is this argument, and as the rule wants it. */
static bool has_argument(const struct line *line, const struct check *c)
{
	for (size_t w = 1; w < line->n; w++)
		if (is_check(c, line->words[w]))
			return true;
	return false;
}

/* A call that was made matches the rule. */
static bool matches(const struct rule *rule, const struct line *line)
{
	if (strcmp(line->words[0], rule->call) != 0)
		return false;
	for (size_t i = 0; i < RULE_CHECKS && rule->checks[i].mask != 0; i++)
		if (!has_argument(line, &rule->checks[i]))
			return false;
	return true;
}

/* A line of unused.txt names the rule. */
static bool names(const struct rule *rule, const struct line *line)
{
	if (strcmp(line->words[0], rule->call) != 0)
		return false;
	for (size_t w = 1; w < line->n; w++) {
		bool said = rule->what != NULL && strcmp(line->words[w], rule->what) == 0;

		for (size_t i = 0; i < RULE_CHECKS && rule->checks[i].mask != 0; i++)
			said = said || is_check(&rule->checks[i], line->words[w]);
		if (!said)
			return false;
	}
	return true;
}

static const struct line *find(const struct list *list, const struct rule *rule,
                               bool (*is)(const struct rule *rule, const struct line *line))
{
	for (size_t i = 0; i < list->n; i++)
		if (is(rule, &list->lines[i]))
			return &list->lines[i];
	return NULL;
}

static bool lets_through(const struct rule *rule)
{
	return rule->action == ACTION_ALLOW || rule->action == ACTION_NOTIFY;
}

/*
 * Calls `each` with every rule that lets a call through. The probe's policy has the same tables
 * but one, with three of the same calls.
 */
static void for_each_rule(void (*each)(const struct rule *rule, void *arg), void *arg)
{
	for (size_t t = 0; t < POLICY_TABLES && policy_qemu.tables[t] != NULL; t++)
		for (const struct rule *r = policy_qemu.tables[t]; r->call != NULL; r++)
			if (lets_through(r))
				each(r, arg);
}

static void check_use(const struct rule *rule, void *arg)
{
	const struct line *user = find(&used, rule, matches);
	const struct line *excuse = find(&unused, rule, names);
	const char *what = rule->what != NULL ? rule->what : "";
	size_t *wrong = arg;

	if ((user != NULL) != (excuse != NULL))
		return;
	(*wrong)++;
	if (user == NULL)
		print_error("%s %s: no case uses it, and unused.txt gives no reason for it\n",
		            rule->call, what);
	else
		print_error("%s %s: a case uses it, and unused.txt says that none does\n",
		            rule->call, what);
}

static void each_rule_is_used(void **state)
{
	size_t wrong = 0;

	(void)state;
	for_each_rule(check_use, &wrong);
	assert_int_equal(wrong, 0);
}

struct count {
	const struct line *line;
	bool (*is)(const struct rule *rule, const struct line *line);
	size_t n;
};

static void count_rule(const struct rule *rule, void *arg)
{
	struct count *count = arg;

	if (count->is(rule, count->line))
		count->n++;
}

static void each_reason_is_one_rule_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < unused.n; i++) {
		struct count count = {.line = &unused.lines[i], .is = names};

		for_each_rule(count_rule, &count);
		if (count.n != 1)
			fail_msg("unused.txt: '%s' names %zu rules", count.line->text, count.n);
	}
}

/* Otherwise the policy has lost what QEMU needs since the calls were noted. */
static void each_call_that_was_made_is_permitted(void **state)
{
	(void)state;
	for (size_t i = 0; i < used.n; i++) {
		struct count count = {.line = &used.lines[i], .is = matches};

		for_each_rule(count_rule, &count);
		if (count.n == 0)
			fail_msg("%s was called, and no rule permits it", count.line->text);
	}
}

/* Takes over `text`. */
static void add(struct list *list, char *text, bool with_reason)
{
	struct line *line = &list->lines[list->n++];
	char *words = strdup(text), *colon = strchr(words, ':'), *rest;

	assert_true(list->n < ARRAY_SIZE(list->lines));
	line->text = text;
	if ((colon != NULL) != with_reason || (colon != NULL && strlen(colon) < 3))
		fail_msg("'%s' %s", text, with_reason ? "gives no reason" : "is no call");
	if (colon != NULL) {
		line->reason = colon + 2;
		*colon = '\0';
	}
	for (char *w = strtok_r(words, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
		assert_true(line->n < WORDS_MAX);
		line->words[line->n++] = w;
	}
	assert_true(line->n > 0);
}

static void read_list(struct list *list, const char *name, bool with_reasons)
{
	char path[4096], *text = NULL;
	size_t size = 0, before = list->n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	while (getline(&text, &size, f) > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (*text != '#' && *text != '\0')
			add(list, strdup(text), with_reasons);
	}
	free(text);
	assert_int_equal(ferror(f), 0);
	assert_int_equal(fclose(f), 0);
	assert_true(list->n > before);
}

static int read_lists(void **state)
{
	(void)state;
	read_list(&used, "used-bookworm.txt", false);
	read_list(&used, "used-trixie.txt", false);
	read_list(&unused, "unused.txt", true);
	return 0;
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_rule_is_used),
	        cmocka_unit_test(each_reason_is_one_rule_s),
	        cmocka_unit_test(each_call_that_was_made_is_permitted),
	};

	if (argc != 2) {
		(void)fprintf(stderr, "usage: test-used DIR\n");
		return EXIT_FAILURE;
	}
	dir = argv[1];
	return cmocka_run_group_tests(tests, read_lists, NULL);
}
