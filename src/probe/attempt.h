/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attack battery as data: one row an attempt, one file a group.
 *
 * An attempt says how it ended with one number: 0, it went through; an errno, it failed with it; or
 * one of the outcomes below. A row lists the answers that mean "refused" and the answers that prove
 * that an unconfined process gets further (EFAULT for a pointer that only the kernel's code behind
 * the check would follow, say). Whatever a confined process sees that is not in the first list is
 * an escape; whatever the control sees that is neither 0 nor in the second list makes the attempt
 * void. No attempt does harm when it goes through.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "facts.h"
#include "util.h"

#define ANSWERS 6

enum attempt_flags {
	/* Only in QEMU's place: in a live QEMU it would take what the guest needs. */
	PLACE_ONLY = 1,
	/* Before sealing; all others come after it. Implies PLACE_ONLY. */
	EARLY = 2,
	/* Not to be refused but to be withstood: 0 is the good end. */
	WITHSTAND = 4,
	/* Went through only if the log has grown by more than arg[0] bytes; else EDQUOT. */
	LOG_GROWTH = 8,
};

struct attempt {
	const char *name;
	int (*try)(const struct attempt *self, const struct facts *facts); /* NULL: the call */
	long call;
	unsigned long arg[6];
	const char *text;                           /* for `try`: a path and the like */
	int16_t refused[ANSWERS], reached[ANSWERS]; /* 0 ends them */
	unsigned int flags;
	const char *why;
};

struct group {
	const char *name;
	const char *what; /* for a person, one line */
	const struct attempt *attempts;
	size_t n;
};

extern const struct group *const probe_groups[];
extern const size_t probe_n_groups;

/* All attempts, numbered through all groups. */
size_t attempt_count(void);
const struct attempt *attempt_get(size_t index, const struct group **ret_group);

/* Runs it. Where it is refused by killing the process, this does not return. */
int attempt_run(const struct attempt *attempt, const struct facts *facts);

/* Opens what can be opened only before sealing. Once a process; not in the control. */
void probe_prepare(int xenstore_connections);

/* For rows. */
#define SYS(name, ...) .call = SYS_##name, .arg = {__VA_ARGS__}
#define REFUSED(...)   .refused = {__VA_ARGS__}
#define REACHED(...)   .reached = {__VA_ARGS__}
#define KILLS          .refused = {OUTCOME_KILLED}
#define BAD            1UL /* nothing is ever mapped there */
#define P(string)      (unsigned long)(string)
#define NUMBER(n)      .arg = {(unsigned long)(n)}
#define GROUP(id, text)                                                                            \
	{                                                                                          \
		.name = #id, .what = (text), .attempts = (id), .n = ARRAY_SIZE(id)                 \
	}

/* Whether the row expects this outcome of a confined process. */
bool is_refusal(const struct attempt *attempt, int outcome);

/* errno, or 0 for a result that is none. */
int outcome_of(long result);

/* Closes fd; the outcome of the call that gave it. */
int outcome_of_fd(int fd);

/* A raw hypercall (xen_version) on fd: the outcome. */
int raw_hypercall(int fd);

/*
 * Does `try` to each privcmd (or evtchn) that is held or can be opened. The first answer that is no
 * refusal, else the last; OUTCOME_NOTHING if there is none.
 */
typedef int handle_fn(int fd, const struct attempt *self, const struct facts *facts);
int each_privcmd(handle_fn *try, const struct attempt *self, const struct facts *facts);
int each_evtchn(handle_fn *try, const struct attempt *self, const struct facts *facts);

/* Tells the toolstack, as a device model does, that this one runs: the outcome. */
int xenstore_running(uint16_t domid);
