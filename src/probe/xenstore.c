/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xenstore, on the wire: every type of request on every class of foreign path, and messages made
 * to get past a filter. The control talks to xenstored itself; what it writes it removes again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* After errno.h: only then it has the names of the errors. */
#include <xen/io/xs_wire.h>

#include "attempt.h"

#define NEW "qemu-depriv-probe"

/* Prepared connections: after sealing there are no new ones. */
#define PREPARED_MAX 8
static int prepared[PREPARED_MAX];
static int n_prepared;

static int connect_xenstored(void)
{
	const char *path = getenv("XENSTORED_PATH");
	const struct timeval patience = {.tv_sec = 2};
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} a = {.un = {.sun_family = AF_UNIX}};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s",
	               path != NULL ? path : "/run/xenstored/socket");
	if (connect(fd, &a.sa, sizeof(a.un)) < 0) {
		close_fdp(&fd);
		return -1;
	}
	/* Refused in confinement, where the battery's runner waits with a limit of its own. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

void probe_prepare(int xenstore_connections)
{
	while (n_prepared < xenstore_connections && n_prepared < PREPARED_MAX) {
		int fd = connect_xenstored();

		if (fd < 0)
			return;
		prepared[n_prepared++] = fd;
	}
}

/* The newest prepared connection; a new one where none is left or was prepared. */
static int xenstore_fd(void)
{
	return n_prepared > 0 ? prepared[n_prepared - 1] : connect_xenstored();
}

static void give_back(int fd, int outcome)
{
	if (n_prepared == 0 || fd != prepared[n_prepared - 1])
		(void)close(fd);
	else if (outcome == ECONNRESET || outcome == EPIPE || outcome == ETIMEDOUT)
		(void)close(prepared[--n_prepared]);
}

/* The wire ------------------------------------------------------------------------------------- */

static int read_all(int fd, void *buf, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = recv(fd, (char *)buf + done, n - done, 0);

		if (r == 0)
			return ECONNRESET;
		if (r < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		done += (size_t)r;
	}
	return 0;
}

static int errno_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++)
		if (strcmp(xsd_errors[i].errstring, name) == 0)
			return xsd_errors[i].errnum;
	return EINVAL;
}

/* The next reply; watch events are passed over. ret may be NULL. */
static int receive(int fd, char *ret, size_t size)
{
	char payload[XENSTORE_PAYLOAD_MAX + 1];
	struct xsd_sockmsg h;
	int r;

	do {
		r = read_all(fd, &h, sizeof(h));
		if (r == 0 && h.len > XENSTORE_PAYLOAD_MAX)
			r = EPROTO;
		if (r == 0)
			r = read_all(fd, payload, h.len);
		if (r != 0)
			return r;
	} while (h.type == XS_WATCH_EVENT);
	payload[h.len] = '\0';
	if (ret != NULL)
		(void)snprintf(ret, size, "%.63s", payload);
	return h.type == XS_ERROR ? errno_of(payload) : 0;
}

struct message {
	struct xsd_sockmsg h;
	char payload[XENSTORE_PAYLOAD_MAX];
};

static void message(struct message *m, uint32_t type, uint32_t tx, const char *payload, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->h = (struct xsd_sockmsg){.type = type, .req_id = 1, .tx_id = tx, .len = (uint32_t)len};
	memcpy(m->payload, payload, len);
}

static int transmit(int fd, const void *bytes, size_t n)
{
	return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : errno;
}

static int ask(int fd, uint32_t type, uint32_t tx, const char *payload, size_t len, char *ret)
{
	struct message m;
	int r;

	message(&m, type, tx, payload, len);
	r = transmit(fd, &m, sizeof(m.h) + len);
	return r != 0 ? r : receive(fd, ret, ret != NULL ? 64 : 0);
}

/* Request and reply on whatever connection there is. */
static int exchange(uint32_t type, const char *payload, size_t len)
{
	int fd = xenstore_fd(), r;

	if (fd < 0)
		return errno;
	r = ask(fd, type, 0, payload, len, NULL);
	give_back(fd, r);
	return r;
}

