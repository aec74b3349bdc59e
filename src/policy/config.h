/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/qemu-depriv/qemu-depriv.conf and domains.d/NAME.conf: what the command line cannot say. */
#pragma once

#include <stddef.h>

#include "error.h"

/* Backing files and the like: more than a plan holds (PLAN_MAX_FILES) is of no use. */
#define CONFIG_MAX_FILES 64

struct config {
	char *qemu; /* [qemu] path: the device model to run, owned; NULL: the built-in list */
	char *read_only[CONFIG_MAX_FILES]; /* [files] read-only: further files, owned */
	size_t n_read_only;
};

/*
 * Reads DIR/qemu-depriv.conf and then, for a guest with a name, DIR/domains.d/NAME.conf, whose
 * qemu path replaces the first one's and whose files are added. A file that is not there is an
 * empty one. Returns 0, or -1 with err naming file, line and key; *ret is then empty.
 * The caller frees with config_free().
 */
int config_read(const char *dir, const char *guest, struct config *ret, struct error *err);

/* Adds what one file says to *config. A file that is not there is an empty one. 0, or -1 with err.
 */
int config_read_file(const char *path, struct config *config, struct error *err);

void config_free(struct config *config);
