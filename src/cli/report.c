/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define COLUMNS 8
/* A table's last column is broken at this width; the others take what they need, up to MAX. */
#define WIDTH     100
#define MAX_WIDTH 48
#define INDENT    2
#define GAP       2
/* It gets a line of its own, so far in, where less than this would be left for it. */
#define LEAST       32
#define OWN_LINE_AT 6

/* Out of memory is nothing that a command of this size can go on from. */
static void must(bool good)
{
	if (good)
		return;
	(void)fputs("qemu-depriv: out of memory, or text that is not UTF-8\n", stderr);
	exit(2);
}

void report_init(struct report *r)
{
	*r = (struct report){.root = json_object()};
	must(r->root != NULL);
}

void report_section(struct report *r, const char *key, const char *title)
{
	must(r->n < REPORT_SECTIONS);
	r->sections[r->n].key = key;
	r->sections[r->n].title = title;
	r->n++;
	must(json_object_set_new(r->root, key, json_array()) == 0);
}

void report_header(struct report *r)
{
	r->sections[r->n - 1].header = true;
}

void report_row(struct report *r, const char *format, ...)
{
	json_error_t error;
	json_t *row;
	va_list ap;

	va_start(ap, format);
	row = json_vpack_ex(&error, 0, format, ap);
	va_end(ap);
	must(row != NULL &&
	     json_array_append_new(json_object_get(r->root, r->sections[r->n - 1].key), row) == 0);
}

json_t *report_bytes(const char *text)
{
	json_t *value = json_string(text);
	char *copy;

	if (value != NULL)
		return value;
	/* No UTF-8, which is all that JSON has. */
	copy = strdup(text);
	must(copy != NULL);
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	value = json_string(copy);
	free(copy);
	must(value != NULL);
	return value;
}

/* The text of a value in a table. */
static const char *text_of(const json_t *value, char buf[32])
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (json_is_integer(value))
		return (void)snprintf(buf, 32, "%lld", (long long)json_integer_value(value)), buf;
	return "";
}

/* Each column's width; returns how many there are. */
static size_t measure(json_t *rows, bool header, size_t widths[COLUMNS])
{
	size_t n = 0;

	memset(widths, 0, COLUMNS * sizeof(widths[0]));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		size_t column = 0;

		for (void *it = json_object_iter(row); it != NULL && column < COLUMNS;
		     it = json_object_iter_next(row, it), column++) {
			char buf[32];
			const size_t key = header ? strlen(json_object_iter_key(it)) : 0;
			size_t len = strlen(text_of(json_object_iter_value(it), buf));

			if (len < key)
				len = key;
			if (len > widths[column] && len <= MAX_WIDTH)
				widths[column] = len;
		}
		if (column > n)
			n = column;
	}
	return n;
}

/* Words within WIDTH, the following lines below the first; a longer word is not broken. */
static void print_wrapped(const char *text, size_t left)
{
	size_t at = left;

	while (*text != '\0') {
		const size_t len = strcspn(text, " ");

		if (at > left && at + 1 + len > WIDTH) {
			(void)printf("\n%*s", (int)left, "");
			at = left;
		}
		at += (size_t)printf("%s%.*s", at > left ? " " : "", (int)len, text);
		text += len + (text[len] == ' ');
	}
}

/* The last column: where the table has it, or on a line of its own. */
static void print_last(const char *text, size_t left, size_t pad)
{
	if (left <= WIDTH - LEAST) {
		(void)printf("%*s", (int)pad, "");
		print_wrapped(text, left);
	} else {
		(void)printf("\n%*s", OWN_LINE_AT, "");
		print_wrapped(text, OWN_LINE_AT);
	}
}

static void print_row(json_t *row, const size_t widths[COLUMNS], size_t n)
{
	size_t column = 0, left = INDENT, pad = INDENT;

	for (void *it = json_object_iter(row); it != NULL && column < COLUMNS;
	     it = json_object_iter_next(row, it), column++) {
		char buf[32];
		const char *text = text_of(json_object_iter_value(it), buf);
		const size_t len = strlen(text);

		if (column == n - 1 && len > 0) {
			print_last(text, left, pad);
		} else if (len > 0) {
			(void)printf("%*s%s", (int)pad, "", text);
			pad = 0;
		}
		left += widths[column] + GAP;
		pad += (len < widths[column] ? widths[column] - len : 0) + GAP;
	}
	(void)putchar('\n');
}

static void print_keys(json_t *row, const size_t widths[COLUMNS])
{
	size_t column = 0;

	(void)printf("%*s", INDENT, "");
	for (void *it = json_object_iter(row); it != NULL && column < COLUMNS;
	     it = json_object_iter_next(row, it), column++)
		(void)printf("%*s%-*s", column > 0 ? GAP : 0, "", (int)widths[column],
		             json_object_iter_key(it));
	(void)putchar('\n');
}

static void print_table(const char *title, json_t *rows, bool header)
{
	size_t widths[COLUMNS];
	const size_t n = measure(rows, header, widths);

	(void)printf("%s%s\n", title, json_array_size(rows) == 0 ? ": none" : "");
	if (header && json_array_size(rows) > 0)
		print_keys(json_array_get(rows, 0), widths);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_row(json_array_get(rows, i), widths, n);
}

void report_print(const struct report *r, bool as_json)
{
	if (as_json) {
		must(json_dumpf(r->root, stdout, JSON_INDENT(2)) == 0);
		(void)putchar('\n');
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		if (i > 0)
			(void)putchar('\n');
		print_table(r->sections[i].title, json_object_get(r->root, r->sections[i].key),
		            r->sections[i].header);
	}
}

void report_free(struct report *r)
{
	json_decref(r->root);
	*r = (struct report){0};
}
