/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seccomp filters as they were compiled at build time. calls-*.c and ioctls-qemu.c say what
 * they permit and why; rule.h says how to read those.
 *
 * Loading needs no_new_privs, which the caller has set, and Linux 5.19 (for WAIT_KILLABLE_RECV). A
 * loaded filter stays for ever and holds for every later thread, child and exec. What kills is
 * logged by the kernel.
 */
#pragma once

enum role {
	ROLE_QEMU,  /* filter_load_qemu() only */
	ROLE_PROBE, /* QEMU as libxl >= 4.20 asks it for its options, without a broker */
	ROLE_MONITOR,
	ROLE_BROKER,
	ROLE_XSFILTER,
	ROLE_MAX_,
};

struct sock_fprog;

/*
 * For the launcher, right before it execs QEMU: from here on it can sendmsg, close and exit, and
 * its execve waits for the broker. Returns the listener, close-on-exec and owned by the caller, or
 * -1 with errno: EINVAL also means a kernel older than 5.19, EBUSY that the process already has a
 * listener, ENOTRECOVERABLE that the kernel took the filter and yet refuses nothing. The listener
 * must never stay in QEMU, which could answer itself.
 */
int filter_load_qemu(void);

/* The same for the probe run, where nobody answers: no listener. Returns 0, or -1 with errno. */
int filter_load_probe(void);

/* For monitor, broker or xsfilter, once it has opened what it keeps. 0, or -1 with errno. */
int filter_load_role(enum role role);

/* A program itself, for the tests. */
const struct sock_fprog *filter_program(enum role role);
