/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each allocation of plan_parse() fails once: an error every time, and (with ASan) no leak. */
#include "plan-fixture.h"

#include <stdio.h>

/* Counts down to the allocation that fails; negative: none does. */
static int countdown = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int r;

	*ret = NULL;
	if (fails())
		return -1;
	va_start(ap, fmt);
	r = vasprintf(ret, fmt, ap);
	va_end(ap);
	return r;
}

static void test_every_allocation(void **state)
{
	static const char *const words[] = {
	        "dm",       GUEST,
	        "-name",    "a,,b",
	        "-chardev", "socket,id=a,path=/a,server,nowait",
	        "-netdev",  "tap,id=n,ifname=vif7.0-emu,script=no",
	        "-vnc",     "localhost:0,to=9",
	        "-spice",   "port=5930,addr=localhost",
	        "-display", "vnc=localhost:1",
	        "-drive",   "file=/disk,format=raw",
	        "-runas",   "131079:131072",
	        "-unknown", "word",
	};
	char *argv[ARRAY_SIZE(words) + 1] = {NULL};
	struct plan plan;
	struct error err;
	int n, r = -1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		argv[i] = __real_strdup(words[i]);
	for (n = 0; r < 0; n++) {
		err.msg[0] = '\0';
		countdown = n;
		r = plan_parse((int)ARRAY_SIZE(words), argv, &plan, &err);
		if (r < 0)
			assert_non_null(strstr(err.msg, ": out of memory"));
	}
	countdown = -1;
	assert_true(n > 50); /* that so many were reached shows that they are counted */
	plan_free(&plan);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free(argv[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
