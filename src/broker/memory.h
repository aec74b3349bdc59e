/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's memory, through an fd of its /proc/PID/mem. Every byte is hostile and may change while it
 * is read: copy once, decide on the copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies exactly len bytes at addr of QEMU's address space; false: not all of it is mapped. */
bool memory_read(int mem, uint64_t addr, void *buf, size_t len);

/* Writes exactly len bytes at addr; false: not all of it is mapped. */
bool memory_write(int mem, uint64_t addr, const void *buf, size_t len);

/*
 * Copies a NUL-terminated string of less than size bytes. Reads no further than the page that holds
 * the NUL, since the next one need not be mapped. Returns 0, -EFAULT or -ENAMETOOLONG.
 */
int memory_read_string(int mem, uint64_t addr, char *buf, size_t size);
