/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemuopts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Copies the value at *text without its escapes and moves *text behind the comma that ends it. */
static char *take_value(const char **text)
{
	const char *s = *text;
	char *value = malloc(strlen(s) + 1);
	char *d = value;

	if (value == NULL)
		return NULL;
	for (; *s != '\0'; s++) {
		if (*s == ',' && *++s != ',')
			break;
		*d++ = *s;
	}
	*d = '\0';
	*text = s;
	return value;
}

static int take_element(const char **text, const char *implied, struct qemuopt *opt)
{
	size_t len = strcspn(*text, "=,");
	char end = (*text)[len];

	opt->implied = implied != NULL && end != '=';
	if (opt->implied) {
		opt->key = strdup(implied);
	} else if (len > 0) {
		opt->key = strndup(*text, len);
		*text += len + (end != '\0');
	} else {
		return -EINVAL;
	}
	if (opt->key == NULL)
		return -ENOMEM;
	if (opt->implied || end == '=') {
		opt->value = take_value(text);
		if (opt->value == NULL)
			return -ENOMEM;
	}
	return 0;
}

int qemuopts_parse(const char *text, const char *implied, struct qemuopts *ret)
{
	*ret = (struct qemuopts){0};
	while (*text != '\0') {
		int r = -E2BIG;

		if (ret->n < QEMUOPTS_MAX) {
			r = take_element(&text, ret->n == 0 ? implied : NULL, &ret->opt[ret->n]);
			ret->n++; /* a half-filled element too, for qemuopts_free() */
		}
		if (r < 0) {
			qemuopts_free(ret);
			return r;
		}
	}
	return 0;
}

static bool is_negation(const struct qemuopt *opt, const char *key)
{
	return opt->value == NULL && strncmp(opt->key, "no", 2) == 0 &&
	       strcmp(opt->key + 2, key) == 0;
}

bool qemuopt_names(const struct qemuopt *opt, const char *key)
{
	return strcmp(opt->key, key) == 0 || is_negation(opt, key);
}

/* The last element that sets key, or NULL. */
static const struct qemuopt *find(const struct qemuopts *opts, const char *key)
{
	for (size_t i = opts->n; i > 0; i--) {
		if (qemuopt_names(&opts->opt[i - 1], key))
			return &opts->opt[i - 1];
	}
	return NULL;
}

const char *qemuopts_get(const struct qemuopts *opts, const char *key)
{
	const struct qemuopt *opt = find(opts, key);

	if (opt == NULL)
		return NULL;
	if (opt->value != NULL)
		return opt->value;
	return is_negation(opt, key) ? "off" : "on";
}

int qemuopts_get_bool(const struct qemuopts *opts, const char *key, bool dflt, bool *ret)
{
	/* What QEMU's qapi_bool_parse() accepts. */
	static const struct {
		const char *word;
		bool value;
	} words[] = {
	        {"on", true},   {"yes", true}, {"true", true},   {"y", true},
	        {"off", false}, {"no", false}, {"false", false}, {"n", false},
	};
	const char *value = qemuopts_get(opts, key);

	if (value == NULL) {
		*ret = dflt;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i].word) == 0) {
			*ret = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

const char *qemuopts_duplicate(const struct qemuopts *opts)
{
	for (size_t i = 0; i < opts->n; i++) {
		const struct qemuopt *opt = &opts->opt[i];
		/* Flag "nowait" and key "wait" set the same thing, whichever comes first. */
		const char *negated =
		        opt->value == NULL && strncmp(opt->key, "no", 2) == 0 ? opt->key + 2 : NULL;

		if (find(opts, opt->key) != opt || (negated != NULL && find(opts, negated) != opt))
			return opt->key;
	}
	return NULL;
}

int qemuopts_set(struct qemuopts *opts, const char *key, const char *value)
{
	const struct qemuopt *old = find(opts, key);
	struct qemuopt *opt;
	char *k, *v;

	if (old == NULL && opts->n == QEMUOPTS_MAX)
		return -E2BIG;
	k = strdup(key);
	v = strdup(value);
	if (k == NULL || v == NULL) {
		free(k);
		free(v);
		return -ENOMEM;
	}
	opt = &opts->opt[old != NULL ? (size_t)(old - opts->opt) : opts->n++];
	free(opt->key);
	free(opt->value);
	opt->key = k;
	opt->value = v;
	return 0;
}

static void free_element(struct qemuopt *opt)
{
	free(opt->key);
	free(opt->value);
	*opt = (struct qemuopt){0};
}

void qemuopts_remove(struct qemuopts *opts, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < opts->n; i++) {
		struct qemuopt opt = opts->opt[i];

		if (qemuopt_names(&opt, key))
			free_element(&opt);
		else
			opts->opt[kept++] = opt;
	}
	while (opts->n > kept)
		opts->opt[--opts->n] = (struct qemuopt){0};
}

static char *put_value(char *d, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == ',')
			*d++ = ',';
		*d++ = *value;
	}
	*d = '\0';
	return d;
}

/* Without its key, a value with "=" before its first comma would be read as key=value. */
static bool needs_key(const struct qemuopt *opt)
{
	return !opt->implied || opt->value[strcspn(opt->value, "=,")] == '=';
}

char *qemuopts_print(const struct qemuopts *opts)
{
	size_t size = 1;
	char *text, *d;

	for (size_t i = 0; i < opts->n; i++) {
		const struct qemuopt *opt = &opts->opt[i];

		size += strlen(opt->key) + 2; /* "=" and "," */
		if (opt->value != NULL)
			size += 2 * strlen(opt->value); /* all commas, at worst */
	}
	text = calloc(1, size);
	if (text == NULL)
		return NULL;

	d = text;
	for (size_t i = 0; i < opts->n; i++) {
		const struct qemuopt *opt = &opts->opt[i];

		if (i > 0)
			*d++ = ',';
		if (opt->value == NULL) {
			d = stpcpy(d, opt->key);
			continue;
		}
		if (needs_key(opt))
			d = stpcpy(stpcpy(d, opt->key), "=");
		d = put_value(d, opt->value);
	}
	return text;
}

void qemuopts_free(struct qemuopts *opts)
{
	while (opts->n > 0)
		free_element(&opts->opt[--opts->n]);
}
