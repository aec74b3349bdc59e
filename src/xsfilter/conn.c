/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "payload.h"
#include "role.h"
#include "util.h"

enum io {
	IO_DONE,
	IO_BLOCKED,
	IO_CLOSE,
};

static enum io failed_io(void)
{
	return errno == EAGAIN || errno == EINTR ? IO_BLOCKED : IO_CLOSE;
}

/* Until the message is complete. fds that come with it are not asked for: the kernel closes them.
 */
static enum io receive(int fd, struct wire *w, const char *peer)
{
	enum wire_state state;

	while ((state = wire_state(w)) == WIRE_PARTIAL) {
		const ssize_t n = recv(fd, w->bytes + w->used, wire_missing(w), MSG_DONTWAIT);

		if (n < 0)
			return failed_io();
		if (n == 0)
			return IO_CLOSE;
		w->used += (size_t)n;
	}
	if (state == WIRE_COMPLETE)
		return IO_DONE;
	audit(AUDIT_REFUSED, "message",
	      "connection closed: %s sent a message of %u bytes, more than %d", peer,
	      wire_header(w).len, XENSTORE_PAYLOAD_MAX);
	return IO_CLOSE;
}

static enum io flush(int fd, struct wire *w)
{
	while (w->sent < w->used) {
		const ssize_t n = send(fd, w->bytes + w->sent, w->used - w->sent,
		                       MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return failed_io();
		w->sent += (size_t)n;
	}
	return IO_DONE;
}

static enum io step_request(struct conn *c, struct filter *f, uint64_t now)
{
	enum io io = receive(c->qemu, &c->request, "the device model");
	struct decision d;

	if (io != IO_DONE)
		return io;
	d = decide_request(&c->session, &c->request, &c->reply);
	if (d.verdict == VERDICT_REFUSE)
		audit(AUDIT_REFUSED, d.path[0] != '\0' ? d.path : payload_type_name(d.type),
		      "refused with %s: %s (%u) %s", d.error, payload_type_name(d.type), d.type,
		      d.path[0] != '\0' ? d.path : "-");
	counters->refused += d.verdict == VERDICT_REFUSE;
	counters->served += d.verdict == VERDICT_ANSWER;
	counters->passed += d.verdict == VERDICT_FORWARD || d.verdict == VERDICT_SEAL;
	c->state = CONN_ANSWER;
	if (d.verdict == VERDICT_FORWARD)
		c->state = CONN_FORWARD;
	if (d.verdict == VERDICT_SEAL)
		c->state = CONN_SEAL;
	pace_charge(&f->pace, now, c->state == CONN_ANSWER ? 1 : XSFILTER_FORWARD_COST);
	return IO_DONE;
}

static enum io step_seal(struct conn *c, struct filter *f)
{
	f->seal = !f->sealed;
	if (!f->sealed)
		return IO_BLOCKED;
	c->state = CONN_FORWARD;
	return IO_DONE;
}

static enum io step_forward(struct conn *c)
{
	const enum io io = flush(c->xenstored, &c->request);

	if (io == IO_DONE)
		c->state = CONN_REPLY;
	return io;
}

static enum io step_reply(struct conn *c)
{
	const enum io io = receive(c->xenstored, &c->reply, "xenstored");

	if (io != IO_DONE)
		return io;
	/* No watch is ever forwarded, so no event is anybody's. */
	if (wire_header(&c->reply).type == XS_WATCH_EVENT) {
		wire_reset(&c->reply);
		return IO_DONE;
	}
	if (decide_reply(&c->session, &c->request, &c->reply) < 0) {
		audit(AUDIT_NOTE, "xenstored",
		      "connection closed: xenstored's reply is not to the request");
		return IO_CLOSE;
	}
	c->state = CONN_ANSWER;
	return IO_DONE;
}

static enum io step_answer(struct conn *c)
{
	const enum io io = flush(c->qemu, &c->reply);

	if (io == IO_DONE) {
		wire_reset(&c->request);
		wire_reset(&c->reply);
		c->state = CONN_REQUEST;
	}
	return io;
}

static enum io step(struct conn *c, struct filter *f, uint64_t now)
{
	switch (c->state) {
	case CONN_REQUEST:
		return step_request(c, f, now);
	case CONN_SEAL:
		return step_seal(c, f);
	case CONN_FORWARD:
		return step_forward(c);
	case CONN_REPLY:
		return step_reply(c);
	case CONN_ANSWER:
		return step_answer(c);
	case CONN_CLOSED:
		break;
	}
	return IO_BLOCKED;
}

void conn_open(struct conn *c, int qemu, int xenstored, const struct filter *f)
{
	c->state = CONN_REQUEST;
	c->qemu = qemu;
	c->xenstored = xenstored;
	c->session.domid = f->domid;
	c->session.n_watches = 0;
	c->session.n_transactions = 0;
	wire_reset(&c->request);
	wire_reset(&c->reply);
}

void conn_close(struct conn *c)
{
	close_fdp(&c->qemu);
	close_fdp(&c->xenstored);
	c->state = CONN_CLOSED;
}

short conn_events_qemu(const struct conn *c, bool throttled)
{
	if (c->state == CONN_REQUEST)
		return throttled ? 0 : POLLIN;
	return c->state == CONN_ANSWER ? POLLOUT : 0;
}

short conn_events_xenstored(const struct conn *c)
{
	if (c->state == CONN_REPLY)
		return POLLIN;
	return c->state == CONN_FORWARD ? POLLOUT : 0;
}

void conn_run(struct conn *c, struct filter *f, uint64_t now)
{
	enum io io;

	do
		io = step(c, f, now);
	while (io == IO_DONE && c->state != CONN_REQUEST);
	if (io == IO_CLOSE)
		conn_close(c);
}
