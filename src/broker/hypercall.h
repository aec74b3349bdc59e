/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoding of the one raw hypercall that QEMU needs: XENMEM_populate_physmap. */
#pragma once

#include <stdint.h>

struct populate {
	uint64_t gfn;    /* first of n consecutive gfns */
	uint32_t n;      /* 4 KiB pages, at least 1 */
	uint64_t result; /* address of the multicall entry's result; 0: a direct hypercall */
};

/*
 * Decodes the struct privcmd_hypercall at addr. max_pages bounds what is read.
 * Returns 0; -EFAULT for unmapped memory; -EPERM for any hypercall but the populate of consecutive
 * single pages of domid, without flags.
 */
int hypercall_decode(int mem, uint64_t addr, uint16_t domid, uint32_t max_pages,
                     struct populate *ret);

/* What ioctl() must return for done pages; writes the multicall's result. Or -EFAULT. */
int hypercall_finish(int mem, const struct populate *p, int done);
