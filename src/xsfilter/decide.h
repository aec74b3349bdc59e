/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a request, and what a connection remembers between requests. No I/O.
 *
 * A connection has at most one request under way: libxenstore never has more, replies then come in
 * order whoever gives them, and nothing has to be matched.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy/xenstore.h"
#include "wire.h"

struct watch {
	char path[XSFILTER_PATH_MAX]; /* canonical */
	char token[XSFILTER_TOKEN_MAX];
};

/* All zero bytes but for domid: a fresh connection. */
struct session {
	const char *domid; /* decimal, borrowed */
	size_t n_watches;
	size_t n_transactions;
	uint32_t transactions[XSFILTER_TRANSACTIONS]; /* xenstored's ids of those open */
	struct watch watches[XSFILTER_WATCHES];
};

enum verdict {
	VERDICT_ANSWER,  /* `answer` holds what QEMU gets */
	VERDICT_REFUSE,  /* likewise, and somebody should hear of it */
	VERDICT_FORWARD, /* `request` holds what xenstored gets */
	VERDICT_SEAL,    /* likewise, but not before the monitor has sealed */
};

struct decision {
	enum verdict verdict;
	uint32_t type;                /* of the request */
	const char *error;            /* VERDICT_REFUSE: name of the errno value QEMU is told */
	char path[XSFILTER_PATH_MAX]; /* "" if it has none that may be logged */
};

/*
 * Judges the complete message in `request`; `answer` is empty. If it is to be forwarded, `request`
 * is built anew: of QEMU's bytes only its req_id and a tx_id that was given to it remain.
 */
struct decision decide_request(struct session *s, struct wire *request, struct wire *answer);

/*
 * Takes note of xenstored's complete answer to the request that was forwarded. Returns -1 if it
 * cannot be the answer to that; the connection is then out of step and of no use.
 */
int decide_reply(struct session *s, const struct wire *request, const struct wire *reply);