int xenstore_running(uint16_t domid)
{
	char payload[128];
	int n = snprintf(payload, sizeof(payload), "/local/domain/0/device-model/%u/state%crunning",
	                 domid, '\0');

	return exchange(XS_WRITE, payload, (size_t)n);
}

/* Paths ---------------------------------------------------------------------------------------- */

/* text is a format for a domid; arg[1] says whose. Returns the length with its NUL. */
enum whose {
	FOREIGN,
	OWN,
	NOBODY
};

static size_t path_of(const struct attempt *self, const struct facts *facts, char ret[128])
{
	const char *number = strchr(self->text, '%');
	unsigned int domid = self->arg[1] == OWN ? facts->domid : facts->foreign;
	int n;

	if (number == NULL)
		n = snprintf(ret, 128, "%s", self->text);
	else
		n = snprintf(ret, 128, "%.*s%u%s", (int)(number - self->text), self->text, domid,
		             number + 2);
	return (size_t)n + 1;
}

static bool has_subject(const struct attempt *self, const struct facts *facts)
{
	return strchr(self->text, '%') == NULL || self->arg[1] == OWN || facts->foreign != 0;
}

/* arg[0] is the type, text the path, and what follows the path in the payload depends on it. */
static int request(const struct attempt *self, const struct facts *facts)
{
	static const char token[] = "t";
	uint32_t type = (uint32_t)self->arg[0];
	char payload[256];
	size_t n;

	if (!has_subject(self, facts))
		return OUTCOME_NOTHING;
	n = path_of(self, facts, payload);
	if (type == XS_WRITE)
		payload[n++] = 'x';
	else if (type == XS_WATCH)
		n += (size_t)snprintf(payload + n, 2, "%s", token) + 1;
	else if (type == XS_SET_PERMS)
		n += (size_t)snprintf(payload + n, 4, "b0") + 1;
	return exchange(type, payload, n);
}

/* Makes the node, does what the row says to it, removes it: refused in confinement at each step. */
static int change(const struct attempt *self, const struct facts *facts)
{
	struct attempt step = *self;
	int r;

	if (!has_subject(self, facts))
		return OUTCOME_NOTHING;
	if (self->arg[0] == XS_RM || self->arg[0] == XS_SET_PERMS) {
		step.arg[0] = XS_WRITE;
		(void)request(&step, facts);
	}
	r = request(self, facts);
	step.arg[0] = XS_RM;
	if (self->arg[0] != XS_RM && r == 0)
		(void)request(&step, facts);
	return r;
}

/* text: the payload as it is, "|" for NUL. */
static int raw(const struct attempt *self, const struct facts *facts)
{
	char payload[128];
	size_t n = (size_t)snprintf(payload, sizeof(payload), "%s", self->text);

	(void)facts;
	for (size_t i = 0; i < n; i++)
		if (payload[i] == '|')
			payload[i] = '\0';
	return exchange((uint32_t)self->arg[0], payload, n);
}

static int domain_path(const struct attempt *self, const struct facts *facts)
{
	char payload[16];
	int n = snprintf(payload, sizeof(payload), "%u", facts->foreign);

	return facts->foreign == 0 ? OUTCOME_NOTHING
	                           : exchange((uint32_t)self->arg[0], payload, (size_t)n + 1);
}

/* Quotas --------------------------------------------------------------------------------------- */

static int many_transactions(const struct attempt *self, const struct facts *facts)
{
	char id[64], ids[16][64];
	int fd = xenstore_fd(), r = 0;
	size_t n = 0;

	(void)self;
	(void)facts;
	if (fd < 0)
		return errno;
	for (; r == 0 && n < ARRAY_SIZE(ids); n++) {
		r = ask(fd, XS_TRANSACTION_START, 0, "", 1, id);
		(void)snprintf(ids[n], sizeof(ids[n]), "%s", id);
	}
	for (size_t i = 0; i < n; i++)
		(void)ask(fd, XS_TRANSACTION_END, (uint32_t)strtoul(ids[i], NULL, 10), "F", 2,
		          NULL);
	give_back(fd, r);
	return r;
}

