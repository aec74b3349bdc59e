/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-used USED... UNUSED: no entry of QEMU's allowlist is there for nothing. USED are the calls
 * that confined QEMUs have made in the cases, as tests/xen/learn writes them; an entry that is in
 * none needs a line "CALL [WHAT]: reason" in UNUSED (a pattern, as of a shell). And no such line
 * without need.
 */
#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rule.h"
#include "util.h"

#define USED_MAX   2048
#define REASON_MAX 128

/* A call that was made. An argument that was not noted is any. */
struct used {
	char name[32];
	bool has[6];
	uint32_t args[6];
};

/* A line of UNUSED. */
struct excuse {
	char pattern[64];
	bool needed;
};

static struct used used[USED_MAX];
static struct excuse excuses[REASON_MAX];
static size_t n_used, n_excuses;

static void read_lines(const char *path, void (*take)(char *line))
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (file == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '#' && line[0] != '\0')
			take(line);
	}
	free(line);
	(void)fclose(file);
}

/* NAME [INDEX=VALUE...] */
static void take_used(char *line)
{
	struct used *u = &used[n_used++];
	char *save, *word = strtok_r(line, " ", &save);

	if (n_used == USED_MAX)
		exit(EXIT_FAILURE);
	(void)snprintf(u->name, sizeof(u->name), "%s", word);
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		const unsigned int index = (unsigned int)(word[0] - '0');

		if (index >= ARRAY_SIZE(u->args) || word[1] != '=')
			exit(EXIT_FAILURE);
		u->has[index] = true;
		u->args[index] = (uint32_t)strtoul(word + 2, NULL, 0);
	}
}

/* CALL [WHAT]: reason */
static void take_excuse(char *line)
{
	const char *colon = strstr(line, ": ");

	if (colon == NULL || colon[2] == '\0' || n_excuses == REASON_MAX) {
		(void)fprintf(stderr, "%s: no reason\n", line);
		exit(EXIT_FAILURE);
	}
	(void)snprintf(excuses[n_excuses++].pattern, sizeof(excuses[0].pattern), "%.*s",
	               (int)(colon - line), line);
}

static bool is_use_of(const struct used *u, const struct rule *rule)
{
	if (strcmp(u->name, rule->call) != 0)
		return false;
	for (size_t i = 0; i < RULE_CHECKS && rule->checks[i].mask != 0; i++) {
		const struct check *c = &rule->checks[i];

		/* The line that says only that the call was made at all. */
		if (!u->has[c->index] || (u->args[c->index] & c->mask) != c->value)
			return false;
	}
	return true;
}

static bool is_used(const struct rule *rule)
{
	for (size_t i = 0; i < n_used; i++)
		if (is_use_of(&used[i], rule))
			return true;
	return false;
}

static struct excuse *find_excuse(const char *entry)
{
	for (size_t i = 0; i < n_excuses; i++)
		if (fnmatch(excuses[i].pattern, entry, 0) == 0)
			return &excuses[i];
	return NULL;
}

typedef void on_entry(const struct rule *rule, const char *entry);

/* Every entry that lets QEMU do something, and its name in UNUSED. */
static void for_each_entry(on_entry *fn)
{
	for (size_t t = 0; t < POLICY_TABLES && policy_qemu.tables[t] != NULL; t++) {
		for (const struct rule *r = policy_qemu.tables[t]; r->call != NULL; r++) {
			char entry[96];

			if (r->action != ACTION_ALLOW && r->action != ACTION_NOTIFY)
				continue;
			(void)snprintf(entry, sizeof(entry), "%s%s%s", r->call,
			               r->what != NULL ? " " : "", r->what != NULL ? r->what : "");
			fn(r, entry);
		}
	}
}

static unsigned int problems;

static void check_entry(const struct rule *rule, const char *entry)
{
	struct excuse *excuse = find_excuse(entry);

	if (is_used(rule) && excuse == NULL)
		return;
	if (!is_used(rule) && excuse != NULL) {
		excuse->needed = true;
		return;
	}
	print_error("%s: %s\n", entry,
	            excuse == NULL
	                    ? "nothing uses it, and no line of unused.txt says why it is there"
	                    : "used, but a line of unused.txt says that it is not");
	problems++;
}

static void test_every_entry_is_used(void **state)
{
	(void)state;
	assert_true(n_used > 100); /* the files were read */
	for_each_entry(check_entry);
	assert_int_equal(problems, 0);
}

static void test_every_excuse_is_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_excuses; i++) {
		if (!excuses[i].needed)
			fail_msg("%s: no unused entry is called so", excuses[i].pattern);
	}
}

/* What was made was permitted: otherwise the lists are of another policy. */
static void test_every_use_is_permitted(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_used; i++) {
		bool permitted = false;

		for (size_t t = 0; t < POLICY_TABLES && policy_qemu.tables[t] != NULL; t++) {
			for (const struct rule *r = policy_qemu.tables[t]; r->call != NULL; r++) {
				const bool any = !used[i].has[0] && !used[i].has[1] &&
				                 !used[i].has[2] && !used[i].has[3];

				permitted |=
				        (r->action == ACTION_ALLOW || r->action == ACTION_NOTIFY) &&
				        strcmp(r->call, used[i].name) == 0 &&
				        (any || is_use_of(&used[i], r));
			}
		}
		if (!permitted)
			fail_msg("%s was made and is not permitted: run tests/xen/learn",
			         used[i].name);
	}
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_entry_is_used),
	        cmocka_unit_test(test_every_excuse_is_needed),
	        cmocka_unit_test(test_every_use_is_permitted),
	};

	if (argc < 3)
		return EXIT_FAILURE;
	for (int i = 1; i < argc - 1; i++)
		read_lines(argv[i], take_used);
	read_lines(argv[argc - 1], take_excuse);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
