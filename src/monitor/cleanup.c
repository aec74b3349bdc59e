/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor.h"
#include "role.h"
#include "util.h"

static void remove_rundir(uint32_t domid)
{
	static const char *const files[] = {"argv", "counters", "manifest"};
	char path[sizeof(RUN_DIR "/4294967295/counters")];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof(path), RUN_DIR "/%u/%s", domid, files[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), RUN_DIR "/%u", domid);
	(void)rmdir(path);
}

void monitor_cleanup(const struct manifest *manifest)
{
	for (uint32_t i = 0; i < manifest->n_listeners; i++) {
		const struct manifest_listener *l = &manifest->listeners[i];
		const char *path = manifest_string(manifest, l->path);
		struct stat st;

		/* The toolstack may have removed it and made its own in its place. */
		if (lstat(path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
			(void)unlink(path);
	}
	if (manifest->chroot_dir != 0)
		(void)rmdir(manifest_string(manifest, manifest->chroot_dir));
	remove_rundir(manifest->domid);
}
