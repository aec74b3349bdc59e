/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command's result: sections of rows, made once and printed as a table or as JSON. A row is a
 * JSON object; a table's columns are its members in their order, so the rows of a section name the
 * same ones and may leave the last ones out.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define REPORT_SECTIONS 16

struct report {
	json_t *root; /* {key: [row, ...], ...} */
	struct {
		const char *key, *title;
		bool header;
	} sections[REPORT_SECTIONS];
	size_t n;
};

void report_init(struct report *r);

/*
 * Begins a section; the key is JSON's, the title a person's. Both stay the caller's and must
 * outlive the report.
 */
void report_section(struct report *r, const char *key, const char *title);

/* The last section's table begins with the names of its columns: for numbers. */
void report_header(struct report *r);

/*
 * Adds a row to the last section, with json_pack()'s arguments: "{s:s, s:i, s:b}". A table shows
 * strings, numbers and yes or no.
 */
void report_row(struct report *r, const char *format, ...);

/* For a row's "o": text that may be any bytes, such as a path. */
json_t *report_bytes(const char *text);

/* Prints it to stdout. */
void report_print(const struct report *r, bool as_json);

void report_free(struct report *r);
