/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one device model may use of the host: defaults, and [limits] of the configuration. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* No limit; as a file size: none either. */
#define LIMIT_NONE UINT64_MAX

/* file_size only: as large as the plan's images make it necessary. */
#define LIMIT_AUTO 0

/* More disks than a guest has. */
#define LIMITS_MAX_IO 16

/* Longest io-max value in bytes with its NUL: a path below /dev and four numbers. */
#define LIMITS_IO_SIZE 256

struct limits {
	/* The control group that holds QEMU alone. Bytes, or numbers of threads. */
	uint64_t memory_max, memory_high, swap_max;
	uint64_t pids_max; /* also RLIMIT_NPROC */
	/* The control group that holds QEMU and its helpers. */
	uint64_t cpu_weight; /* 1 .. 10000 */
	uint64_t cpu_max;    /* percent of one CPU */
	/* "MAJOR:MINOR key=value ..." or "/dev/NODE key=value ...", for the kernel's io.max. */
	char io_max[LIMITS_MAX_IO][LIMITS_IO_SIZE];
	size_t n_io_max;

	uint64_t open_files; /* RLIMIT_NOFILE */
	uint64_t file_size;  /* RLIMIT_FSIZE, bytes */
	uint64_t log_size;   /* bytes of QEMU's output in the log */
	uint64_t log_rate;   /* bytes a second */
};

extern const struct limits limits_default;

/* The keys of [limits] by number; the last one may be given many times. */
#define LIMITS_KEYS   11
#define LIMITS_IO_MAX (LIMITS_KEYS - 1)

/* The number of a key, or -1. */
int limits_find(const char *key);

/* Sets a key. Returns NULL, or what is wrong: a sentence's end such as "wants a size", static. */
const char *limits_assign(struct limits *limits, int key, const char *value);

/* Name and value of a key but the last as the configuration has it; what: one line about it. */
struct limit_text {
	const char *name, *what;
	char value[32];
};
void limits_print(const struct limits *limits, int key, struct limit_text *ret);
