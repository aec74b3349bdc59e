/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker: notified system calls of a hostile QEMU, with QEMU's memory, the monitor and the
 * kernel's side of the listener being the fuzzer's.
 *
 * An input is a header, up to CALLS_MAX calls and QEMU's memory, which starts or ends (AT_END) at a
 * page of BASE. With RACES another thread of QEMU changes what the broker has just read. Checked is
 * what the broker asks of the monitor, against the bytes that it was given as it read them: decoded
 * here once more, by numbers written down from Xen's and the kernel's headers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker.h"
#include "fuzz.h"
#include "role.h"
#include "util.h"

#define CALLS_MAX 4
#define PAGE      4096u
#define BASE      UINT64_C(0x10000)
#define PAGES     4
#define MEMORY    (PAGES * PAGE)
#define LISTENER  900
#define MEM       901
#define DOMID     7
#define MAX_PAGES 600 /* more than hypercall.c reads at a time */

enum {
	EXECUTED = 1,
	MEM_OPEN = 2,
	RACES = 4,
	AT_END = 8,
};

enum reply_flags {
	REPLY_FD = 1,
	ADDFD_FAILS = 2,
	SEND_FAILS = 4,
};

/* One call of QEMU, and how the monitor and the kernel answer what comes of it. */
struct call {
	int nr;
	uint64_t args[6];
	int32_t result;
	uint8_t flags; /* enum reply_flags */
};

static const struct manifest manifest = {
        .magic = MANIFEST_MAGIC,
        .domid = DOMID,
        .extra_pages = MAX_PAGES,
        .n_files = 2,
        .files = {{1, 0}, {6, 1}},
        .n_dirs = 1,
        .dirs = {{12}},
        .n_inets = 3,
        .inets = {{AF_INET, 1, 1, 0, {10, 0, 0, 1}},
                  {AF_INET, 5900, 5903, 0, {127, 0, 0, 1}},
                  {AF_INET6, 5900, 5999, 0, {0}}},
        .pool = "\0/iso\0/disk\0/base",
};

static struct {
	uint8_t flags;
	uint8_t bytes[MEMORY]; /* QEMU's memory as it is */
	uint8_t seen[MEMORY];  /* as the broker was given it last */
	uint8_t reads[MEMORY]; /* how often in this call */
	size_t start, end;     /* what is mapped */
	unsigned int n_reads;
} memory;

static struct call call;
static int given;     /* the fd of the monitor's reply, -1: none */
static int installed; /* ADDFDs that succeeded */
static int answered;  /* SENDs, of either kind */
static bool asked;    /* the monitor, but for MEM */
static bool was_executed;
static int send_error; /* of the answer; 0: none */
static bool ambiguous; /* what the populate was made from */
static uint32_t asked_type;
static uint64_t result_addr; /* where a multicall's result belongs; 0, never mapped: nowhere */

ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t addr);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t addr);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* How much of [addr, addr + len) is mapped, from addr on; -1: not even the first byte. */
static ssize_t mapped(uint64_t addr, size_t len)
{
	const uint64_t start = BASE + memory.start, end = BASE + memory.end;

	if (addr < start || addr >= end)
		return errno = EIO, -1;
	return (ssize_t)(len < end - addr ? len : end - addr);
}

ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t addr)
{
	ssize_t n;
	size_t at;

	if (fd == -1)
		return errno = EBADF, -1; /* there is no QEMU yet */
	check(fd == MEM, "reads QEMU's memory and nothing else");
	check(addr >= 0, "an address is no negative offset");
	memset(buf, 'x', len); /* AddressSanitizer: there is room for all of it */
	n = mapped((uint64_t)addr, len);
	if (n < 0)
		return n;
	at = (size_t)((uint64_t)addr - BASE);
	memcpy(buf, memory.bytes + at, (size_t)n);
	memcpy(memory.seen + at, memory.bytes + at, (size_t)n);
	for (size_t i = 0; i < (size_t)n; i++)
		if (memory.reads[at + i] < UINT8_MAX)
			memory.reads[at + i]++;
	if ((memory.flags & RACES) != 0 && n > 0)
		for (size_t i = 0; i < (size_t)n; i++)
			memory.bytes[at + i] ^= (uint8_t)(1u << (memory.n_reads++ % 8));
	return n;
}

ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t addr)
{
	const ssize_t n = mapped((uint64_t)addr, len);
	int64_t result;

	check(fd == MEM, "writes QEMU's memory and nothing else");
	check(asked && asked_type == REQ_POPULATE, "writes after a populate only");
	check(len == sizeof(result) && (ambiguous || (uint64_t)addr == result_addr),
	      "writes a multicall's result and nothing else");
	memcpy(&result, buf, sizeof(result));
	check(result == call.result, "writes what the monitor has said");
	return n;
}

