/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "audit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool open_fds[FAKE_FD_END - FAKE_FD];

void check(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "violated: %s\n", what);
	abort();
}

bool is_one_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 && *text != '\t')
			return false;
	return true;
}

uint64_t take(struct input *in, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes && in->n > 0; i++, in->p++, in->n--)
		v |= (uint64_t)*in->p << (8 * i);
	return v;
}

int fake_fd(void)
{
	for (int i = 0; i < FAKE_FD_END - FAKE_FD; i++) {
		if (open_fds[i])
			continue;
		open_fds[i] = true;
		return FAKE_FD + i;
	}
	check(false, "fds are closed again");
	return -1;
}

bool is_fake_fd(int fd)
{
	return fd >= FAKE_FD && fd < FAKE_FD_END && open_fds[fd - FAKE_FD];
}

size_t fake_fds(void)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(open_fds); i++)
		n += open_fds[i];
	return n;
}

void fake_fds_reset(void)
{
	memset(open_fds, 0, sizeof(open_fds));
}

int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_close(int fd)
{
	if (fd < FAKE_FD)
		return __real_close(fd);
	check(is_fake_fd(fd), "no fd is closed twice");
	open_fds[fd - FAKE_FD] = false;
	return 0;
}

/* -Wl,--wrap=audit: the log would be all that the fuzzer does. */
void __wrap_audit(enum audit_id id, const char *what, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

void __wrap_audit(enum audit_id id, const char *what, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	check(id < AUDIT_MAX_ && what != NULL, "an event is one of the table");
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	check(is_one_line(line), "what is logged is one line");
}
