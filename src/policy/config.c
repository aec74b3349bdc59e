/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root acts on these files, so the reader is strict: what it does not know, what it would have to
 * guess and what others could have written is a problem, and a launch ends at the first one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ini.h>

#include "util.h"

/* One file being read. */
struct reading {
	const char *path;
	struct config *config;
	config_report *report;
	void *opaque;
	size_t problems;

	FILE *file;
	char *text; /* getline(3)'s */
	size_t text_size;
	unsigned int line;
	bool unanswered; /* inih has got a line of which it must make a key and a value */
	const char *section, *name;
	unsigned int *first; /* where each key that may be given once was given; 0: not yet */
	unsigned int first_layer[LAYER_MAX_];
	unsigned int first_limit[LIMITS_KEYS];
};

static void __attribute__((format(printf, 2, 3))) problem(struct reading *r, const char *fmt, ...)
{
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One line, whatever a file has for a section or a key. */
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	r->report(r->opaque, text);
	r->problems++;
}

/* "FILE:LINE: [SECTION] KEY: ..." */
static void __attribute__((format(printf, 2, 3))) bad_value(struct reading *r, const char *fmt, ...)
{
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem(r, "%s:%u: [%s] %s: %s", r->path, r->line, r->section, r->name, text);
}

/* The keys ------------------------------------------------------------------------------------ */

struct key {
	const char *section;
	const char *name; /* NULL: the section's keys are names, which set() knows */
	bool once;        /* in a file */
	void (*set)(struct reading *r, const struct key *key, const char *value);
	size_t offset; /* of what set() fills in struct config */
};

static void *member(struct reading *r, const struct key *key)
{
	return (char *)r->config + key->offset;
}

/* What plan_add_file() takes too. */
static bool is_path(const char *value)
{
	size_t len = 0;

	for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++, len++) {
		if (*c < 0x20 || *c == 0x7f)
			return false;
	}
	return *value == '/' && len < PATH_MAX;
}

static int make_path(struct reading *r, const char *value, struct config_path *ret)
{
	struct config_path p = {.path = strdup(value)};

	if (asprintf(&p.origin, "%s:%u: [%s] %s", r->path, r->line, r->section, r->name) < 0)
		p.origin = NULL;
	if (p.path != NULL && p.origin != NULL) {
		*ret = p;
		return 0;
	}
	free(p.path);
	free(p.origin);
	bad_value(r, "out of memory");
	return -1;
}

static void free_path(struct config_path *p)
{
	free(p->path);
	free(p->origin);
	*p = (struct config_path){0};
}

/* QEMU's root has the host's /usr and no other program. */
static bool is_below_usr(const char *value)
{
	return is_path(value) && strncmp(value, "/usr/", 5) == 0 && strstr(value, "/../") == NULL;
}

static void set_program(struct reading *r, const struct key *key, const char *value)
{
	struct config_path *p = member(r, key);
	struct config_path new;

	if (!is_below_usr(value)) {
		bad_value(r, "wants an absolute path below /usr");
		return;
	}
	if (make_path(r, value, &new) < 0)
		return;
	free_path(p);
	*p = new;
}

static const struct config_path *find_path(const struct config_paths *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->at[i].path, path) == 0)
			return &list->at[i];
	}
	return NULL;
}

/* The line of this very file that p comes from; 0: it is from another one. */
static unsigned int own_line(const struct reading *r, const struct config_path *p)
{
	const size_t len = strlen(r->path);

	if (strncmp(p->origin, r->path, len) != 0 || p->origin[len] != ':')
		return 0;
	return (unsigned int)strtoul(p->origin + len + 1, NULL, 10);
}

static void set_path(struct reading *r, const struct key *key, const char *value)
{
	struct config_paths *list = member(r, key);
	struct config *c = r->config;
	const struct config_paths *others[] = {&c->read_only, &c->read_write, &c->directories};
	const struct config_path *old = find_path(list, value);

	if (!is_path(value)) {
		bad_value(r, "wants an absolute path");
		return;
	}
	if (old != NULL && own_line(r, old) != 0) {
		bad_value(r, "%s: given twice, first in line %u", value, own_line(r, old));
		return;
	}
	if (old != NULL) /* the host's file has it already */
		return;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		old = find_path(others[i], value);
		if (old != NULL) {
			bad_value(r, "%s: contradicts %s", value, old->origin);
			return;
		}
	}
	if (list->n == CONFIG_MAX_PATHS) {
		bad_value(r, "more than %d", CONFIG_MAX_PATHS);
		return;
	}
	if (make_path(r, value, &list->at[list->n]) == 0)
		list->n++;
}

