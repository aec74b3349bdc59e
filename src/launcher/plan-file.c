/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that name files: disks, kernels, ROMs. */
#include <string.h>

#include "argv.h"
#include "planner.h"
#include "util.h"

/* Sets of fds that -add-fd or the monitor brought: QEMU looks for them among its own. */
#define FDSET "/dev/fdset/"

enum key_kind {
	KEY_TEXT,      /* anything: QEMU opens nothing for it */
	KEY_FILE,      /* read-only, by path */
	KEY_DATA_FILE, /* read-only, by path or by its name in QEMU's data directories */
	KEY_REFUSED,
};

/* clang-format off */
static const struct key_rule {
	const char *option;
	const char *key; /* NULL: every other one */
	enum key_kind kind;
} key_rules[] = {
	{ "boot",       "splash",   KEY_DATA_FILE },
	{ "device",     "romfile",  KEY_DATA_FILE },
	{ "fw_cfg",     "file",     KEY_FILE },
	{ "fw_cfg",     "string",   KEY_TEXT },
	{ "machine",    "append",   KEY_TEXT },
	{ "machine",    "dtb",      KEY_FILE },
	{ "machine",    "dumpdtb",  KEY_REFUSED },
	{ "machine",    "firmware", KEY_DATA_FILE },
	{ "machine",    "initrd",   KEY_FILE },
	{ "machine",    "kernel",   KEY_FILE },
	{ "machine",    "shim",     KEY_FILE },
	{ "option-rom", "romfile",  KEY_DATA_FILE },
	{ "smbios",     "file",     KEY_FILE },
	{ "smbios",     "path",     KEY_FILE },
	{ "smbios",     NULL,       KEY_TEXT },
	{ "trace",      "events",   KEY_FILE },
	{ "trace",      "file",     KEY_REFUSED },
};
/* clang-format on */

/* Formats that live within one file, and the protocols of a plain file or device. */
static const char *const formats[] = {
        "raw",       "qcow2", "qcow",  "qed",  "vpc",         "vhdx",       "vdi",  "dmg",
        "parallels", "bochs", "cloop", "vmdk", "host_device", "host_cdrom", "file",
};

static bool is_format(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i], name) == 0)
			return true;
	}
	return false;
}

int planner_file(struct planner *p, const char *path, bool writable)
{
	struct error err;

	if (plan_add_file(p->plan, path, writable, NULL, &err) < 0)
		return planner_refuse(p, "%s", err.msg);
	return 0;
}

int planner_data_file(struct planner *p, const char *name)
{
	if (name[0] != '\0' && strchr(name, '/') == NULL)
		return 0;
	return planner_file(p, name, false);
}

static enum key_kind find_rule(const char *option, const struct qemuopt *opt)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_rules); i++) {
		const struct key_rule *rule = &key_rules[i];

		if (strcmp(rule->option, option) == 0 &&
		    (rule->key == NULL || qemuopt_names(opt, rule->key)))
			return rule->kind;
	}
	return argv_names_resource(opt->value) ? KEY_REFUSED : KEY_TEXT;
}

int planner_check_values(struct planner *p, const char *option, const struct qemuopts *opts)
{
	for (size_t i = 0; i < opts->n; i++) {
		const struct qemuopt *opt = &opts->opt[i];
		int r = 0;

		if (opt->value == NULL || opt->value[0] == '\0')
			continue; /* a flag names nothing; romfile= and the like mean none */
		switch (find_rule(option, opt)) {
		case KEY_TEXT:
			break;
		case KEY_FILE:
			r = planner_file(p, opt->value, false);
			break;
		case KEY_DATA_FILE:
			r = planner_data_file(p, opt->value);
			break;
		case KEY_REFUSED:
			r = planner_refuse(p, "%s=%s: names a resource of the host", opt->key,
			                   opt->value);
			break;
		}
		if (r < 0)
			return -1;
	}
	return 0;
}

int plan_keys(struct planner *p, char **arg)
{
	static const struct {
		const char *option;
		const char *implied;
	} firsts[] = {
	        {"boot", "order"},
	        {"fw_cfg", "name"},
	        {"option-rom", "romfile"},
	        {"trace", "enable"},
	};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *implied = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
		if (strcmp(firsts[i].option, p->option) == 0)
			implied = firsts[i].implied;
	}
	if (planner_multi_opts(p, *arg, implied, &opts) < 0)
		return -1;
	return planner_check_values(p, p->option, &opts);
}

