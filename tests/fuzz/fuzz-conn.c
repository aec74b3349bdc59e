/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One xenstore connection with a hostile device model on one side and a xenstored of any behaviour
 * on the other: recv() and send() are the fuzzer's. The input is a script: each call takes a byte
 * that says how it ends, and what QEMU writes comes from the rest.
 *
 * Checked: what reaches xenstored is whole permitted requests, one at a time; what reaches QEMU is
 * whole answers, one for each request; nothing is read or written past the end of a message.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "fuzz.h"
#include "xenstored.h"

#define ROUNDS 256

/* A stream that is checked message by message as it is written. */
struct stream {
	struct wire w;
	size_t messages; /* that are complete */
	size_t events;   /* of those, watch events */
};

static struct input script;
static struct conn c;
static struct filter f;
static struct stream from_qemu, to_xenstored, to_qemu, from_xenstored;
static struct xsd_sockmsg asked; /* the header of QEMU's last request */
static int qemu, xenstored;
static uint32_t ids;

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);

/* How a call ends: with errno, at the end of file, or with up to this many bytes. */
static ssize_t outcome(size_t len)
{
	static const int errors[] = {EAGAIN, EINTR, ECONNRESET, EPIPE};
	const uint8_t how = (uint8_t)take(&script, 1);

	if (how >= 0xf8) {
		errno = errors[how % 4];
		return -1;
	}
	if (how >= 0xf0)
		return 0;
	return (ssize_t)(how < 0x40 || how >= len ? len : how);
}

/* xenstored's answer to the request that is complete in to_xenstored. */
static void answer(void)
{
	struct xsd_sockmsg hdr = wire_header(&to_xenstored.w);
	const uint8_t how = (uint8_t)take(&script, 1);
	char text[16] = "OK";

	if (hdr.type == XS_TRANSACTION_START)
		(void)snprintf(text, sizeof(text), "%u", ++ids);
	switch (how & 0xf) {
	case 1:
		hdr.type = XS_ERROR;
		break;
	case 2:
		hdr.type = (uint32_t)take(&script, 4);
		break;
	case 3:
		hdr.req_id ^= 1;
		break;
	case 4:
		hdr.tx_id ^= 1;
		break;
	case 5: { /* an event first */
		const struct xsd_sockmsg event = {.type = XS_WATCH_EVENT, .len = 4};

		wire_put(&from_xenstored.w, &event, "x\0y");
		break;
	}
	case 6: /* an id that is none */
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)take(&script, 1);
		break;
	default:
		break;
	}
	hdr.len = (uint32_t)strnlen(text, sizeof(text) - 1) + ((how & 0x10) == 0);
	if ((how & 0x20) != 0)
		hdr.len = 0;
	wire_put(&from_xenstored.w, &hdr, text);
	if ((how & 0x40) != 0) { /* longer than any message */
		hdr.len = (uint32_t)take(&script, 4);
		memcpy(from_xenstored.w.bytes, &hdr, sizeof(hdr));
	}
}

static void complete(const struct stream *s)
{
	const struct xsd_sockmsg hdr = wire_header(&s->w);

	if (s == &from_qemu) {
		asked = hdr;
	} else if (s == &to_xenstored) {
		check(may_reach_xenstored(hdr, wire_payload(&s->w)),
		      "only what is permitted reaches xenstored");
		check(hdr.type != XS_WRITE || f.sealed, "QEMU runs when the monitor has sealed");
		wire_reset(&from_xenstored.w);
		answer();
	} else if (hdr.type != XS_WATCH_EVENT) {
		check(hdr.req_id == asked.req_id && hdr.tx_id == asked.tx_id, "an answer is to");
		check(hdr.type == asked.type || hdr.type == XS_ERROR, "the request");
	}
}

/* Appends n bytes, in which a message may end and another one begin. */
static void note(struct stream *s, const char *bytes, size_t n)
{
	while (n > 0 && wire_state(&s->w) == WIRE_PARTIAL) {
		const size_t want = wire_missing(&s->w), some = want < n ? want : n;

		memcpy(s->w.bytes + s->w.used, bytes, some);
		s->w.used += some;
		bytes += some;
		n -= some;
		if (wire_state(&s->w) != WIRE_COMPLETE)
			continue;
		s->messages++;
		s->events += wire_header(&s->w).type == XS_WATCH_EVENT;
		complete(s);
		check(n == 0 || s == &to_qemu, "one request at a time");
		wire_reset(&s->w);
	}
	check(wire_state(&s->w) != WIRE_TOO_LONG || s == &from_qemu, "no message is too long");
}

