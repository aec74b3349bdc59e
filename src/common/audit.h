/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the launcher and the roles have to say, one path for all: a line to standard error, which is
 * the toolstack's log of QEMU, and the same as a structured record to the journal, if there is one.
 *
 * The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) by hand, in one datagram:
 * libsystemd would be most of a role's memory, and it opens the socket when it is first used, which
 * a confined process cannot. The launcher connects the socket and the roles inherit it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Kinds of event; audit.c has their message ids, systemd/qemu-depriv.catalog what they mean. */
enum audit_id {
	AUDIT_FAILED,  /* a launch, or a role, has ended before it began */
	AUDIT_STARTED, /* QEMU runs, confined */
	AUDIT_SEALED,  /* the monitor has closed its unrestricted handle */
	AUDIT_REFUSED, /* QEMU, or a role in its hands, wanted what it may not have */
	AUDIT_LOST,    /* a role is gone while QEMU runs */
	AUDIT_ENDED,   /* QEMU was ended by request */
	AUDIT_DIED,    /* QEMU has ended by itself (src/unit/ended.c) */
	AUDIT_KILLED,  /* its system call filter has killed QEMU (likewise) */
	AUDIT_NOTE,    /* anything else */
	AUDIT_MAX_,
};

/* For the table's tests. */
struct audit_kind {
	const char *message_id; /* 128 bits in lower-case hex */
	const char *decision;
	int priority; /* syslog's */
	bool limited; /* QEMU can provoke it: at most AUDIT_BURST at once */
};

extern const struct audit_kind audit_kinds[AUDIT_MAX_];

/*
 * Of the limited kinds a process writes so many at once, and one more for each interval that has
 * passed. What was left out is counted, and the next record says how many.
 */
#define AUDIT_BURST       50
#define AUDIT_INTERVAL_MS UINT64_C(6000)

/*
 * A close-on-exec socket connected to the journal. Where there is none, one that is connected to
 * nothing, so that whoever inherits it need not know. -1: there is not even that.
 */
int audit_connect(void);

/*
 * Says who speaks, and for whom: all pointers are kept. role: NULL for the launcher. name: the
 * guest's, or NULL. journal: audit_connect()'s, or -1.
 */
void audit_init(const char *role, int journal);
void audit_domain(unsigned int domid, const char *name, uint32_t uid);

/*
 * Writes one event. what: the thing it is about, a word or two: a request, a call, a path. The
 * message is made printable, and one line, whatever bytes its arguments have. Keeps errno.
 */
void audit(enum audit_id id, const char *what, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