int plan_boot_file(struct planner *p, char **arg)
{
	return planner_file(p, *arg, false);
}

int plan_data_file(struct planner *p, char **arg)
{
	return planner_data_file(p, *arg);
}

/* Plans the image of a drive unless it is a set of fds. Without a format QEMU looks for one. */
static int add_image(struct planner *p, const char *file, bool writable, bool raw)
{
	if (strncmp(file, FDSET, strlen(FDSET)) == 0)
		return 0;
	if (planner_file(p, file, writable) < 0)
		return -1;
	for (size_t i = 0; i < p->plan->n_files; i++)
		if (strcmp(p->plan->files[i].path, file) == 0)
			p->plan->files[i].grows |= writable && !raw;
	return 0;
}

int plan_image(struct planner *p, char **arg)
{
	return add_image(p, *arg, true, false);
}

int plan_cdrom(struct planner *p, char **arg)
{
	return add_image(p, *arg, false, false);
}

static int check_format(struct planner *p, const struct qemuopts *opts, const char *key)
{
	const char *format = qemuopts_get(opts, key);

	if (format != NULL && !is_format(format))
		return planner_refuse(p, "%s=%s: not a format within one file", key, format);
	return 0;
}

/* Whether either spelling of "read only" is set. */
static int get_read_only(struct planner *p, const struct qemuopts *opts, bool *ret)
{
	bool old, new;

	if (planner_bool(p, opts, "readonly", false, &old) < 0 ||
	    planner_bool(p, opts, "read-only", false, &new) < 0)
		return -1;
	*ret = old || new;
	return 0;
}

static bool is_raw(const struct qemuopts *opts)
{
	const char *format = qemuopts_get(opts, "format");

	if (format == NULL)
		format = qemuopts_get(opts, "driver");
	return format != NULL && strcmp(format, "raw") == 0;
}

/* No key that names a second file, another host or an option of a nested driver. */
static const char *const drive_keys[] = {
        "if",        "index",         "bus",      "unit",      "media",         "id",
        "node-name", "file",          "format",   "driver",    "file.filename", "file.driver",
        "cache",     "cache.*",       "readonly", "read-only", "discard",       "serial",
        "werror",    "rerror",        "snapshot", "bps*",      "iops*",         "throttling.*",
        "group",     "detect-zeroes", NULL,
};

int plan_drive(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	const char *file, *media, *plain;
	bool read_only, snapshot;

	if (planner_opts(p, *arg, NULL, &opts) < 0 || planner_only(p, &opts, drive_keys) < 0 ||
	    check_format(p, &opts, "format") < 0 || check_format(p, &opts, "driver") < 0 ||
	    check_format(p, &opts, "file.driver") < 0 || get_read_only(p, &opts, &read_only) < 0 ||
	    planner_bool(p, &opts, "snapshot", false, &snapshot) < 0)
		return -1;
	if (snapshot)
		return planner_refuse(p, "snapshot=on: needs a temporary file on the host");

	file = qemuopts_get(&opts, "file");
	plain = qemuopts_get(&opts, "file.filename");
	media = qemuopts_get(&opts, "media");
	if (file != NULL && plain != NULL)
		return planner_refuse(p, "both file= and file.filename= are given");
	if (file == NULL)
		file = plain;
	if (file == NULL || file[0] == '\0')
		return PLANNER_KEEP; /* no medium */
	return add_image(p, file, !read_only && (media == NULL || strcmp(media, "cdrom") != 0),
	                 is_raw(&opts));
}

int plan_blockdev(struct planner *p, char **arg)
{
	static const char *const keys[] = {"driver",    "node-name",      "filename",
	                                   "read-only", "auto-read-only", "discard",
	                                   "cache.*",   "detect-zeroes",  NULL};
	static const char *const drivers[] = {"file", "host_device", "host_cdrom"};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *driver, *file;
	bool read_only;

	if (planner_opts(p, *arg, "driver", &opts) < 0)
		return -1;
	driver = qemuopts_get(&opts, "driver");
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (driver == NULL || strcmp(driver, drivers[i]) != 0)
			continue;
		if (planner_only(p, &opts, keys) < 0 || get_read_only(p, &opts, &read_only) < 0)
			return -1;
		file = qemuopts_get(&opts, "filename");
		if (file == NULL)
			return planner_refuse(p, "filename= is missing");
		return add_image(p, file, !read_only, false);
	}
	return planner_refuse(p, "driver=%s: only plain files and devices are confined",
	                      driver != NULL ? driver : "");
}
