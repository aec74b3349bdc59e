/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ended DOMID: what systemd executes when the unit's main process has ended (ExecStopPost=). If
 * QEMU has, this looks into the kernel's log for what it was killed for: a system call, or memory.
 * Only there it is certain: systemd may have removed QEMU's control group already, and a monitor
 * that was restarted is not QEMU's parent. A QEMU that ended by itself gets an entry in the journal
 * that people can look for.
 *
 * It fails, and the unit with it, if the kernel has killed a QEMU that the monitor believed to be
 * ended by request: both are SIGKILL.
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
#include "killed.h"
#include "notify.h"
#include "role.h"
#include "util.h"

/* The kernel's limit on a record of /dev/kmsg, with its prefix. */
#define RECORD_MAX 8192

/* What the kernel has killed a process of this uid for just now; KILLED_BY_NOBODY: nothing. */
static struct killed find_killed(uid_t uid)
{
	cleanup_fd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const uint64_t since = killed_since();
	struct killed found = {.by = KILLED_BY_NOBODY}, one;
	char record[RECORD_MAX];
	ssize_t n;

	/* EPIPE: the record was overwritten meanwhile, read on. */
	while (fd >= 0 &&
	       ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		if (n < 0)
			continue;
		record[n] = '\0';
		if (killed_parse(record, uid, since, &one))
			found = one;
	}
	return found;
}

static void tell_journal(const char *domid, enum audit_id id, const char *text)
{
	(void)sd_journal_send("MESSAGE=Domain %s: %s", domid, text, "MESSAGE_ID=%s",
	                      audit_kinds[id].message_id, "PRIORITY=%d", audit_kinds[id].priority,
	                      "QEMU_DEPRIV_DECISION=%s", audit_kinds[id].decision,
	                      "QEMU_DEPRIV_WHAT=QEMU", "QEMU_DEPRIV_DOMID=%s", domid, NULL);
}

static void tell_status(const char *domid, const char *text)
{
	struct error err;
	cleanup_fd int notify = notify_open(&err);

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
	const bool failed = env_is("EXIT_STATUS", STR(UNIT_STATUS_FAILED));
	struct killed killed = {.by = KILLED_BY_NOBODY};
	char text[KILLED_TEXT_MAX];
	uint64_t domid;

	if (argc != 2 || !parse_u64(argv[1], 1, UINT16_MAX, &domid)) {
		(void)fprintf(stderr, "started by systemd only, in qemu-depriv@.service\n");
		return EXIT_FAILURE;
	}
	/* After any other end of the monitor QEMU lives. */
	if (!env_is("EXIT_CODE", "exited") || (!failed && !env_is("EXIT_STATUS", "0")))
		return EXIT_SUCCESS;
	if (base != NULL)
		killed = find_killed(base->pw_uid + (uid_t)domid);
	if (killed.by == KILLED_BY_NOBODY) {
		if (failed)
			tell_journal(argv[1], AUDIT_DIED,
			             "QEMU ended by itself; the line before says how");
		return EXIT_SUCCESS;
	}
	killed_describe(&killed, text, sizeof(text));
	tell_journal(argv[1], killed.by == KILLED_BY_FILTER ? AUDIT_KILLED : AUDIT_DIED, text);
	tell_status(argv[1], text);
	return failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
