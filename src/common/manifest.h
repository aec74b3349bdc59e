/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the plan that the roles need after QEMU's exec, flat, in a sealed memfd that the
 * launcher writes once and monitor and broker map read-only.
 */
#pragma once

#include <stdint.h>

#define MANIFEST_MAGIC     0x6d646471u /* "qddm" */
#define MANIFEST_FILES     64
#define MANIFEST_DIRS      16
#define MANIFEST_LISTENERS 32
#define MANIFEST_INETS     16
#define MANIFEST_POOL      16384

/* A file that QEMU may open by exactly this path. */
struct manifest_file {
	uint32_t path; /* offset into pool */
	uint32_t writable;
};

/* A directory below which QEMU may open any regular file read-only. */
struct manifest_dir {
	uint32_t path; /* offset into pool */
};

/* A unix socket that the launcher bound: unlinked at the end if it is still the same inode. */
struct manifest_listener {
	uint64_t dev, ino;
	uint32_t path; /* offset into pool */
	uint32_t pad;
};

/* TCP ports that QEMU may listen on. */
struct manifest_inet {
	uint16_t family; /* AF_INET or AF_INET6 */
	uint16_t port_first, port_last;
	uint16_t pad;
	uint8_t addr[16]; /* network order; the first 4 bytes for AF_INET */
};

struct manifest {
	uint32_t magic;
	uint32_t domid;
	uint32_t uid;
	uint32_t extra_pages; /* 4 KiB pages that QEMU may populate */
	uint32_t ptys;
	uint32_t layers; /* bit 1 << enum layer (layers.h) for each that QEMU has */
	uint32_t n_files;
	uint32_t n_dirs;
	uint32_t n_listeners;
	uint32_t n_inets;
	uint32_t chroot_dir; /* offset of libxl's unused directory, removed at the end; 0: none */
	uint32_t cgroup;     /* offset of the domain's control group; 0: none */
	uint32_t cgroup_own; /* removed at the end: no systemd does it */
	uint32_t pool_used;
	/* RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_FSIZE; UINT64_MAX: none */
	uint64_t threads, open_files, file_size;
	uint64_t log_size; /* bytes of QEMU's output that the log takes */
	uint64_t log_rate; /* bytes a second */
	struct manifest_file files[MANIFEST_FILES];
	struct manifest_dir dirs[MANIFEST_DIRS];
	struct manifest_listener listeners[MANIFEST_LISTENERS];
	struct manifest_inet inets[MANIFEST_INETS];
	char pool[MANIFEST_POOL]; /* NUL-terminated strings; offset 0 is the empty one */
};
