/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "limit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

/*
 * memory_max: QEMU's own memory, whatever the guest's is: guest memory that it maps is Xen's and is
 * not charged, only the page tables are (2 MiB for each GiB, of at most 32 GiB that its map cache
 * holds). That is 64 MiB; 60 MiB for the program; 32 MiB of qcow2 caches for each of ten images;
 * 64 MiB for each of four VNC clients; what is left is page cache, which gives way.
 *
 * memory_high: none. It would let a QEMU that has lost its senses crawl for ever instead of ending
 * it.
 *
 * pids_max: vcpu threads (at most 128), 64 block workers, VNC, xenstore readers: twice that.
 *
 * open_files: 6 to 10 for each image, socket or tap and 8 xenstore connections: a few hundred.
 */
const struct limits limits_default = {
        .memory_max = 1 * GIB,
        .memory_high = LIMIT_NONE,
        .swap_max = 0,
        .pids_max = 512,
        .cpu_weight = 100, /* the kernel's and systemd's default */
        .cpu_max = LIMIT_NONE,
        .open_files = 1024,
        .file_size = LIMIT_AUTO,
        .log_size = 4 * MIB,
        .log_rate = 64 * KIB,
};

enum kind {
	SIZE,    /* bytes; K, M, G, T: powers of 1024 */
	NUMBER,  /* without unit */
	PERCENT, /* 250% */
};

static const struct key {
	const char *name;
	size_t offset; /* of the uint64_t in struct limits */
	uint64_t min, max;
	const char *wants, *what;
	enum kind kind;
	bool none; /* "none" is allowed */
} keys[] = {
#define FIELD(f) offsetof(struct limits, f)
        /* 32 MiB: less than QEMU needs to start; a typing error. */
        {"memory-max", FIELD(memory_max), 32 * MIB, TIB, "wants a size from 32M to 1T, or none",
         "QEMU's own memory; beyond it QEMU is killed", SIZE, true},
        {"memory-high", FIELD(memory_high), 32 * MIB, TIB, "wants a size from 32M to 1T, or none",
         "beyond it QEMU is slowed down", SIZE, true},
        {"swap-max", FIELD(swap_max), 0, TIB, "wants a size up to 1T, or none", "swap space", SIZE,
         true},
        {"pids-max", FIELD(pids_max), 16, 32768, "wants a number from 16 to 32768",
         "threads; no process can be made", NUMBER, false},
        {"cpu-weight", FIELD(cpu_weight), 1, 10000, "wants a number from 1 to 10000",
         "share of the CPUs, with its helpers", NUMBER, false},
        {"cpu-max", FIELD(cpu_max), 1, 100000,
         "wants a percentage of one CPU from 1% to 100000%, or none",
         "CPU time, with its helpers; 100% is one CPU", PERCENT, true},
        /* 64: the fds of the smallest guest; 1048576: the kernel's default for fs.nr_open. */
        {"open-files", FIELD(open_files), 64, 1048576, "wants a number from 64 to 1048576",
         "descriptors", NUMBER, false},
        {"file-size", FIELD(file_size), MIB, LIMIT_NONE - 1, "wants a size from 1M, or none",
         "of any file that QEMU writes to", SIZE, true},
        {"log-size", FIELD(log_size), 4 * KIB, TIB, "wants a size from 4K to 1T, or none",
         "QEMU's output in the log", SIZE, true},
        {"log-rate", FIELD(log_rate), KIB, GIB, "wants a size (a second) from 1K to 1G",
         "the same, a second", SIZE, false},
#undef FIELD
};

_Static_assert(ARRAY_SIZE(keys) == LIMITS_IO_MAX, "every key has a number");

/* Cuts one unit off the end of text. Returns the factor, 1 without a unit. */
static uint64_t cut_unit(char *text)
{
	static const char units[] = "KMGT";
	const size_t len = strlen(text);
	const char *unit = len > 0 ? strchr(units, text[len - 1]) : NULL;
	uint64_t factor = KIB;

	if (unit == NULL || *unit == '\0')
		return 1;
	text[len - 1] = '\0';
	for (const char *u = units; u != unit; u++)
		factor *= 1024;
	return factor;
}

