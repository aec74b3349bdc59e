/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main() of a fuzzer without libFuzzer: `fuzz-NAME-seeds FOLDER...` runs every file there as it
 * is, then with a byte in turn set to some values that matter to one parser or another, and cut off
 * there: each byte of a short file, every nth one of a long file.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"
#include "util.h"

#define SEED_MAX  (1 << 14)
#define POSITIONS 256

static const uint8_t values[] = {0,   1,   2,   '\n', ',',  '=',  '-',
                                 '/', '0', '@', 'x',  0x7f, 0x80, 0xff};

/* A buffer of exactly n bytes each time, so that AddressSanitizer sees a byte too many. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n + (n == 0));

	if (copy == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		copy[i] = data[i];
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_variants(uint8_t *data, size_t n)
{
	run(data, n);
	for (size_t i = 0; i < n; i += 1 + n / POSITIONS) {
		const uint8_t was = data[i];

		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			data[i] = values[v];
			run(data, n);
		}
		data[i] = was;
		run(data, i);
	}
}

static size_t run_folder(const char *path)
{
	static uint8_t data[SEED_MAX];
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t seeds = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		cleanup_fd int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		ssize_t n;

		if (entry->d_name[0] == '.')
			continue;
		n = fd < 0 ? -1 : read(fd, data, sizeof(data));
		if (n < 0 || n == SEED_MAX) {
			(void)fprintf(stderr, "%s/%s: no seed of less than %d bytes\n", path,
			              entry->d_name, SEED_MAX);
			exit(EXIT_FAILURE);
		}
		run_variants(data, (size_t)n);
		seeds++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return seeds;
}

int main(int argc, char *argv[])
{
	size_t seeds = 0;

	for (int i = 1; i < argc; i++)
		seeds += run_folder(argv[i]);
	(void)printf("%zu seeds\n", seeds);
	return seeds > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
