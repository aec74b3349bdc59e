/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs plan_parse() on literal words and compares what comes out. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "util.h"

/* Words after the program's own name; GUEST is the least that a guest needs. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GUEST      "-xen-domid", "7", "-nodefaults"

/* plan_parse() on "dm" and these words. */
static inline int parse_words(const char *const words[], struct plan *plan, struct error *err)
{
	size_t n = 0;
	char **argv;
	int r;

	while (words[n] != NULL)
		n++;
	argv = calloc(n + 2, sizeof(char *));
	assert_non_null(argv);
	argv[0] = strdup("dm");
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = strdup(words[i]);
	r = plan_parse((int)n + 1, argv, plan, err);
	/* What the plan owns must not point in here. */
	for (size_t i = 0; i <= n; i++)
		free(argv[i]);
	free(argv);
	return r;
}

static inline struct plan accepted(const char *const words[])
{
	struct plan plan;
	struct error err = {""};

	if (parse_words(words, &plan, &err) < 0)
		fail_msg("refused: %s", err.msg);
	return plan;
}

static inline void assert_refused(const char *const words[], const char *msg)
{
	static const struct plan empty;
	struct plan plan;
	struct error err = {""};

	assert_int_equal(parse_words(words, &plan, &err), -1);
	assert_string_equal(err.msg, msg);
	assert_memory_equal(&plan, &empty, sizeof(plan));
}

/* QEMU's command line is "dm" and exactly these words. */
static inline void assert_argv(const struct plan *plan, const char *const words[])
{
	assert_string_equal(plan->argv[0], "dm");
	for (size_t i = 0; words[i] != NULL; i++) {
		assert_true(i + 1 < plan->argc);
		assert_string_equal(plan->argv[i + 1], words[i]);
		assert_true(i + 1 < plan->argc - 1 || words[i + 1] == NULL);
	}
	assert_null(plan->argv[plan->argc]);
}

static inline void assert_file(const struct plan *plan, size_t i, const char *path, bool writable)
{
	assert_true(i < plan->n_files);
	assert_string_equal(plan->files[i].path, path);
	assert_int_equal(plan->files[i].writable, writable);
}

static inline void assert_listener(const struct plan *plan, size_t i, const char *path, int fd)
{
	assert_true(i < plan->n_listeners);
	assert_string_equal(plan->listeners[i].path, path);
	assert_int_equal(plan->listeners[i].fd, fd);
}

static inline void assert_tap(const struct plan *plan, size_t i, const char *ifname, int fd)
{
	assert_true(i < plan->n_taps);
	assert_string_equal(plan->taps[i].ifname, ifname);
	assert_int_equal(plan->taps[i].fd, fd);
}

static inline void assert_inet(const struct plan *plan, size_t i, const char *addr, uint16_t first,
                               uint16_t last)
{
	assert_true(i < plan->n_inets);
	assert_string_equal(plan->inets[i].addr, addr);
	assert_int_equal(plan->inets[i].port_first, first);
	assert_int_equal(plan->inets[i].port_last, last);
}
