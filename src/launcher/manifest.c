/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manifest.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launch.h"
#include "util.h"

_Static_assert(PLAN_MAX_FILES <= MANIFEST_FILES, "every planned file fits");
_Static_assert(PLAN_MAX_LISTENERS <= MANIFEST_LISTENERS, "every planned listener fits");
_Static_assert(2 * PLAN_MAX_INET <= MANIFEST_INETS, "every planned address fits, in both families");

/* Adds a string to the pool; an empty manifest has its first byte used by "". */
static int intern(struct manifest *m, const char *s, uint32_t *ret_offset, struct error *err)
{
	size_t len = strlen(s) + 1;

	if (len > sizeof(m->pool) - m->pool_used)
		return error_set(err, "the plan's paths exceed %zu bytes", sizeof(m->pool));
	memcpy(m->pool + m->pool_used, s, len);
	*ret_offset = m->pool_used;
	m->pool_used += (uint32_t)len;
	return 0;
}

static void add_inet(struct manifest *m, uint16_t family, const void *addr, size_t len,
                     const struct plan_inet *from)
{
	struct manifest_inet *inet = &m->inets[m->n_inets++];

	inet->family = family;
	memcpy(inet->addr, addr, len);
	inet->port_first = from->port_first;
	inet->port_last = from->port_last;
}

/* No address means every address of both families, as for QEMU. */
static int add_inets(struct manifest *m, const struct plan_inet *from, struct error *err)
{
	struct in6_addr in6 = IN6ADDR_ANY_INIT;
	struct in_addr in = {INADDR_ANY};

	if (*from->addr == '\0' || inet_pton(AF_INET, from->addr, &in) == 1)
		add_inet(m, AF_INET, &in, sizeof(in), from);
	if (*from->addr == '\0' || inet_pton(AF_INET6, from->addr, &in6) == 1)
		add_inet(m, AF_INET6, &in6, sizeof(in6), from);
	else if (inet_pton(AF_INET, from->addr, &in) != 1)
		return error_set(err, "\"%s\" is no numeric address", from->addr);
	return 0;
}

static int fill(struct manifest *m, const struct roles_plan *from, struct error *err)
{
	const struct plan *plan = from->plan;
	const struct resources *res = from->res;

	m->magic = MANIFEST_MAGIC;
	m->domid = plan->domid;
	m->uid = from->id->uid;
	m->extra_pages = plan->extra_pages;
	m->ptys = plan->ptys;
	m->threads = from->limits->pids_max;
	m->open_files = from->limits->open_files;
	m->file_size = limits_file_size(from->limits, plan, res);
	m->log_size = from->limits->log_size;
	m->log_rate = from->limits->log_rate;
	m->pool_used = 1;

	for (size_t i = 0; i < plan->n_files; i++) {
		m->files[i].writable = plan->files[i].writable;
		if (intern(m, plan->files[i].path, &m->files[i].path, err) < 0)
			return -1;
	}
	m->n_files = (uint32_t)plan->n_files;
	for (size_t i = 0; i < plan->n_dirs; i++)
		if (intern(m, plan->dirs[i].path, &m->dirs[i].path, err) < 0)
			return -1;
	m->n_dirs = (uint32_t)plan->n_dirs;
	for (size_t i = 0; i < plan->n_listeners; i++) {
		m->listeners[i].dev = res->listener_stats[i].st_dev;
		m->listeners[i].ino = res->listener_stats[i].st_ino;
		if (intern(m, plan->listeners[i].path, &m->listeners[i].path, err) < 0)
			return -1;
	}
	m->n_listeners = (uint32_t)plan->n_listeners;
	for (size_t i = 0; i < plan->n_inets; i++)
		if (add_inets(m, &plan->inets[i], err) < 0)
			return -1;
	m->cgroup_own = from->cgroup->own;
	if (from->cgroup->base >= 0 && intern(m, from->cgroup->path, &m->cgroup, err) < 0)
		return -1;
	if (plan->chroot_dir != NULL)
		return intern(m, plan->chroot_dir, &m->chroot_dir, err);
	return 0;
}

int manifest_make(const struct roles_plan *from, int *ret_fd, struct error *err)
{
	cleanup_fd int fd = memfd_create("qemu-depriv-manifest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct manifest *m;
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(*m)) < 0)
		return error_errno(err, "cannot make the manifest");
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return error_errno(err, "cannot map the manifest");
	m->layers = from->layers;
	r = fill(m, from, err);
	(void)munmap(m, sizeof(*m));
	if (r < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return error_errno(err, "cannot seal the manifest");
	*ret_fd = steal_fd(&fd);
	return 0;
}
