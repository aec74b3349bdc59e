/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitor, broker and xsfilter share: which fds the launcher starts them with, and logging. */
#pragma once

#include "audit.h"
#include "counters.h"
#include "error.h"
#include "manifest.h"

/*
 * The launcher puts each fd at its number before it execs the role; all others are closed. The
 * monitor's are also names in systemd's store (STORE_MONITOR): renumbered, a new version could not
 * take over guests that run under the one before.
 */
enum monitor_fd {
	MONITOR_BROKER = 3, /* SEQPACKET: struct request / struct reply */
	MONITOR_XSFILTER,   /* SEQPACKET: connections for xsfilter */
	MONITOR_MANIFEST,
	MONITOR_QEMU,    /* pidfd of the process that becomes QEMU */
	MONITOR_PRIVCMD, /* restricted; every privcmd that QEMU opens is a dup of it */
	MONITOR_JOURNAL,
	MONITOR_COUNTERS, /* kept open: its lock says that the device model is alive */
	MONITOR_NOTIFY,   /* in a unit only: systemd's notification socket */
	MONITOR_STANDIN,  /* likewise: pidfd of the process that libxl knows */
	MONITOR_FILES,    /* O_PATH fds of manifest.files[0], [1], ..., then of manifest.dirs */
};

enum broker_fd {
	BROKER_MONITOR = 3, /* SEQPACKET */
	BROKER_LAUNCHER,    /* SEQPACKET: one byte with the seccomp listener, then end of file */
	BROKER_MANIFEST,
	BROKER_JOURNAL, /* audit_connect()'s socket */
	BROKER_COUNTERS,
	BROKER_OUTPUT, /* pipe, non-blocking: QEMU's standard output and error */
};

enum xsfilter_fd {
	XSFILTER_MONITOR = 3, /* SEQPACKET */
	XSFILTER_QEMU,        /* pidfd */
	XSFILTER_JOURNAL,
	XSFILTER_COUNTERS,
};

/* Last arguments of roles that systemd supervises: started with QEMU, or for one that runs. */
#define ROLE_UNIT    "unit"
#define ROLE_RESUMED "resumed"

/*
 * Ends of the unit's main process, as its settings have them (systemd/qemu-depriv@.service.in), in
 * the words of sysexits(3).
 */
#define UNIT_STATUS_FAILED  70 /* EX_SOFTWARE: QEMU has ended by itself */
#define UNIT_STATUS_START   71 /* EX_OSERR: could not start, or take over */
#define UNIT_STATUS_RESTART 75 /* EX_TEMPFAIL: QEMU lives, start the roles anew */

/* Names in the unit's fd store; what follows the prefix is a number. */
#define STORE_MONITOR        "monitor-" /* what the monitor has at that number */
#define STORE_LISTENER       "listener" /* QEMU's seccomp listener */
#define STORE_OUTPUT         "output"   /* what a broker reads QEMU's output from */
#define STORE_QEMU_SIDE      "qemu-"    /* of xenstore connection 0, 1, ... */
#define STORE_XENSTORED_SIDE "xenstored-"
#define STORE_CONNECTIONS    8

/*
 * First of all: not dumpable, no_new_privs, and what only the start had to write is read-only.
 * Returns 0, or -1 with err.
 */
int role_protect(struct error *err);

/*
 * Maps the counters file at fd, the head and the role's own page, and names role, domain and guest
 * in every record from now on. The fd stays open: whoever could write it all closes it. Returns 0,
 * or -1 with err.
 */
int role_attach(const char *role, int counters_fd, enum counters_page page, int journal,
                struct error *err);

/* Something that is no decision. */
#define role_log(...) audit(AUDIT_NOTE, "role", __VA_ARGS__)

/* Maps the sealed manifest at fd read-only, checks that it is one, closes fd. NULL with err. */
const struct manifest *manifest_map(int fd, struct error *err);

/* The string at an offset of the manifest's pool. */
const char *manifest_string(const struct manifest *m, uint32_t offset);
