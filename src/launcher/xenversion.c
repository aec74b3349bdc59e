/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xenversion.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define XENCTRL "libxenctrl.so."

/* What binutils writes has a dozen program headers, and a hundred libraries at most. */
#define MAX_HEADERS 64
#define MAX_DYNAMIC 1024

static bool read_number(const char *dir, const char *name, unsigned int *ret)
{
	char path[PATH_MAX], text[16];
	FILE *file;
	uint64_t n;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	ok = fgets(text, sizeof(text), file) != NULL;
	(void)fclose(file);
	text[ok ? strcspn(text, "\n") : 0] = '\0';
	if (!parse_u64(text, 0, 999, &n))
		return false;
	*ret = (unsigned int)n;
	return true;
}

bool xen_version_running(const char *dir, char ret[XEN_VERSION_MAX])
{
	unsigned int major, minor;

	if (!read_number(dir, "major", &major) || !read_number(dir, "minor", &minor))
		return false;
	(void)snprintf(ret, XEN_VERSION_MAX, "%u.%u", major, minor);
	return true;
}

static bool read_at(int fd, uint64_t at, void *buf, size_t len)
{
	return at <= INT64_MAX && pread(fd, buf, len, (off_t)at) == (ssize_t)len;
}

/* Where in the file an address is that is loaded from it. */
static bool file_offset(const Elf64_Phdr *headers, size_t n, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		const Elf64_Phdr *h = &headers[i];

		if (h->p_type != PT_LOAD || address < h->p_vaddr ||
		    address - h->p_vaddr >= h->p_filesz)
			continue;
		*ret = h->p_offset + (address - h->p_vaddr);
		return true;
	}
	return false;
}

/* The library that the dynamic section asks for, if it is libxenctrl. */
static bool find_xenctrl(int fd, const Elf64_Dyn *dynamic, size_t n, uint64_t strings,
                         char ret[XEN_VERSION_MAX])
{
	for (size_t i = 0; i < n && dynamic[i].d_tag != DT_NULL; i++) {
		char name[sizeof(XENCTRL) + XEN_VERSION_MAX] = "";

		if (dynamic[i].d_tag != DT_NEEDED)
			continue;
		/* The last string of a file may end before the buffer does. */
		if (pread(fd, name, sizeof(name) - 1, (off_t)(strings + dynamic[i].d_un.d_val)) < 0)
			continue;
		if (strncmp(name, XENCTRL, strlen(XENCTRL)) != 0)
			continue;
		(void)snprintf(ret, XEN_VERSION_MAX, "%.*s", XEN_VERSION_MAX - 1,
		               name + strlen(XENCTRL));
		return true;
	}
	return false;
}

static int scan(int fd, char ret[XEN_VERSION_MAX])
{
	static Elf64_Dyn dynamic[MAX_DYNAMIC];
	Elf64_Phdr headers[MAX_HEADERS];
	Elf64_Ehdr elf;
	uint64_t strings = 0;
	size_t n = 0;

	if (!read_at(fd, 0, &elf, sizeof(elf)) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_phentsize != sizeof(*headers) ||
	    elf.e_phnum > MAX_HEADERS ||
	    !read_at(fd, elf.e_phoff, headers, elf.e_phnum * sizeof(*headers)))
		return -1;
	for (size_t i = 0; i < elf.e_phnum; i++) {
		if (headers[i].p_type != PT_DYNAMIC)
			continue;
		n = headers[i].p_filesz / sizeof(*dynamic);
		if (n > MAX_DYNAMIC ||
		    !read_at(fd, headers[i].p_offset, dynamic, n * sizeof(*dynamic)))
			return -1;
	}
	for (size_t i = 0; i < n && dynamic[i].d_tag != DT_NULL; i++)
		if (dynamic[i].d_tag == DT_STRTAB &&
		    !file_offset(headers, elf.e_phnum, dynamic[i].d_un.d_ptr, &strings))
			return -1;
	(void)find_xenctrl(fd, dynamic, n, strings, ret);
	return 0;
}

int xen_version_needed(const char *path, char ret[XEN_VERSION_MAX], struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	*ret = '\0';
	if (fd < 0)
		return error_errno(err, "%s", path);
	return scan(fd, ret) < 0 ? error_set(err, "%s is no 64-bit ELF program", path) : 0;
}
