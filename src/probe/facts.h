/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the one who runs the battery (qemu-depriv probe) and the process that tries it say to each
 * other: SEQPACKET or stream socket, fixed-size messages. Facts come once; then one order and one
 * report for each attempt.
 */
#pragma once

#include <stdint.h>

#define FACTS_MAGIC 0x65627071u /* "qpbe" */

/* The chardev whose fd is the socket, in the command line of the process in QEMU's place. */
#define PROBE_CHARDEV "qemu-depriv-probe"

/* The library: "fd:N" is a listening socket that it has inherited, "path:P" one to make. */
#define PROBE_ENV "QEMU_DEPRIV_PROBE"

/* Followed by the domid: where a launcher in the test configuration makes that socket. */
#define BATTERY_SOCKET "/run/xen/qemu-depriv-probe-"

/* Asks the library to accept a connection: SIGRTMIN + this. */
#define PROBE_SIGNAL 7

/* How an attempt ended, besides 0 and errnos. */
enum {
	OUTCOME_KILLED = 1000, /* SIGSYS */
	OUTCOME_DIED,          /* another signal, or an exit */
	OUTCOME_HUNG,
	OUTCOME_NOTHING,  /* what it is about does not exist here */
	OUTCOME_LEFT_OUT, /* would harm the guest in whose QEMU it would run */
};

struct facts {
	uint32_t magic;
	uint32_t forks;          /* each attempt in a child: not confined by us */
	uint16_t domid, foreign; /* foreign: another running domain, 0 if there is none */
	uint16_t port;           /* a TCP listener on 127.0.0.1 of the host */
	uint16_t pad;
	int32_t monitor, broker, xsfilter, foreign_qemu; /* pids; 0: none */
	uint64_t privcmd, evtchn;                        /* st_rdev of the nodes */
	uint64_t netns;                    /* cookie of the host's network namespace */
	uint64_t foreign_dev, foreign_ino; /* of foreign_image */
	char abstract[64];                 /* a listener with an abstract address */
	char foreign_image[256], foreign_socket[108];
	char own_file[256]; /* an image that the plan has read-only */
};

#define ORDER_RUNNING UINT32_MAX /* "the device model runs": lets the monitor seal */

struct order {
	uint32_t attempt;
};

struct report {
	uint32_t attempt;
	int32_t outcome;
};
