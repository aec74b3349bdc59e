/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ini.h>

#include "util.h"

static int set_qemu(struct config *config, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return -1;
	free(config->qemu);
	config->qemu = copy;
	return 0;
}

static int add_read_only(struct config *config, const char *value)
{
	if (config->n_read_only == CONFIG_MAX_FILES)
		return -1;
	config->read_only[config->n_read_only] = strdup(value);
	return config->read_only[config->n_read_only++] == NULL ? -1 : 0;
}

static bool is_path(const char *value)
{
	return *value == '/' && strlen(value) < PATH_MAX;
}

static const struct {
	const char *section, *key;
	bool (*valid)(const char *value);
	const char *wants;
	int (*set)(struct config *config, const char *value);
} keys[] = {
        {"qemu", "path", is_path, "an absolute path", set_qemu},
        {"files", "read-only", is_path, "an absolute path", add_read_only},
};

/* What inih's handler needs to know and to tell. */
struct reading {
	struct config *config;
	char problem[ERROR_MAX]; /* of the first bad line; "" while there is none */
};

/* inih goes on after a bad line and returns the first one's number: keep the first problem. */
static int problem(struct reading *r, const char *what, const char *section, const char *key)
{
	if (r->problem[0] == '\0')
		(void)snprintf(r->problem, sizeof(r->problem), "[%s] %s: %s", section, key, what);
	return 0;
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char wants[64];

		if (strcmp(section, keys[i].section) != 0 || strcmp(name, keys[i].key) != 0)
			continue;
		(void)snprintf(wants, sizeof(wants), "wants %s", keys[i].wants);
		if (!keys[i].valid(value))
			return problem(r, wants, section, name);
		if (keys[i].set(r->config, value) < 0)
			return problem(r, "too many", section, name);
		return 1;
	}
	return problem(r, "unknown key", section, name);
}

/* What root acts on must be root's alone to write. */
static int check_owner(FILE *file, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fileno(file), &st) < 0)
		return error_errno(err, "%s", path);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return error_set(err, "%s can be written by others than its reader", path);
	return 0;
}

int config_read_file(const char *path, struct config *config, struct error *err)
{
	struct reading r = {.config = config};
	FILE *file = fopen(path, "re");
	int line;

	if (file == NULL)
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	if (check_owner(file, path, err) < 0) {
		(void)fclose(file);
		return -1;
	}
	line = ini_parse_file(file, on_line, &r);
	(void)fclose(file);
	if (line < 0)
		return error_set(err, "%s cannot be read", path);
	if (line > 0)
		return error_set(err, "%s:%d: %s", path, line,
		                 r.problem[0] != '\0' ? r.problem : "not \"key = value\"");
	return 0;
}

/* A guest's name becomes a file's: a name that is no single, visible component has no file. */
static bool has_file(const char *guest)
{
	return guest != NULL && *guest != '\0' && *guest != '.' && strchr(guest, '/') == NULL;
}

int config_read(const char *dir, const char *guest, struct config *ret, struct error *err)
{
	char path[PATH_MAX];
	int r;

	memset(ret, 0, sizeof(*ret));
	(void)snprintf(path, sizeof(path), "%s/qemu-depriv.conf", dir);
	r = config_read_file(path, ret, err);
	if (r == 0 && has_file(guest)) {
		int n = snprintf(path, sizeof(path), "%s/domains.d/%s.conf", dir, guest);

		r = n < (int)sizeof(path) ? config_read_file(path, ret, err)
		                          : error_set(err, "the guest's name is too long");
	}
	if (r < 0)
		config_free(ret);
	return r;
}

void config_free(struct config *config)
{
	free(config->qemu);
	for (size_t i = 0; i < config->n_read_only; i++)
		free(config->read_only[i]);
	memset(config, 0, sizeof(*config));
}
