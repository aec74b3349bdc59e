/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-depriv probe: runs the attack battery of src/probe and says what came of it. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attempt.h"
#include "error.h"

/* probe-host.c: the host as the battery has to know it. All functions: 0, or -1 with err. ---------
 */

struct xc_interface_core;

/* A domain of our own, never run, without devices: the battery acts on it and not on a guest. */
struct twin {
	struct xc_interface_core *xch;
	uint16_t domid; /* 0: none */
};

int twin_make(struct twin *twin, struct error *err);

/* As the toolstack does it when QEMU says that it runs. */
int twin_unpause(struct twin *twin, struct error *err);

/* Destroys it, and what the battery left of it in xenstore. */
void twin_end(struct twin *twin);

/* The domid of a guest by its name or number. */
int host_find_domain(const char *name, uint16_t *ret, struct error *err);

/* The pid of a domain's device model, or 0. */
pid_t host_device_model(uint16_t domid);

struct listeners {
	int inet, abstract;
};

/*
 * Everything but the pids of the roles. The guest to attack is any that runs but own (0: any).
 * The listeners are to be closed by the caller.
 */
int host_facts(const struct twin *twin, uint16_t own, struct facts *ret,
               struct listeners *ret_listeners, struct error *err);

/* The pids of the roles that serve this process (a device model, or the battery in its place). */
void host_find_roles(pid_t served, struct facts *facts);

/* probe-session.c: one process that tries things. ---------------------------------------------- */

enum where {
	IN_PLACE, /* in QEMU's place */
	INSIDE,   /* in a live QEMU, by the library */
	CONTROL,  /* root in dom0 */
};

struct session {
	enum where where;
	int fd;
	pid_t child; /* 0: INSIDE */
	int log;     /* what it and the launcher said */
};

/*
 * Starts IN_PLACE with argv, the device model's command line (NULL-terminated, with
 * -qemu-depriv-probe), or CONTROL with argv[0] alone.
 */
int session_start(struct session *s, enum where where, char *const *argv, struct error *err);

/* INSIDE: wakes the library in a live QEMU, which listens at path. */
int session_join(struct session *s, const char *path, pid_t qemu, struct error *err);

int session_tell(const struct session *s, const struct facts *facts, struct error *err);

/* Set by a signal handler: what waits for an answer stops waiting. */
extern volatile sig_atomic_t session_interrupted;

/* The outcome of one attempt, or of ORDER_RUNNING. *ret_alive: whether there can be another. */
int session_order(struct session *s, uint32_t attempt, bool *ret_alive);

/* Bytes that it and those who serve it have logged. */
size_t session_log_size(const struct session *s);

/* Ends it. */
void session_end(struct session *s);

/* The last line that it logged, for a message. */
void session_last_words(const struct session *s, char *ret, size_t size);

/* probe-report.c ------------------------------------------------------------------------------- */

enum verdict {
	REFUSED_,
	VOID_,
	ESCAPED,
	LEFT_OUT,
};

struct result {
	int outcome, control;
};

struct outcome_counts {
	size_t refused, unproved, escaped, left_out, unexplained;
};

/* "EPERM", "went through", "killed". The string is static. */
const char *outcome_name(int outcome);

enum verdict probe_verdict(const struct attempt *attempt, const struct result *result);

/* Why an attempt is void, from the table of known exceptions; NULL: not known. */
const char *probe_exception(const struct group *group, const struct attempt *attempt,
                            const struct result *result);

struct outcome_counts report_summary(const struct result *results);
void report_tap(const struct result *results);
int report_json(const char *path, enum where where, const struct result *results);
/* The attempts that only, a pattern of fnmatch(3) for GROUP.NAME, is for; NULL: all. */
void report_list(const char *only);
bool report_wanted(const char *only, const struct group *group, const struct attempt *attempt);