/* As the broker read it, at any address; false: it has not read all of it. */
static bool seen(uint64_t addr, void *buf, size_t len)
{
	size_t at;

	if (mapped(addr, len) != (ssize_t)len)
		return false;
	at = (size_t)(addr - BASE);
	for (size_t i = 0; i < len; i++)
		if (memory.reads[at + i] == 0)
			return false;
	memcpy(buf, memory.seen + at, len);
	return true;
}

/* Whether the broker read something twice in this call: then `seen` is the last of two versions. */
static bool read_twice(void)
{
	for (size_t i = 0; i < MEMORY; i++)
		if (memory.reads[i] > 1)
			return true;
	return false;
}

/* include/xen/memory.h: struct xen_memory_reservation. */
static void check_reservation(uint64_t addr, uint64_t gfn, uint64_t n)
{
	struct {
		uint64_t extents, n;
		uint32_t order, flags;
		uint16_t domid;
		uint8_t pad[6];
	} r;
	uint64_t one;

	check(seen(addr, &r, sizeof(r)), "a reservation was read");
	check(r.domid == DOMID, "memory is for this domain only");
	check(r.order == 0 && r.flags == 0, "single pages without flags");
	check(r.n == n && n >= 1 && n <= MAX_PAGES, "as many as QEMU said, within the plan");
	for (uint64_t i = 0; i < n; i++) {
		check(seen(r.extents + 8 * i, &one, sizeof(one)), "every gfn was read");
		check(one == gfn + i, "the gfns are consecutive");
	}
}

/* xen/sys/privcmd.h, xen/xen.h: memory_op is 12, multicall 13, populate_physmap 6. */
static void check_populate(uint64_t gfn, uint64_t n)
{
	uint64_t hypercall[6], entry[8];

	/* Two of QEMU's structures overlap: which version counted cannot be told. */
	ambiguous = (memory.flags & RACES) != 0 && read_twice();
	if (ambiguous)
		return;
	check(seen(call.args[2], hypercall, sizeof(hypercall)), "a hypercall was read");
	if (hypercall[0] == 12) {
		check(hypercall[1] == 6, "populate_physmap");
		check_reservation(hypercall[2], gfn, n);
		return;
	}
	check(hypercall[0] == 13 && hypercall[2] == 1, "or a multicall of one");
	check(seen(hypercall[1], entry, sizeof(entry)), "whose entry was read");
	check(entry[0] == 12 && entry[2] == 6, "populate_physmap");
	check_reservation(entry[3], gfn, n);
	result_addr = hypercall[1] + 8;
}

static void check_path(const char *expected, uint64_t addr)
{
	char path[64] = "";

	for (size_t i = 0; i < sizeof(path) - 1; i++)
		if (!seen(addr + i, &path[i], 1) || path[i] == '\0')
			break;
	check(strcmp(path, expected) == 0, "an open is answered by its path");
}

static uint64_t path_addr(void)
{
	check(call.nr == SYS_openat || call.nr == SYS_open, "a file is for an open");
	return call.args[call.nr == SYS_openat];
}

static void check_xenstore(void)
{
	uint8_t addr[128] = {0};
	const size_t len = (uint32_t)call.args[2];

	check(call.nr == SYS_connect && len <= sizeof(addr), "xenstored is connected to");
	check(seen(call.args[1], addr, len), "by an address that was read");
	check(addr[0] == 1 && addr[1] == 0, "of AF_UNIX");
	check(strcmp((char *)addr + 2, "/run/xenstored/socket") == 0 ||
	              strcmp((char *)addr + 2, "/var/run/xenstored/socket") == 0,
	      "that names its socket");
}

