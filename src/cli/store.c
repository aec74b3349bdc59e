/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library of its own: libxenstore's <xenstore.h> and our policy's have the same name. */
#include "store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenstore.h>

#include "util.h"

static struct xs_handle *open_xenstore(struct error *err)
{
	struct xs_handle *xs = xs_open(0);

	if (xs == NULL)
		(void)error_errno(err, "cannot connect to xenstored");
	return xs;
}

static pid_t read_pid(struct xs_handle *xs, uint16_t domid)
{
	char path[64];
	uint64_t pid = 0;
	char *value;

	(void)snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", domid);
	value = xs_read(xs, XBT_NULL, path, NULL);
	if (value == NULL || !parse_u64(value, 1, INT_MAX, &pid))
		pid = 0;
	free(value);
	return (pid_t)pid;
}

int store_pid(uint16_t domid, pid_t *ret, struct error *err)
{
	struct xs_handle *xs = open_xenstore(err);

	if (xs == NULL)
		return -1;
	*ret = read_pid(xs, domid);
	xs_close(xs);
	return 0;
}

int store_each(void (*fn)(void *opaque, uint16_t domid), void *opaque, struct error *err)
{
	struct xs_handle *xs = open_xenstore(err);
	unsigned int n = 0;
	int found = 0;
	char **names;

	if (xs == NULL)
		return -1;
	names = xs_directory(xs, XBT_NULL, "/local/domain", &n);
	for (unsigned int i = 0; names != NULL && i < n; i++) {
		uint64_t domid;

		if (!parse_u64(names[i], 1, UINT16_MAX, &domid) ||
		    read_pid(xs, (uint16_t)domid) == 0)
			continue;
		fn(opaque, (uint16_t)domid);
		found++;
	}
	free(names);
	xs_close(xs);
	return found;
}
