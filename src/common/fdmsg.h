/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed-size SEQPACKET messages that may carry fds. */
#pragma once

#include <stddef.h>

/* Most fds that any of our messages carries; a message with more is refused whole. */
#define FDMSG_MAX_FDS 2

/*
 * Sends buf and n_fds (0..FDMSG_MAX_FDS) fds as one message; the caller keeps its fds.
 * Returns 0, or -1 with errno; EPIPE when the peer is gone (no SIGPIPE).
 */
int fdmsg_send(int sock, const void *buf, size_t len, const int *fds, size_t n_fds);

/*
 * Receives one message of exactly len bytes with exactly *n_fds or no fds: on success *n_fds says
 * how many came; the caller owns them (close-on-exec). Returns 1, 0 at end of file, or -1 with
 * errno; EPROTO for a message of any other shape, all of whose fds are closed.
 */
int fdmsg_recv(int sock, void *buf, size_t len, int *fds, size_t *n_fds);