static int many_watches(const struct attempt *self, const struct facts *facts)
{
	char payload[128];
	int fd = xenstore_fd(), r = 0, n = 0;

	(void)self;
	if (fd < 0)
		return errno;
	for (; r == 0 && n < 64; n++) {
		int len = snprintf(payload, sizeof(payload), "/local/domain/0/backend/vbd/%u%c%d",
		                   facts->domid, '\0', n);

		r = ask(fd, XS_WATCH, 0, payload, (size_t)len + 1, NULL);
	}
	while (n-- > 0) {
		int len = snprintf(payload, sizeof(payload), "/local/domain/0/backend/vbd/%u%c%d",
		                   facts->domid, '\0', n);

		(void)ask(fd, XS_UNWATCH, 0, payload, (size_t)len + 1, NULL);
	}
	give_back(fd, r);
	return r;
}

static int many_connections(const struct attempt *self, const struct facts *facts)
{
	int fds[32], r = 0;
	size_t n = 0;

	(void)self;
	(void)facts;
	while (n < ARRAY_SIZE(fds) && r == 0) {
		fds[n] = connect_xenstored();
		r = outcome_of(fds[n]);
		n += r == 0;
	}
	while (n > 0)
		(void)close(fds[--n]);
	return r;
}

/* Past the filter ------------------------------------------------------------------------------ */

/* A request for the other guest's name. */
static int secret(struct message *m, const struct facts *facts, uint32_t tx)
{
	char path[64];
	int n = snprintf(path, sizeof(path), "/local/domain/%u/name", facts->foreign);

	if (facts->foreign == 0)
		return OUTCOME_NOTHING;
	message(m, XS_READ, tx, path, (size_t)n + 1);
	return 0;
}

/* Behind a request that is permitted, in one write: both must be looked at. */
static int coalesced(const struct attempt *self, const struct facts *facts)
{
	struct message first, second;
	char bytes[2 * sizeof(first)], domid[16];
	size_t n, m;
	int fd, r = secret(&second, facts, 0);

	(void)self;
	if (r != 0)
		return r;
	n = (size_t)snprintf(domid, sizeof(domid), "%u", facts->domid) + 1;
	message(&first, XS_GET_DOMAIN_PATH, 0, domid, n);
	n += sizeof(first.h);
	m = sizeof(second.h) + second.h.len;
	memcpy(bytes, &first, n);
	memcpy(bytes + n, &second, m);
	fd = xenstore_fd();
	if (fd < 0)
		return errno;
	r = transmit(fd, bytes, n + m);
	if (r == 0)
		r = receive(fd, NULL, 0);
	if (r == 0)
		r = receive(fd, NULL, 0);
	give_back(fd, r);
	return r;
}

static int fragments(const struct attempt *self, const struct facts *facts)
{
	struct message m;
	int fd, r = secret(&m, facts, 0);

	(void)self;
	if (r != 0)
		return r;
	fd = xenstore_fd();
	if (fd < 0)
		return errno;
	for (size_t i = 0; r == 0 && i < sizeof(m.h) + m.h.len; i++)
		r = transmit(fd, (const char *)&m + i, 1);
	if (r == 0)
		r = receive(fd, NULL, 0);
	give_back(fd, r);
	return r;
}

/* A permitted path and the foreign one in one payload: which of them counts? */
static int two_paths(const struct attempt *self, const struct facts *facts)
{
	char payload[256];
	int n = snprintf(payload, sizeof(payload), "/local/domain/%u/name%c/local/domain/0/backend",
	                 facts->foreign, '\0');

	(void)self;
	return facts->foreign == 0 ? OUTCOME_NOTHING : exchange(XS_READ, payload, (size_t)n + 1);
}

