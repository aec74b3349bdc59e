/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framing of xenstore's wire protocol (docs/misc/xenstore.txt and public/io/xs_wire.h of Xen): a
 * header of 16 bytes, then at most XENSTORE_PAYLOAD_MAX bytes of payload. No I/O happens here.
 *
 * Never more than what the current message lacks is asked for, so nothing is left over for the
 * next one: what a peer sends ahead stays in its socket, which thereby exerts the back-pressure.
 */
#pragma once

/* errno.h before xs_wire.h, which only then has the names of the errors. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#define WIRE_MAX (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

/* A message on its way in, or one or more on their way out. All zero bytes: empty. */
struct wire {
	size_t used; /* bytes that are valid */
	size_t sent; /* of those, bytes that have gone out */
	char bytes[WIRE_MAX];
};

enum wire_state {
	WIRE_PARTIAL,
	WIRE_COMPLETE,
	WIRE_TOO_LONG, /* the header announces more than the protocol permits */
};

void wire_reset(struct wire *w);

enum wire_state wire_state(const struct wire *w);

/* How many bytes to append to a WIRE_PARTIAL message next: up to the end of header or payload. */
size_t wire_missing(const struct wire *w);

/* The header of a message of which at least the header has come. */
struct xsd_sockmsg wire_header(const struct wire *w);

static inline const char *wire_payload(const struct wire *w)
{
	return w->bytes + sizeof(struct xsd_sockmsg);
}

/*
 * Appends a message with the given header, whose `len` bytes of payload must not lie in w itself.
 * What does not fit is a bug in the caller and aborts.
 */
void wire_put(struct wire *w, const struct xsd_sockmsg *hdr, const void *payload);
