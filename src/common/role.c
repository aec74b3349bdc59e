/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "role.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "util.h"

#ifdef __GLIBC__
static int protect_relro(void)
{
	return 0; /* ld.so or glibc's own start has done it */
}
#else
/* The linker's, where the program's headers are; the kernel and musl do not look at this one. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static int protect_relro(void)
{
	const uintptr_t base = (uintptr_t)&__ehdr_start, page = 4096;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);

	for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
		const uintptr_t start = (base + p[i].p_vaddr) & ~(page - 1);
		const uintptr_t end = (base + p[i].p_vaddr + p[i].p_memsz) & ~(page - 1);

		if (p[i].p_type == PT_GNU_RELRO && end > start)
			return mprotect((void *)start, end - start, PROT_READ);
	}
	return 0;
}
#endif

int role_protect(struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    protect_relro() < 0)
		return error_errno(err, "cannot protect itself");
	return 0;
}

int role_attach(const char *role, int counters_fd, enum counters_page page, int journal,
                struct error *err)
{
	const struct counters_head *head;
	struct counters_role *own;
	struct stat st;

	audit_init(role, journal);
	if (fstat(counters_fd, &st) < 0 || st.st_size != COUNTERS_SIZE)
		return error_set(err, "was started without its counters");
	head = mmap(NULL, COUNTERS_PAGE, PROT_READ, MAP_SHARED, counters_fd, 0);
	own = mmap(NULL, COUNTERS_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, counters_fd,
	           (off_t)page * COUNTERS_PAGE);
	if (head == MAP_FAILED || own == MAP_FAILED)
		return error_errno(err, "cannot map the counters");
	if (head->magic != COUNTERS_MAGIC || memchr(head->name, '\0', sizeof(head->name)) == NULL)
		return error_set(err, "fd %d has no counters", counters_fd);
	own->pid = getpid();
	counters = own;
	audit_domain(head->domid, head->name, head->uid);
	return 0;
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