static bool parse(const struct key *key, const char *value, uint64_t *ret)
{
	char text[32];
	const size_t len = strlen(value);
	uint64_t factor = 1, n;

	if (key->none && strcmp(value, "none") == 0)
		return *ret = LIMIT_NONE, true;
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, value, len + 1);
	if (key->kind == SIZE)
		factor = cut_unit(text);
	if (key->kind == PERCENT) {
		if (text[len - 1] != '%')
			return false;
		text[len - 1] = '\0';
	}
	if (!parse_u64(text, 0, UINT64_MAX / factor, &n) || n * factor < key->min ||
	    n * factor > key->max)
		return false;
	return *ret = n * factor, true;
}

/* The device, then at least one of the kernel's four keys, each with a number or "max". */
static bool is_io_max(const char *value)
{
	static const char *const io_keys[] = {"rbps", "wbps", "riops", "wiops"};
	char copy[LIMITS_IO_SIZE], *word, *rest = copy, *number;
	size_t n = 0;
	uint64_t u;

	(void)snprintf(copy, sizeof(copy), "%s", value);
	word = strsep(&rest, " ");
	if (strncmp(word, "/dev/", 5) != 0 && strspn(word, "0123456789:") != strlen(word))
		return false;
	while ((word = strsep(&rest, " ")) != NULL) {
		bool known = false;

		number = strchr(word, '=');
		if (number == NULL)
			return false;
		*number++ = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(io_keys); i++)
			known = known || strcmp(word, io_keys[i]) == 0;
		if (!known || (strcmp(number, "max") != 0 && !parse_u64(number, 1, UINT64_MAX, &u)))
			return false;
		n++;
	}
	return n > 0;
}

static const char *add_io_max(struct limits *limits, const char *value)
{
	if (strlen(value) >= LIMITS_IO_SIZE || !is_io_max(value))
		return "wants MAJOR:MINOR or a path below /dev, and rbps=, wbps=, riops= or wiops=";
	if (limits->n_io_max == LIMITS_MAX_IO)
		return "too many";
	(void)snprintf(limits->io_max[limits->n_io_max++], LIMITS_IO_SIZE, "%s", value);
	return NULL;
}

int limits_find(const char *key)
{
	for (int i = 0; i < LIMITS_IO_MAX; i++) {
		if (strcmp(key, keys[i].name) == 0)
			return i;
	}
	return strcmp(key, "io-max") == 0 ? LIMITS_IO_MAX : -1;
}

const char *limits_assign(struct limits *limits, int key, const char *value)
{
	uint64_t n;

	if (key == LIMITS_IO_MAX)
		return add_io_max(limits, value);
	if (!parse(&keys[key], value, &n))
		return keys[key].wants;
	memcpy((char *)limits + keys[key].offset, &n, sizeof(n));
	return NULL;
}

void limits_print(const struct limits *limits, int key, struct limit_text *ret)
{
	static const char units[] = "\0KMGT";
	const struct key *k = &keys[key];
	const char *unit = units;
	uint64_t n;

	ret->name = k->name;
	ret->what = k->what;
	memcpy(&n, (const char *)limits + k->offset, sizeof(n));
	if (n == LIMIT_NONE || (n == LIMIT_AUTO && k->max == LIMIT_NONE - 1)) {
		(void)snprintf(ret->value, sizeof(ret->value), "%s",
		               n == LIMIT_NONE ? "none" : "of the images");
		return;
	}
	for (; k->kind == SIZE && n > 0 && n % 1024 == 0 && unit[1] != '\0'; unit++)
		n /= 1024;
	(void)snprintf(ret->value, sizeof(ret->value), "%" PRIu64 "%.1s%s", n, unit,
	               k->kind == PERCENT ? "%" : "");
}
