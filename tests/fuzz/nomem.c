/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nomem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fails_at = -1, count;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void nomem_begin(int nth)
{
	fails_at = nth;
	count = 0;
}

int nomem_end(void)
{
	fails_at = -1;
	return count;
}

int nomem_pick(const uint8_t *data, size_t size, int n)
{
	uint32_t sum = (uint32_t)size;

	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + data[i];
	return (int)(sum % (uint32_t)n);
}

static bool fails(void)
{
	return count++ == fails_at;
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
