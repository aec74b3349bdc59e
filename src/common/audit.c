/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "counters.h"
#include "error.h"
#include "util.h"

#define JOURNAL "/run/systemd/journal/socket"

/* Of what an event is about: a path may be longer. */
#define WHAT_MAX 256

const struct audit_kind audit_kinds[AUDIT_MAX_] = {
        [AUDIT_FAILED] = {"c155e4ad523b4d6aa2f39c9472fc72e8", "failed", LOG_ERR, false},
        [AUDIT_STARTED] = {"454188a9e32144db8f89fc40fce8d744", "started", LOG_INFO, false},
        [AUDIT_SEALED] = {"c7e965ed1642437ead317954d30d8474", "sealed", LOG_INFO, false},
        [AUDIT_REFUSED] = {"528cd455b7554064a0d390978bc0e078", "refused", LOG_WARNING, true},
        [AUDIT_LOST] = {"dee1d97ccc384d67816c2d347f068082", "lost", LOG_ERR, false},
        [AUDIT_ENDED] = {"36a2ea9044ba448fa99f49e2ca483dc4", "ended", LOG_NOTICE, false},
        [AUDIT_DIED] = {"6f3a9d0c1be34d1f9a5c77e2c0d4b811", "died", LOG_ERR, false},
        [AUDIT_KILLED] = {"a2c4e0b7d9f1483e8f60bb0f5d3e9c24", "killed", LOG_ERR, false},
        [AUDIT_NOTE] = {"70638e38f7b0464998f59d74235bc929", "noted", LOG_NOTICE, true},
};

static struct counters_role unseen;
struct counters_role *counters = &unseen;

static struct {
	const char *role; /* NULL: the launcher */
	const char *name;
	unsigned int domid;
	uint32_t uid;
	int journal;
	uint64_t full_at; /* ms: when a burst is possible again; CLOCK_MONOTONIC */
	uint64_t left_out;
} self = {.journal = -1};

int audit_connect(void)
{
	const union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX, .sun_path = JOURNAL}};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)connect(fd, &addr.sa, sizeof(addr.un));
	return fd;
}

void audit_init(const char *role, int journal)
{
	self.role = role;
	self.journal = journal;
}

void audit_domain(unsigned int domid, const char *name, uint32_t uid)
{
	self.domid = domid;
	self.name = name;
	self.uid = uid;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A token bucket, kept as the one time at which it will be full. */
static bool has_token(void)
{
	const uint64_t now = now_ms();

	if (self.full_at < now)
		self.full_at = now;
	if (self.full_at - now > (AUDIT_BURST - 1) * AUDIT_INTERVAL_MS)
		return false;
	self.full_at += AUDIT_INTERVAL_MS;
	return true;
}

static void make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

/* A datagram to the journal as it grows. A field that does not fit is not there at all. */
struct record {
	size_t len;
	char bytes[4096];
};

static void append(struct record *r, const void *bytes, size_t n)
{
	memcpy(r->bytes + r->len, bytes, n);
	r->len += n;
}

/* By length, little-endian: the bytes of a value can never become another field. */
static void add_text(struct record *r, const char *field, const char *value)
{
	const uint64_t n = strlen(value);
	const size_t field_n = strlen(field);

	if (n > sizeof(r->bytes) || field_n + n + sizeof(n) + 2 > sizeof(r->bytes) - r->len)
		return;
	append(r, field, field_n);
	append(r, "\n", 1);
	append(r, &n, sizeof(n));
	append(r, value, n);
	append(r, "\n", 1);
}

static void add_number(struct record *r, const char *field, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	add_text(r, field, text);
}

/* Never waited for: a journal that does not keep up loses records, which the file log still has. */
static void send_record(const struct audit_kind *kind, const char *what, const char *message,
                        uint64_t left_out)
{
	struct record r;
	struct iovec iov = {.iov_base = r.bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (self.journal < 0)
		return;
	r.len = 0;
	add_text(&r, "MESSAGE", message);
	add_text(&r, "MESSAGE_ID", kind->message_id);
	add_number(&r, "PRIORITY", (uint64_t)kind->priority);
	add_text(&r, "SYSLOG_IDENTIFIER", "qemu-depriv");
	add_text(&r, "QEMU_DEPRIV_ROLE", self.role != NULL ? self.role : "launcher");
	add_text(&r, "QEMU_DEPRIV_WHAT", what);
	add_text(&r, "QEMU_DEPRIV_DECISION", kind->decision);
	if (self.domid != 0) {
		add_number(&r, "QEMU_DEPRIV_DOMID", self.domid);
		add_number(&r, "QEMU_DEPRIV_UID", self.uid);
		add_text(&r, "QEMU_DEPRIV_NAME", self.name != NULL ? self.name : "");
	}
	if (left_out > 0)
		add_number(&r, "QEMU_DEPRIV_SUPPRESSED", left_out);
	iov.iov_len = r.len;
	(void)sendmsg(self.journal, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One write(), so that lines of several processes in one log do not mix. */
static void write_line(const char *message, uint64_t left_out)
{
	char line[ERROR_MAX + 192], who[64] = "qemu-depriv-dm", before[64] = "";
	int n;

	if (self.role != NULL)
		(void)snprintf(who, sizeof(who), "qemu-depriv %s[domain %u]", self.role,
		               self.domid);
	if (left_out > 0)
		(void)snprintf(before, sizeof(before), "(%llu lines left out) ",
		               (unsigned long long)left_out);
	n = snprintf(line, sizeof(line), "%s: %s%s\n", who, before, message);
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

void audit(enum audit_id id, const char *what, const char *fmt, ...)
{
	const struct audit_kind *kind = &audit_kinds[id];
	const int saved = errno;
	char message[ERROR_MAX], about[WHAT_MAX];
	va_list ap;

	if (kind->limited && !has_token()) {
		self.left_out++;
		counters->suppressed++;
		errno = saved;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	(void)snprintf(about, sizeof(about), "%s", what);
	make_printable(message);
	make_printable(about);
	write_line(message, self.left_out);
	send_record(kind, about, message, self.left_out);
	self.left_out = 0;
	errno = saved;
}
