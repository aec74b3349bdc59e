/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv check: what a running device model is and holds, seen from outside. Each check reads,
 * compares with what a launch would have made, and says what it saw; none changes anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "manifest.h"
#include "report.h"

enum result {
	RESULT_OK,
	RESULT_BAD,     /* a finding */
	RESULT_UNKNOWN, /* could not be checked */
	RESULT_MAX_,
};

/* The processes of one domain. */
enum process {
	PROCESS_QEMU,
	PROCESS_MONITOR,
	PROCESS_BROKER,
	PROCESS_XSFILTER,
	PROCESS_MAX_,
};

extern const char *const process_names[PROCESS_MAX_];

struct subject {
	uint16_t domid;
	pid_t pids[PROCESS_MAX_]; /* 0: there is none */
	uid_t uid;                /* QEMU's */
	/* What the launcher has told the roles; NULL: QEMU was started without qemu-depriv. */
	const struct manifest *manifest;
	struct report report;
	size_t counts[RESULT_MAX_];
};

/* subject.c: finding it. */

/* Fills in everything but the report. 0, or -1 with err: no QEMU of this domain runs. */
int subject_find(uint16_t domid, struct subject *ret, struct error *err);
void subject_free(struct subject *s);

/* proc.c: reading /proc/PID. */

/* The words after "FIELD:" of /proc/PID/status, single blanks between them; false: not there. */
bool proc_status(pid_t pid, const char *field, char *buf, size_t size);
/* A hexadecimal field of it. */
bool proc_status_hex(pid_t pid, const char *field, uint64_t *ret);
/* readlink(2) of /proc/PID/NAME. */
bool proc_link(pid_t pid, const char *name, char *buf, size_t size);
/* All of /proc/PID/NAME, NUL-terminated; the caller frees it. NULL: cannot be read. */
char *proc_read(pid_t pid, const char *name, size_t *ret_len);
/* The next number among the names in a directory below /proc, e.g. fds of "12/fd"; caller frees. */
size_t proc_numbers(const char *dir, int **ret);

/* check.c: adding a row. name says what was checked, the rest what was seen. */
void check_add(struct subject *s, enum result result, const char *group, const char *name,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* One group each; process is PROCESS_QEMU or a role that runs. */
void check_credentials(struct subject *s, enum process process);
void check_seccomp(struct subject *s, enum process process);
void check_binary(struct subject *s, enum process process);
void check_fds(struct subject *s, enum process process);
void check_namespaces(struct subject *s, enum process process);
void check_tree(struct subject *s, enum process process);
void check_environment(struct subject *s, enum process process);
void check_limits(struct subject *s, enum process process);
void check_alone(struct subject *s, enum process process);
void check_xen(struct subject *s, enum process process);
void check_layers(struct subject *s, enum process process);
