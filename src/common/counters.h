/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/qemu-depriv/DOMID/counters: what a running device model's processes have counted, for
 * `qemu-depriv status`. A page each: the launcher's, which all may read, and one of every role,
 * which only that role has mapped and only it writes. Whoever reads the file sees each number
 * whole, if not all of the same moment. What a role taken over writes there is its own affair: the
 * reader believes no more than the numbers' size.
 */
#pragma once

#include <stdint.h>

#define RUN_DIR "/run/qemu-depriv"

#define COUNTERS_MAGIC 0x63646471u /* "qddc" */
#define COUNTERS_PAGE  4096L
#define COUNTERS_NAME  256 /* bytes with NUL; longer names are cut */

enum counters_page {
	COUNTERS_HEAD,
	COUNTERS_MONITOR,
	COUNTERS_BROKER,
	COUNTERS_XSFILTER,
	COUNTERS_PAGES,
};

#define COUNTERS_SIZE (COUNTERS_PAGES * COUNTERS_PAGE)

/* Written once, by the launcher. */
struct counters_head {
	uint32_t magic;
	uint32_t domid;
	uint32_t uid;    /* QEMU's */
	int32_t pid;     /* QEMU's, in the pid namespace of dom0 */
	uint32_t layers; /* bit 1 << enum layer (layers.h) for each that QEMU has */
	uint32_t pad;
	uint64_t started;         /* seconds since 1970 */
	char name[COUNTERS_NAME]; /* of the guest; "": it has none */
};

struct counters_role {
	int32_t pid;         /* 0: it has not started */
	uint32_t sealed;     /* monitor: 1 when it has closed its unrestricted handle */
	uint64_t served;     /* requests or calls that were granted or answered */
	uint64_t refused;    /* those that were refused, or failed */
	uint64_t passed;     /* broker: left to the kernel; xsfilter: forwarded to xenstored */
	uint64_t suppressed; /* records that were not written: too many */
};

/* This process's own page; until role_attach(), and in the launcher, one that nobody sees. */
extern struct counters_role *counters;
