/* SPDX-License-Identifier: GPL-2.0-or-later */
#define __XEN_TOOLS__ 1 /* the current hypercall ABI: xen/xen-compat.h */

#include "hypercall.h"

#include <errno.h>
#include <stddef.h>

#include <xen/xen.h>

#include <xen/memory.h>
#include <xen/sys/privcmd.h>

#include "memory.h"
#include "util.h"

/* gfns read at a time: the array of a large VRAM need not fit our stack. */
#define CHUNK 512u

/* The array must be gfn, gfn + 1, ...: QEMU's always is, and it makes the request two numbers. */
static int read_extents(int mem, uint64_t addr, uint32_t n, uint64_t *ret_gfn)
{
	uint64_t gfns[CHUNK];
	uint64_t first = 0;

	for (uint32_t done = 0; done < n;) {
		uint32_t chunk = n - done < CHUNK ? n - done : CHUNK;

		if (!memory_read(mem, addr + done * sizeof(gfns[0]), gfns, chunk * sizeof(gfns[0])))
			return -EFAULT;
		if (done == 0)
			first = gfns[0];
		for (uint32_t i = 0; i < chunk; i++)
			if (gfns[i] != first + done + i)
				return -EPERM;
		done += chunk;
	}
	*ret_gfn = first;
	return 0;
}

static int decode_memory_op(int mem, uint64_t cmd, uint64_t addr, uint16_t domid,
                            uint32_t max_pages, struct populate *ret)
{
	struct xen_memory_reservation r;

	/* The bits above the command would be a start extent (MEMOP_EXTENT_SHIFT): never used. */
	if (cmd != XENMEM_populate_physmap)
		return -EPERM;
	if (!memory_read(mem, addr, &r, sizeof(r)))
		return -EFAULT;
	if (r.domid != domid || r.extent_order != 0 || r.mem_flags != 0 || r.nr_extents == 0 ||
	    r.nr_extents > max_pages)
		return -EPERM;
	ret->n = (uint32_t)r.nr_extents;
	return read_extents(mem, (uint64_t)(uintptr_t)r.extent_start.p, ret->n, &ret->gfn);
}

int hypercall_decode(int mem, uint64_t addr, uint16_t domid, uint32_t max_pages,
                     struct populate *ret)
{
	privcmd_hypercall_t call;
	struct multicall_entry entry;

	if (!memory_read(mem, addr, &call, sizeof(call)))
		return -EFAULT;
	ret->result = 0;
	if (call.op == __HYPERVISOR_memory_op)
		return decode_memory_op(mem, call.arg[0], call.arg[1], domid, max_pages, ret);

	/* libxenctrl 4.17 and 4.20 wrap it in a multicall of one entry. */
	if (call.op != __HYPERVISOR_multicall || call.arg[1] != 1)
		return -EPERM;
	if (!memory_read(mem, call.arg[0], &entry, sizeof(entry)))
		return -EFAULT;
	if (entry.op != __HYPERVISOR_memory_op)
		return -EPERM;
	ret->result = call.arg[0] + offsetof(struct multicall_entry, result);
	return decode_memory_op(mem, entry.args[0], entry.args[1], domid, max_pages, ret);
}

int hypercall_finish(int mem, const struct populate *p, int done)
{
	const uint64_t result = (uint64_t)(int64_t)done;

	if (p->result == 0)
		return done;
	return memory_write(mem, p->result, &result, sizeof(result)) ? 0 : -EFAULT;
}
