/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only unrestricted hypercall of a device model's life: before the guest runs, in here.
 *
 * Raw rather than through libxenctrl, which ties a program to one release of the hypervisor: what
 * it is built on, domctl and sysctl, changes with each. XENMEM_populate_physmap and the kernel's
 * privcmd are stable (xen/memory.h, xen/sys/privcmd.h).
 */
#define __XEN_TOOLS__ 1 /* the current hypercall ABI: xen/xen-compat.h */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/xen.h>

/* These two want the types above. */
#include <xen/memory.h>
#include <xen/sys/privcmd.h>

#include "monitor.h"
#include "util.h"

#define PRIVCMD   "/dev/xen/privcmd"
#define HYPERCALL "/dev/xen/hypercall"

/* Extents of one hypercall: the 16 MiB of the largest default VRAM in one. */
#define BATCH 4096

/* What the hypervisor reads: pages of /dev/xen/hypercall, which are never moved or paged out. */
struct buffer {
	struct xen_memory_reservation reservation;
	xen_pfn_t extents[BATCH];
};

struct xen {
	int privcmd, hypercall;
	struct buffer *buffer; /* NULL until the first hypercall */
};

struct xen *xen_open(struct error *err)
{
	static struct xen the_one;

	the_one.privcmd = openat(AT_FDCWD, PRIVCMD, O_RDWR | O_CLOEXEC);
	if (the_one.privcmd < 0)
		return (void)error_errno(err, "cannot open %s", PRIVCMD), NULL;
	the_one.hypercall = openat(AT_FDCWD, HYPERCALL, O_RDWR | O_CLOEXEC);
	if (the_one.hypercall < 0)
		return (void)error_errno(err, "cannot open %s", HYPERCALL), NULL;
	return &the_one;
}

void xen_close(struct xen *xen)
{
	if (xen->buffer != NULL)
		(void)munmap(xen->buffer, sizeof(*xen->buffer));
	xen->buffer = NULL;
	close_fdp(&xen->privcmd);
	close_fdp(&xen->hypercall);
}

static int map_buffer(struct xen *xen)
{
	void *p = mmap(NULL, sizeof(*xen->buffer), PROT_READ | PROT_WRITE, MAP_SHARED,
	               xen->hypercall, 0);

	if (p == MAP_FAILED)
		return -1;
	xen->buffer = p;
	return 0;
}

/* Returns how many of the n extents Xen has done, or -1 with errno. */
static int populate_batch(struct xen *xen, uint16_t domid, uint64_t gfn, uint32_t n)
{
	struct buffer *b = xen->buffer;
	privcmd_hypercall_t call = {
	        .op = __HYPERVISOR_memory_op,
	        .arg = {XENMEM_populate_physmap, (uintptr_t)&b->reservation},
	};

	b->reservation = (struct xen_memory_reservation){.nr_extents = n, .domid = domid};
	set_xen_guest_handle(b->reservation.extent_start, b->extents);
	for (uint32_t i = 0; i < n; i++)
		b->extents[i] = gfn + i;
	return ioctl(xen->privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

int xen_populate(struct xen *xen, uint16_t domid, uint64_t gfn, uint32_t n)
{
	uint32_t done = 0;

	if (xen->buffer == NULL && map_buffer(xen) < 0)
		return -errno;
	while (done < n) {
		uint32_t batch = n - done < BATCH ? n - done : BATCH;
		int r = populate_batch(xen, domid, gfn + done, batch);

		if (r < 0)
			return done > 0 ? (int)done : -errno;
		done += (uint32_t)r;
		if ((uint32_t)r < batch)
			break; /* Xen is out of memory or at the domain's limit */
	}
	return (int)done;
}
