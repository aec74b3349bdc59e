/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "role.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util.h"

static const char *role_name = "?";
static unsigned int role_domid;

void role_init(const char *name, unsigned int domid)
{
	role_name = name;
	role_domid = domid;
}

void role_log(const char *fmt, ...)
{
	char line[ERROR_MAX + 128];
	va_list ap;
	int n, m;

	/* One write(), so that lines of several processes in one log do not mix. */
	n = snprintf(line, sizeof(line), "qemu-depriv %s[domain %u]: ", role_name, role_domid);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	n = m < (int)sizeof(line) - n - 1 ? n + m : (int)sizeof(line) - 2;
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

const struct manifest *manifest_map(int fd, struct error *err)
{
	const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	cleanup_fd int memfd = fd;
	const int seals = fcntl(memfd, F_GET_SEALS); /* -1 for what has none: all bits set */
	const struct manifest *m;
	struct stat st;

	if (seals < 0 || (seals & needed) != needed || fstat(memfd, &st) < 0 ||
	    st.st_size != (off_t)sizeof(*m))
		return (void)error_set(err, "fd %d is no sealed manifest", fd), NULL;
	m = mmap(NULL, sizeof(*m), PROT_READ, MAP_SHARED, memfd, 0);
	if (m == MAP_FAILED)
		return (void)error_errno(err, "cannot map the manifest"), NULL;
	if (m->magic != MANIFEST_MAGIC || m->n_files > MANIFEST_FILES ||
	    m->n_dirs > MANIFEST_DIRS || m->n_listeners > MANIFEST_LISTENERS ||
	    m->n_inets > MANIFEST_INETS)
		return (void)error_set(err, "fd %d is no manifest", fd), NULL;
	return m;
}

const char *manifest_string(const struct manifest *m, uint32_t offset)
{
	return offset < sizeof(m->pool) ? m->pool + offset : "";
}
