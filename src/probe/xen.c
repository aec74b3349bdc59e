/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen: each attempt on every privcmd or evtchn handle that the process holds, and on one that it
 * opens. Operations on another domain have an argument that Xen refuses (EINVAL and the like), so
 * that nothing happens there: whoever is restricted does not get as far as Xen.
 *
 * Of the raw hypercalls those are missing whose mere call changes this kernel's state, whatever the
 * arguments: set_trap_table, set_gdt, stack_switch, set_callbacks, fpu_taskswitch,
 * update_va_mapping, set_timer_op, iret, set_segment_base. The control would crash dom0. The kernel
 * refuses all numbers in one place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>

#include <xen/hvm/dm_op.h>
#include <xen/memory.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>
#include <xen/version.h>

#include "attempt.h"

#define HELD_MAX 1024 /* RLIMIT_NOFILE of a confined process */

/* Commands and numbers that no Xen has. */
#define NO_COMMAND 63UL
#define NO_DOMAIN  32000u

/* Younger than the headers: Linux 6.6 to 6.13. */
#define PRIVCMD_IRQFD          _IOW('P', 8, char[24])
#define PRIVCMD_IOEVENTFD      _IOW('P', 9, char[48])
#define PRIVCMD_PCIDEV_GET_GSI _IOC(_IOC_NONE, 'P', 10, 8)
#define EVTCHN_BIND_STATIC     _IOC(_IOC_NONE, 'E', 7, 4)

/* Past the shim, which answers one request itself. */
static int xen_ioctl(int fd, unsigned long request, const void *arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

int raw_hypercall(int fd)
{
	privcmd_hypercall_t call = {.op = __HYPERVISOR_xen_version, .arg = {XENVER_version}};

	return outcome_of(xen_ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call));
}

static int each_handle(const char *node, uint64_t device, handle_fn *try,
                       const struct attempt *self, const struct facts *facts)
{
	int r = OUTCOME_NOTHING;
	struct stat st;

	for (int fd = 3; fd < HELD_MAX; fd++) {
		if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != device)
			continue;
		r = try(fd, self, facts);
		if (!is_refusal(self, r))
			return r;
	}

	cleanup_fd int fresh = open(node, O_RDWR | O_CLOEXEC);

	return fresh >= 0 ? try(fresh, self, facts) : r;
}

/*
 * For what would change a handle for good: on one of its own if there can be one, because the
 * others may be those of a live QEMU. Where there cannot, they are refused.
 */
static int own_handle(const char *node, uint64_t device, handle_fn *try, const struct attempt *self,
                      const struct facts *facts)
{
	cleanup_fd int fd = facts->forks ? open(node, O_RDWR | O_CLOEXEC) : -1;

	return fd >= 0 ? try(fd, self, facts) : each_handle(node, device, try, self, facts);
}

int each_privcmd(handle_fn *try, const struct attempt *self, const struct facts *facts)
{
	return each_handle("/dev/xen/privcmd", facts->privcmd, try, self, facts);
}

int each_evtchn(handle_fn *try, const struct attempt *self, const struct facts *facts)
{
	return each_handle("/dev/xen/evtchn", facts->evtchn, try, self, facts);
}

/* DM_OP ---------------------------------------------------------------------------------------- */

/* A padding that is not zero: Xen's answer is EINVAL before it looks at the rest. */
static int dm_op_on(int fd, const struct attempt *self, const struct facts *facts)
{
	struct xen_dm_op op = {.op = (uint32_t)self->arg[0], .pad = 1};
	privcmd_dm_op_buf_t buf = {.uptr = &op, .size = sizeof(op)};
	privcmd_dm_op_t arg = {.dom = facts->foreign, .num = 1, .ubufs = &buf};

	return outcome_of(xen_ioctl(fd, IOCTL_PRIVCMD_DM_OP, &arg));
}

static int dm_op(const struct attempt *self, const struct facts *facts)
{
	if (facts->foreign == 0)
		return OUTCOME_NOTHING;
	return each_privcmd(dm_op_on, self, facts);
}

/* Without a buffer: the kernel looks at the domain only. */
static int empty_dm_op_on(int fd, const struct attempt *self, const struct facts *facts)
{
	privcmd_dm_op_t arg = {.dom = (domid_t)self->arg[0]};

	(void)facts;
	return outcome_of(xen_ioctl(fd, IOCTL_PRIVCMD_DM_OP, &arg));
}

