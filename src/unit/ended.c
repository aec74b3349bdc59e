/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ended DOMID: what systemd executes when the unit's main process has ended (ExecStopPost=). If it
 * was because QEMU ended by itself, this tells the journal, in an entry that people can look for,
 * and says which system call it was killed for: only the kernel's log has that.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "audit.h"
#include "notify.h"
#include "role.h"
#include "rule.h"
#include "util.h"

/* The record of the kernel's audit for a process that a seccomp filter has killed. */
#define AUDIT_SECCOMP "type=1326 "

/* The number after key in a record, or -1. */
static long number_of(const char *record, const char *key)
{
	const char *at = strstr(record, key);

	return at != NULL ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* The last system call that a process of this uid was killed for since boot, or -1. */
static long find_killed_call(uid_t uid)
{
	cleanup_fd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192]; /* the kernel's limit on a record, with its prefix */
	long call = -1;
	ssize_t n;

	/* EPIPE: the record was overwritten meanwhile, read on. */
	while (fd >= 0 &&
	       ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		if (n < 0)
			continue;
		record[n] = '\0';
		if (strstr(record, AUDIT_SECCOMP) != NULL &&
		    number_of(record, " uid=") == (long)uid && number_of(record, " sig=") > 0)
			call = number_of(record, " syscall=");
	}
	return call;
}

static const char *name_of(long call)
{
	for (size_t t = 0; t < POLICY_TABLES && policy_qemu.tables[t] != NULL; t++)
		for (const struct rule *r = policy_qemu.tables[t]; r->call != NULL; r++)
			if (r->nr == call)
				return r->call;
	return NULL;
}

static void tell(const char *domid, enum audit_id id, const char *text)
{
	struct error err;
	cleanup_fd int notify = notify_open(&err);

	(void)sd_journal_send("MESSAGE=Domain %s: %s", domid, text, "MESSAGE_ID=%s",
	                      audit_kinds[id].message_id, "PRIORITY=%d", audit_kinds[id].priority,
	                      "QEMU_DEPRIV_DECISION=%s", audit_kinds[id].decision,
	                      "QEMU_DEPRIV_WHAT=QEMU", "QEMU_DEPRIV_DOMID=%s", domid, NULL);
	if (notify >= 0)
		notify_send(notify, -1, "STATUS=Domain %s: %s", domid, text);
}

static bool env_is(const char *name, const char *value)
{
	const char *got = getenv(name);

	return got != NULL && strcmp(got, value) == 0;
}

int main(int argc, char *argv[])
{
	const struct passwd *base = getpwnam("xen-qemuuser-range-base");
	char text[128];
	uint64_t domid;
	long call;

	if (argc != 2 || !parse_u64(argv[1], 1, UINT16_MAX, &domid)) {
		(void)fprintf(stderr, "started by systemd only, in qemu-depriv@.service\n");
		return EXIT_FAILURE;
	}
	if (!env_is("EXIT_CODE", "exited") || !env_is("EXIT_STATUS", STR(UNIT_STATUS_FAILED)))
		return EXIT_SUCCESS;
	call = base != NULL ? find_killed_call(base->pw_uid + (uid_t)domid) : -1;
	if (call < 0) {
		tell(argv[1], AUDIT_DIED, "QEMU ended by itself; the line before says how");
		return EXIT_SUCCESS;
	}
	if (name_of(call) != NULL)
		(void)snprintf(text, sizeof(text), "QEMU was killed by its system call filter: %s",
		               name_of(call));
	else
		(void)snprintf(text, sizeof(text),
		               "QEMU was killed by its system call filter: number %ld", call);
	tell(argv[1], AUDIT_KILLED, text);
	return EXIT_SUCCESS;
}
