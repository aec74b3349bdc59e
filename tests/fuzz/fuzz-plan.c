/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds plan_parse() command lines, their words separated by NUL or newline, and checks what the
 * launcher relies on in every plan that comes out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "fuzz.h"
#include "nomem.h"
#include "plan.h"
#include "util.h"

#define WORDS_MAX 256

static bool is_kept(const struct plan *plan, int fd)
{
	for (size_t i = 0; i < plan->n_keep_fds; i++) {
		if (plan->keep_fds[i] == fd)
			return true;
	}
	return false;
}

/* A listener's or tap's fd: a number that nothing else has, in ascending order. */
static void check_number(const struct plan *plan, int fd, int *last)
{
	check(fd > *last, "fds are numbered upwards, above 2");
	check(!is_kept(plan, fd), "no fd is two things");
	*last = fd;
}

/* Whether the plan took it; otherwise it says why. */
static bool added(int r, const struct error *err)
{
	check(r == 0 || (err->msg[0] != '\0' && is_one_line(err->msg)), "a refusal says why");
	return r == 0;
}

/* What the configuration and the unit add, more often than there is room for. */
static void check_additions(struct plan *plan, int failing)
{
	static const char *const paths[] = {"/a", "/b/c", "relative", "/a"};
	struct error err = {""};
	char path[16];
	int fd;

	nomem_begin(failing);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		(void)added(plan_add_file(plan, paths[i], i % 2 == 0, i < 2 ? "x" : NULL, &err),
		            &err);
	for (int i = 0; i <= PLAN_MAX_DIRS; i++)
		(void)added(plan_add_dir(plan, "/d", "x", &err), &err);
	for (int i = 0; i <= PLAN_MAX_LISTENERS; i++) {
		(void)snprintf(path, sizeof(path), "/l/%d", i);
		if (added(plan_add_listener(plan, path, &fd, &err), &err))
			check(!is_kept(plan, fd) && fd > 2, "a listener's number is its own");
	}
	(void)nomem_end();
	check(plan->n_files <= PLAN_MAX_FILES && plan->n_dirs <= PLAN_MAX_DIRS &&
	              plan->n_listeners <= PLAN_MAX_LISTENERS,
	      "there is room for all of it");
}

/* What the launcher relies on, whatever the command line was. */
static void check_plan(const struct plan *plan, size_t argc)
{
	int last = 2;

	check(plan->argc >= 1 && plan->argc <= argc, "arguments are only taken away");
	check(plan->argv[plan->argc] == NULL, "argv has an end");
	check((plan->mode == PLAN_GUEST) == (plan->domid > 0), "a guest has a domid");
	check(plan->domid < 0x7ff0, "of a domain");
	check(plan->extra_pages <= DEVICE_PAGES_MAX, "pages are bounded");
	check(plan->mode == PLAN_GUEST || plan->n_files + plan->n_listeners + plan->n_taps +
	                                                  plan->n_inets + plan->ptys ==
	                                          0,
	      "the probe run holds nothing");
	for (size_t i = 0; i < plan->n_files; i++)
		check(plan->files[i].path[0] == '/', "a file has an absolute path");
	for (size_t i = 0; i < plan->n_keep_fds; i++)
		check(plan->keep_fds[i] > 2, "kept fds are above 2");
	for (size_t i = 0; i < plan->n_listeners; i++) {
		check(plan->listeners[i].path[0] == '/', "a listener has an absolute path");
		check_number(plan, plan->listeners[i].fd, &last);
	}
	for (size_t i = 0; i < plan->n_taps; i++)
		check_number(plan, plan->taps[i].fd, &last);
	for (size_t i = 0; i < plan->n_inets; i++)
		check(plan->inets[i].port_first <= plan->inets[i].port_last, "ports are a range");
}

/* Returns how many allocations it took. */
static int parse(size_t argc, char *argv[], int failing, int failing_later)
{
	static const struct plan empty;
	struct plan plan;
	struct error err;
	int r, n;

	nomem_begin(failing);
	r = plan_parse((int)argc, argv, &plan, &err);
	n = nomem_end();
	if (r == 0) {
		check(failing < 0, "a plan needs all its memory");
		check_plan(&plan, argc);
		check_additions(&plan, failing_later);
		plan_free(&plan);
	} else {
		check(err.msg[0] != '\0' && is_one_line(err.msg), "a refusal says why in one line");
		check(memcmp(&plan, &empty, sizeof(plan)) == 0, "and leaves nothing");
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	char *text = malloc(size + 1);
	size_t argc = 0;
	int n;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	argv[argc++] = text;
	for (size_t i = 0; i < size && argc < WORDS_MAX; i++) {
		if (text[i] != '\0' && text[i] != '\n')
			continue;
		text[i] = '\0';
		argv[argc++] = &text[i + 1];
	}
	argv[argc] = NULL;

	n = parse(argc, argv, -1, nomem_pick(data, size, 40));
	if (n > 0)
		(void)parse(argc, argv, nomem_pick(data, size, n), -1);
	free(text);
	return 0;
}
