/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attempts on a Xen handle that a restricted one refuses. Each returns what ioctl() does. */
#pragma once

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include <xen/version.h>
#include <xen/xen.h>

/* These two want the types above. */
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

/* xen_version needs no privilege: the least of all raw hypercalls. */
static inline int xen_raw_hypercall(int fd)
{
	privcmd_hypercall_t call = {.op = __HYPERVISOR_xen_version, .arg = {XENVER_version}};

	return ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

/* Without buffers: the kernel checks the domid and is done. */
static inline int xen_dm_op(int fd, uint16_t domid)
{
	privcmd_dm_op_t op = {.dom = domid};

	return ioctl(fd, IOCTL_PRIVCMD_DM_OP, &op);
}

static inline int xen_bind_virq(int fd)
{
	struct ioctl_evtchn_bind_virq bind = {.virq = VIRQ_CON_RING};

	return ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &bind);
}
