/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "util.h"

bool proc_link(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, buf, size - 1);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

char *proc_read(pid_t pid, const char *name, size_t *ret_len)
{
	size_t size = 16384, len = 0;
	char path[64], *buf = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);

	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0) {
		char *bigger = realloc(buf, size);
		ssize_t n;

		if (bigger == NULL)
			break;
		buf = bigger;
		n = read(fd, buf + len, size - len - 1);
		if (n < 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
		if (n == 0) {
			if (ret_len != NULL)
				*ret_len = len;
			return buf;
		}
		if (size - len < size / 2)
			size *= 2;
	}
	free(buf);
	return NULL;
}

bool proc_status(pid_t pid, const char *field, char *buf, size_t size)
{
	cleanup_free char *status = proc_read(pid, "status", NULL);
	const size_t len = strlen(field);

	for (char *line = status, *next; line != NULL && *line != '\0'; line = next) {
		size_t n = 0;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strncmp(line, field, len) != 0 || line[len] != ':')
			continue;
		for (char *word = strtok(line + len + 1, " \t"); word != NULL && n < size;
		     word = strtok(NULL, " \t"))
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? " " : "", word);
		if (n == 0)
			buf[0] = '\0';
		return true;
	}
	return false;
}

bool proc_status_hex(pid_t pid, const char *field, uint64_t *ret)
{
	char text[64], *end;

	if (!proc_status(pid, field, text, sizeof(text)))
		return false;
	*ret = strtoull(text, &end, 16);
	return *end == '\0' && end != text;
}

static int compare(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

size_t proc_numbers(const char *dir, int **ret)
{
	char path[64];
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "/proc/%s", dir);
	d = opendir(path);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		uint64_t number;
		int *more;

		if (!parse_u64(entry->d_name, 0, INT_MAX, &number))
			continue;
		more = realloc(*ret, (n + 1) * sizeof(int));
		if (more == NULL)
			break;
		*ret = more;
		more[n++] = (int)number;
	}
	if (d != NULL)
		(void)closedir(d);
	if (n > 0)
		qsort(*ret, n, sizeof(int), compare);
	return n;
}