const char *config_bad_directory(const char *path)
{
	static const char *const pseudo[] = {"/dev", "/proc", "/sys"};
	const size_t len = strlen(path);

	if (len == 1)
		return "the root directory is every file of the host";
	if (path[len - 1] == '/' || strstr(path, "//") != NULL || strstr(path, "/./") != NULL ||
	    strstr(path, "/../") != NULL || strcmp(path + len - 2, "/.") == 0 ||
	    (len > 2 && strcmp(path + len - 3, "/..") == 0))
		return "must be spelled without \"//\", \".\", \"..\" and a \"/\" at its end";
	for (size_t i = 0; i < ARRAY_SIZE(pseudo); i++) {
		const size_t n = strlen(pseudo[i]);

		if (strncmp(path, pseudo[i], n) == 0 && (path[n] == '/' || path[n] == '\0'))
			return "has no images below it";
	}
	return NULL;
}

static void set_directory(struct reading *r, const struct key *key, const char *value)
{
	const char *why = is_path(value) ? config_bad_directory(value) : NULL;

	if (why != NULL)
		bad_value(r, "%s: %s", value, why);
	else
		set_path(r, key, value);
}

static void set_need(struct reading *r, const struct key *key, const char *value)
{
	static const struct {
		const char *word;
		enum need need;
	} words[] = {{"yes", NEED_YES}, {"if-available", NEED_IF_AVAILABLE}};
	const int layer = layer_find(r->name);
	enum need *needs = member(r, key);

	if (layer < 0) {
		bad_value(r, "unknown layer");
		return;
	}
	if (r->first_layer[layer] != 0) {
		bad_value(r, "given twice, first in line %u", r->first_layer[layer]);
		return;
	}
	r->first_layer[layer] = r->line;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i].word) != 0)
			continue;
		if (layer_rows[layer].need == NEED_ALWAYS && words[i].need != NEED_YES)
			bad_value(r, "is always required and cannot be made optional");
		else if (layer_rows[layer].need == NEED_NEVER && words[i].need == NEED_YES)
			bad_value(r, "cannot be had: %s", layer_rows[layer].what);
		else if (layer_rows[layer].need != NEED_ALWAYS &&
		         layer_rows[layer].need != NEED_NEVER)
			needs[layer] = words[i].need;
		return;
	}
	bad_value(r, "wants yes or if-available");
}

#define XEN_SECTION "xen "

/* "4.17" */
static bool is_version(const char *s)
{
	const char *digits = "0123456789";
	const char *dot = s + strspn(s, digits);

	return dot > s && *dot == '.' && dot[1] != '\0' &&
	       dot[1 + strspn(dot + 1, digits)] == '\0' &&
	       strlen(s) < sizeof(((struct config_xen *)NULL)->version);
}

/* The row of the section that is being read, made if it is new. NULL: reported. */
static struct config_xen *find_xen(struct reading *r)
{
	const char *version = r->section + strlen(XEN_SECTION);
	struct config *c = r->config;

	if (!is_version(version)) {
		bad_value(r, "the section wants a release of Xen, as [xen 4.17]");
		return NULL;
	}
	for (size_t i = 0; i < c->n_xen; i++)
		if (strcmp(c->xen[i].version, version) == 0)
			return &c->xen[i];
	if (c->n_xen == CONFIG_MAX_XEN) {
		bad_value(r, "more than %d releases of Xen", CONFIG_MAX_XEN);
		return NULL;
	}
	(void)snprintf(c->xen[c->n_xen].version, sizeof(c->xen[0].version), "%s", version);
	return &c->xen[c->n_xen++];
}

static void set_xen(struct reading *r, const char *value)
{
	struct config_xen *xen = find_xen(r);
	struct config_path *p, new;

	if (xen == NULL)
		return;
	if (strcmp(r->name, "qemu") == 0)
		p = &xen->qemu;
	else if (strcmp(r->name, "library-path") == 0)
		p = &xen->libraries;
	else {
		bad_value(r, "unknown key");
		return;
	}
	if (p->path != NULL && own_line(r, p) != 0) {
		bad_value(r, "given twice, first in line %u", own_line(r, p));
		return;
	}
	if (!is_below_usr(value)) {
		bad_value(r, "wants an absolute path below /usr");
		return;
	}
	if (make_path(r, value, &new) < 0)
		return;
	free_path(p);
	*p = new;
}

