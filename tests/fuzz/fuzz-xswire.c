/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds xsfilter's core what a hostile device model might write, and checks what would reach
 * xenstored: only what this file lists, whatever went in.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "fuzz.h"
#include "payload.h"
#include "xenstored.h"

static uint32_t ids;

/* What xenstored would say: ids count up, one START in eight fails. */
static void reply(struct session *s, struct wire *request, struct wire *out)
{
	struct xsd_sockmsg hdr = wire_header(request);
	char text[16] = "OK";

	if (hdr.type == XS_TRANSACTION_START && ++ids % 8 == 0)
		hdr.type = XS_ERROR;
	else if (hdr.type == XS_TRANSACTION_START)
		(void)snprintf(text, sizeof(text), "%u", ids);
	hdr.len = (uint32_t)strlen(text) + 1;
	wire_put(out, &hdr, text);
	check(decide_reply(s, request, out) == 0, "a correct reply is accepted");
}

static void serve(struct session *s, struct wire *request)
{
	static struct wire out;
	const struct xsd_sockmsg asked = wire_header(request);
	struct decision d;

	wire_reset(&out);
	d = decide_request(s, request, &out);
	if (d.verdict == VERDICT_FORWARD || d.verdict == VERDICT_SEAL) {
		check(wire_state(request) == WIRE_COMPLETE, "a request is forwarded whole");
		check(request->used == sizeof(struct xsd_sockmsg) + wire_header(request).len,
		      "and alone");
		check(may_reach_xenstored(wire_header(request), wire_payload(request)),
		      "only what is permitted is forwarded");
		check(out.used == 0, "a forwarded request is not answered here");
		reply(s, request, &out);
	}
	check(out.used >= sizeof(struct xsd_sockmsg) && wire_state(&out) == WIRE_COMPLETE,
	      "every request is answered");
	check(wire_header(&out).req_id == asked.req_id, "with its own req_id");
	check(wire_header(&out).tx_id == asked.tx_id, "and tx_id");
	check(wire_header(&out).type == asked.type || wire_header(&out).type == XS_ERROR,
	      "and type");
	check(s->n_watches <= XSFILTER_WATCHES, "watches are bounded");
	check(s->n_transactions <= XSFILTER_TRANSACTIONS, "transactions are bounded");
	check(memchr(d.path, '\0', sizeof(d.path)) != NULL, "a path has an end");
	for (const char *c = d.path; *c != '\0'; c++)
		check(*c > ' ' && *c < 0x7f, "what is logged is printable");
	check(payload_type_name(d.type)[0] != '\0', "every type has a name");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s;
	static struct wire w;

	ids = 0;
	memset(&s, 0, sizeof(s));
	s.domid = FUZZ_DOMID;
	wire_reset(&w);
	while (size > 0 && wire_state(&w) == WIRE_PARTIAL) {
		const size_t want = wire_missing(&w), n = want < size ? want : size;

		check(want > 0 && w.used + want <= WIRE_MAX, "it never asks for more than fits");
		memcpy(w.bytes + w.used, data, n);
		w.used += n;
		data += n;
		size -= n;
		if (wire_state(&w) != WIRE_COMPLETE)
			continue;
		serve(&s, &w);
		wire_reset(&w);
	}
	return 0;
}
