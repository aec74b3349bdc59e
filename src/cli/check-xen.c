/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each Xen handle that QEMU holds, tried: a copy of the fd (pidfd_getfd) shares the open file, and
 * hence its restriction. What a restricted handle must refuse is also tried on a handle of our own,
 * which nothing restricts: an attempt that is refused there too proves nothing, and says so.
 *
 * Nothing here changes anything, wherever it succeeds: the hypercall asks for Xen's version, the
 * DM_OP has no operands, and the foreign domain does not exist, so that Xen itself refuses what the
 * kernel lets through.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/xen.h>

/* These two want the types above. */
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

#include "check.h"
#include "util.h"

#define PRIVCMD "/dev/xen/privcmd"
#define EVTCHN  "/dev/xen/evtchn"

/* The last domid that a domain can have (DOMID_FIRST_RESERVED - 1): in use only after 32,000. */
#define FOREIGN (DOMID_FIRST_RESERVED - 1u)

/* A gfn below the first MiB of any HVM guest. */
#define GFN 0x10

/* Each: 0, or the errno. */
static int try_hypercall(int fd, uint16_t domid)
{
	privcmd_hypercall_t call = {.op = __HYPERVISOR_xen_version}; /* XENVER_version */

	(void)domid;
	return ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call) < 0 ? errno : 0;
}

static int try_dm_op(int fd, uint16_t domid)
{
	privcmd_dm_op_t op = {.dom = domid};

	return ioctl(fd, IOCTL_PRIVCMD_DM_OP, &op) < 0 ? errno : 0;
}

static int try_map(int fd, uint16_t domid)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	xen_pfn_t gfn = GFN;
	int refused = 0;
	privcmd_mmapbatch_v2_t batch = {
	        .num = 1,
	        .dom = domid,
	        .addr = (uint64_t)(uintptr_t)page,
	        .arr = &gfn,
	        .err = &refused,
	};
	int r;

	if (page == MAP_FAILED)
		return errno;
	r = ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0 ? errno : -refused;
	(void)munmap(page, 4096);
	return r;
}

/* A port for the foreign domain to bind to; given back if there is one. */
static int try_unbound(int fd, uint16_t domid)
{
	struct ioctl_evtchn_bind_unbound_port bind = {.remote_domain = domid};
	struct ioctl_evtchn_unbind unbind;
	const int port = ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &bind);

	if (port < 0)
		return errno;
	unbind.port = (unsigned int)port;
	(void)ioctl(fd, IOCTL_EVTCHN_UNBIND, &unbind);
	return 0;
}

/* Port 0 is never bound, of no domain: Xen's answer is EINVAL, or ESRCH without the domain. */
static int try_interdomain(int fd, uint16_t domid)
{
	struct ioctl_evtchn_bind_interdomain bind = {.remote_domain = domid, .remote_port = 0};

	return ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind) < 0 ? errno : 0;
}

/*
 * drivers/xen/privcmd.c answers a restricted handle with EPERM, evtchn.c with EACCES, before
 * anything else; any other answer is that of Xen, or of the code behind the restriction.
 */
static const struct attempt {
	const char *node, *name;
	bool own; /* must work, on the own domain; otherwise must be refused, on the foreign one */
	int refusal;
	int (*attempt)(int fd, uint16_t domid);
} attempts[] = {
        {PRIVCMD, "raw hypercall", false, EPERM, try_hypercall},
        {PRIVCMD, "DM_OP on another domain", false, EPERM, try_dm_op},
        {PRIVCMD, "mapping of another domain", false, EPERM, try_map},
        {PRIVCMD, "DM_OP on its own", true, EPERM, try_dm_op},
        {EVTCHN, "port for another domain", false, EACCES, try_unbound},
        {EVTCHN, "binding to another domain", false, EACCES, try_interdomain},
        {EVTCHN, "binding to its own", true, EACCES, try_interdomain},
};

/* QEMU's handles of one node, copied. Returns how many. */
static size_t copy_handles(pid_t pid, const char *node, int **ret)
{
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	cleanup_free int *fds = NULL;
	char name[32], link[PATH_MAX];
	size_t n, found = 0;

	(void)snprintf(name, sizeof(name), "%d/fd", pid);
	n = proc_numbers(name, &fds);
	*ret = calloc(n > 0 ? n : 1, sizeof(int));
	for (size_t i = 0; i < n && *ret != NULL; i++) {
		int fd;

		(void)snprintf(name, sizeof(name), "fd/%d", fds[i]);
		if (!proc_link(pid, name, link, sizeof(link)) || strcmp(link, node) != 0)
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, fds[i], 0);
		if (fd >= 0)
			(*ret)[found++] = fd;
	}
	return found;
}

/* How many of the handles gave `a` the answer that it must have. */
static size_t count_good(const struct subject *s, const struct attempt *a, const int *handles,
                         size_t n)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		const int r = a->attempt(handles[i], (uint16_t)(a->own ? s->domid : FOREIGN));

		good += (r == a->refusal) == !a->own;
	}
	return good;
}

static void try_all(struct subject *s, const struct attempt *a, const int *handles, size_t n)
{
	const char *group = process_names[PROCESS_QEMU];
	const size_t good = count_good(s, a, handles, n);
	cleanup_fd int control = open(a->node, O_RDWR | O_CLOEXEC);
	const int r = control < 0 ? errno : a->attempt(control, (uint16_t)FOREIGN);

	if (!a->own && (control < 0 || r == a->refusal))
		check_add(s, RESULT_UNKNOWN, group, a->name,
		          "void: an unrestricted handle is refused it too (%s)", strerror(r));
	else if (good < n)
		check_add(s, RESULT_BAD, group, a->name, "%s by %zu of %zu handles of %s",
		          a->own ? "refused" : "not refused", n - good, n, a->node);
	else
		check_add(s, RESULT_OK, group, a->name, "%s by all %zu handles of %s%s",
		          a->own ? "let through" : "refused", n, a->node,
		          a->own ? "" : ", not by an unrestricted one");
}

void check_xen(struct subject *s, enum process p)
{
	static const char *const nodes[] = {PRIVCMD, EVTCHN};
	int *handles;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		const size_t n = copy_handles(s->pids[p], nodes[i], &handles);

		for (size_t j = 0; j < ARRAY_SIZE(attempts); j++)
			if (n > 0 && strcmp(attempts[j].node, nodes[i]) == 0)
				try_all(s, &attempts[j], handles, n);
		if (n == 0)
			check_add(s, RESULT_UNKNOWN, process_names[p], nodes[i],
			          "no handle to try");
		for (size_t j = 0; j < n; j++)
			(void)close(handles[j]);
		free(handles);
	}
}
