/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seccomp policy as data: calls-*.c and ioctls-qemu.c are tables of these rules, one a line,
 * each with its reason. gen-filter turns them into BPF at build time and the tests compare that BPF
 * with them; nothing reads them at run time.
 *
 * Of the rules of one call at most one may match; a call has either one rule without checks or
 * any number with. Where the kernel can tell from a call's number alone that it is allowed, it
 * notes that when the filter is loaded and runs no BPF for it (Linux 5.11): checks cost, on each
 * call, some 20 ns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>

enum action {
	ACTION_ALLOW,
	ACTION_EPERM,
	ACTION_ENOSYS, /* "this kernel has no such call": the caller has another way */
	ACTION_NOTIFY, /* the broker answers */
	ACTION_KILL,   /* the whole process: no program of ours does this unless taken over */
};

/*
 * Holds if the low 32 bits of argument number `index` (0..5), masked, equal `value`. Never more
 * than 32 bits: each argument that the tables look at is an int of the system call's definition or
 * has no meaning above bit 31, and the kernel ignores the upper half, so the filter has to as well.
 */
struct check {
	uint8_t index;
	uint32_t mask; /* 0: no check, ends the list */
	uint32_t value;
};

#define RULE_CHECKS 3

struct rule {
	const char *call;
	int nr; /* x86-64's number */
	enum action action;
	const char *why;
	const char *what; /* which requests, commands or options of the call: NULL if all */
	bool hot;         /* tested before all others; only at the head of a policy's first table */
	struct check checks[RULE_CHECKS]; /* all must hold, each of another argument */
};

/* One call by its name, whatever its arguments; or, with _IF, where all the given checks hold. */
#define RULE(name, act, reason)                                                                    \
	{                                                                                          \
		.call = #name, .nr = __NR_##name, .action = (act), .why = (reason)                 \
	}
#define RULE_IF(name, act, reason, ...)                                                            \
	{                                                                                          \
		.call = #name, .nr = __NR_##name, .action = (act), .why = (reason), .checks = {    \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

#define ALLOW(name, reason)         RULE(name, ACTION_ALLOW, reason)
#define ALLOW_IF(name, reason, ...) RULE_IF(name, ACTION_ALLOW, reason, __VA_ARGS__)

/* The same with a name for what the checks let through. */
#define ALLOW_OF(name, of, reason, ...)                                                            \
	{                                                                                          \
		.call = #name, .nr = __NR_##name, .action = ACTION_ALLOW, .why = (reason),         \
		.what = (of), .checks = {                                                          \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* Checks: the argument is exactly `v`; its bits in `m` are exactly `v`; it has none of these. */
#define ARG(i, v)                                                                                  \
	{                                                                                          \
		.index = (i), .mask = UINT32_MAX, .value = (uint32_t)(v)                           \
	}
#define ARG_BITS(i, m, v)                                                                          \
	{                                                                                          \
		.index = (i), .mask = (uint32_t)(m), .value = (uint32_t)(v)                        \
	}
#define ARG_WITHOUT(i, m) ARG_BITS(i, m, 0)

/* Ends a table. */
#define RULES_END                                                                                  \
	{                                                                                          \
		.call = NULL                                                                       \
	}

#define POLICY_TABLES 13

struct policy {
	const char *name;                         /* a C identifier: the generated array's */
	enum action otherwise;                    /* for every call that no rule matches */
	const struct rule *tables[POLICY_TABLES]; /* NULL after the last one */
	const char *groups[POLICY_TABLES];        /* what each table is about, for people */
};

extern const struct policy policy_qemu;
extern const struct policy policy_probe;
extern const struct policy policy_monitor;
extern const struct policy policy_broker;
extern const struct policy policy_xsfilter;

/* First table of policy_qemu and policy_probe. */
extern const struct rule qemu_ioctls[];