static void set_supervision(struct reading *r, const struct key *key, const char *value)
{
	static const char *const words[] = {
	        [SUPERVISION_AUTO] = "auto",
	        [SUPERVISION_SYSTEMD] = "systemd",
	        [SUPERVISION_DIRECT] = "direct",
	};
	enum supervision *mode = member(r, key);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			*mode = (enum supervision)i;
			return;
		}
	}
	bad_value(r, "wants auto, systemd or direct");
}

static void set_yes_or_no(struct reading *r, const struct key *key, const char *value)
{
	bool *flag = member(r, key);

	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		bad_value(r, "wants yes or no");
	else
		*flag = strcmp(value, "yes") == 0;
}

static void set_limit(struct reading *r, const struct key *key, const char *value)
{
	const int limit = limits_find(r->name);
	const char *wrong;

	if (limit < 0) {
		bad_value(r, "unknown key");
		return;
	}
	if (limit != LIMITS_IO_MAX && r->first_limit[limit] != 0) {
		bad_value(r, "given twice, first in line %u", r->first_limit[limit]);
		return;
	}
	r->first_limit[limit] = r->line;
	wrong = limits_assign(member(r, key), limit, value);
	if (wrong != NULL)
		bad_value(r, "%s", wrong);
}

static const struct key keys[] = {
        {"qemu", "path", true, set_program, offsetof(struct config, qemu)},
        {"files", "read-only", false, set_path, offsetof(struct config, read_only)},
        {"files", "read-write", false, set_path, offsetof(struct config, read_write)},
        {"files", "directory", false, set_directory, offsetof(struct config, directories)},
        {"test", "probe-library", true, set_yes_or_no, offsetof(struct config, probe_library)},
        {"limits", NULL, false, set_limit, offsetof(struct config, limits)},
        {"require", NULL, false, set_need, offsetof(struct config, need)},
        {"supervision", "mode", true, set_supervision, offsetof(struct config, supervision)},
};

/* inih ---------------------------------------------------------------------------------------- */

static bool is_known_section(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(section, keys[i].section) == 0)
			return true;
	}
	return false;
}

static void take(struct reading *r, const struct key *key, const char *value)
{
	unsigned int *first = &r->first[key - keys];

	if (key->once && *first != 0) {
		bad_value(r, "given twice, first in line %u", *first);
		return;
	}
	*first = r->line;
	key->set(r, key, value);
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;

	r->unanswered = false;
	r->section = section;
	r->name = name;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(section, keys[i].section) == 0 &&
		    (keys[i].name == NULL || strcmp(name, keys[i].name) == 0)) {
			take(r, &keys[i], value);
			return 1;
		}
	}
	if (strncmp(section, XEN_SECTION, strlen(XEN_SECTION)) == 0)
		set_xen(r, value);
	else if (*section == '\0')
		problem(r, "%s:%u: %s: outside of any section", r->path, r->line, name);
	else
		bad_value(r, is_known_section(section) ? "unknown key" : "unknown section");
	return 1;
}

/* inih tells of the first line that it cannot read only, and not through the handler. */
static void look_back(struct reading *r)
{
	if (r->unanswered)
		problem(r, "%s:%u: neither \"key = value\" nor a section", r->path, r->line);
	r->unanswered = false;
}

/* A section's line has nothing behind its bracket but a comment; inih would not look. */
static bool is_section(const char *text)
{
	const char *end = strchr(text, ']');

	if (*text != '[' || end == NULL)
		return false;
	end += 1 + strspn(end + 1, " \t\r\n");
	return *end == '\0' || strchr(";#", *end) != NULL;
}