static int empty_dm_op(const struct attempt *self, const struct facts *facts)
{
	return each_privcmd(empty_dm_op_on, self, facts);
}

/* Raw hypercalls ------------------------------------------------------------------------------- */

static int hypercall_on(int fd, const struct attempt *self, const struct facts *facts)
{
	privcmd_hypercall_t call = {.op = (uint64_t)self->call};
	unsigned long request = IOCTL_PRIVCMD_HYPERCALL;

	(void)facts;
	for (size_t i = 0; i < ARRAY_SIZE(call.arg); i++)
		call.arg[i] = self->arg[i];
	if (self->text != NULL) /* "high": the same with a bit that the kernel ignores */
		request |= 1UL << 32;
	return outcome_of(xen_ioctl(fd, request, &call));
}

static int hypercall(const struct attempt *self, const struct facts *facts)
{
	return each_privcmd(hypercall_on, self, facts);
}

/* Reading something of the other domain: harmless, and it answers. */
static int maximum_gfn_on(int fd, const struct attempt *self, const struct facts *facts)
{
	domid_t domid = self->arg[0] != 0 ? facts->domid : facts->foreign;
	privcmd_hypercall_t call = {.op = __HYPERVISOR_memory_op,
	                            .arg = {XENMEM_maximum_gpfn, (uintptr_t)&domid}};

	return outcome_of(xen_ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call));
}

static int maximum_gfn(const struct attempt *self, const struct facts *facts)
{
	if (self->arg[0] == 0 && facts->foreign == 0)
		return OUTCOME_NOTHING;
	return each_privcmd(maximum_gfn_on, self, facts);
}

/* Maps ----------------------------------------------------------------------------------------- */

/* Whether there is a page at that frame is Xen's answer; that Xen is asked is the kernel's. */
static int map_on(int fd, const struct attempt *self, const struct facts *facts)
{
	xen_pfn_t gfn = 0x100;
	int err = 0, r;
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	privcmd_mmapbatch_v2_t map = {.num = 1, .addr = (uintptr_t)page, .arr = &gfn, .err = &err};

	map.dom = self->arg[0] != 0 ? (domid_t)self->arg[0] : facts->foreign;
	if (page == MAP_FAILED)
		return errno;
	r = outcome_of(xen_ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &map));
	(void)munmap(page, 4096);
	return r;
}

static int map_foreign(const struct attempt *self, const struct facts *facts)
{
	if (self->arg[0] == 0 && facts->foreign == 0)
		return OUTCOME_NOTHING;
	return each_privcmd(map_on, self, facts);
}

/* Only asks for a resource's size. */
static int map_resource_on(int fd, const struct attempt *self, const struct facts *facts)
{
	privcmd_mmap_resource_t map = {.type = (uint32_t)self->arg[0], .dom = facts->foreign};

	return outcome_of(xen_ioctl(fd, IOCTL_PRIVCMD_MMAP_RESOURCE, &map));
}

static int map_resource(const struct attempt *self, const struct facts *facts)
{
	if (facts->foreign == 0)
		return OUTCOME_NOTHING;
	return each_privcmd(map_resource_on, self, facts);
}

/* Other requests ------------------------------------------------------------------------------- */

static int request_on(int fd, const struct attempt *self, const struct facts *facts)
{
	(void)facts;
	return outcome_of(xen_ioctl(fd, self->arg[0], (const void *)BAD));
}

static int privcmd_request(const struct attempt *self, const struct facts *facts)
{
	return each_privcmd(request_on, self, facts);
}

static int evtchn_request(const struct attempt *self, const struct facts *facts)
{
	return each_evtchn(request_on, self, facts);
}

static int restrict_on(int fd, const struct attempt *self, const struct facts *facts)
{
	struct ioctl_evtchn_restrict_domid arg = {.domid = NO_DOMAIN}; /* privcmd's is one too */

	(void)facts;
	return outcome_of(xen_ioctl(fd, self->arg[0], &arg));
}

static int restrict_privcmd(const struct attempt *self, const struct facts *facts)
{
	return own_handle("/dev/xen/privcmd", facts->privcmd, restrict_on, self, facts);
}

static int restrict_evtchn(const struct attempt *self, const struct facts *facts)
{
	return own_handle("/dev/xen/evtchn", facts->evtchn, restrict_on, self, facts);
}

/* Event channels ------------------------------------------------------------------------------- */

