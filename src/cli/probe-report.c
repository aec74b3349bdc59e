/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of it, for a person (summary), a harness (TAP) and a program (JSON). */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "probe.h"
#include "util.h"

static const struct {
	int outcome;
	const char *name;
} names[] = {
        {0, "went through"},
        {OUTCOME_KILLED, "killed"},
        {OUTCOME_DIED, "died"},
        {OUTCOME_HUNG, "hung"},
        {OUTCOME_NOTHING, "nothing to try it on"},
        {OUTCOME_LEFT_OUT, "left out"},
};

/*
 * Attempts whose control cannot succeed everywhere, and why: void there, and known to be. "*" at
 * the end of a name stands for the rest of it.
 */
static const struct {
	const char *group, *name, *why;
} exceptions[] = {
        {"xenstore", "read-dotdot", "xenstored itself refuses such a path"},
        {"xenstore", "read-slashes", "xenstored itself refuses such a path"},
        {"xenstore", "two-paths", "xenstored itself refuses such a payload"},
        {"resources", "log-by-refusals", "without a broker there is nobody who would log"},
        {"kernel", "x32-getpid", "Debian's kernel has the x32 calls off (syscall.x32)"},
};

const char *outcome_name(int outcome)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].outcome == outcome)
			return names[i].name;
	return strerrorname_np(outcome) != NULL ? strerrorname_np(outcome) : "?";
}

static bool is_in(const int16_t answers[ANSWERS], int outcome)
{
	for (size_t i = 0; i < ANSWERS && answers[i] != 0; i++)
		if (answers[i] == outcome)
			return true;
	return false;
}

enum verdict probe_verdict(const struct attempt *a, const struct result *r)
{
	bool withstand = (a->flags & WITHSTAND) != 0;

	if (r->outcome == OUTCOME_LEFT_OUT)
		return LEFT_OUT;
	if (r->outcome == OUTCOME_NOTHING)
		return VOID_;
	if (withstand ? r->outcome != 0 : !is_in(a->refused, r->outcome))
		return ESCAPED;
	return r->control == 0 || (!withstand && is_in(a->reached, r->control)) ? REFUSED_ : VOID_;
}

static bool matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return strncmp(pattern, name, n - 1) == 0;
	return strcmp(pattern, name) == 0;
}

const char *probe_exception(const struct group *group, const struct attempt *attempt,
                            const struct result *result)
{
	if (result->outcome == OUTCOME_NOTHING)
		return "what it needs does not exist on this host or in this guest";
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
		if (strcmp(exceptions[i].group, group->name) == 0 &&
		    matches(exceptions[i].name, attempt->name))
			return exceptions[i].why;
	return NULL;
}

static void count(struct outcome_counts *c, const struct group *group, const struct attempt *a,
                  const struct result *r)
{
	switch (probe_verdict(a, r)) {
	case REFUSED_:
		c->refused++;
		break;
	case VOID_:
		c->unproved++;
		c->unexplained += probe_exception(group, a, r) == NULL;
		break;
	case ESCAPED:
		c->escaped++;
		break;
	case LEFT_OUT:
		c->left_out++;
		break;
	}
}

static void print_counts(const char *name, const struct outcome_counts *c, const char *what)
{
	(void)printf("%-12s %7zu %7zu %7zu %7zu   %s\n", name, c->refused, c->unproved, c->escaped,
	             c->left_out, what);
}

/* The attempts that a person has to know of, one a line. */
static void print_notable(const struct result *results)
{
	const struct group *group;
	const struct attempt *a;

	for (size_t i = 0; (a = attempt_get(i, &group)) != NULL; i++) {
		enum verdict v = probe_verdict(a, &results[i]);
		const char *why = probe_exception(group, a, &results[i]);

		if (v == ESCAPED)
			(void)printf("ESCAPED %s.%s: %s (%s)\n", group->name, a->name,
			             outcome_name(results[i].outcome), a->why);
		if (v == VOID_)
			(void)printf("void    %s.%s: control: %s: %s\n", group->name, a->name,
			             outcome_name(results[i].control),
			             why != NULL ? why : "no reason is known");
	}
}

