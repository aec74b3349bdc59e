/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/qemu-depriv/qemu-depriv.conf and domains.d/NAME.conf: what the command line cannot say. */
#pragma once

#include <stddef.h>

#include "error.h"
#include "layers.h"
#include "limit.h"

/* Backing files and the like: more than a plan holds (PLAN_MAX_FILES) is of no use. */
#define CONFIG_MAX_PATHS 64

/* Who keeps monitor, broker and xsfilter of a device model going. */
enum supervision {
	SUPERVISION_AUTO, /* systemd where it runs */
	SUPERVISION_SYSTEMD,
	SUPERVISION_DIRECT,
};

/* A path and where it was named, for messages about it: "FILE:LINE: [section] key". Owned. */
struct config_path {
	char *path;
	char *origin;
};

struct config_paths {
	struct config_path at[CONFIG_MAX_PATHS];
	size_t n;
};

/* Releases of Xen that one host boots, by turns. */
#define CONFIG_MAX_XEN 8

/* [xen VERSION] */
struct config_xen {
	char version[16];
	struct config_path qemu; /* path NULL: that of [qemu], or the built-in list */
	struct config_path
	        libraries; /* library-path: where its Xen libraries are; path may be NULL */
};

struct config {
	struct config_path qemu;         /* [qemu] path; path NULL: the built-in list */
	struct config_paths read_only;   /* [files] */
	struct config_paths read_write;  /* [files] */
	struct config_paths directories; /* [files]: read-only, for members of backing chains */
	enum need need[LAYER_MAX_];      /* [require] */
	enum supervision supervision;    /* [supervision] mode */
	struct config_xen xen[CONFIG_MAX_XEN];
	size_t n_xen;
	bool probe_library;   /* [test]: the attack battery is loaded into QEMU */
	struct limits limits; /* [limits] */
};

/* What a launch does with neither file. */
void config_init(struct config *ret);

/*
 * Reads DIR/qemu-depriv.conf and then, for a guest with a name, DIR/domains.d/NAME.conf, which is
 * added to the first one; its single values replace the first one's. A file that is not there is
 * an empty one. Nothing that the files name is looked at.
 * Returns 0, or -1 with err naming file, line and key of the first problem; *ret is then empty.
 * The caller frees with config_free().
 */
int config_read(const char *dir, const char *guest, struct config *ret, struct error *err);

/* Called with one line, without newline, for each problem. */
typedef void config_report(void *opaque, const char *problem);

/* Adds what one file says to *config (after config_init()); returns the number of problems. */
size_t config_read_file(const char *path, struct config *config, config_report *report,
                        void *opaque);

/* What must hold for the directories that the files are in; returns the number of problems. */
size_t config_check_dir(const char *dir, config_report *report, void *opaque);

/* A directory that [files] directory may name, and what would be wrong with another; NULL: fine. */
const char *config_bad_directory(const char *path);

void config_free(struct config *config);
