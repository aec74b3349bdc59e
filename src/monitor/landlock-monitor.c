/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's Landlock domain: it is root, and with CAP_DAC_OVERRIDE could open every file of the
 * host. Entered when QEMU's memory has been opened, since it forbids that too (Landlock has a
 * process of another domain not be traced).
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "landlock.h"
#include "layers.h"
#include "monitor.h"
#include "role.h"
#include "util.h"

/* What it opens by a path of its own. */
static const struct {
	const char *path;
	uint64_t access;
	const char *why;
} rules[] = {
        {"/dev/xen/evtchn", LL_READ_FILE | LL_WRITE_FILE | LL_IOCTL_DEV, "REQ_EVTCHN"},
        {"/dev/ptmx", LL_READ_FILE | LL_WRITE_FILE | LL_IOCTL_DEV, "REQ_PTY"},
};

/* An image may grow, and a block device is asked for its size. */
#define IMAGE_READ  (LL_READ_FILE | LL_IOCTL_DEV)
#define IMAGE_WRITE (IMAGE_READ | LL_WRITE_FILE | LL_TRUNCATE)

/* What monitor_cleanup() removes is in here. */
static int allow_parent(int ruleset, const struct landlock_rights *deny, const char *path,
                        uint64_t access, struct error *err)
{
	char copy[PATH_MAX];

	(void)snprintf(copy, sizeof(copy), "%s", path);
	return landlock_allow_path(ruleset, deny, dirname(copy), access, err);
}

/* QEMU's group is looked at when it has ended, and then all of them are removed but with systemd.
 */
static int allow_cgroup(int ruleset, const struct landlock_rights *deny,
                        const struct manifest *manifest, struct error *err)
{
	if (manifest->cgroup == 0)
		return 0;
	if (landlock_allow_path(ruleset, deny, manifest_string(manifest, manifest->cgroup),
	                        LL_READ_FILE, err) < 0)
		return -1;
	if (!manifest->cgroup_own)
		return 0;
	if (landlock_allow_path(ruleset, deny, CGROUP_ROOT, LL_REMOVE_DIR, err) < 0)
		return -1;
	return landlock_allow_path(ruleset, deny, CGROUP_ROOT "/cgroup.procs", LL_WRITE_FILE, err);
}

static int allow_plan(int ruleset, const struct landlock_rights *deny,
                      const struct manifest *manifest, struct error *err)
{
	const int dirs = MONITOR_FILES + (int)manifest->n_files;
	char rundir[sizeof(RUN_DIR "/4294967295")];

	for (int i = 0; i < (int)manifest->n_files; i++) {
		const struct manifest_file *file = &manifest->files[i];

		if (landlock_allow(ruleset, deny, MONITOR_FILES + i,
		                   file->writable ? IMAGE_WRITE : IMAGE_READ,
		                   manifest_string(manifest, file->path), err) < 0)
			return -1;
	}
	for (int i = 0; i < (int)manifest->n_dirs; i++)
		if (landlock_allow(ruleset, deny, dirs + i, LL_READ_FILE,
		                   manifest_string(manifest, manifest->dirs[i].path), err) < 0)
			return -1;
	for (uint32_t i = 0; i < manifest->n_listeners; i++)
		if (allow_parent(ruleset, deny,
		                 manifest_string(manifest, manifest->listeners[i].path),
		                 LL_REMOVE_FILE, err) < 0)
			return -1;
	(void)snprintf(rundir, sizeof(rundir), RUN_DIR "/%u", manifest->domid);
	if (allow_cgroup(ruleset, deny, manifest, err) < 0 ||
	    landlock_allow_path(ruleset, deny, RUN_DIR, LL_REMOVE_DIR, err) < 0 ||
	    landlock_allow_path(ruleset, deny, rundir, LL_REMOVE_FILE, err) < 0)
		return -1;
	if (manifest->chroot_dir == 0)
		return 0;
	return allow_parent(ruleset, deny, manifest_string(manifest, manifest->chroot_dir),
	                    LL_REMOVE_DIR, err);
}

int monitor_make_ruleset(const struct manifest *manifest, int *ret_fd, struct error *err)
{
	struct landlock_rights deny = landlock_known(landlock_abi());
	cleanup_fd int ruleset = -1;

	*ret_fd = -1;
	/* The launcher has decided whether this launch has it; it is not for us to do without. */
	if ((manifest->layers & 1u << LAYER_LANDLOCK) == 0)
		return 0;
	/* It listens on TCP and ends QEMU, but connects to nothing that Landlock knows of. */
	deny.net &= LL_CONNECT_TCP;
	deny.scoped &= LL_ABSTRACT_UNIX_SOCKET;
	if (landlock_create(&deny, &ruleset, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (landlock_allow_path(ruleset, &deny, rules[i].path, rules[i].access, err) < 0)
			return -1;
	if (allow_plan(ruleset, &deny, manifest, err) < 0)
		return -1;
	*ret_fd = steal_fd(&ruleset);
	return 0;
}
