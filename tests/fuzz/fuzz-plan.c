/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds plan_parse() command lines, their words separated by NUL or newline, and checks what the
 * launcher relies on in every plan that comes out.
 */
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "fuzz.h"
#include "nomem.h"
#include "plan.h"

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
static int parse(size_t argc, char *argv[], int failing)
{
	static const struct plan empty;
	struct plan plan;
	struct error err;
	int r, n, number;

	nomem_begin(failing);
	r = plan_parse((int)argc, argv, &plan, &err);
	n = nomem_end();
	if (r == 0) {
		check(failing < 0, "a plan needs all its memory");
		check_plan(&plan, argc);
		if (plan_add_listener(&plan, "/run/x", &number, &err) == 0)
			check(number > 2 && !is_kept(&plan, number), "no fd is two things");
		while (plan_add_dir(&plan, "/srv", "a test", &err) == 0)
			check(plan.n_dirs <= PLAN_MAX_DIRS, "directories are bounded");
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

	n = parse(argc, argv, -1);
	if (n > 0)
		(void)parse(argc, argv, nomem_pick(data, size, n));
	free(text);
	return 0;
}
