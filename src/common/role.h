/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitor, broker and xsfilter share: which fds the launcher starts them with, and logging. */
#pragma once

#include "error.h"
#include "manifest.h"

/* The launcher puts each fd at its number before it execs the role; all others are closed. */
enum monitor_fd {
	MONITOR_BROKER = 3, /* SEQPACKET: struct request / struct reply */
	MONITOR_XSFILTER,   /* SEQPACKET: connections for xsfilter */
	MONITOR_MANIFEST,
	MONITOR_QEMU,    /* pidfd of the process that becomes QEMU */
	MONITOR_PRIVCMD, /* restricted; every privcmd that QEMU opens is a dup of it */
	MONITOR_FILES,   /* O_PATH fds of manifest.files[0], [1], ..., then of manifest.dirs */
};

enum broker_fd {
	BROKER_MONITOR = 3, /* SEQPACKET */
	BROKER_LAUNCHER,    /* SEQPACKET: one byte with the seccomp listener, then end of file */
	BROKER_MANIFEST,
};

enum xsfilter_fd {
	XSFILTER_MONITOR = 3, /* SEQPACKET */
	XSFILTER_QEMU,        /* pidfd */
};

/*
 * First of all: not dumpable, no_new_privs, and what only the start had to write is read-only.
 * Returns 0, or -1 with err.
 */
int role_protect(struct error *err);

/* Names the role in every line it logs; keeps both pointers. */
void role_init(const char *name, unsigned int domid);

/* One line to stderr, prefixed with program, role and domain. */
void role_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Maps the sealed manifest at fd read-only, checks that it is one, closes fd. NULL with err. */
const struct manifest *manifest_map(int fd, struct error *err);

/* The string at an offset of the manifest's pool. */
const char *manifest_string(const struct manifest *m, uint32_t offset);
