/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which Xen runs, and for which one a program is made. libxenctrl is the library of QEMU's that is
 * tied to one release of the hypervisor; it says so in its soname.
 */
#pragma once

#include <stdbool.h>

#include "error.h"

/* "4.17" */
#define XEN_VERSION_MAX 16

/* From sysfs (dir: /sys/hypervisor/version, but for tests). False: no Xen runs. */
bool xen_version_running(const char *dir, char ret[XEN_VERSION_MAX]);

/*
 * What the ELF file at path needs of libxenctrl, "" if nothing. Returns 0, or -1 with err for what
 * cannot be read as a 64-bit ELF file.
 */
int xen_version_needed(const char *path, char ret[XEN_VERSION_MAX], struct error *err);
