/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configure.h"

#include <unistd.h>

#include "util.h"

static const char *const qemu_paths[] = {
        QEMU_PATH, /* the build's choice; empty: look at the others */
        "/usr/libexec/xen-qemu-system-i386",
        "/usr/lib/xen/bin/qemu-system-i386",
        "/usr/bin/qemu-system-i386",
};

static int add_files(struct plan *plan, const struct config_paths *list, bool writable,
                     struct error *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (plan_add_file(plan, list->at[i].path, writable, list->at[i].origin, err) < 0)
			return -1;
	return 0;
}

int plan_configure(struct plan *plan, const char *dir, struct config *ret, struct error *err)
{
	const struct config_paths *dirs = &ret->directories;

	if (config_read(dir, plan->name, ret, err) < 0)
		return -1;
	if (plan->mode == PLAN_PROBE) /* it has no images */
		return 0;
	if (add_files(plan, &ret->read_only, false, err) < 0 ||
	    add_files(plan, &ret->read_write, true, err) < 0)
		goto fail;
	for (size_t i = 0; i < dirs->n; i++)
		if (plan_add_dir(plan, dirs->at[i].path, dirs->at[i].origin, err) < 0)
			goto fail;
	return 0;
fail:
	config_free(ret);
	return -1;
}

int plan_find_qemu(const struct config *config, const char **ret, struct error *err)
{
	const struct config_path *configured = &config->qemu;

	if (configured->path != NULL) {
		*ret = configured->path;
		if (access(configured->path, X_OK) < 0)
			return error_errno(err, "%s: %s", configured->origin, configured->path);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(qemu_paths); i++) {
		if (*qemu_paths[i] == '\0' || access(qemu_paths[i], X_OK) < 0)
			continue;
		*ret = qemu_paths[i];
		return 0;
	}
	return error_set(err, "no QEMU found: %s does not exist", qemu_paths[1]);
}