static void check_listen(uint32_t index, uint64_t port)
{
	const struct manifest_inet *inet = &manifest.inets[index];
	uint8_t addr[128] = {0};
	const size_t len = (uint32_t)call.args[2];

	check(call.nr == SYS_bind && len <= sizeof(addr), "a listener is bound");
	check(index < manifest.n_inets, "one of the plan");
	check(seen(call.args[1], addr, len), "by an address that was read");
	check(addr[0] == inet->family && addr[1] == 0, "of its family");
	check(((uint64_t)addr[2] << 8 | addr[3]) == port, "with its port");
	check(port >= inet->port_first && port <= inet->port_last, "which is in the plan");
	if (inet->family == AF_INET)
		check(memcmp(addr + 4, inet->addr, 4) == 0, "at its address");
	else
		check(memcmp(addr + 8, inet->addr, 16) == 0, "at its address");
}

/* The monitor. Instead of broker_ask() of ask.c. */
int broker_ask(uint32_t type, uint32_t index, uint64_t arg0, uint64_t arg1, int *ret_fd)
{
	*ret_fd = -1;
	if (type == REQ_MEM) {
		check(was_executed, "memory is asked for after the exec");
		*ret_fd = (call.flags & REPLY_FD) != 0 ? MEM : -1;
		return *ret_fd < 0 ? -ESRCH : 0;
	}
	check(!asked, "one request for one call");
	asked = true;
	asked_type = type;
	check(index == 0 || type == REQ_FILE || type == REQ_LISTEN, "an index is one of a list");
	switch (type) {
	case REQ_EXEC:
		check(call.nr == SYS_execve && !was_executed, "there is one exec");
		break;
	case REQ_PRIVCMD:
		check_path("/dev/xen/privcmd", path_addr());
		break;
	case REQ_EVTCHN:
		check_path("/dev/xen/evtchn", path_addr());
		break;
	case REQ_PTY:
		check_path("/dev/ptmx", path_addr());
		break;
	case REQ_FILE:
		check(index < manifest.n_files, "a file is one of the plan");
		check_path(manifest.pool + manifest.files[index].path, path_addr());
		check(arg0 == (uint32_t)call.args[call.nr == SYS_openat ? 2 : 1], "with its flags");
		break;
	case REQ_POPULATE:
		check(call.nr == SYS_ioctl, "a hypercall is an ioctl");
		check_populate(arg0, arg1);
		break;
	case REQ_XENSTORE:
		check_xenstore();
		break;
	case REQ_LISTEN:
		check_listen(index, arg0);
		break;
	default:
		check(false, "the monitor knows the request");
	}
	if ((call.flags & REPLY_FD) != 0 && type != REQ_EXEC && type != REQ_POPULATE)
		*ret_fd = given = fake_fd();
	return call.result;
}

/* The same for broker_ask_member(). */
int broker_ask_member(uint32_t index, const char *name, int flags, int *ret_fd)
{
	char path[PATH_MAX + 8];

	check(!asked && index < manifest.n_dirs && strlen(name) > 0, "a member of a directory");
	asked = true;
	asked_type = REQ_MEMBER;
	(void)snprintf(path, sizeof(path), "/base/%s", name);
	for (size_t i = 0; i <= strlen(path); i++) {
		char c;

		check(seen(path_addr() + i, &c, 1) && c == path[i], "is named by the whole path");
	}
	check((uint32_t)flags == (uint32_t)call.args[call.nr == SYS_openat ? 2 : 1],
	      "with its flags");
	*ret_fd = -1;
	if ((call.flags & REPLY_FD) != 0)
		*ret_fd = given = fake_fd();
	return call.result;
}

static int on_addfd(const struct seccomp_notif_addfd *add)
{
	check(add->id == 42, "the call's own id");
	check(given >= 0 && add->srcfd == (uint32_t)given, "what the monitor gave is installed");
	check(call.result >= 0, "and only if it agreed");
	check(add->newfd_flags == 0 || add->newfd_flags == O_CLOEXEC, "the flag that there is");
	if (add->flags == SECCOMP_ADDFD_FLAG_SETFD)
		check(add->newfd == (uint32_t)(call.args[0] & INT32_MAX), "at QEMU's socket");
	else
		check(add->flags == SECCOMP_ADDFD_FLAG_SEND && add->newfd == 0, "anywhere");
	if ((call.flags & ADDFD_FAILS) != 0)
		return errno = EBADF, -1;
	installed++;
	if (add->flags == SECCOMP_ADDFD_FLAG_SEND)
		answered++;
	return 3;
}

