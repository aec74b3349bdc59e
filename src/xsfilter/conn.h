/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One xenstore connection: a stream socket to QEMU and one to xenstored, neither ever waited for.
 *
 * It goes round in a circle: a request comes from QEMU; it is answered, or forwarded whole (the one
 * that says that QEMU runs, when the monitor has sealed) and its reply awaited; the answer goes to
 * QEMU; only then is the next request looked at. So no more than one message is held for each
 * direction, and a peer that does not read stops only itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "decide.h"
#include "pace.h"
#include "wire.h"

/* What all connections of the domain share. All zero bytes but for domid: fresh. */
struct filter {
	const char *domid; /* decimal, borrowed */
	struct pace pace;
	bool seal;   /* a request waits for the monitor to seal */
	bool sealed; /* it has */
};

enum conn_state {
	CONN_CLOSED,
	CONN_REQUEST, /* reading from QEMU */
	CONN_SEAL,    /* waiting until filter.sealed */
	CONN_FORWARD, /* writing to xenstored */
	CONN_REPLY,   /* reading from xenstored */
	CONN_ANSWER,  /* writing to QEMU */
};

/* All zero bytes: closed. */
struct conn {
	enum conn_state state;
	int qemu;
	int xenstored;
	struct session session;
	struct wire request; /* stays until its reply has been checked against it */
	struct wire reply;
};

/* Takes both sockets over. They need not be non-blocking. */
void conn_open(struct conn *c, int qemu, int xenstored, const struct filter *f);

/* xenstored drops a closed connection's transactions and any request that came in part. */
void conn_close(struct conn *c);

/* The poll(2) events to wait for; a side of which nothing is wanted is polled for its end only. */
short conn_events_qemu(const struct conn *c, bool throttled);
short conn_events_xenstored(const struct conn *c);

/*
 * Goes on as far as it can without waiting, to the end of the request under way at most: the other
 * connections are served in between. Closes the connection when a peer is gone or breaks protocol.
 * `now`: CLOCK_MONOTONIC in ns.
 */
void conn_run(struct conn *c, struct filter *f, uint64_t now);