/* A port that nobody has: EINVAL is Xen's. */
static int bind_interdomain_on(int fd, const struct attempt *self, const struct facts *facts)
{
	struct ioctl_evtchn_bind_interdomain arg = {
	        .remote_domain = self->arg[0] != 0 ? 0u : facts->foreign, .remote_port = 4000};

	return outcome_of(xen_ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg));
}

static int bind_interdomain(const struct attempt *self, const struct facts *facts)
{
	if (self->arg[0] == 0 && facts->foreign == 0)
		return OUTCOME_NOTHING;
	return each_evtchn(bind_interdomain_on, self, facts);
}

static int bind_virq_on(int fd, const struct attempt *self, const struct facts *facts)
{
	struct ioctl_evtchn_bind_virq arg = {.virq = (unsigned int)self->arg[0]};
	int port = xen_ioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &arg);
	struct ioctl_evtchn_unbind unbind = {.port = (unsigned int)port};

	(void)facts;
	if (port >= 0)
		(void)xen_ioctl(fd, IOCTL_EVTCHN_UNBIND, &unbind);
	return outcome_of(port);
}

static int bind_virq(const struct attempt *self, const struct facts *facts)
{
	return each_evtchn(bind_virq_on, self, facts);
}

static int bind_unbound_on(int fd, const struct attempt *self, const struct facts *facts)
{
	struct ioctl_evtchn_bind_unbound_port arg = {
	        .remote_domain = self->arg[0] != 0 ? facts->domid : facts->foreign};
	int port = xen_ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg);
	struct ioctl_evtchn_unbind unbind = {.port = (unsigned int)port};

	if (port >= 0)
		(void)xen_ioctl(fd, IOCTL_EVTCHN_UNBIND, &unbind);
	return outcome_of(port);
}

static int bind_unbound(const struct attempt *self, const struct facts *facts)
{
	return each_evtchn(bind_unbound_on, self, facts);
}

static int reset_on(int fd, const struct attempt *self, const struct facts *facts)
{
	(void)self;
	(void)facts;
	return outcome_of(xen_ioctl(fd, IOCTL_EVTCHN_RESET, NULL));
}

static int reset(const struct attempt *self, const struct facts *facts)
{
	return own_handle("/dev/xen/evtchn", facts->evtchn, reset_on, self, facts);
}

/* Grants: what answers as /dev/xen/gntdev. */
static int grant(const struct attempt *self, const struct facts *facts)
{
	cleanup_fd int fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);

	(void)facts;
	return fd < 0 ? errno : outcome_of(xen_ioctl(fd, self->arg[0], (const void *)BAD));
}

#define DM_OP(name, reason)                                                                        \
	{                                                                                          \
		"dm-op-" #name, dm_op, NUMBER(XEN_DMOP_##name), REFUSED(EPERM), REACHED(EINVAL),   \
		        .why = (reason)                                                            \
	}
#define EMPTY_DM_OP(name, domid)                                                                   \
	{                                                                                          \
		"dm-op-on-" name, empty_dm_op, NUMBER(domid), REFUSED(EPERM),                      \
		        .why = "another domain's number"                                           \
	}
#define HYPERCALL(name, ...)                                                                       \
	{                                                                                          \
		"hypercall-" #name, hypercall,                                                     \
		        .call = __HYPERVISOR_##name, .arg = {__VA_ARGS__}, REFUSED(EPERM),         \
		        REACHED(EINVAL, EFAULT, ENOSYS, EOPNOTSUPP, ESRCH, ENODEV),                \
		        .why = "raw hypercalls reach everything in Xen"                            \
	}
#define GRANT(name, reason)                                                                        \
	{                                                                                          \
		"gntdev-" #name, grant, NUMBER(IOCTL_GNTDEV_##name), REFUSED(EPERM),               \
		        REACHED(EFAULT), .why = (reason)                                           \
	}