static int on_send(const struct seccomp_notif_resp *resp)
{
	check(resp->id == 42, "the call's own id");
	check(resp->error <= 0, "an error is negative");
	check(resp->error == 0 || resp->val == 0, "an error has no value");
	check(resp->flags == 0 || (resp->error == 0 && resp->val == 0), "nor has what goes on");
	check(resp->flags == 0 || resp->flags == SECCOMP_USER_NOTIF_FLAG_CONTINUE, "a known flag");
	if (resp->flags != 0)
		check(call.nr == SYS_open || call.nr == SYS_openat ||
		              (call.nr == SYS_execve && asked && call.result >= 0),
		      "only an open and the first exec go on in the kernel");
	if (resp->flags != 0 && call.nr != SYS_execve)
		check(!asked, "an open goes on if it is nobody's");
	answered++;
	errno = send_error;
	return send_error == 0 ? 0 : -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	const void *arg;

	va_start(ap, request);
	arg = va_arg(ap, const void *);
	va_end(ap);
	check(fd == LISTENER, "no ioctl but on the listener");
	if (request == SECCOMP_IOCTL_NOTIF_ADDFD)
		return on_addfd(arg);
	check(request == SECCOMP_IOCTL_NOTIF_SEND, "and none but these two");
	return on_send(arg);
}

static struct call take_call(struct input *in)
{
	/* The last two are not the broker's. */
	static const int numbers[] = {SYS_openat, SYS_open,   SYS_connect, SYS_bind,
	                              SYS_ioctl,  SYS_execve, SYS_listen,  -1};
	struct call c = {.nr = numbers[take(in, 1) % ARRAY_SIZE(numbers)]};

	for (size_t i = 0; i < ARRAY_SIZE(c.args); i++)
		c.args[i] = take(in, 8);
	c.result = (int32_t)take(in, 4);
	/* The monitor answers with an errno or, for populate, a count. */
	if (c.result < -4095)
		c.result = -EPERM;
	c.flags = (uint8_t)take(in, 1);
	return c;
}

/* The rest of the input: whole pages, as the kernel maps them. */
static void take_memory(struct input *in)
{
	const size_t n = in->n < MEMORY ? in->n : MEMORY;
	const size_t pages = (n + PAGE - 1) / PAGE * PAGE;

	memset(memory.bytes, 0, sizeof(memory.bytes));
	memory.n_reads = 0;
	memory.start = (memory.flags & AT_END) != 0 ? MEMORY - pages : 0;
	memory.end = memory.start + pages;
	if (n > 0)
		memcpy(memory.bytes + ((memory.flags & AT_END) != 0 ? MEMORY - n : 0), in->p, n);
}

static void run_call(struct broker *b)
{
	struct seccomp_notif notif = {.id = 42, .pid = 1, .data = {.nr = call.nr}};

	for (size_t i = 0; i < ARRAY_SIZE(call.args); i++)
		notif.data.args[i] = call.args[i];
	memset(memory.reads, 0, sizeof(memory.reads));
	given = -1;
	send_error = (call.flags & SEND_FAILS) != 0 ? (call.nr == SYS_open ? ENOENT : EBADF) : 0;
	if ((call.flags & REPLY_FD) != 0 && (call.flags & ADDFD_FAILS) == 0)
		send_error = 0; /* one fault at a time: an fd may be the answer */
	installed = answered = 0;
	asked = ambiguous = false;
	result_addr = 0;
	was_executed = b->executed;
	check(broker_handle(b, &notif) == (send_error == 0 || send_error == ENOENT),
	      "a call that cannot be answered ends the broker");
	check(answered == 1, "every call is answered once");
	check(installed <= 1, "by one fd at most");
	check(fake_fds() == 0, "no fd stays with the broker");
	check(b->mem == -1 || b->mem == MEM, "it has QEMU's memory or none");
	check(was_executed || b->mem == -1, "and none before the exec");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct broker b = {.manifest = &manifest, .listener = LISTENER, .mem = -1};
	struct call calls[CALLS_MAX];
	size_t n;

	memory.flags = (uint8_t)take(&in, 1);
	n = 1 + take(&in, 1) % CALLS_MAX;
	for (size_t i = 0; i < n; i++)
		calls[i] = take_call(&in);
	take_memory(&in);
	fake_fds_reset();
	b.executed = (memory.flags & EXECUTED) != 0;
	if (b.executed && (memory.flags & MEM_OPEN) != 0)
		b.mem = MEM;
	for (size_t i = 0; i < n; i++) {
		call = calls[i];
		run_call(&b);
	}
	return 0;
}
