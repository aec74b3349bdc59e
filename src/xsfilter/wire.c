/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct xsd_sockmsg) == 16, "the header goes over the wire as it is");

void wire_reset(struct wire *w)
{
	w->used = 0;
	w->sent = 0;
}

struct xsd_sockmsg wire_header(const struct wire *w)
{
	struct xsd_sockmsg hdr;

	memcpy(&hdr, w->bytes, sizeof(hdr));
	return hdr;
}

enum wire_state wire_state(const struct wire *w)
{
	uint32_t len;

	if (w->used < sizeof(struct xsd_sockmsg))
		return WIRE_PARTIAL;
	len = wire_header(w).len;
	if (len > XENSTORE_PAYLOAD_MAX)
		return WIRE_TOO_LONG;
	return w->used < sizeof(struct xsd_sockmsg) + len ? WIRE_PARTIAL : WIRE_COMPLETE;
}

size_t wire_missing(const struct wire *w)
{
	if (w->used < sizeof(struct xsd_sockmsg))
		return sizeof(struct xsd_sockmsg) - w->used;
	return sizeof(struct xsd_sockmsg) + wire_header(w).len - w->used;
}

void wire_put(struct wire *w, const struct xsd_sockmsg *hdr, const void *payload)
{
	if (hdr->len > WIRE_MAX || w->used + sizeof(*hdr) + hdr->len > WIRE_MAX)
		abort();
	memcpy(w->bytes + w->used, hdr, sizeof(*hdr));
	w->used += sizeof(*hdr);
	if (hdr->len > 0)
		memcpy(w->bytes + w->used, payload, hdr->len);
	w->used += hdr->len;
}
