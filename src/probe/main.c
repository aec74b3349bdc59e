/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The battery in QEMU's place: started with a device model's command line, of which it reads one
 * word, the socket of whoever runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "serve.h"
#include "util.h"

/* Three or four are QEMU's share; xsfilter serves eight. */
#define XENSTORE_CONNECTIONS 5

static int find_socket(int argc, char *const argv[])
{
	uint64_t fd;

	for (int i = 1; i < argc; i++) {
		const char *number = strstr(argv[i], "fd=");
		char text[16];

		if (strstr(argv[i], "id=" PROBE_CHARDEV ",") == NULL || number == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(number + 3, ","),
		               number + 3);
		if (parse_u64(text, 3, INT32_MAX, &fd))
			return (int)fd;
	}
	return -1;
}

int main(int argc, char *argv[])
{
	int fd = find_socket(argc, argv);

	if (fd < 0) {
		(void)fprintf(stderr, "probe: started by qemu-depriv probe only\n");
		return EXIT_FAILURE;
	}
	return serve(fd, XENSTORE_CONNECTIONS) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
