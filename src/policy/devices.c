/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "devices.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "util.h"

#define PAGE_SIZE 4096u

/*
 * VGA BIOS: SeaBIOS ships 28 to 40 KiB; QEMU rounds a ROM up to a power of two, 64 KiB, and gives
 * it pages of its own (16, seen in a trace). Twice that, for a BIOS that grows past 64 KiB.
 */
#define VGA_BIOS_PAGES 32u

/*
 * efi-*.rom: Debian's ipxe-qemu ships 238 to 244 KiB, 64 pages after rounding (seen in a trace).
 * Twice that, for the same reason.
 */
#define NIC_ROM_PAGES 128u

/* romfile=FILE: a PCI expansion ROM is 16 MiB at most (PCI Local Bus 3.0, 6.2.5.2). */
#define ROMFILE_PAGES 4096u

/* A block of memory and the property that sets its size, in units of 1 << shift bytes. */
static const struct memory {
	const char *driver; /* fnmatch(3) pattern */
	const char *key;
	unsigned int shift;
	uint32_t dflt; /* QEMU's default, in the same units; 0: none unless given */
} memories[] = {
        {"VGA", "vgamem_mb", 20, 16},
        {"secondary-vga", "vgamem_mb", 20, 16},
        {"isa-vga", "vgamem_mb", 20, 8},
        {"cirrus-vga", "vgamem_mb", 20, 4},
        {"isa-cirrus-vga", "vgamem_mb", 20, 4},
        {"vmware-svga", "vgamem_mb", 20, 16},
        {"ati-vga", "vgamem_mb", 20, 16},
        {"bochs-display", "vgamem", 0, 16 << 20},
        {"virtio-vga*", "vgamem_mb", 20, 8},
        /* qxl takes max(ram, 2 * vgamem) and max(vram, vram64): their sums are the bound. */
        {"qxl*", "ram_size_mb", 20, 64},
        {"qxl*", "ram_size", 0, 0},
        {"qxl*", "vram_size_mb", 20, 64},
        {"qxl*", "vram_size", 0, 0},
        {"qxl*", "vram64_size_mb", 20, 0},
        {"qxl*", "vgamem_mb", 21, 16},
        {"*", "romsize", 0, 0},
};

/* Memory that no property sizes: the ROM that QEMU gives the device unless romfile= says else. */
static const struct rom {
	const char *driver; /* fnmatch(3) pattern */
	uint32_t pages;
} roms[] = {
        {"VGA", VGA_BIOS_PAGES},
        {"cirrus-vga", VGA_BIOS_PAGES},
        {"ati-vga", VGA_BIOS_PAGES},
        {"bochs-display", VGA_BIOS_PAGES},
        {"virtio-vga*", VGA_BIOS_PAGES},
        {"vmware-svga", VGA_BIOS_PAGES + 16}, /* and a command FIFO of 64 KiB */
        {"qxl", 4},                           /* QXLRom and its table of modes, 8 to 16 KiB */
        {"qxl-vga", VGA_BIOS_PAGES + 4},
        {"e1000*", NIC_ROM_PAGES}, /* e1000e too */
        {"i82*", NIC_ROM_PAGES},   /* eepro100 */
        {"igb*", NIC_ROM_PAGES},
        {"ne2k_pci", NIC_ROM_PAGES},
        {"pcnet", NIC_ROM_PAGES},
        {"rtl8139", NIC_ROM_PAGES},
        {"virtio-net*", NIC_ROM_PAGES},
        {"vmxnet3", NIC_ROM_PAGES},
};

static const struct refusal {
	const char *driver; /* fnmatch(3) pattern */
	const char *why;
} refusals[] = {
        {"usb-host", "takes a USB device of the host"},
        {"u2f-passthru", "takes a USB device of the host"},
        {"usb-mtp", "shares a directory of the host"},
        {"virtio-9p*", "shares a directory of the host"},
        {"virtio-input-host*", "takes an input device of the host"},
        {"scsi-block", "passes SCSI commands to a device of the host"},
        {"scsi-generic", "passes SCSI commands to a device of the host"},
        {"xen-pci-passthrough", "needs hypercalls for a PCI device of the host"},
        {"vfio-*", "takes a PCI device of the host"},
        {"vhost-*", "shares the guest's memory with another process"},
        {"ivshmem*", "shares memory with other guests"},
        {"x-pci-proxy-dev", "shares the guest's memory with another process"},
        {"pvrdma", "takes an RDMA device of the host"},
        {"loader", "reads a file into the guest's memory"},
        {"guest-loader", "reads a file into the guest's memory"},
        {"xen-backend", "needs grants, which cannot be restricted"},
        {"xen-block", "needs grants, which cannot be restricted"},
        {"xen-cdrom", "needs grants, which cannot be restricted"},
        {"xen-console", "needs grants, which cannot be restricted"},
        {"xen-disk", "needs grants, which cannot be restricted"},
        {"xen-net-device", "needs grants, which cannot be restricted"},
};

static bool matches(const char *pattern, const char *driver)
{
	return fnmatch(pattern, driver, 0) == 0;
}

const char *device_refusal(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (matches(refusals[i].driver, driver))
			return refusals[i].why;
	}
	return NULL;
}

bool device_sizes_memory(const char *property)
{
	if (strcmp(property, "romfile") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(memories); i++) {
		if (strcmp(memories[i].key, property) == 0)
			return true;
	}
	return false;
}

static uint64_t bytes_to_pages(uint64_t bytes)
{
	uint64_t size = PAGE_SIZE;

	/* PCI bars, hence video memory and ROMs, are powers of two. */
	while (size < bytes)
		size <<= 1;
	return bytes == 0 ? 0 : size / PAGE_SIZE;
}

static uint64_t rom_pages(const char *driver, const char *romfile)
{
	if (romfile != NULL)
		return romfile[0] != '\0' ? ROMFILE_PAGES : 0; /* romfile= means no ROM */
	for (size_t i = 0; i < ARRAY_SIZE(roms); i++) {
		if (matches(roms[i].driver, driver))
			return roms[i].pages;
	}
	return 0;
}

int device_pages(const char *driver, device_property *get, const void *opaque, uint64_t *ret_pages,
                 const char **ret_key)
{
	uint64_t pages = rom_pages(driver, get(opaque, "romfile"));

	for (size_t i = 0; i < ARRAY_SIZE(memories); i++) {
		const struct memory *m = &memories[i];
		uint64_t units = m->dflt;
		const char *value;

		if (!matches(m->driver, driver))
			continue;
		value = get(opaque, m->key);
		/* 32 bits as in QEMU's properties; shifted by 21 they cannot overflow 64. */
		if (value != NULL && !parse_u64(value, 0, UINT32_MAX, &units)) {
			*ret_key = m->key;
			return -1;
		}
		pages += bytes_to_pages(units << m->shift);
	}
	*ret_pages = pages;
	return 0;
}
