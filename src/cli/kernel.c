/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"
#include "launch.h"

/* seccomp(2), NOTES: a known flag with no program is EFAULT, an unknown one EINVAL. */
static const char *lacks_seccomp(void)
{
	const unsigned long flags =
	        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	const long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL);

	return r == 0 || errno != EINVAL ? NULL : "needs Linux 5.19";
}

static const char *lacks_xen(void)
{
	return access("/dev/xen/privcmd", F_OK) == 0 ? NULL : "this host is no Xen dom0";
}

const char *kernel_lacks(enum layer layer)
{
	if (layer_rows[layer].need == NEED_NEVER)
		return "cannot be had";
	if (layer == LAYER_SECCOMP)
		return lacks_seccomp();
	if (layer == LAYER_CGROUP)
		return cgroup_available() ? NULL : "no control groups of version 2 alone";
	if (layer == LAYER_XEN_HANDLES || layer == LAYER_XENSTORE)
		return lacks_xen();
	if ((landlock_layers(INT32_MAX) & 1u << layer) != 0 &&
	    (landlock_layers(landlock_abi()) & 1u << layer) == 0)
		return landlock_abi() == 0 ? "no Landlock in this kernel, or not in lsm="
		                           : "this kernel's Landlock is older";
	return NULL;
}
