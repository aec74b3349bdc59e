/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device model may say to xenstored, as data.
 *
 * The table is for an HVM device model without PV backends: those need grants, which cannot be
 * restricted to a domain, so everything about them is answered here as if it did not exist.
 * What no row permits is refused with EACCES.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Limits of one domain's xsfilter. They are ours: oxenstored has no quota at all for connections
 * from dom0, which these are. Nodes and their bytes need none: the table forwards one write, of one
 * node and one value, and nothing else is stored anywhere; a message is at most 4 KiB
 * (XENSTORE_PAYLOAD_MAX), and one of a connection is held at a time.
 */

/* QEMU 7.2 makes 3, 10.0 one more; the monitor hands out no more than this either. */
#define XSFILTER_CONNECTIONS 8

/* A connection: QEMU sets one for each kind of PV backend, at most 6 known kinds. */
#define XSFILTER_WATCHES 32

/* Bytes with NUL. QEMU's tokens are a UUID (7.2), a pointer or "be:PTR:DOMID:PTR": 40 at most. */
#define XSFILTER_TOKEN_MAX 64

/* A connection. QEMU opens one at a time, and only for PV backends. */
#define XSFILTER_TRANSACTIONS 4

/* Bytes with NUL of an absolute path. No row's paths come near; longer ones are refused. */
#define XSFILTER_PATH_MAX 128

/* Bytes of a row's `rest`, expanded. */
#define XSFILTER_REST_MAX 32

/*
 * Requests a second over all connections, and how many may come at once; what exceeds it waits in
 * the socket. QEMU's start makes about 40 requests, its steady state none.
 */
#define XSFILTER_RATE  1000
#define XSFILTER_BURST 2000

/* A request that occupies xenstored, which serves the whole host, counts as this many. */
#define XSFILTER_FORWARD_COST 10

enum xenstore_action {
	XENSTORE_FORWARD, /* xenstored gets it, rebuilt from the row */
	XENSTORE_SEAL,    /* the same, once the monitor has sealed */
	XENSTORE_OK,      /* answered "OK", stored nowhere */
	XENSTORE_ABSENT,  /* answered ENOENT, whether such a node exists or not */
	XENSTORE_PATH,    /* answered with the path itself */
	XENSTORE_WATCH, /* kept here: fires once when it is set, as every watch does, then never */
};

struct xenstore_rule {
	uint32_t ops; /* bit 1 << XS_type for each request type the row is for */
	enum xenstore_action action;
	const char *path; /* absolute; %d: the domid, *: one component. "": the type has no path */
	const char *rest; /* payload after the path, %d as above, | for NUL; NULL: anything */
	const char *reason;
};

extern const struct xenstore_rule xenstore_rules[];
extern const size_t xenstore_n_rules;

struct xenstore_query {
	uint32_t type;     /* XS_type */
	const char *domid; /* of the device model's domain, in decimal without leading zeros */
	const char *path;  /* canonical: absolute, or "" */
	const char *rest;  /* what follows the path and its NUL */
	size_t rest_len;
};

/* The first row that permits the request, or NULL. */
const struct xenstore_rule *xenstore_policy_find(const struct xenstore_query *query);

/* Writes the row's `rest` (not NULL) with everything expanded; returns its length in bytes. */
size_t xenstore_policy_rest(const struct xenstore_rule *rule, const char *domid,
                            char ret[XSFILTER_REST_MAX]);
