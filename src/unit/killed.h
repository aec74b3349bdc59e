/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's log says about a process that the kernel has killed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum killed_by {
	KILLED_BY_NOBODY,
	KILLED_BY_FILTER, /* seccomp */
	KILLED_BY_GROUP,  /* out of memory in its control group */
	KILLED_BY_HOST,   /* out of memory altogether */
};

struct killed {
	enum killed_by by;
	long call; /* KILLED_BY_FILTER: number of the system call */
};

#define KILLED_TEXT_MAX 128

/*
 * Where "just now" begins, in microseconds of the kernel log's clock: a uid comes again with its
 * domid, and what was before is no concern of the process that has just ended.
 */
uint64_t killed_since(void);

/*
 * Whether this record of /dev/kmsg says that the kernel has killed a process of this uid since
 * then, in microseconds of the log's clock.
 */
bool killed_parse(const char *record, uid_t uid, uint64_t since, struct killed *ret);

/* For an administrator; `by` is not KILLED_BY_NOBODY. */
void killed_describe(const struct killed *k, char *buf, size_t size);
