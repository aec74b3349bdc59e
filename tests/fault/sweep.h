/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the fault sweep; sweep.c says what it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Text that grows. All zero bytes: empty. Running out of memory ends the program. */
struct text {
	char *s; /* never NULL once something was added */
	size_t len;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

/* Puts the lines in order, for what the kernel lists in none. */
void text_sort(struct text *t);

/* Ends the program: the sweep itself is broken. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* look.c -------------------------------------------------------------------------------------- */

/*
 * All that makes a stopped process what it is, one property a line, without what differs from
 * launch to launch: credentials, filter, namespaces, mounts, limits, environment, each fd and what
 * each Xen handle can do.
 */
void look_at_process(pid_t pid, struct text *ret);

/* What a launch could leave behind: processes, sockets, files, interfaces, cgroups, mounts. */
void look_at_host(struct text *ret);

/* Prints the lines that only one of the two has, each after "- " or "+ ". */
void text_diff(const char *before, const char *after, const char *indent);

/* trace.c ------------------------------------------------------------------------------------- */

enum fault {
	FAULT_NONE,
	FAULT_ERROR, /* the call fails */
	FAULT_LIE,   /* the call is not made, but says 0 */
	FAULT_KILL,  /* the process is killed as it makes the call */
};

/*
 * One point: the nth system call (counted from 1) of a process. A process is named by how it came
 * to be: "launcher", its second child "launcher/2", and a program by its file's name.
 */
struct point {
	enum fault fault;
	int error;
	const char *label;
	unsigned int nth;
};

#define LABEL_MAX  48
#define LABELS_MAX 16
#define CALLS_MAX  1024 /* of one process that are told apart */

struct outcome {
	bool hit;         /* the point was reached */
	long call;        /* number of the system call there */
	bool before_main; /* in libc's own startup */
	bool payload;     /* the payload was exec'd */
	bool second_exec; /* and then something else */
	bool hung;        /* and everything was killed */
	int status;       /* of the launcher or payload: waitpid()'s */
	struct text look; /* at the payload, when it was exec'd */
	struct text said; /* on standard error */
	/* The processes seen before the payload, and the calls that each made. */
	size_t n_labels;
	struct {
		char name[LABEL_MAX];
		unsigned int n_calls;
		struct {
			long number;
			bool harmless; /* to leave it out changes nothing on the host */
		} calls[CALLS_MAX];
	} labels[LABELS_MAX];
};

/* Runs argv with the fault at the point until every process that came of it has ended. */
void trace_run(char *const argv[], const char *payload, const struct point *point,
               struct outcome *ret);
void outcome_free(struct outcome *o);
