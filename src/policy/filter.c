/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "filter-bpf.h"
#include "util.h"

/* The kernel only reads a program; sock_fprog's pointer is not const for historical reasons. */
#define PROGRAM(array)                                                                             \
	{                                                                                          \
		.len = ARRAY_SIZE(array), .filter = (struct sock_filter *)(uintptr_t)(array)       \
	}

static const struct sock_fprog programs[ROLE_MAX_] = {
        [ROLE_QEMU] = PROGRAM(qemu_bpf),         [ROLE_PROBE] = PROGRAM(probe_bpf),
        [ROLE_MONITOR] = PROGRAM(monitor_bpf),   [ROLE_BROKER] = PROGRAM(broker_bpf),
        [ROLE_XSFILTER] = PROGRAM(xsfilter_bpf),
};

static int load(enum role role, unsigned long flags)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &programs[role]);
}

/* Asking for the own mode is nothing that QEMU does: if that is not refused, nothing is. */
static int load_for_qemu(enum role role, unsigned long flags)
{
	const int r = load(role, flags);

	if (r < 0 || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return r;
	if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0)
		(void)close(r);
	errno = ENOTRECOVERABLE;
	return -1;
}

/*
 * WAIT_KILLABLE_RECV: once the broker has taken a call, only a fatal signal interrupts it. Without
 * it any signal does, the call starts again, and the broker sees it twice: a second populate and a
 * second exec, which the monitor refuses, so that the launch fails. Nothing is less safe, but a
 * launch that fails at random is worse than one that says it needs Linux 5.19: there is no second
 * try without the flag. (Kernels from before October 2025 still interrupt a call whose answer comes
 * in the same moment as the signal.)
 *
 * No FLAG_LOG: the kernel's log would have a line for every call that the broker answers, 80 a
 * launch (seen on Linux 6.1, where kernel.seccomp.actions_logged has "user_notif").
 */
int filter_load_qemu(void)
{
	return load_for_qemu(ROLE_QEMU, SECCOMP_FILTER_FLAG_NEW_LISTENER |
	                                        SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

int filter_load_probe(void)
{
	return load_for_qemu(ROLE_PROBE, SECCOMP_FILTER_FLAG_LOG);
}

int filter_load_role(enum role role)
{
	return load(role, SECCOMP_FILTER_FLAG_LOG);
}

const struct sock_fprog *filter_program(enum role role)
{
	return &programs[role];
}
