/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of a domain's control groups, for who makes and who removes them. See launcher/cgroup.c. */
#pragma once

#define CGROUP_ROOT  "/sys/fs/cgroup"
#define CGROUP_SLICE "xen-dm.slice"
/* Where systemd puts a slice of this name: systemd.slice(5). */
#define CGROUP_PARENT "xen.slice"
#define CGROUP_PATH   CGROUP_ROOT "/" CGROUP_PARENT "/" CGROUP_SLICE
#define CGROUP_PREFIX "xen-dm-" /* then the domid and ".scope" */
#define CGROUP_QEMU   "qemu"
#define CGROUP_ROLES  "roles"
