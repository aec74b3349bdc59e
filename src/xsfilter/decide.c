/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "payload.h"
#include "util.h"

/* Index in s->transactions, or s->n_transactions. */
static size_t find_transaction(const struct session *s, uint32_t id)
{
	size_t i = 0;

	while (i < s->n_transactions && s->transactions[i] != id)
		i++;
	return i;
}

/* The errors are those of xenstored. */
static int check_transaction(const struct session *s, const struct xsd_sockmsg *hdr)
{
	if (hdr->type == XS_WATCH || hdr->type == XS_UNWATCH)
		return 0; /* "The tx_id in a WATCH request is ignored" */
	if (hdr->tx_id != 0 && find_transaction(s, hdr->tx_id) == s->n_transactions)
		return ENOENT;
	if (hdr->type == XS_TRANSACTION_END && hdr->tx_id == 0)
		return ENOENT;
	if (hdr->type != XS_TRANSACTION_START)
		return 0;
	if (hdr->tx_id != 0)
		return EBUSY;
	return s->n_transactions == XSFILTER_TRANSACTIONS ? ENOSPC : 0;
}

static int set_watch(struct session *s, uint32_t type, const struct payload *p)
{
	struct watch *w;
	size_t i;

	for (i = 0; i < s->n_watches; i++) {
		w = &s->watches[i];
		if (strcmp(w->path, p->path) == 0 && strcmp(w->token, p->rest) == 0)
			break;
	}
	if (type == XS_UNWATCH) {
		if (i == s->n_watches)
			return ENOENT;
		s->watches[i] = s->watches[--s->n_watches];
		return 0;
	}
	if (i < s->n_watches)
		return EEXIST;
	if (i == XSFILTER_WATCHES || p->rest_len > XSFILTER_TOKEN_MAX)
		return ENOSPC;
	w = &s->watches[s->n_watches++];
	(void)snprintf(w->path, sizeof(w->path), "%s", p->path);
	(void)snprintf(w->token, sizeof(w->token), "%s", p->rest);
	return 0;
}

/* An answer of n bytes to the request with the header `to`. */
static void answer(struct wire *out, const struct xsd_sockmsg *to, const char *bytes, size_t n)
{
	struct xsd_sockmsg hdr = *to;

	hdr.len = (uint32_t)n;
	wire_put(out, &hdr, bytes);
}

static const char *answer_error(struct wire *out, const struct xsd_sockmsg *to, int error)
{
	struct xsd_sockmsg hdr = *to;
	size_t i = 0;

	/* EINVAL comes first and is what clients make of names they do not know. */
	for (size_t k = 0; k < ARRAY_SIZE(xsd_errors); k++)
		if (xsd_errors[k].errnum == error)
			i = k;
	hdr.type = XS_ERROR;
	answer(out, &hdr, xsd_errors[i].errstring, strlen(xsd_errors[i].errstring) + 1);
	return xsd_errors[i].errstring;
}

/* The event has the path as QEMU gave it, so its payload is the one of the request. */
static void answer_watch(struct wire *out, const struct xsd_sockmsg *to, const char *payload)
{
	const struct xsd_sockmsg event = {.type = XS_WATCH_EVENT, .len = to->len};

	answer(out, to, "OK", sizeof("OK"));
	if (to->type == XS_WATCH)
		wire_put(out, &event, payload);
}

/* No byte of QEMU's payload goes on: the path matched the row, and `rest` is the row's. */
static void rebuild(struct session *s, struct wire *request, const struct xenstore_rule *rule,
                    const char *path)
{
	struct xsd_sockmsg hdr = wire_header(request);
	char bytes[XSFILTER_PATH_MAX + XSFILTER_REST_MAX] = "";
	size_t n = 0;

	if (path[0] != '\0')
		n = (size_t)snprintf(bytes, XSFILTER_PATH_MAX, "%s", path) + 1;
	n += xenstore_policy_rest(rule, s->domid, bytes + n);

	/* Whatever xenstored answers to END, the transaction is over. */
	if (hdr.type == XS_TRANSACTION_END)
		s->transactions[find_transaction(s, hdr.tx_id)] =
		        s->transactions[--s->n_transactions];

	hdr.len = (uint32_t)n;
	wire_reset(request);
	wire_put(request, &hdr, bytes);
}

/* Does what the row says. Returns 0 or the errno value of a refusal. */
static int apply(struct session *s, struct wire *request, struct wire *out,
                 const struct xenstore_rule *rule, const struct payload *p)
{
	const struct xsd_sockmsg hdr = wire_header(request);
	int error = 0;

	switch (rule->action) {
	case XENSTORE_FORWARD:
	case XENSTORE_SEAL:
		rebuild(s, request, rule, p->path);
		break;
	case XENSTORE_OK:
		answer(out, &hdr, "OK", sizeof("OK"));
		break;
	case XENSTORE_ABSENT:
		(void)answer_error(out, &hdr, ENOENT);
		break;
	case XENSTORE_PATH:
		answer(out, &hdr, p->path, strlen(p->path) + 1);
		break;
	case XENSTORE_WATCH:
		error = set_watch(s, hdr.type, p);
		if (error == 0)
			answer_watch(out, &hdr, wire_payload(request));
		break;
	}
	return error;
}

struct decision decide_request(struct session *s, struct wire *request, struct wire *out)
{
	const struct xsd_sockmsg hdr = wire_header(request);
	const struct xenstore_rule *rule = NULL;
	struct decision d = {.verdict = VERDICT_ANSWER, .type = hdr.type};
	struct payload p;
	int error;

	error = payload_parse(hdr.type, wire_payload(request), hdr.len, &p);
	(void)snprintf(d.path, sizeof(d.path), "%s", p.path);
	if (error == 0)
		error = check_transaction(s, &hdr);
	if (error == 0) {
		const struct xenstore_query query = {
		        .type = hdr.type,
		        .domid = s->domid,
		        .path = p.path,
		        .rest = p.rest,
		        .rest_len = p.rest_len,
		};

		rule = xenstore_policy_find(&query);
		error = rule == NULL ? EACCES : apply(s, request, out, rule, &p);
	}

	if (error != 0) {
		d.verdict = VERDICT_REFUSE;
		d.error = answer_error(out, &hdr, error);
	} else if (rule->action == XENSTORE_FORWARD) {
		d.verdict = VERDICT_FORWARD;
	} else if (rule->action == XENSTORE_SEAL) {
		d.verdict = VERDICT_SEAL;
	}
	return d;
}

/* The payload is the id in decimal; C xenstored adds a NUL. */
static int add_transaction(struct session *s, const struct wire *reply)
{
	char text[sizeof("4294967295")] = "";
	const size_t len = wire_header(reply).len;
	uint64_t id;

	if (len > sizeof(text))
		return -1;
	memcpy(text, wire_payload(reply), len);
	if (text[sizeof(text) - 1] != '\0' || !parse_u64(text, 1, UINT32_MAX, &id) ||
	    find_transaction(s, (uint32_t)id) < s->n_transactions)
		return -1;
	/* There is room: START was forwarded because there was, and nothing came in between. */
	s->transactions[s->n_transactions++] = (uint32_t)id;
	return 0;
}

int decide_reply(struct session *s, const struct wire *request, const struct wire *reply)
{
	const struct xsd_sockmsg asked = wire_header(request), got = wire_header(reply);

	if (got.req_id != asked.req_id || got.tx_id != asked.tx_id ||
	    (got.type != asked.type && got.type != XS_ERROR))
		return -1;
	return got.type == XS_TRANSACTION_START ? add_transaction(s, reply) : 0;
}
