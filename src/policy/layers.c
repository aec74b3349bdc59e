/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layers.h"

#include <string.h>

const struct layer_row layer_rows[LAYER_MAX_] = {
        [LAYER_UID] = {"uid", NEED_ALWAYS, "a uid that no other process has, no groups"},
        [LAYER_CAPABILITIES] = {"capabilities", NEED_ALWAYS, "none in any set, securebits locked"},
        [LAYER_NO_NEW_PRIVS] = {"no-new-privs", NEED_ALWAYS, "no exec gives privilege"},
        [LAYER_SECCOMP] = {"seccomp", NEED_ALWAYS,
                           "an allowlist of system calls and ioctls, some answered by the broker"},
        [LAYER_XEN_HANDLES] = {"xen-handles", NEED_ALWAYS,
                               "privcmd and evtchn restricted to the domain, no others"},
        [LAYER_XENSTORE] = {"xenstore", NEED_ALWAYS, "every request passes xsfilter's table"},
        [LAYER_FILES] = {"files", NEED_ALWAYS,
                         "a read-only root that holds what the plan names; no /proc, no /sys"},
        [LAYER_NAMESPACES] = {"namespaces", NEED_ALWAYS,
                              "mount, network (empty), IPC, UTS and cgroup"},
        [LAYER_PID_NAMESPACE] = {"pid-namespace", NEED_NEVER,
                                 "QEMU must keep the pid that libxl started, and only children "
                                 "enter a new pid namespace; QEMU has no /proc and a uid of its "
                                 "own instead"},
        [LAYER_CGROUP] = {"cgroup", NEED_YES,
                          "a control group (v2) that limits memory, threads, CPU time and disks"},
        [LAYER_LANDLOCK] = {"landlock", NEED_YES, "file access once more, by tree (Linux 5.13)"},
        [LAYER_LANDLOCK_NETWORK] = {"landlock-network", NEED_IF_AVAILABLE,
                                    "no TCP bind or connect (Linux 6.7)"},
        [LAYER_LANDLOCK_DEVICES] = {"landlock-devices", NEED_IF_AVAILABLE,
                                    "no ioctl on a device that QEMU opens itself (Linux 6.10)"},
        [LAYER_LANDLOCK_SCOPES] = {"landlock-scopes", NEED_IF_AVAILABLE,
                                   "no signal to and no abstract socket of anybody else "
                                   "(Linux 6.12)"},
};

int layer_find(const char *name)
{
	for (int i = 0; i < LAYER_MAX_; i++) {
		if (strcmp(layer_rows[i].name, name) == 0)
			return i;
	}
	return -1;
}
