/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's option syntax: key=value,key=value,... A comma within a value is written twice. The first
 * element may leave its key out (the "implied" key), and a word without "=" is a flag: "server" is
 * server=on, "nowait" is wait=off. Described in qemu(1) and in util/qemu-option.c of QEMU.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Ours: libxl's longest option (-spice) has 9 keys. */
#define QEMUOPTS_MAX 64

struct qemuopt {
	char *key;    /* owned */
	char *value;  /* owned, commas unescaped; NULL for a flag */
	bool implied; /* the first element, written without its key */
};

struct qemuopts {
	struct qemuopt opt[QEMUOPTS_MAX];
	size_t n;
};

/*
 * Splits text; implied is the key of a first element without one, or NULL if the option has none.
 * Returns 0, -EINVAL (an empty key), -E2BIG (more than QEMUOPTS_MAX elements) or -ENOMEM; *ret is
 * empty after an error. On success the caller frees with qemuopts_free().
 */
int qemuopts_parse(const char *text, const char *implied, struct qemuopts *ret);

/* Whether this element sets key: by name, or as one of the flags "key" and "nokey". */
bool qemuopt_names(const struct qemuopt *opt, const char *key);

/* The value of key, "on" or "off" for a flag; NULL if absent. The last one wins, as in QEMU. */
const char *qemuopts_get(const struct qemuopts *opts, const char *key);

/* Like qemuopts_get() for a boolean; dflt if absent. Returns 0, or -EINVAL for another word. */
int qemuopts_get_bool(const struct qemuopts *opts, const char *key, bool dflt, bool *ret);

/* A key that is given more than once, or NULL. */
const char *qemuopts_duplicate(const struct qemuopts *opts);

/* Gives key this value, in its old place if it has one. Returns 0, -E2BIG or -ENOMEM. */
int qemuopts_set(struct qemuopts *opts, const char *key, const char *value);

/* Removes every occurrence of key. */
void qemuopts_remove(struct qemuopts *opts, const char *key);

/* The text that qemuopts_parse() reads back as the same elements; the caller frees it. NULL: no
 * memory. */
char *qemuopts_print(const struct qemuopts *opts);

void qemuopts_free(struct qemuopts *opts);
