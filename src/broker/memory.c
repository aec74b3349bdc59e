/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u

/* pread() takes a signed offset; user addresses on x86-64 end at 2^56 at the most (5 levels). */
#define ADDRESS_END (UINT64_C(1) << 56)

static bool in_user_space(uint64_t addr, size_t len)
{
	return addr < ADDRESS_END && len <= ADDRESS_END - addr;
}

bool memory_read(int mem, uint64_t addr, void *buf, size_t len)
{
	return in_user_space(addr, len) && pread(mem, buf, len, (off_t)addr) == (ssize_t)len;
}

bool memory_write(int mem, uint64_t addr, const void *buf, size_t len)
{
	return in_user_space(addr, len) && pwrite(mem, buf, len, (off_t)addr) == (ssize_t)len;
}

int memory_read_string(int mem, uint64_t addr, char *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t chunk = PAGE - (size_t)((addr + done) % PAGE);

		if (chunk > size - done)
			chunk = size - done;
		if (!memory_read(mem, addr + done, buf + done, chunk))
			return -EFAULT;
		if (memchr(buf + done, '\0', chunk) != NULL)
			return 0;
		done += chunk;
	}
	return -ENAMETOOLONG;
}
