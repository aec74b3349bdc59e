/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's standard output and error: a pipe that ends here, from where it goes to the log that the
 * toolstack opened. QEMU itself never holds that file. What comes too fast or does not fit is read
 * and dropped, so that QEMU neither fills a disk nor waits; one line then says how much it was, and
 * the last of it is kept for the end.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of dropped output that are still written when QEMU ends: its last words. */
#define RELAY_TAIL 4096

/* What may come at once, in seconds of the rate. */
#define RELAY_BURST 4

/*
 * While output is dropped the pipe is emptied only this often, in ms: a flood then costs its
 * sender, not us. A Linux pipe holds 64 KiB, so this is also how long a write of QEMU's can take.
 */
#define RELAY_PAUSE 10

struct relay {
	int in;        /* the pipe, non-blocking; -1 after its end */
	int out;       /* the log: anything that can be written to */
	uint64_t rate; /* bytes a second */
	uint64_t left; /* bytes that the log may still take */

	uint64_t credit;    /* bytes that may pass now */
	uint64_t credit_at; /* when that was so; CLOCK_MONOTONIC in ns */
	uint64_t pause_end; /* the pipe is not looked at before */
	uint64_t dropped;   /* bytes that no line has told of yet; 0: all passes */
	bool told_full;
	bool within_line;
	char tail[RELAY_TAIL]; /* ring of what was dropped; byte i of it is tail[i % RELAY_TAIL] */
};

/* Both fds stay the caller's. size: of the log, in bytes; rate: bytes a second. */
void relay_init(struct relay *r, int in, int out, uint64_t size, uint64_t rate, uint64_t now);

/* Whether anything has to be done without input: then the caller asks what time it is. */
bool relay_is_idle(const struct relay *r);

/* What to wait for: sets *ret_fd. Returns poll()'s timeout in ms, -1 for none. */
int relay_prepare(const struct relay *r, struct pollfd *ret_fd, uint64_t now);

/*
 * After each poll() that was not idle or in which `ready` says that the pipe has something. Takes
 * at most what a pipe holds, and never waits.
 */
void relay_run(struct relay *r, bool ready, uint64_t now);

/* QEMU has ended: all that is still in the pipe, and the last of what was dropped. */
void relay_finish(struct relay *r, uint64_t now);
