/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things that every part uses. Nothing here knows about Xen or QEMU. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define cleanup(fn)   __attribute__((cleanup(fn)))
#define cleanup_fd    cleanup(close_fdp)
#define cleanup_free  cleanup(free_pp)
#define STR_(x)       #x
#define STR(x)        STR_(x)

/* For cleanup_fd: closes *fd unless it is negative, sets it to -1, keeps errno. */
void close_fdp(int *fd);

/* For cleanup_free: frees *(void **)p. */
void free_pp(void *p);

/* Hands an fd over: returns *fd and sets it to -1, so that cleanup_fd leaves it alone. */
static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

/* A whole decimal number within [min, max] and nothing else; false leaves *ret alone. */
bool parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