static const struct attempt xen[] = {
        DM_OP(create_ioreq_server, "receives another guest's I/O"),
        DM_OP(get_ioreq_server_info, "another guest's I/O"),
        DM_OP(map_io_range_to_ioreq_server, "receives another guest's I/O"),
        DM_OP(unmap_io_range_from_ioreq_server, "cuts another guest's I/O off"),
        DM_OP(set_ioreq_server_state, "stops another guest's I/O"),
        DM_OP(destroy_ioreq_server, "ends another guest's device model"),
        DM_OP(track_dirty_vram, "what another guest draws"),
        DM_OP(set_pci_intx_level, "another guest's interrupts"),
        DM_OP(set_isa_irq_level, "another guest's interrupts"),
        DM_OP(set_pci_link_route, "another guest's interrupts"),
        DM_OP(modified_memory, "another guest's memory"),
        DM_OP(set_mem_type, "another guest's memory"),
        DM_OP(inject_event, "another guest's CPUs"),
        DM_OP(inject_msi, "another guest's interrupts"),
        DM_OP(map_mem_type_to_ioreq_server, "another guest's memory"),
        DM_OP(remote_shutdown, "ends another guest"),
        DM_OP(relocate_memory, "another guest's memory"),
        DM_OP(pin_memory_cacheattr, "another guest's memory"),
        DM_OP(set_irq_level, "another guest's interrupts"),
        DM_OP(nr_vcpus, "another guest"),
        EMPTY_DM_OP("dom0", 0),
        EMPTY_DM_OP("DOMID_SELF", DOMID_SELF),
        EMPTY_DM_OP("DOMID_IO", DOMID_IO),
        EMPTY_DM_OP("DOMID_XEN", DOMID_XEN),
        EMPTY_DM_OP("DOMID_INVALID", DOMID_INVALID),
        EMPTY_DM_OP("missing-domain", NO_DOMAIN),

        HYPERCALL(mmu_update, BAD, 1, 0, DOMID_SELF),
        HYPERCALL(platform_op, BAD),
        HYPERCALL(set_debugreg, 9, 0),
        HYPERCALL(get_debugreg, 9),
        HYPERCALL(memory_op, NO_COMMAND, BAD),
        HYPERCALL(multicall, 0, 0),
        HYPERCALL(xen_version, NO_COMMAND, BAD),
        HYPERCALL(console_io, NO_COMMAND, 0, BAD),
        HYPERCALL(grant_table_op, NO_COMMAND, BAD, 1),
        HYPERCALL(vm_assist, NO_COMMAND, NO_COMMAND),
        HYPERCALL(vcpu_op, NO_COMMAND, 0, BAD),
        HYPERCALL(mmuext_op, BAD, 1, 0, DOMID_SELF),
        HYPERCALL(xsm_op, BAD),
        HYPERCALL(nmi_op, NO_COMMAND, BAD),
        HYPERCALL(sched_op, NO_COMMAND, BAD),
        HYPERCALL(callback_op, NO_COMMAND, BAD),
        HYPERCALL(xenoprof_op, NO_COMMAND, BAD),
        HYPERCALL(event_channel_op, NO_COMMAND, BAD),
        HYPERCALL(physdev_op, NO_COMMAND, BAD),
        HYPERCALL(hvm_op, NO_COMMAND, BAD),
        HYPERCALL(sysctl, BAD),
        HYPERCALL(domctl, BAD),
        HYPERCALL(kexec_op, NO_COMMAND, BAD),
        HYPERCALL(argo_op, NO_COMMAND, BAD, BAD, 0, 0),
        HYPERCALL(xenpmu_op, NO_COMMAND, BAD),
        HYPERCALL(dm_op, NO_DOMAIN, 1, BAD),
        HYPERCALL(hypfs_op, NO_COMMAND, BAD, 0, BAD, 0),
        HYPERCALL(arch_0 /* MCA */, BAD),
        {"hypercall-undefined", hypercall, .call = 62, REFUSED(EPERM), REACHED(ENOSYS),
         .why = "a number that Xen may give a meaning later"},
        {"hypercall-high-bits", hypercall, .call = __HYPERVISOR_xen_version, .text = "high",
         REFUSED(EPERM), .why = "the kernel ignores the upper half of a request"},
        {"hypercall-gfns-of-other", maximum_gfn, REFUSED(EPERM), .why = "another domain's memory"},
        {"hypercall-gfns-of-own", maximum_gfn, NUMBER(1), REFUSED(EPERM),
         .why = "also its own domain: only populate_physmap is brokered"},

        {"map-other", map_foreign, REFUSED(EPERM), .why = "another guest's memory"},
        {"map-DOMID_SELF", map_foreign, NUMBER(DOMID_SELF), REFUSED(EPERM), .why = "dom0's memory"},
        {"map-DOMID_IO", map_foreign, NUMBER(DOMID_IO), REFUSED(EPERM), .why = "devices' memory"},
        {"map-DOMID_XEN", map_foreign, NUMBER(DOMID_XEN), REFUSED(EPERM), .why = "Xen's memory"},
        {"map-resource-ioreq", map_resource, NUMBER(XENMEM_resource_ioreq_server), REFUSED(EPERM),
         REACHED(EINVAL, ENOENT), .why = "another guest's I/O"},
        {"map-resource-grants", map_resource, NUMBER(XENMEM_resource_grant_table), REFUSED(EPERM),
         .why = "another guest's grant table"},
        {"privcmd-MMAP", privcmd_request, NUMBER(IOCTL_PRIVCMD_MMAP), REFUSED(EPERM),
         REACHED(EFAULT), .why = "the oldest way to map"},
        {"privcmd-MMAPBATCH", privcmd_request, NUMBER(IOCTL_PRIVCMD_MMAPBATCH), REFUSED(EPERM),
         REACHED(EFAULT), .why = "the older way to map"},
        {"privcmd-IRQFD", privcmd_request, NUMBER(PRIVCMD_IRQFD), REFUSED(EPERM),
         REACHED(EFAULT, ENOTTY, EOPNOTSUPP), .why = "younger than QEMU's needs"},
        {"privcmd-IOEVENTFD", privcmd_request, NUMBER(PRIVCMD_IOEVENTFD), REFUSED(EPERM),
         REACHED(EFAULT, ENOTTY, EOPNOTSUPP), .why = "younger than QEMU's needs"},
        {"privcmd-PCIDEV_GET_GSI", privcmd_request, NUMBER(PRIVCMD_PCIDEV_GET_GSI), REFUSED(EPERM),
         REACHED(EFAULT, ENOTTY), .why = "does not look at the restriction"},
        {"privcmd-undefined", privcmd_request, NUMBER(_IOC(_IOC_NONE, 'P', 11, 8)), REFUSED(EPERM),
         REACHED(ENOTTY), .why = "what the next kernel may have"},
        {"privcmd-restrict-to-other", restrict_privcmd, NUMBER(IOCTL_PRIVCMD_RESTRICT),
         REFUSED(EPERM, EINVAL), .why = "a handle for another domain"},

        {"evtchn-bind-other", bind_interdomain, REFUSED(EACCES), REACHED(EINVAL),
         .why = "another guest's event channels"},
        {"evtchn-bind-dom0", bind_interdomain, NUMBER(1), REFUSED(EACCES), REACHED(EINVAL),
         .why = "dom0's event channels"},
        {"evtchn-bind-virq-console", bind_virq, NUMBER(VIRQ_CON_RING), REFUSED(EPERM, EACCES),
         REACHED(EEXIST, EBUSY), .why = "Xen's console"},
        {"evtchn-bind-virq-debug", bind_virq, NUMBER(VIRQ_DEBUG), REFUSED(EPERM, EACCES),
         REACHED(EEXIST, EBUSY), .why = "Xen's events"},
        {"evtchn-bind-unbound", bind_unbound, REFUSED(EPERM, EACCES),
         .why = "a port that another guest can bind"},
        {"evtchn-bind-unbound-own", bind_unbound, NUMBER(1), REFUSED(EPERM, EACCES),
         .why = "ports are what bounds dom0's number of them"},
        {"evtchn-reset", reset, REFUSED(EPERM, EACCES), .why = "not needed"},
        {"evtchn-restrict-to-other", restrict_evtchn, NUMBER(IOCTL_EVTCHN_RESTRICT_DOMID),
         REFUSED(EPERM, EACCES), .why = "a handle for another domain"},
        {"evtchn-BIND_STATIC", evtchn_request, NUMBER(EVTCHN_BIND_STATIC), REFUSED(EPERM),
         REACHED(EFAULT, ENOSYS, ENOTTY), .why = "does not look at the restriction"},
        {"evtchn-undefined", evtchn_request, NUMBER(_IOC(_IOC_NONE, 'E', 8, 8)), REFUSED(EPERM),
         REACHED(ENOSYS, ENOTTY), .why = "what the next kernel may have"},

        GRANT(MAP_GRANT_REF, "maps any page that any guest granted to dom0"),
        GRANT(UNMAP_GRANT_REF, "not needed"),
        GRANT(GET_OFFSET_FOR_VADDR, "not needed"),
        GRANT(SET_UNMAP_NOTIFY, "events to other guests"),
        GRANT(GRANT_COPY, "copies any page that any guest granted to dom0"),
};

const struct group probe_xen =
        GROUP(xen, "other domains, by every handle that is held or can be had");
