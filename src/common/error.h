/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One error, one line: the function that knows what failed writes the whole sentence, every caller
 * hands it on untouched, and main() prints it once.
 */
#pragma once

#include <errno.h>
#include <stddef.h>

/* Longest message in bytes with its NUL; a longer one is cut. Two paths (2 * 4096) would fit a
 * larger one, but a log line of that length helps nobody. */
#define ERROR_MAX 1024

struct error {
	char msg[ERROR_MAX];
};

/*
 * error_set(err, format, ...) writes the message (without newline) and is -1, so that a caller can
 * say `return error_set(err, "...")`. error_errno() appends ": " and strerror(errno), and keeps
 * errno. Macros, so that a compiler or analyser that sees one file knows the -1.
 */
#define error_set(err, ...)   (error_write((err), 0, __VA_ARGS__), -1)
#define error_errno(err, ...) (error_write((err), errno, __VA_ARGS__), -1)

/* Puts "prefix: " before the message, unless prefix is NULL; is -1. */
int error_prefix(struct error *err, const char *prefix);

/* What both are made of: errnum 0 appends nothing. */
void error_write(struct error *err, int errnum, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
