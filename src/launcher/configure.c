/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configure.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"
#include "xenversion.h"

#define HYPERVISOR "/sys/hypervisor/version"

#include "../probe/facts.h"

static const char *const qemu_paths[] = {
        QEMU_PATH, /* the build's choice; empty: look at the others */
        "/usr/libexec/xen-qemu-system-i386.stock", /* where `qemu-depriv enable` moves the next */
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

/* Where qemu-depriv probe inside finds the battery in a live QEMU: for root only, as QMP is. */
static int add_battery(struct plan *plan, struct error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), BATTERY_SOCKET "%u", plan->domid);
	return plan_add_listener(plan, path, &plan->battery_fd, err);
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
	if (ret->probe_library && add_battery(plan, err) < 0)
		goto fail;
	return 0;
fail:
	config_free(ret);
	return -1;
}

/* A path that `qemu-depriv enable` made ours is no QEMU. */
static bool is_this_program(const char *path)
{
	struct stat self, st;

	return stat("/proc/self/exe", &self) == 0 && stat(path, &st) == 0 &&
	       self.st_dev == st.st_dev && self.st_ino == st.st_ino;
}

static int find_default(const char **ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(qemu_paths); i++) {
		if (*qemu_paths[i] == '\0' || access(qemu_paths[i], X_OK) < 0 ||
		    is_this_program(qemu_paths[i]))
			continue;
		*ret = qemu_paths[i];
		return 0;
	}
	return error_set(err, "no QEMU found: %s does not exist", qemu_paths[2]);
}

/* A host that has a table of releases names each one that it boots. */
static int find_row(const struct config *config, const char *running, const struct config_xen **ret,
                    struct error *err)
{
	for (size_t i = 0; i < config->n_xen; i++) {
		if (strcmp(config->xen[i].version, running) == 0) {
			*ret = &config->xen[i];
			return 0;
		}
	}
	if (config->n_xen == 0)
		return 0;
	return error_set(err, "Xen %s runs, and the configuration has no section [xen %s]", running,
	                 running);
}

static int check_release(const char *qemu, const char *running, struct error *err)
{
	char needed[XEN_VERSION_MAX];

	if (xen_version_needed(qemu, needed, err) < 0)
		return 0; /* a script, or what execve() will have to say */
	if (*needed == '\0' || strcmp(needed, running) == 0)
		return 0;
	return error_set(err, "%s is made for Xen %s (libxenctrl.so.%s), but Xen %s runs", qemu,
	                 needed, needed, running);
}

int plan_find_qemu(const struct config *config, const char **ret, const char **ret_libraries,
                   struct error *err)
{
	const struct config_path *configured = &config->qemu;
	const struct config_xen *row = NULL;
	char running[XEN_VERSION_MAX];
	const bool on_xen = xen_version_running(HYPERVISOR, running);

	*ret_libraries = NULL;
	if (on_xen && find_row(config, running, &row, err) < 0)
		return -1;
	if (row != NULL && row->qemu.path != NULL)
		configured = &row->qemu;
	if (row != NULL)
		*ret_libraries = row->libraries.path;
	if (configured->path != NULL) {
		*ret = configured->path;
		if (access(configured->path, X_OK) < 0)
			return error_errno(err, "%s: %s", configured->origin, configured->path);
	} else if (find_default(ret, err) < 0) {
		return -1;
	}
	return on_xen ? check_release(*ret, running, err) : 0;
}
