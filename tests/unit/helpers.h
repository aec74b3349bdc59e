/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several unit tests want to know about their own process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many fds this process has open, for "nothing has leaked". */
size_t count_fds(void);

/* The number that QEMU would pass to the kernel for p. */
static inline uint64_t address_of(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* The end of a mapped page whose successor is not mapped. Stays for the process's life. */
char *end_of_mapping(void);

/* Runs fn in a child, where it may ruin the fd table; whether it has returned true. */
bool true_in_child(bool (*fn)(void));
