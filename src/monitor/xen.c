/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only unrestricted hypercalls of a device model's life: before the guest runs, in here. */
#include <errno.h>
#include <stdlib.h>

#include <xenctrl.h>

#include "monitor.h"

/* Extents of one hypercall: 32 KiB of bounce buffer, well below RLIMIT_MEMLOCK's default. */
#define BATCH 4096

struct xen {
	xc_interface *xch;
	xen_pfn_t extents[BATCH];
};

struct xen *xen_open(struct error *err)
{
	struct xen *xen = malloc(sizeof(*xen));

	if (xen == NULL)
		return (void)error_errno(err, "cannot open the hypercall interface"), NULL;
	xen->xch = xc_interface_open(NULL, NULL, 0);
	if (xen->xch == NULL) {
		(void)error_errno(err, "cannot open the hypercall interface");
		free(xen);
		return NULL;
	}
	return xen;
}

void xen_close(struct xen *xen)
{
	if (xen == NULL)
		return;
	(void)xc_interface_close(xen->xch);
	free(xen);
}

int xen_has_run(struct xen *xen, uint16_t domid)
{
	xc_domaininfo_t info;

	if (xc_domain_getinfolist(xen->xch, domid, 1, &info) != 1 || info.domain != domid)
		return -1;
	/*
	 * The toolstack creates a domain paused. While that first pause lasts no vcpu has run:
	 * a domain that was paused again later has used some cpu time.
	 */
	return (info.flags & XEN_DOMINF_paused) == 0 || info.cpu_time != 0;
}

int xen_populate(struct xen *xen, uint16_t domid, uint64_t gfn, uint32_t n)
{
	uint32_t done = 0;

	while (done < n) {
		unsigned int batch = n - done < BATCH ? n - done : BATCH;
		int r;

		for (unsigned int i = 0; i < batch; i++)
			xen->extents[i] = gfn + done + i;
		r = xc_domain_populate_physmap(xen->xch, domid, batch, 0, 0, xen->extents);
		if (r < 0)
			return done > 0 ? (int)done : -errno;
		done += (uint32_t)r;
		if ((unsigned int)r < batch)
			break; /* Xen is out of memory or at the domain's limit */
	}
	return (int)done;
}