static int in_transaction(const struct attempt *self, const struct facts *facts)
{
	struct message m;
	char id[64];
	int fd, r = secret(&m, facts, 0);

	(void)self;
	if (r != 0)
		return r;
	fd = xenstore_fd();
	if (fd < 0)
		return errno;
	r = ask(fd, XS_TRANSACTION_START, 0, "", 1, id);
	if (r == 0) {
		uint32_t tx = (uint32_t)strtoul(id, NULL, 10);

		(void)secret(&m, facts, tx);
		r = ask(fd, XS_READ, tx, m.payload, m.h.len, NULL);
		(void)ask(fd, XS_TRANSACTION_END, tx, "F", 2, NULL);
	}
	give_back(fd, r);
	return r;
}

/* The only forwarded write, with another value or at another domain's node. */
static int state_of_other(const struct attempt *self, const struct facts *facts)
{
	char payload[128];
	unsigned int domid = self->arg[0] != 0 ? facts->domid : facts->foreign;
	int n = snprintf(payload, sizeof(payload), "/local/domain/0/device-model/%u/%s%cx", domid,
	                 self->text, '\0');

	if (self->arg[0] == 0 && facts->foreign == 0)
		return OUTCOME_NOTHING;
	return exchange(XS_WRITE, payload, (size_t)n);
}

/* A length that no message has, then a sound request on another connection. */
static int after_garbage(const struct attempt *self, const struct facts *facts)
{
	struct message m;
	char domid[16];
	int fd = xenstore_fd(), r;

	if (fd < 0)
		return errno;
	message(&m, (uint32_t)self->arg[0], (uint32_t)self->arg[1], "", 0);
	m.h.len = (uint32_t)self->arg[2];
	r = transmit(fd, &m, sizeof(m.h) + (self->arg[3] != 0 ? 16 : 0));
	if (r == 0)
		r = receive(fd, NULL, 0);
	give_back(fd, r);
	/* An error, the end, or silence: xenstored may wait for the rest. */
	if (r == 0)
		return EPROTO;
	r = snprintf(domid, sizeof(domid), "%u", facts->domid);
	return exchange(XS_GET_DOMAIN_PATH, domid, (size_t)r + 1);
}

#define OTHER "/local/domain/%u/"
#define DOM0  "/local/domain/0/"

