/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's Landlock domain: what it opens itself is in the jail, and of the jail it needs little.
 * Whatever the monitor opens for it keeps the rights that the monitor had.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "landlock.h"
#include "launch.h"
#include "util.h"

/* In the jail, but for the last one. */
static const struct {
	const char *path;
	uint64_t access;
	const char *why;
} rules[] = {
        {"/usr", LL_READ_FILE | LL_READ_DIR | LL_EXECUTE, "QEMU, libraries, ROMs, keymaps"},
        {"/etc", LL_READ_FILE, "ld.so.cache, localtime"},
        {"/dev/null", LL_READ_FILE | LL_WRITE_FILE, "also in place of gntdev"},
        {"/dev/urandom", LL_READ_FILE, "random numbers"},
};

/* The host's: TIOCGPTPEER opens a terminal's other side there, without a path and in no jail. */
#define PTS        "/dev/pts"
#define PTS_ACCESS (LL_READ_FILE | LL_WRITE_FILE | LL_IOCTL_DEV)

/* A layer and what it takes of the kernel. */
static const struct {
	enum layer layer;
	int abi;
} parts[] = {
        {LAYER_LANDLOCK, 1},
        {LAYER_LANDLOCK_NETWORK, 4},
        {LAYER_LANDLOCK_DEVICES, 5},
        {LAYER_LANDLOCK_SCOPES, 6},
};

uint32_t landlock_layers(int abi)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (abi >= parts[i].abi)
			mask |= 1u << parts[i].layer;
	return mask;
}

int landlock_prepare(const struct plan *plan, const struct config *config, struct landlock *ret,
                     struct error *err)
{
	const int abi = landlock_abi();

	ret->ruleset = -1;
	ret->layers = landlock_layers(abi);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (abi < parts[i].abi && config->need[parts[i].layer] == NEED_YES)
			return error_set(
			        err,
			        "the kernel lacks the layer %s (Landlock ABI %d, has %d): see "
			        "[require] in qemu-depriv.conf(5)",
			        layer_rows[parts[i].layer].name, parts[i].abi, abi);
	if (abi == 0)
		return 0;
	ret->deny = landlock_known(abi);
	if (landlock_create(&ret->deny, &ret->ruleset, err) < 0)
		return -1;
	if (plan->ptys == 0)
		return 0;
	return landlock_allow_path(ret->ruleset, &ret->deny, PTS, PTS_ACCESS, err);
}

int landlock_confine(struct landlock *l, struct error *err)
{
	cleanup_fd int ruleset = steal_fd(&l->ruleset);

	if (ruleset < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (landlock_allow_path(ruleset, &l->deny, rules[i].path, rules[i].access, err) < 0)
			return -1;
	if (landlock_enter(ruleset, err) < 0)
		return -1;

	/* No rule lets the root be listed. */
	cleanup_fd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0 || errno != EACCES)
		return error_set(err, "Landlock does not refuse what it must");
	return 0;
}
