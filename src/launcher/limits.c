/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "launch.h"
#include "util.h"

/*
 * QEMU's own files: memfds. QEMU 10 keeps the display in one, 4 bytes a pixel; the guest has at
 * least one byte of VRAM for each. 64 MiB: a VRAM of 16 MiB, the usual one.
 */
#define FILE_SIZE_FLOOR (UINT64_C(64) << 20)
#define DISPLAY_SIZE    (UINT64_C(4) * 4096) /* for each page of VRAM */

/* QEMU fills the last sector of an image whose size is no multiple of it (4 KiB at the most). */
#define SECTOR 4096

/* Lines of the roles themselves beside QEMU's output. */
#define ROLE_LOG_SIZE (UINT64_C(1) << 20)

/*
 * libxl's dm_restrict leaves RLIMIT_FSIZE at 256 KiB, which kills a QEMU with a file-backed disk,
 * and RLIMIT_MEMLOCK at 0, which stops its hypercall buffers: 8 bytes a page, 512 KiB for the
 * largest VRAM that the plan allows. No RLIMIT_AS or RLIMIT_DATA: they count guest memory that is
 * mapped, and the control group counts what is QEMU's own. RLIMIT_NPROC: credentials.c.
 */
const struct limit limits_fixed[] = {
        {RLIMIT_CORE, "RLIMIT_CORE", 0},
        {RLIMIT_LOCKS, "RLIMIT_LOCKS", 0},
        {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 8 << 20},
        {RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 0},
        {RLIMIT_NICE, "RLIMIT_NICE", 0},
        {RLIMIT_RTPRIO, "RLIMIT_RTPRIO", 0},
        {RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING", 256},
};

const size_t limits_n_fixed = ARRAY_SIZE(limits_fixed);

static int set(int resource, const char *name, uint64_t value, struct error *err)
{
	const rlim_t n = value == LIMIT_NONE ? RLIM_INFINITY : value;
	const struct rlimit limit = {n, n};

	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return error_errno(err, "cannot set %s", name);
	return 0;
}

/*
 * qcow2 keeps its virtual size in its header (docs/interop/qcow2.txt in QEMU's source), which QEMU
 * can rewrite: this holds until the next start. A sixteenth and 64 MiB: the tables at the smallest
 * cluster size.
 */
static uint64_t size_of_qcow2(int pinned)
{
	struct {
		char magic[4];
		uint32_t version;
		uint64_t backing_offset;
		uint32_t backing_size, cluster_bits;
		uint64_t size; /* big endian */
	} header;
	char path[32];
	uint64_t size;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", pinned);

	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.magic, "QFI\xfb", sizeof(header.magic)) != 0)
		return LIMIT_NONE;
	size = be64toh(header.size);
	return size < INT64_MAX / 2 ? size + size / 16 + FILE_SIZE_FLOOR : LIMIT_NONE;
}

uint64_t limits_file_size(const struct limits *limits, const struct plan *plan,
                          const struct resources *res)
{
	uint64_t max = plan->extra_pages * DISPLAY_SIZE;

	if (limits->file_size != LIMIT_AUTO)
		return limits->file_size;
	if (max < FILE_SIZE_FLOOR)
		max = FILE_SIZE_FLOOR;
	for (size_t i = 0; i < plan->n_files; i++) {
		uint64_t size = (uint64_t)res->file_stats[i].st_size;

		size = (size + SECTOR - 1) / SECTOR * SECTOR;
		if (!plan->files[i].writable || !S_ISREG(res->file_stats[i].st_mode))
			continue;
		if (size > max)
			max = size;
		/* What the configuration names has no format there. */
		if (!plan->files[i].grows && plan->files[i].origin == NULL)
			continue;
		size = size_of_qcow2(res->files[i]);
		if (size > max)
			max = size;
	}
	return max;
}

int limits_set(const struct limits *limits, const struct plan *plan, const struct resources *res,
               struct error *err)
{
	const uint64_t file_size = limits_file_size(limits, plan, res);

	for (size_t i = 0; i < ARRAY_SIZE(limits_fixed); i++)
		if (set(limits_fixed[i].resource, limits_fixed[i].name, limits_fixed[i].value,
		        err) < 0)
			return -1;
	if (set(RLIMIT_FSIZE, "RLIMIT_FSIZE", file_size, err) < 0)
		return -1;
	return set(RLIMIT_NOFILE, "RLIMIT_NOFILE", limits->open_files, err);
}

/* A role that was taken over does not fill the disk by way of the log either. */
int limits_set_role(const struct limits *limits, struct error *err)
{
	uint64_t size = LIMIT_NONE;
	struct stat log;

	if (fstat(STDERR_FILENO, &log) < 0)
		return error_errno(err, "cannot look at the log");
	if (limits->log_size != LIMIT_NONE)
		size = (uint64_t)log.st_size + limits->log_size + ROLE_LOG_SIZE;
	if (set(RLIMIT_CORE, "RLIMIT_CORE", 0, err) < 0)
		return -1;
	return set(RLIMIT_FSIZE, "RLIMIT_FSIZE", size, err);
}