/* What inih reads lines with, as fgets(3): its buffer is of a size of its own. */
static char *next_line(char *buf, int size, void *stream)
{
	struct reading *r = stream;
	const char *text;
	ssize_t len;

	look_back(r);
	len = getline(&r->text, &r->text_size, r->file);
	if (len < 0)
		return NULL;
	r->line++;
	if (len >= size || strlen(r->text) != (size_t)len) {
		problem(r, "%s:%u: longer than %d bytes, or with a NUL byte", r->path, r->line,
		        size - 2);
		(void)snprintf(buf, (size_t)size, "\n");
		return buf;
	}
	memcpy(buf, r->text, (size_t)len + 1);
	/* A comment, an empty line and a section want no answer of the handler. */
	text = buf + strspn(buf, " \t\r\n");
	r->unanswered = *text != '\0' && strchr(";#", *text) == NULL && !is_section(text);
	return buf;
}

/* What root acts on must be root's alone to write. */
static bool is_ours(struct reading *r, const char *path, const struct stat *st)
{
	if ((st->st_uid == 0 || st->st_uid == geteuid()) &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	problem(r, "%s can be written by others than root", path);
	return false;
}

static bool open_file(struct reading *r)
{
	cleanup_fd int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &st) < 0) {
		problem(r, "%s: %s", r->path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		problem(r, "%s is no regular file", r->path);
		return false;
	}
	if (!is_ours(r, r->path, &st))
		return false;
	r->file = fdopen(fd, "r");
	if (r->file == NULL) {
		problem(r, "%s: %s", r->path, strerror(errno));
		return false;
	}
	(void)steal_fd(&fd);
	return true;
}

size_t config_read_file(const char *path, struct config *config, config_report *report,
                        void *opaque)
{
	unsigned int first[ARRAY_SIZE(keys)] = {0};
	struct reading r = {
	        .path = path,
	        .config = config,
	        .report = report,
	        .opaque = opaque,
	        .first = first,
	};

	if (!open_file(&r))
		return r.problems;
	if (ini_parse_stream(next_line, &r, on_line, &r) < 0)
		problem(&r, "%s: out of memory", path);
	look_back(&r);
	if (ferror(r.file) != 0)
		problem(&r, "%s: cannot be read", path);
	(void)fclose(r.file);
	free(r.text);
	return r.problems;
}

size_t config_check_dir(const char *dir, config_report *report, void *opaque)
{
	struct reading r = {.path = dir, .report = report, .opaque = opaque};
	struct stat st;

	if (stat(dir, &st) < 0) {
		if (errno != ENOENT)
			problem(&r, "%s: %s", dir, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		problem(&r, "%s is no directory", dir);
	} else {
		(void)is_ours(&r, dir, &st);
	}
	return r.problems;
}

/* A guest's name becomes a file's: a name that is no single, visible component has no file. */
static bool has_file(const char *guest)
{
	return guest != NULL && *guest != '\0' && *guest != '.' && strchr(guest, '/') == NULL;
}

static void keep_first(void *opaque, const char *text)
{
	struct error *err = opaque;

	if (err->msg[0] == '\0')
		(void)error_set(err, "%s", text);
}

static int read_all(const char *dir, const char *guest, struct config *config, struct error *err)
{
	char path[PATH_MAX];

	if (config_check_dir(dir, keep_first, err) > 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/qemu-depriv.conf", dir);
	if (config_read_file(path, config, keep_first, err) > 0)
		return -1;
	if (!has_file(guest))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/domains.d", dir);
	if (config_check_dir(path, keep_first, err) > 0)
		return -1;
	if (snprintf(path, sizeof(path), "%s/domains.d/%s.conf", dir, guest) >= (int)sizeof(path))
		return error_set(err, "the guest's name is too long");
	return config_read_file(path, config, keep_first, err) > 0 ? -1 : 0;
}

void config_init(struct config *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < LAYER_MAX_; i++)
		ret->need[i] = layer_rows[i].need;
	ret->limits = limits_default;
}

int config_read(const char *dir, const char *guest, struct config *ret, struct error *err)
{
	config_init(ret);
	err->msg[0] = '\0';
	if (read_all(dir, guest, ret, err) < 0) {
		config_free(ret);
		return -1;
	}
	return 0;
}

static void free_paths(struct config_paths *list)
{
	while (list->n > 0)
		free_path(&list->at[--list->n]);
}

void config_free(struct config *config)
{
	free_path(&config->qemu);
	free_paths(&config->read_only);
	free_paths(&config->read_write);
	free_paths(&config->directories);
	for (size_t i = 0; i < config->n_xen; i++) {
		free_path(&config->xen[i].qemu);
		free_path(&config->xen[i].libraries);
	}
	memset(config, 0, sizeof(*config));
}
