/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS     UINT64_C(1000000)

/* PIPE_BUF: when poll() says that a pipe can be written to, this much does not block. */
#define CHUNK 4096

/* Reads of one relay_run(): what a pipe holds by default. */
#define CHUNKS 16

static uint64_t burst(const struct relay *r)
{
	return r->rate * RELAY_BURST;
}

/* Output passes again when there is room for half a burst: one notice for each, not for each line.
 */
static uint64_t enough(const struct relay *r)
{
	return burst(r) / 2;
}

void relay_init(struct relay *r, int in, int out, uint64_t size, uint64_t rate, uint64_t now)
{
	memset(r, 0, sizeof(*r));
	r->in = in;
	r->out = out;
	r->left = size;
	r->rate = rate;
	r->credit = burst(r);
	r->credit_at = now;
}

static void refill(struct relay *r, uint64_t now)
{
	const uint64_t ns = now - r->credit_at;

	/* Longer than a burst takes: the product could wrap. */
	if (ns >= RELAY_BURST * SECOND_NS)
		r->credit = burst(r);
	else
		r->credit += ns * r->rate / SECOND_NS;
	if (r->credit > burst(r))
		r->credit = burst(r);
	r->credit_at = now;
}

/* Writes what the log takes without waiting. Returns how much that was. */
static size_t put(struct relay *r, const char *bytes, size_t len)
{
	struct pollfd out = {.fd = r->out, .events = POLLOUT};
	size_t done = 0;

	while (done < len && poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
		const size_t rest = len - done < CHUNK ? len - done : CHUNK;
		const ssize_t n = write(r->out, bytes + done, rest);

		if (n <= 0)
			break; /* a full disk, or nobody reads: there is no better place to say so
			        */
		done += (size_t)n;
	}
	if (done > 0)
		r->within_line = bytes[done - 1] != '\n';
	return done;
}

static void drop(struct relay *r, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		r->tail[(r->dropped + i) % RELAY_TAIL] = bytes[i];
	r->dropped += len;
}

/* Our own lines are not taken from `left`: there is one a burst until the log is full. */
static bool notice(struct relay *r, const char *why)
{
	char line[160];
	const int n =
	        snprintf(line, sizeof(line),
	                 "%sqemu-depriv: %llu bytes of the device model's output left out%s\n",
	                 r->within_line ? "\n" : "", (unsigned long long)r->dropped, why);

	return put(r, line, (size_t)n) == (size_t)n;
}

/* Goes on after a pause, or says once that it never will. */
static void resume(struct relay *r)
{
	if (r->dropped == 0)
		return;
	if (r->left == 0 && !r->told_full) {
		r->told_full = notice(r, " here, and all that follows: the log is full");
	} else if (r->left > 0 && r->credit >= enough(r)) {
		if (notice(r, " here"))
			r->dropped = 0;
		else
			r->credit =
			        0; /* the log takes nothing: look again when this has come back */
	}
}

static void take(struct relay *r, const char *bytes, size_t len)
{
	size_t pass = len, done;

	if (pass > r->credit)
		pass = (size_t)r->credit;
	if (pass > r->left)
		pass = (size_t)r->left;
	if (r->dropped > 0)
		pass = 0; /* in order, or not at all */
	done = put(r, bytes, pass);
	r->credit = done < pass ? 0 : r->credit - done; /* as in resume() */
	r->left -= done;
	drop(r, bytes + done, len - done);
}

/* Returns false when the pipe is empty or has ended. */
static bool take_chunk(struct relay *r)
{
	char bytes[CHUNK];
	const ssize_t n = read(r->in, bytes, sizeof(bytes));

	if (n > 0) {
		take(r, bytes, (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		r->in = -1;
	return false;
}

bool relay_is_idle(const struct relay *r)
{
	return r->dropped == 0;
}

static uint64_t resume_at(const struct relay *r)
{
	const uint64_t missing = r->credit < enough(r) ? enough(r) - r->credit : 0;

	return r->credit_at + missing * SECOND_NS / r->rate + 1;
}

int relay_prepare(const struct relay *r, struct pollfd *ret_fd, uint64_t now)
{
	uint64_t until = UINT64_MAX;

	*ret_fd = (struct pollfd){.fd = r->in, .events = POLLIN};
	if (r->dropped == 0)
		return -1;
	if (r->left > 0)
		until = resume_at(r);
	if (r->in >= 0 && now < r->pause_end) {
		ret_fd->fd = -1;
		if (r->pause_end < until)
			until = r->pause_end;
	}
	if (until == UINT64_MAX)
		return -1;
	return until <= now ? 0 : (int)((until - now + MS_NS - 1) / MS_NS);
}

void relay_run(struct relay *r, bool ready, uint64_t now)
{
	refill(r, now);
	resume(r);
	if (!ready)
		return;
	for (int i = 0; i < CHUNKS && take_chunk(r); i++)
		;
	if (r->dropped > 0)
		r->pause_end = now + RELAY_PAUSE * MS_NS;
	resume(r);
}

void relay_finish(struct relay *r, uint64_t now)
{
	size_t from, len;

	refill(r, now);
	/* Bounded although the pipe should have ended: somebody else might hold its other end. */
	for (int i = 0; r->in >= 0 && i < CHUNKS && take_chunk(r); i++)
		;
	if (r->dropped == 0)
		return;
	len = r->dropped < RELAY_TAIL ? (size_t)r->dropped : RELAY_TAIL;
	from = (size_t)(r->dropped - len) % RELAY_TAIL;
	r->dropped -= len;
	if (r->dropped > 0)
		(void)notice(r, "; its last:");
	if (from + len > RELAY_TAIL) {
		(void)put(r, r->tail + from, RELAY_TAIL - from);
		len -= RELAY_TAIL - from;
		from = 0;
	}
	(void)put(r, r->tail + from, len);
	r->dropped = 0;
}