#define LOOK(name, type, path, whose)                                                              \
	{                                                                                          \
		name, request, .arg = {XS_##type, whose}, .text = (path),                          \
		               REFUSED(EACCES, EPERM, EINVAL), REACHED(ENOENT, ENOSYS),            \
		               .why = "what others keep there"                                     \
	}
#define CHANGE(name, type, path, whose)                                                            \
	{                                                                                          \
		name, change, .arg = {XS_##type, whose}, .text = (path), REFUSED(EACCES, EPERM),   \
		              .why = "what others act on"                                          \
	}
#define ALL_CHANGES(class, path, whose)                                                            \
	CHANGE("write-" class, WRITE, path NEW, whose),                                            \
	        CHANGE("mkdir-" class, MKDIR, path NEW, whose),                                    \
	        CHANGE("rm-" class, RM, path NEW, whose),                                          \
	        CHANGE("set-perms-" class, SET_PERMS, path NEW, whose)
#define PRIVILEGED(name, type, payload, reason)                                                    \
	{                                                                                          \
		name, raw, NUMBER(XS_##type), .text = (payload), REFUSED(EACCES, EPERM),           \
		                              REACHED(ENOENT, EINVAL, ESRCH, ENOSYS),              \
		                              .why = (reason)                                      \
	}

static const struct attempt xenstore[] = {
        LOOK("read-other", READ, OTHER "name", FOREIGN),
        LOOK("read-dom0", READ, DOM0 "name", NOBODY),
        LOOK("read-own", READ, OTHER "name", OWN),
        LOOK("read-toolstack", READ, "/libxl", NOBODY),
        LOOK("read-vm", READ, "/vm", NOBODY),
        LOOK("list-other", DIRECTORY, OTHER "device", FOREIGN),
        LOOK("list-domains", DIRECTORY, "/local/domain", NOBODY),
        LOOK("list-toolstack", DIRECTORY, "/libxl", NOBODY),
        LOOK("list-root", DIRECTORY, "/", NOBODY),
        LOOK("list-part", DIRECTORY_PART, "/local/domain", NOBODY),
        LOOK("get-perms-other", GET_PERMS, OTHER "name", FOREIGN),
        LOOK("get-perms-dom0", GET_PERMS, DOM0 "name", NOBODY),
        LOOK("watch-other", WATCH, OTHER "name", FOREIGN),
        LOOK("watch-toolstack", WATCH, "/libxl", NOBODY),
        LOOK("watch-special", WATCH, "@introduceDomain", NOBODY),
        LOOK("read-relative", READ, "name", NOBODY),
        LOOK("read-dotdot", READ, DOM0 "../%u/name", FOREIGN),
        LOOK("read-slashes", READ, "//local/domain/%u/name", FOREIGN),
        ALL_CHANGES("other", OTHER, FOREIGN),
        ALL_CHANGES("other-frontend", OTHER "device/", FOREIGN),
        ALL_CHANGES("dom0-backend", DOM0 "backend/", NOBODY),
        ALL_CHANGES("own-image", OTHER "image/", OWN),
        ALL_CHANGES("own-console", OTHER "console/", OWN),
        ALL_CHANGES("toolstack", "/libxl/", NOBODY),
        ALL_CHANGES("root", "/", NOBODY),

        PRIVILEGED("introduce", INTRODUCE, "32000|1|1|", "a connection for another domain"),
        PRIVILEGED("release", RELEASE, "32000|", "cuts another domain off"),
        PRIVILEGED("resume", RESUME, "32000|", "another domain's shutdown"),
        PRIVILEGED("set-target", SET_TARGET, "32000|32001|", "rights over another domain"),
        PRIVILEGED("is-introduced", IS_DOMAIN_INTRODUCED, "0|", "which domains there are"),
        PRIVILEGED("reset-watches", RESET_WATCHES, "|", "not needed"),
        PRIVILEGED("control", CONTROL, "help|", "xenstored itself"),
        {"domain-path-other", domain_path, NUMBER(XS_GET_DOMAIN_PATH), REFUSED(EACCES),
         .why = "only its own is answered"},

        {"transactions", many_transactions, REFUSED(ENOSPC),
         .why = "xenstored has no quota for connections of dom0"},
        {"watches", many_watches, REFUSED(ENOSPC),
         .why = "xenstored has no quota for connections of dom0"},
        {"connections", many_connections, REFUSED(EMFILE), .flags = EARLY,
         .why = "xenstored has no quota for connections of dom0"},

        {"coalesced", coalesced, REFUSED(EACCES),
         .why = "behind a permitted request, in one write"},
        {"fragments", fragments, REFUSED(EACCES), .why = "byte by byte"},
        {"two-paths", two_paths, REFUSED(EACCES, EINVAL), .why = "two paths in one payload"},
        {"in-transaction", in_transaction, REFUSED(EACCES), .why = "inside of a transaction"},
        {"state-of-other", state_of_other, .text = NEW, REFUSED(EACCES),
         .why = "the permitted write is for its own domain"},
        {"state-another-value", state_of_other, .text = "state", NUMBER(1), REFUSED(EACCES),
         .why = "the permitted write has one value"},
        {"garbage-length", after_garbage, .arg = {XS_READ, 0, 0xffffffff}, .flags = WITHSTAND,
         .why = "a message of 4 GiB must not disturb other connections"},
        {"garbage-type", after_garbage, .arg = {0xdeadbeef, 0, 16, 1}, .flags = WITHSTAND,
         .why = "an unknown type must not disturb other connections"},
        {"garbage-transaction", after_garbage, .arg = {XS_DIRECTORY, 0xdeadbeef, 16, 1},
         .flags = WITHSTAND, .why = "a transaction that is none"},
};

const struct group probe_xenstore =
        GROUP(xenstore, "every request on every class of path, and messages that are none");
