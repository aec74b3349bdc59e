/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ioctl requests that QEMU may make by itself, exactly. (HYPERCALL is the broker's, see
 * calls-qemu.c.)
 *
 * A restricted Xen handle alone is not enough: evtchn's BIND_STATIC (Linux 6.6) and privcmd's
 * PCIDEV_GET_GSI (6.13) do not look at the restriction, and a tap takes TUNSETPERSIST, TUNSETOWNER
 * and SIOCSIFHWADDR from whoever holds it. Not here on purpose besides these: everything of gntdev
 * (it cannot be restricted), SG_IO (raw SCSI commands to a host's disk), TIOCSTI, and RESTRICT and
 * TUNSETIFF, which the launcher has done.
 */
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include <asm/termbits.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <xen/xen.h>

/* These two want the types above. */
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

#include "rule.h"

#define REQUEST(request, reason) ALLOW_OF(ioctl, #request, reason, ARG(1, request))
#define HOT_REQUEST(request, reason)                                                               \
	{                                                                                          \
		.call = "ioctl", .nr = __NR_ioctl, .action = ACTION_ALLOW, .why = (reason),        \
		.what = #request, .hot = true, .checks = {                                         \
			ARG(1, request)                                                            \
		}                                                                                  \
	}

const struct rule qemu_ioctls[] = {
        /* Xen handles, every one restricted to QEMU's domain before QEMU got it. */
        HOT_REQUEST(IOCTL_EVTCHN_NOTIFY, "answers each of the guest's I/O requests"),
        HOT_REQUEST(IOCTL_PRIVCMD_DM_OP, "interrupts, I/O ranges, dirty VRAM of its own domain"),
        REQUEST(IOCTL_PRIVCMD_MMAPBATCH_V2, "maps the guest's memory (map cache)"),
        REQUEST(IOCTL_PRIVCMD_MMAP_RESOURCE, "maps the ioreq server's pages"),
        REQUEST(IOCTL_PRIVCMD_UNIMPLEMENTED, "libxenforeignmemory's probe, wants ENOTTY"),
        REQUEST(IOCTL_EVTCHN_BIND_INTERDOMAIN, "one port per vcpu and PV backend"),
        REQUEST(IOCTL_EVTCHN_UNBIND, "gives such a port back"),

        /* A tap that the launcher has made. */
        REQUEST(TUNGETIFF, "whether the tap has a vnet header"),
        REQUEST(TUNSETOFFLOAD, "checksum and segmentation offload, by what the guest's nic can do"),
        REQUEST(TUNGETVNETHDRSZ, "size of the vnet header"),
        REQUEST(TUNSETVNETHDRSZ, "size of the vnet header"),
        REQUEST(TUNSETSNDBUF, "bounds what the tap queues"),

        /* Terminals: -serial pty, and isatty() of anything. */
        REQUEST(TCGETS, "isatty(), pty set-up"),
        REQUEST(TCSETS, "makes the pty raw"),
        REQUEST(TCSETSF, "the same and drops pending input: what openpty()'s users call"),
        REQUEST(TCGETS2, "the same three as glibc 2.42 makes them"),
        REQUEST(TCSETS2, "see TCGETS2"),
        REQUEST(TCSETSF2, "see TCGETS2"),
        REQUEST(TIOCGPTN, "ptsname(): libxl reads the name from QMP"),
        REQUEST(TIOCSPTLCK, "unlockpt()"),
        REQUEST(TIOCGPTPEER, "opens the pty's other side without a path"),

        /* Disks of the plan that are block devices; each works on the very device only. */
        REQUEST(BLKSSZGET, "logical sector size"),
        REQUEST(BLKPBSZGET, "physical sector size"),
        REQUEST(BLKROGET, "refuses to use a read-only device for a writable disk"),
        REQUEST(BLKSECTGET, "largest transfer"),
        REQUEST(BLKDISCARD, "the guest's TRIM"),
        REQUEST(BLKZEROOUT, "the guest's WRITE ZEROES"),
        REQUEST(CDROM_DRIVE_STATUS, "whether a host drive has a medium"),
        REQUEST(CDROM_LOCKDOOR, "the guest locks the door of its host drive"),
        REQUEST(CDROMEJECT, "the guest ejects the medium of its host drive"),
        REQUEST(CDROMCLOSETRAY, "and closes the tray"),
        RULES_END,
};
