/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
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

/* broker and xsfilter end when QEMU has: in ms, but on a busy host. */
#define TRIES    200
#define PAUSE_MS 10

static int remove_group(const char *base, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	return rmdir(path);
}

/* The one cause of death that leaves no other trace in QEMU's log. */
static void report_out_of_memory(const char *base)
{
	char path[128], events[512];
	const char *kills;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/" CGROUP_QEMU "/memory.events", base);

	cleanup_fd int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

	n = fd >= 0 ? read(fd, events, sizeof(events) - 1) : 0;
	events[n > 0 ? n : 0] = '\0';
	kills = strstr(events, "\noom_kill ");
	if (kills != NULL && kills[strlen("\noom_kill ")] != '0')
		role_log("the device model was killed: it needed more than memory-max");
}

/* Whoever ends is in its group for a moment longer than its pidfd says. */
static int remove_both(const char *base)
{
	const int qemu = remove_group(base, CGROUP_QEMU);

	if (qemu < 0 && errno != ENOENT)
		return -1;
	return remove_group(base, CGROUP_ROLES);
}

/* Ours ends up empty when we leave it for the root, the one group that may have processes and
 * groups. */
static void remove_groups(const char *base)
{
	cleanup_fd int root = openat(AT_FDCWD, CGROUP_ROOT "/cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (root < 0 || write(root, "0", 1) < 0)
		role_log("cannot leave %s", base);
	for (int i = 0; i < TRIES && remove_both(base) < 0; i++)
		(void)poll(NULL, 0, PAUSE_MS);
	if (rmdir(base) < 0)
		role_log("cannot remove %s", base);
	/* Unless they are somebody else's too. */
	(void)rmdir(CGROUP_PATH);
	(void)rmdir(CGROUP_ROOT "/" CGROUP_PARENT);
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
	if (manifest->cgroup != 0)
		report_out_of_memory(manifest_string(manifest, manifest->cgroup));
	if (manifest->cgroup_own)
		remove_groups(manifest_string(manifest, manifest->cgroup));
}
