/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "killed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rule.h"

/* Records of user space have a facility in the bits above the level (syslog(3)), LOG_KERN is 0. */
#define LEVELS 8

/*
 * Before that it is another process's: the monitor and this one come at once. The log's clock and
 * CLOCK_MONOTONIC begin together, but only the latter is adjusted, by 500 ppm at most
 * (adjtimex(2)).
 */
#define RECENT_US   (UINT64_C(60) * 1000000)
#define DRIFT_PARTS 2000

uint64_t killed_since(void)
{
	struct timespec ts;
	uint64_t now;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	return now > RECENT_US + now / DRIFT_PARTS ? now - RECENT_US - now / DRIFT_PARTS : 0;
}

/*
 * The prefix of a record: "LEVEL,SEQUENCE,MICROSECONDS,FLAGS...;" (Documentation/ABI/testing/
 * dev-kmsg). Returns what follows it in a record of the kernel's own since then, or NULL.
 */
static const char *text_of(const char *record, uint64_t since)
{
	unsigned long level;
	unsigned long long time;
	char *at;

	level = strtoul(record, &at, 10);
	if (*at != ',' || level >= LEVELS)
		return NULL;
	(void)strtoull(at + 1, &at, 10);
	if (*at != ',')
		return NULL;
	time = strtoull(at + 1, &at, 10);
	if (*at != ',' || time < since)
		return NULL;
	at = strchr(at, ';');
	return at != NULL ? at + 1 : NULL;
}

/* The number after key, or -1. */
static long number_of(const char *text, const char *key)
{
	const char *at = text != NULL ? strstr(text, key) : NULL;

	return at != NULL ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* kernel/auditsc.c, audit_seccomp(). The process's name comes later, and cannot hold a blank. */
static bool is_seccomp(const char *text, uid_t uid, struct killed *ret)
{
	if (strstr(text, "type=1326 ") == NULL || number_of(text, " uid=") != (long)uid ||
	    number_of(text, " sig=") <= 0)
		return false;
	*ret = (struct killed){.by = KILLED_BY_FILTER, .call = number_of(text, " syscall=")};
	return true;
}

/*
 * mm/oom_kill.c, __oom_kill_process(): "Memory cgroup out of memory: Killed process 1234 (NAME)
 * total-vm:... UID:...", or "Out of memory: ...". NAME is the process's choice.
 */
static bool is_out_of_memory(const char *text, uid_t uid, struct killed *ret)
{
	static const char group[] = "Memory cgroup out of memory", host[] = "Out of memory";
	const bool in_group = strncmp(text, group, strlen(group)) == 0;

	if (!in_group && strncmp(text, host, strlen(host)) != 0)
		return false;
	if (strstr(text, ": Killed process ") == NULL ||
	    number_of(strrchr(text, ')'), " UID:") != (long)uid)
		return false;
	*ret = (struct killed){.by = in_group ? KILLED_BY_GROUP : KILLED_BY_HOST};
	return true;
}

bool killed_parse(const char *record, uid_t uid, uint64_t since, struct killed *ret)
{
	const char *text = text_of(record, since);

	return text != NULL && (is_seccomp(text, uid, ret) || is_out_of_memory(text, uid, ret));
}

static const char *name_of(long call)
{
	for (size_t t = 0; t < POLICY_TABLES && policy_qemu.tables[t] != NULL; t++)
		for (const struct rule *r = policy_qemu.tables[t]; r->call != NULL; r++)
			if (r->nr == call)
				return r->call;
	return NULL;
}

void killed_describe(const struct killed *k, char *buf, size_t size)
{
	const char *name = k->by == KILLED_BY_FILTER ? name_of(k->call) : NULL;

	if (name != NULL)
		(void)snprintf(buf, size, "QEMU was killed by its system call filter: %s", name);
	else if (k->by == KILLED_BY_FILTER)
		(void)snprintf(buf, size, "QEMU was killed by its system call filter: number %ld",
		               k->call);
	else
		(void)snprintf(buf, size, "QEMU was killed: out of memory %s",
		               k->by == KILLED_BY_GROUP ? "in its control group" : "on the host");
}
