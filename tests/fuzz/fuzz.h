/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzzers share. Each fuzz-NAME.c is one LLVMFuzzerTestOneInput(): with clang it is linked
 * with libFuzzer, and in every build with replay.c, which runs it over its seeds as a unit test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant of the code under test: says which one is violated and aborts. */
void check(bool holds, const char *what);

/* One printable line: what may go into a log that a person reads. */
bool is_one_line(const char *text);

/* What is left of an input. Past its end everything is 0. */
struct input {
	const uint8_t *p;
	size_t n;
};

/* The next `bytes` (at most 8) bytes as a little-endian number. */
uint64_t take(struct input *in, size_t bytes);

/*
 * fds that the code under test gets from the faked calls. They are numbers that no kernel knows, so
 * that nothing is opened; close() is wrapped (-Wl,--wrap=close) to count them.
 */
#define FAKE_FD     1000
#define FAKE_FD_END 1256

/* A new one. */
int fake_fd(void);
/* Whether fd is open and one of those. */
bool is_fake_fd(int fd);
/* How many are open. */
size_t fake_fds(void);
/* Closes them all, for the next input. */
void fake_fds_reset(void);
