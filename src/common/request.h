/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the broker may ask of the monitor: one fixed-size SEQPACKET message a request, one a reply,
 * at most one fd with the reply. This is the whole interface between QEMU's world and root.
 *
 * Numbers, but for one name: the monitor hands it to openat2() below a directory of the plan, where
 * the kernel keeps it, and looks at nothing but its NUL.
 */
#pragma once

#include <stdint.h>

enum request_type {
	REQ_EXEC,     /* QEMU is about to be exec'd: permitted once */
	REQ_MEM,      /* -> O_RDWR fd of QEMU's /proc/PID/mem: once */
	REQ_PRIVCMD,  /* -> restricted /dev/xen/privcmd */
	REQ_EVTCHN,   /* -> a fresh, restricted /dev/xen/evtchn */
	REQ_POPULATE, /* arg[0] first gfn, arg[1] number of pages, order 0 */
	REQ_XENSTORE, /* -> stream socket whose other end xsfilter serves */
	REQ_FILE,     /* index: file of the manifest; arg[0]: flags of open(2) -> fd */
	REQ_LISTEN,   /* index: inet of the manifest; arg[0]: port -> bound, listening socket */
	REQ_PTY,      /* -> a new pseudo terminal's master */
	REQ_MEMBER,   /* index: directory of the manifest; name; arg[0]: flags -> read-only fd */
	REQ_MAX_
};

/* Longest name below a directory of the plan, with its NUL. */
#define REQUEST_NAME 256

struct request {
	uint32_t type; /* enum request_type */
	uint32_t index;
	uint64_t arg[2];
	char name[REQUEST_NAME]; /* REQ_MEMBER: relative path; otherwise not looked at */
};

struct reply {
	int32_t result; /* 0 or -errno; REQ_POPULATE: pages populated */
	uint32_t has_fd;
};

/*
 * monitor -> xsfilter: one byte XSFILTER_CONNECTION with exactly two fds by SCM_RIGHTS, in this
 * order: QEMU's side (stream socket, unfiltered wire bytes from QEMU), xenstored's side
 * (connected). xsfilter owns both from then on.
 */
#define XSFILTER_CONNECTION 'C'

/* xsfilter -> monitor: one byte, once, when it is confined and serves. */
#define XSFILTER_READY 'R'

/*
 * xsfilter -> monitor: one byte, once: QEMU says "running", which is what the toolstack waits for
 * before it lets the guest run. xsfilter keeps it from xenstored until the monitor has closed its
 * unrestricted handle and says so with the same byte, without fds.
 */
#define XSFILTER_SEAL 'S'
