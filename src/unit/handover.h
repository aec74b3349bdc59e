/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a launch gets from libxl's process to qemu-depriv@DOMID.service, and what a launcher in the
 * unit tells the unit. One message shape for both: fixed-size, at most one fd.
 *
 *	stand-in -> unit   ARGV, FD..., END      the launch
 *	unit -> stand-in   QEMU                  a pidfd
 *	launcher -> unit   FD..., OUTPUT, END    what the monitor gets, at which number
 *	                   LISTENER or ERROR     then end of file, at QEMU's exec or exit
 */
#pragma once

#include <stdint.h>

#include "error.h"

/* The stand-in listens here, and removes it when the unit has come. */
#define HANDOVER_DIR  "/run/qemu-depriv"
#define HANDOVER_PATH HANDOVER_DIR "/%u.launch"

/* Tells the launcher which fd leads to the unit that it runs in. */
#define HANDOVER_ENV "QEMU_DEPRIV_UNIT"

/* Linux's own limit on argv is 6 MiB; libxl's command lines are a few KiB. */
#define HANDOVER_ARGV_MAX 262144

enum handover_kind {
	HANDOVER_ARGV,     /* fd: memfd of NUL-terminated strings */
	HANDOVER_FD,       /* fd to be placed at `number` */
	HANDOVER_END,      /* no more of these */
	HANDOVER_QEMU,     /* fd: pidfd of the process that becomes QEMU */
	HANDOVER_OUTPUT,   /* fd: what a broker reads QEMU's output from */
	HANDOVER_LISTENER, /* fd: QEMU's seccomp listener */
	HANDOVER_ERROR,    /* text: why there will be no QEMU */
};

struct handover {
	uint32_t kind;
	int32_t number;
	char text[256];
};

/* fd may be -1. Returns 0, or -1 with err. */
int handover_send(int sock, enum handover_kind kind, int number, int fd, struct error *err);

/* The last words of a launcher. Whether they arrive does not matter. */
void handover_error(int sock, const struct error *what);

/*
 * Receives one message; *ret_fd is -1 or the caller's. Returns 1, 0 at end of file, -1 with err.
 */
int handover_recv(int sock, struct handover *ret, int *ret_fd, struct error *err);

/* True if the peer's user is root. */
int handover_assert_root(int sock, struct error *err);
