/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw ioctls rather than libxenforeignmemory and libxenevtchn: the numbers are the kernel's stable
 * interface (xen/sys/privcmd.h, xen/sys/evtchn.h), and the libraries' opens cost more than the rest
 * of this file.
 */
#include "xenfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include <xen/version.h>
#include <xen/xen.h>

/* These two want the types above. */
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

#include "util.h"

#define PRIVCMD "/dev/xen/privcmd"
#define EVTCHN  "/dev/xen/evtchn"

/* xen_version changes nothing and needs no privilege: the least of all raw hypercalls. */
static int raw_hypercall(int fd, uint16_t domid)
{
	privcmd_hypercall_t call = {.op = __HYPERVISOR_xen_version, .arg = {XENVER_version}};

	(void)domid;
	return ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call);
}

/* No buffers: the kernel checks the domid, then returns 0 without asking Xen. */
static int empty_dm_op(int fd, uint16_t domid)
{
	privcmd_dm_op_t op = {.dom = domid};

	return ioctl(fd, IOCTL_PRIVCMD_DM_OP, &op);
}

static int bind_unbound_port(int fd, uint16_t domid)
{
	struct ioctl_evtchn_bind_unbound_port bind = {.remote_domain = domid};

	return ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &bind);
}

static int bind_virq(int fd, uint16_t domid)
{
	struct ioctl_evtchn_bind_virq bind = {.virq = VIRQ_DEBUG};

	(void)domid;
	return ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &bind);
}

/* Port 0 is never bound: another domain is EACCES before Xen is asked. */
static int bind_interdomain(int fd, uint16_t domid)
{
	struct ioctl_evtchn_bind_interdomain bind = {.remote_domain = domid};

	return ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
}

struct attempt {
	const char *what;
	int (*try)(int fd, uint16_t domid);
	bool own;    /* on the domain itself; otherwise on another one */
	int refusal; /* errno that a restricted description must give; 0: must succeed */
};

/* The refusals are those of drivers/xen/privcmd.c and drivers/xen/evtchn.c. */
static const struct attempt privcmd_attempts[] = {
        {"a raw hypercall", raw_hypercall, true, EPERM},
        {"a DM_OP on another domain", empty_dm_op, false, EPERM},
        {"a DM_OP on its own domain", empty_dm_op, true, 0},
};

static const struct attempt evtchn_attempts[] = {
        {"binding an unbound port", bind_unbound_port, true, EACCES},
        {"binding a virq", bind_virq, true, EACCES},
        {"binding to another domain", bind_interdomain, false, EACCES},
};

static int assert_restricted(int fd, const char *node, uint16_t domid,
                             const struct attempt *attempts, size_t n, struct error *err)
{
	/* Any other domid does; 0 would be dom0, which is the one that matters most. */
	const uint16_t other = 0;

	for (size_t i = 0; i < n; i++) {
		const struct attempt *a = &attempts[i];
		int r = a->try(fd, a->own ? domid : other);

		if (a->refusal == 0 ? r >= 0 : (r < 0 && errno == a->refusal))
			continue;
		if (r >= 0)
			return error_set(err,
			                 "%s: %s is not refused although restricted to domain %u",
			                 node, a->what, domid);
		return error_errno(err, "%s: %s, restricted to domain %u", node, a->what, domid);
	}
	return 0;
}

static int open_restricted(const char *node, unsigned long restrict_request, uint16_t domid,
                           const struct attempt *attempts, size_t n, struct error *err)
{
	struct ioctl_evtchn_restrict_domid arg = {.domid = domid}; /* privcmd takes a domid_t too */
	cleanup_fd int fd = openat(AT_FDCWD, node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", node);
	if (ioctl(fd, restrict_request, &arg) < 0)
		return error_errno(err, "cannot restrict %s to domain %u", node, domid);
	if (assert_restricted(fd, node, domid, attempts, n, err) < 0)
		return -1;
	return steal_fd(&fd);
}

int xenfd_privcmd(uint16_t domid, struct error *err)
{
	return open_restricted(PRIVCMD, IOCTL_PRIVCMD_RESTRICT, domid, privcmd_attempts,
	                       ARRAY_SIZE(privcmd_attempts), err);
}

int xenfd_evtchn(uint16_t domid, struct error *err)
{
	return open_restricted(EVTCHN, IOCTL_EVTCHN_RESTRICT_DOMID, domid, evtchn_attempts,
	                       ARRAY_SIZE(evtchn_attempts), err);
}