struct outcome_counts report_summary(const struct result *results)
{
	struct outcome_counts total = {0};
	size_t index = 0;

	(void)printf("%-12s %7s %7s %7s %7s\n", "group", "refused", "void", "ESCAPED", "left out");
	for (size_t g = 0; g < probe_n_groups; g++) {
		const struct group *group = probe_groups[g];
		struct outcome_counts c = {0};

		for (size_t i = 0; i < group->n; i++, index++) {
			count(&c, group, &group->attempts[i], &results[index]);
			count(&total, group, &group->attempts[i], &results[index]);
		}
		print_counts(group->name, &c, group->what);
	}
	print_counts("all", &total, "");
	print_notable(results);
	return total;
}

void report_tap(const struct result *results)
{
	const struct group *group;
	const struct attempt *a;

	(void)printf("TAP version 14\n1..%zu\n", attempt_count());
	for (size_t i = 0; (a = attempt_get(i, &group)) != NULL; i++) {
		const struct result *r = &results[i];
		enum verdict v = probe_verdict(a, r);
		const char *why = probe_exception(group, a, r);

		(void)printf("%s %zu - %s.%s: %s", v == ESCAPED ? "not ok" : "ok", i + 1,
		             group->name, a->name, outcome_name(r->outcome));
		if (v == VOID_)
			(void)printf(" # SKIP void, control: %s: %s", outcome_name(r->control),
			             why != NULL ? why : "no reason is known");
		if (v == LEFT_OUT)
			(void)printf(" # SKIP would harm the guest");
		(void)putchar('\n');
	}
}

static json_t *json_of(const struct group *group, const struct attempt *a, const struct result *r)
{
	static const char *const verdicts[] = {[REFUSED_] = "refused",
	                                       [VOID_] = "void",
	                                       [ESCAPED] = "escaped",
	                                       [LEFT_OUT] = "left out"};
	enum verdict v = probe_verdict(a, r);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:s?}", "group", group->name,
	                 "name", a->name, "why", a->why, "verdict", verdicts[v], "outcome",
	                 outcome_name(r->outcome), "through",
	                 r->outcome == 0 || is_in(a->reached, r->outcome), "withstand",
	                 (a->flags & WITHSTAND) != 0, "control", outcome_name(r->control),
	                 "void_because", v == VOID_ ? probe_exception(group, a, r) : NULL);
}

int report_json(const char *path, enum where where, const struct result *results)
{
	static const char *const places[] = {
	        [IN_PLACE] = "in QEMU's place", [INSIDE] = "inside QEMU", [CONTROL] = "control"};
	json_t *list = json_array(), *all;
	const struct group *group;
	const struct attempt *a;
	int r;

	for (size_t i = 0; (a = attempt_get(i, &group)) != NULL; i++)
		(void)json_array_append_new(list, json_of(group, a, &results[i]));
	all = json_pack("{s:i, s:s, s:o}", "version", 1, "where", places[where], "attempts", list);
	r = all != NULL ? json_dump_file(all, path, JSON_INDENT(1)) : -1;
	json_decref(all);
	return r;
}

bool report_wanted(const char *only, const struct group *group, const struct attempt *attempt)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", group->name, attempt->name);
	return only == NULL || fnmatch(only, name, 0) == 0;
}

void report_list(const char *only)
{
	const struct group *group;
	const struct attempt *a;

	for (size_t i = 0; (a = attempt_get(i, &group)) != NULL; i++) {
		if (!report_wanted(only, group, a))
			continue;
		(void)printf("%-12s %-32s ", group->name, a->name);
		if ((a->flags & WITHSTAND) != 0)
			(void)printf("%-8s", "serves");
		for (size_t k = 0; k < ANSWERS && a->refused[k] != 0; k++)
			(void)printf("%s%-8s", k > 0 ? "|" : "", outcome_name(a->refused[k]));
		(void)printf(" %s\n", a->why);
	}
}
