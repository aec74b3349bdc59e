/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds xsfilter's core what a hostile device model might write, and checks what would reach
 * xenstored: only what this file lists, whatever went in.
 *
 * With clang, `ninja src/xsfilter/fuzz-xswire` makes a libFuzzer program of it; the tests run it
 * over the seeds and over seeds with every single byte changed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "util.h"

#define HEADER sizeof(struct xsd_sockmsg)
#define STATE  "/local/domain/0/device-model/7/state\0running"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "violated: %s\n", what);
	abort();
}

/* Written apart from the policy table on purpose. */
static bool may_reach_xenstored(const struct wire *w)
{
	const struct xsd_sockmsg hdr = wire_header(w);
	const char *p = wire_payload(w);

	switch (hdr.type) {
	case XS_WRITE:
		return hdr.len == sizeof(STATE) - 1 && memcmp(p, STATE, hdr.len) == 0;
	case XS_TRANSACTION_START:
		return hdr.tx_id == 0 && hdr.len == 1 && p[0] == '\0';
	case XS_TRANSACTION_END:
		return hdr.tx_id != 0 && hdr.len == 2 && (p[0] == 'T' || p[0] == 'F') &&
		       p[1] == '\0';
	default:
		return false;
	}
}

/* What xenstored would say: ids count up, one START in eight fails. */
static void reply(struct session *s, struct wire *request, struct wire *out)
{
	static uint32_t ids;
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
	if (d.verdict == VERDICT_FORWARD) {
		check(wire_state(request) == WIRE_COMPLETE, "a request is forwarded whole");
		check(request->used == HEADER + wire_header(request).len, "and alone");
		check(may_reach_xenstored(request), "only what is permitted is forwarded");
		check(out.used == 0, "a forwarded request is not answered here");
		reply(s, request, &out);
	}
	check(out.used >= HEADER && wire_state(&out) == WIRE_COMPLETE, "every request is answered");
	check(wire_header(&out).req_id == asked.req_id, "with its own req_id");
	check(wire_header(&out).tx_id == asked.tx_id, "and tx_id");
	check(wire_header(&out).type == asked.type || wire_header(&out).type == XS_ERROR,
	      "and type");
	check(s->n_watches <= XSFILTER_WATCHES, "watches are bounded");
	check(s->n_transactions <= XSFILTER_TRANSACTIONS, "transactions are bounded");
	check(memchr(d.path, '\0', sizeof(d.path)) != NULL, "a path has an end");
	for (const char *c = d.path; *c != '\0'; c++)
		check(*c > ' ' && *c < 0x7f, "what is logged is printable");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s;
	static struct wire w;

	memset(&s, 0, sizeof(s));
	s.domid = "7";
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

#ifndef WITH_LIBFUZZER
/* Each file as it is, then with each byte in turn set to some values that matter. */
int main(int argc, char *argv[])
{
	static const uint8_t values[] = {0, 1, '/', '@', 'x', 0x7f, 0x80, 0xff};
	static uint8_t data[1 << 14];

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "re");
		size_t n;

		if (f == NULL) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		n = fread(data, 1, sizeof(data), f);
		(void)fclose(f);
		(void)LLVMFuzzerTestOneInput(data, n);
		for (size_t k = 0; k < n; k++) {
			const uint8_t was = data[k];

			for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
				data[k] = values[v];
				(void)LLVMFuzzerTestOneInput(data, n);
			}
			data[k] = was;
		}
	}
	return EXIT_SUCCESS;
}
#endif