/* One of the connection's two messages, and not past its end. */
static bool has_room(const char *buf, size_t len)
{
	const struct wire *w = buf < c.reply.bytes ? &c.request : &c.reply;

	return buf >= w->bytes && len <= sizeof(w->bytes) &&
	       buf <= w->bytes + sizeof(w->bytes) - len;
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	struct wire *w = &from_xenstored.w;
	ssize_t n;

	check(flags == MSG_DONTWAIT, "nothing is waited for");
	check(fd == qemu || fd == xenstored, "reads its two sockets");
	check(len > 0, "asks for something");
	check(has_room(buf, len), "and no more than there is room for");
	if (fd == xenstored && w->sent == w->used)
		return errno = EAGAIN, -1;
	n = outcome(len);
	if (n <= 0)
		return n;
	if (fd == qemu) {
		if (script.n == 0)
			return errno = EAGAIN, -1;
		if ((size_t)n > script.n)
			n = (ssize_t)script.n;
		memcpy(buf, script.p, (size_t)n);
		script.p += n;
		script.n -= (size_t)n;
		note(&from_qemu, buf, (size_t)n);
		return n;
	}
	if ((size_t)n > w->used - w->sent)
		n = (ssize_t)(w->used - w->sent);
	memcpy(buf, w->bytes + w->sent, (size_t)n);
	w->sent += (size_t)n;
	return n;
}

ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
	ssize_t n;

	check(flags == (MSG_DONTWAIT | MSG_NOSIGNAL), "nothing is waited for, nor signalled");
	check(fd == qemu || fd == xenstored, "writes to its two sockets");
	check(len > 0, "writes something");
	n = outcome(len);
	if (n == 0)
		n = 1; /* a stream socket takes something or fails */
	if (n > 0)
		note(fd == qemu ? &to_qemu : &to_xenstored, buf, (size_t)n);
	return n;
}

static void check_state(void)
{
	const size_t answers = to_qemu.messages - to_qemu.events;

	check(c.session.n_watches <= XSFILTER_WATCHES, "watches are bounded");
	check(c.session.n_transactions <= XSFILTER_TRANSACTIONS, "transactions are bounded");
	check(answers <= from_qemu.messages && from_qemu.messages <= answers + 1,
	      "each request has one answer");
	check(to_xenstored.messages <= answers + 1, "xenstored has one request at a time");
	if (c.state == CONN_CLOSED) {
		check(fake_fds() == 0, "a closed connection holds nothing");
		return;
	}
	check(fake_fds() == 2, "an open one holds two sockets");
	check(c.state == CONN_SEAL ||
	              (conn_events_qemu(&c, false) == 0) != (conn_events_xenstored(&c) == 0),
	      "it waits for one side at a time");
	check(c.state != CONN_SEAL || (f.seal && !f.sealed), "or for the monitor, once");
	check(conn_events_qemu(&c, true) == 0 || c.state == CONN_ANSWER,
	      "and for no request while it is throttled");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now = 0;

	f = (struct filter){.domid = FUZZ_DOMID};
	script = (struct input){data, size};
	memset(&c, 0, sizeof(c));
	memset(&asked, 0, sizeof(asked));
	memset(&from_qemu, 0, sizeof(from_qemu));
	memset(&to_xenstored, 0, sizeof(to_xenstored));
	memset(&to_qemu, 0, sizeof(to_qemu));
	memset(&from_xenstored, 0, sizeof(from_xenstored));
	fake_fds_reset();
	ids = 0;
	qemu = fake_fd();
	xenstored = fake_fd();
	conn_open(&c, qemu, xenstored, &f);
	for (size_t i = 0; i < ROUNDS && c.state != CONN_CLOSED && script.n > 0; i++) {
		conn_run(&c, &f, now);
		check_state();
		f.sealed |= f.seal;
		now += 1000 * take(&script, 1);
		(void)pace_wait(&f.pace, now);
	}
	if (c.state != CONN_CLOSED)
		conn_close(&c);
	conn_run(&c, &f, now); /* nobody does; it holds nothing and does nothing */
	check_state();
	return 0;
}
