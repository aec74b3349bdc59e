/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU's devices cost in guest memory, and which of them reach for the host.
 *
 * A device with memory of its own (video RAM, an option ROM) makes QEMU populate that much of the
 * guest's physmap beyond its RAM. The sum over all devices is the budget for doing so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Ours, for one domain in 4 KiB pages: 512 MiB, the largest video RAM that QEMU's VGA accepts
 * (hw/display/vga.c), and 32 MiB of ROMs. Xen has its own limit, the domain's max_pages.
 */
#define DEVICE_PAGES_MAX 139264u /* (512 + 32) * 256 */

/* Why the device cannot be confined, a clause without full stop; NULL if it can. */
const char *device_refusal(const char *driver);

/* Whether a property of this name changes how many pages a device needs. */
bool device_sizes_memory(const char *property);

/* Returns the value of a property given to the device, or NULL. */
typedef const char *device_property(const void *opaque, const char *key);

/*
 * How many 4 KiB pages this device may populate, an upper bound, into *ret_pages. That may exceed
 * DEVICE_PAGES_MAX, but two such numbers can be added. Returns 0, or -1 with *ret_key naming the
 * property whose value is not a number.
 */
int device_pages(const char *driver, device_property *get, const void *opaque, uint64_t *ret_pages,
                 const char **ret_key);
