/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/resource.h>

#include "launch.h"
#include "util.h"

/*
 * libxl's dm_restrict leaves RLIMIT_FSIZE at 256 KiB, which kills a QEMU with a file-backed disk,
 * and RLIMIT_MEMLOCK at 0, which stops its hypercall buffers: 8 bytes a page, 512 KiB for the
 * largest VRAM that the plan allows.
 */
const struct limit limits[] = {
        {RLIMIT_CORE, "RLIMIT_CORE", 0},
        {RLIMIT_FSIZE, "RLIMIT_FSIZE", RLIM_INFINITY},
        {RLIMIT_LOCKS, "RLIMIT_LOCKS", 0},
        {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 8 << 20},
        {RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 0},
        {RLIMIT_NICE, "RLIMIT_NICE", 0},
        {RLIMIT_NOFILE, "RLIMIT_NOFILE", 1024},
        {RLIMIT_RTPRIO, "RLIMIT_RTPRIO", 0},
        {RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING", 256},
};

const size_t n_limits = ARRAY_SIZE(limits);

int limits_set(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct rlimit limit = {limits[i].value, limits[i].value};

		if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
			return error_errno(err, "cannot set %s", limits[i].name);
	}
	return 0;
}
