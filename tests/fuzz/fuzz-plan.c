/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds plan_parse() command lines, their words separated by NUL or newline, and checks what the
 * launcher relies on in every plan that comes out.
 *
 * With clang, `ninja src/launcher/fuzz-plan` makes a libFuzzer program of it; the tests run it over
 * the seeds and over seeds with every single byte changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "plan.h"
#include "util.h"

#define WORDS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

static bool is_one_line(const char *msg)
{
	for (; *msg != '\0'; msg++) {
		if ((unsigned char)*msg < 0x20 && *msg != '\t')
			return false;
	}
	return true;
}

static bool is_kept(const struct plan *plan, int fd)
{
	for (size_t i = 0; i < plan->n_keep_fds; i++) {
		if (plan->keep_fds[i] == fd)
			return true;
	}
	return false;
}

/* What the launcher relies on, whatever the command line was. */
static void check(const struct plan *plan, size_t argc)
{
	int last = 2;

	require(plan->argc >= 1 && plan->argc <= argc);
	require(plan->argv[plan->argc] == NULL);
	require((plan->mode == PLAN_GUEST) == (plan->domid > 0));
	require(plan->domid < 0x7ff0);
	require(plan->extra_pages <= DEVICE_PAGES_MAX);
	require(plan->mode == PLAN_GUEST ||
	        plan->n_files + plan->n_listeners + plan->n_taps + plan->n_inets + plan->ptys == 0);
	for (size_t i = 0; i < plan->n_files; i++)
		require(plan->files[i].path[0] == '/');
	for (size_t i = 0; i < plan->n_keep_fds; i++)
		require(plan->keep_fds[i] > 2);
	for (size_t i = 0; i < plan->n_listeners; i++) {
		require(plan->listeners[i].path[0] == '/');
		require(plan->listeners[i].fd > last && !is_kept(plan, plan->listeners[i].fd));
		last = plan->listeners[i].fd;
	}
	for (size_t i = 0; i < plan->n_taps; i++) {
		require(plan->taps[i].fd > last && !is_kept(plan, plan->taps[i].fd));
		last = plan->taps[i].fd;
	}
	for (size_t i = 0; i < plan->n_inets; i++)
		require(plan->inets[i].port_first <= plan->inets[i].port_last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	char *text = malloc(size + 1);
	struct plan plan;
	struct error err;
	size_t argc = 0;

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

	if (plan_parse((int)argc, argv, &plan, &err) == 0) {
		check(&plan, argc);
		plan_free(&plan);
	} else {
		require(err.msg[0] != '\0' && is_one_line(err.msg));
	}
	free(text);
	return 0;
}

#ifndef WITH_LIBFUZZER
/* Each file as it is, then with each byte in turn set to some values that matter. */
int main(int argc, char *argv[])
{
	static const uint8_t values[] = {0, '\n', ',', '=', '-', '/', '0', 0xff};
	static uint8_t data[1 << 14];

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "re");
		size_t n;

		if (f == NULL) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		n = fread(data, 1, sizeof(data), f);
		(void)fclose(f);
		(void)LLVMFuzzerTestOneInput(data, n);
		for (size_t k = 0; k < n; k++) {
			const uint8_t was = data[k];

			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				data[k] = values[v];
				(void)LLVMFuzzerTestOneInput(data, n);
			}
			data[k] = was;
		}
	}
	return EXIT_SUCCESS;
}
#endif
