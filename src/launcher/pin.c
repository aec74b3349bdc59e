/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util.h"

/*
 * A symbolic link as last component is followed below /dev only, where udev names volumes so:
 * elsewhere it might have been put there by whoever can write the directory.
 */
static int pin(const char *path, struct stat *ret_stat, int *ret_fd, struct error *err)
{
	const bool in_dev = strncmp(path, "/dev/", 5) == 0;
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC | (in_dev ? 0 : O_NOFOLLOW));

	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return error_errno(err, "%s", path);
	if (S_ISLNK(ret_stat->st_mode))
		return error_set(err, "%s is a symbolic link: name the file itself", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int pin_file(const char *path, const char *origin, struct stat *ret_stat, int *ret_fd,
             struct error *err)
{
	cleanup_fd int fd = -1;

	if (pin(path, ret_stat, &fd, err) < 0)
		return error_prefix(err, origin);
	if (!S_ISREG(ret_stat->st_mode) && !S_ISBLK(ret_stat->st_mode)) {
		(void)error_set(err, "%s is neither a file nor a block device", path);
		return error_prefix(err, origin);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int pin_directory(const char *path, const char *origin, int *ret_fd, struct error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (pin(path, &st, &fd, err) < 0)
		return error_prefix(err, origin);
	if (!S_ISDIR(st.st_mode)) {
		(void)error_set(err, "%s is no directory", path);
		return error_prefix(err, origin);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}
