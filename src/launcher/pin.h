/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pinning the inode behind a path of the plan: whatever happens to the path later, the monitor
 * opens this one. No content is looked at: what is in an image is QEMU's to parse.
 */
#pragma once

#include <sys/stat.h>

#include "error.h"

/*
 * A regular file or block device, as an O_PATH fd that the caller owns. 0, or -1 with err, which
 * begins with origin (see plan.h) unless that is NULL.
 */
int pin_file(const char *path, const char *origin, struct stat *ret_stat, int *ret_fd,
             struct error *err);

/* The same for a directory. */
int pin_directory(const char *path, const char *origin, int *ret_fd, struct error *err);
