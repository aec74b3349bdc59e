/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of one domain's monitor, and what its files offer each other. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"
#include "manifest.h"
#include "request.h"

struct xen; /* xen.c: the unrestricted handle, gone after sealing */

/* What QEMU writes to xenstore when it runs. */
#define XENSTORE_RUNNING "running"

struct monitor {
	const struct manifest *manifest;
	pid_t qemu;      /* valid while the pidfd at MONITOR_QEMU is not readable */
	struct xen *xen; /* NULL once sealed */
	int ruleset;     /* of Landlock; -1: none */

	uint32_t made;             /* bit per request type that was answered with success */
	uint32_t pages_left;       /* of the populate budget */
	uint64_t next_gfn;         /* populate only goes upwards */
	uint32_t ptys_left;        /* pseudo terminals still to be given */
	uint32_t connections_left; /* xenstore connections still to be given */
	uint32_t inets_used;       /* bit per manifest inet that has its listener */

	bool in_unit; /* is the main process of the domain's systemd unit */
	bool resumed; /* and has taken over from an earlier monitor */
	unsigned int connections_stored;
};

/*
 * Decides on one request and carries it out. *ret_fd is the fd to send along (the caller closes it)
 * or -1. Any refusal is reply.result = -errno.
 */
struct reply monitor_answer(struct monitor *m, const struct request *req, int *ret_fd);

/* Removes what the launcher made for this domain outside of any process. Safe to repeat. */
void monitor_cleanup(const struct manifest *manifest);

/*
 * When QEMU's memory has been opened: gives up CAP_SYS_PTRACE, and every access to files but what
 * later requests and the cleanup need.
 */
int monitor_settle(const struct monitor *m, struct error *err);

/* landlock-monitor.c: the rules for that, made while they still can be. -1 in *ret_fd: no Landlock.
 */
int monitor_make_ruleset(const struct manifest *manifest, int *ret_fd, struct error *err);

/*
 * Closes the unrestricted handle for ever: no request that is permitted until then is any more.
 * Only the first call does anything, and logs why.
 */
void monitor_seal(struct monitor *m, const char *why);

/* Opens the unrestricted hypercall interface. NULL with err. */
struct xen *xen_open(struct error *err);
/* Closes it for ever. */
void xen_close(struct xen *xen);
/* Populates n 4 KiB pages from gfn upwards. Returns how many extents Xen did, or -errno. */
int xen_populate(struct xen *xen, uint16_t domid, uint64_t gfn, uint32_t n);

/* A connection of dom0's to xenstored, owned by the caller; -1 with errno, and logged. */
int xenstored_connect(void);
/* 1: this domain has had a device model that ran, 0: it has not, -1: xenstored does not say. */
int xenstored_has_run(uint16_t domid);
