/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan: everything that one device model is going to hold, as plain data.
 *
 * plan_parse() makes it from libxl's command line without touching the system; the launcher carries
 * it out afterwards. What the plan does not name does not exist for QEMU.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Limits are ours: many times what libxl can emit (4 IDE disks, AHCI 6, SCSI 7, 8 emulated nics).
 */
#define PLAN_MAX_FILES     64
#define PLAN_MAX_DIRS      16
#define PLAN_MAX_LISTENERS 32
#define PLAN_MAX_TAPS      32
#define PLAN_MAX_INET      8
#define PLAN_MAX_KEEP      32

enum plan_mode {
	PLAN_GUEST, /* the device model of a domain */
	PLAN_PROBE, /* libxl >= 4.20 asking QEMU for its options: no -xen-domid, no Xen handles */
};

/* A file QEMU opens by this very string. The monitor opens it afresh for each open. */
struct plan_file {
	char *path;    /* absolute, owned */
	bool writable; /* O_RDWR permitted; otherwise only O_RDONLY */
	char *origin;  /* where the configuration names it, owned; NULL: the command line does */
	bool grows;    /* a writable image that nobody calls raw: its format may make it grow */
};

/* A directory below which QEMU may open any regular file read-only. */
struct plan_dir {
	char *path;   /* absolute, without "//", "." and "..", owned */
	char *origin; /* as above */
};

/* A unix stream socket that the launcher binds and listens on; QEMU finds it at fd number `fd`. */
struct plan_listener {
	char *path; /* absolute, owned */
	int fd;
};

/* A tap interface that the launcher creates in the host's network namespace. */
struct plan_tap {
	char *ifname; /* 1..15 bytes, owned */
	int fd;
};

/* A TCP listener (VNC, SPICE) that QEMU may ask for: one of the ports first..last at addr. */
struct plan_inet {
	char *addr; /* numeric IPv4 or IPv6 address, owned; "" means every address */
	uint16_t port_first, port_last;
};

struct plan {
	enum plan_mode mode;
	uint16_t domid; /* PLAN_GUEST: 1 .. DOMID_FIRST_RESERVED-1; PLAN_PROBE: 0 */
	char *name;     /* guest's name (-name), owned; NULL if not given */
	char *run_as;   /* user that libxl chose ("uid:gid" or a user name), owned; NULL if none */
	char *chroot_dir; /* directory libxl made for -chroot, owned; NULL if none */
	bool battery;     /* qemu-depriv probe runs in QEMU's place (-qemu-depriv-probe) */
	int battery_fd;   /* listener of the battery that is loaded into QEMU; 0: it is not */
	bool dm_restrict; /* -xen-domid-restrict was given (and is stripped) */
	bool incoming;    /* -incoming: a restored guest, its memory is populated already */

	/* Pages that QEMU may populate in the guest's physmap beyond its RAM: VRAM and ROMs. */
	uint32_t extra_pages;
	unsigned int ptys; /* how many pseudo terminals its character devices need */

	struct plan_file files[PLAN_MAX_FILES];
	size_t n_files;
	struct plan_dir dirs[PLAN_MAX_DIRS];
	size_t n_dirs;
	struct plan_listener listeners[PLAN_MAX_LISTENERS];
	size_t n_listeners;
	struct plan_tap taps[PLAN_MAX_TAPS];
	size_t n_taps;
	struct plan_inet inets[PLAN_MAX_INET];
	size_t n_inets;
	int keep_fds[PLAN_MAX_KEEP]; /* inherited fds that argv names: they keep their numbers */
	size_t n_keep_fds;

	char **argv; /* QEMU's command line, NULL-terminated, owned; argv[0] is the caller's */
	size_t argc;
};

/*
 * Reads libxl's command line (argv[0] is this program) into *ret_plan. Opens nothing.
 * Returns 0, or -1 with err naming the offending option; *ret_plan is then empty and needs no
 * plan_free(). On success the caller frees with plan_free().
 */
int plan_parse(int argc, char *const argv[], struct plan *ret_plan, struct error *err);

/* Adds a file; origin is where the configuration names it, or NULL. Both strings are copied. */
int plan_add_file(struct plan *plan, const char *path, bool writable, const char *origin,
                  struct error *err);

/* Adds a directory of the configuration. */
int plan_add_dir(struct plan *plan, const char *path, const char *origin, struct error *err);

/*
 * Adds a unix socket that the command line does not name; *ret_fd is the number that QEMU finds it
 * at. Only after plan_parse().
 */
int plan_add_listener(struct plan *plan, const char *path, int *ret_fd, struct error *err);

void plan_free(struct plan *plan);
