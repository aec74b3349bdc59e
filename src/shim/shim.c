/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into QEMU. No part of the confinement: a QEMU without it merely does not start.
 *
 * libxendevicemodel probes IOCTL_PRIVCMD_DM_OP with DOMID_INVALID and no buffers when it opens
 * (tools/libs/devicemodel/linux.c). On a restricted fd that is EPERM, which the library takes for
 * a kernel without DM_OP. The kernel answers this probe with 0 where it is not restricted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/xen.h>

#include <xen/sys/privcmd.h>

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);

	if (request == IOCTL_PRIVCMD_DM_OP && arg != NULL) {
		const privcmd_dm_op_t *op = arg;

		if (op->dom == DOMID_INVALID && op->num == 0)
			return 0;
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}
