/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv status: what /run/qemu-depriv and /proc say of the device models that run. Nothing is
 * asked of their processes, and nothing is believed of what a role has written but its numbers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "counters.h"
#include "layers.h"
#include "report.h"
#include "util.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

static const char *const role_names[COUNTERS_PAGES] = {
        [COUNTERS_MONITOR] = "monitor",
        [COUNTERS_BROKER] = "broker",
        [COUNTERS_XSFILTER] = "xsfilter",
};

/* The counters file as it was read. */
union snapshot {
	char bytes[COUNTERS_SIZE];
	struct counters_head head;
};

static struct counters_role role_of(const union snapshot *s, enum counters_page page)
{
	struct counters_role role;

	memcpy(&role, s->bytes + (size_t)page * COUNTERS_PAGE, sizeof(role));
	return role;
}

/* false: it is not there (any more), or is none. */
static bool read_snapshot(const char *domid, union snapshot *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), RUN_DIR "/%s/counters", domid);

	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && pread(fd, ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret) &&
	       ret->head.magic == COUNTERS_MAGIC &&
	       memchr(ret->head.name, '\0', sizeof(ret->head.name)) != NULL;
}

/* The number after "FIELD:" in a file of /proc/PID; -1: the process or the line is not there. */
static long long proc_number(int pid, const char *name, const char *field)
{
	char path[64], line[256];
	const size_t n = strlen(field);
	long long value = -1;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			value = strtoll(line + n + 1, NULL, 10);
	(void)fclose(file);
	return value;
}

/* Bytes that QEMU's control group uses, unless that is the root; -1: not known. */
static long long cgroup_memory(int pid)
{
	char path[512], group[300] = "";
	long long value;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	while (strncmp(group, "0::/", 4) != 0 && fgets(group, sizeof(group), file) != NULL)
		group[strcspn(group, "\n")] = '\0';
	(void)fclose(file);
	if (strncmp(group, "0::/", 4) != 0 || group[4] == '\0')
		return -1;
	(void)snprintf(path, sizeof(path), CGROUP_ROOT "%s/memory.current", group + 3);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	value = fgets(path, sizeof(path), file) != NULL ? strtoll(path, NULL, 10) : -1;
	(void)fclose(file);
	return value;
}

static json_t *number_or_null(long long value)
{
	return value >= 0 ? json_integer(value) : json_null();
}

/* A pid may be somebody else's by now: only QEMU has this uid. */
static bool qemu_runs(const struct counters_head *head)
{
	return proc_number(head->pid, "status", "Uid") == (long long)head->uid;
}

static void add_domain(struct report *r, const union snapshot *s, bool runs)
{
	const struct counters_head *h = &s->head;
	const struct counters_role monitor = role_of(s, COUNTERS_MONITOR);

	report_row(r, "{s:i, s:o, s:s, s:i, s:I, s:b, s:o}", "domid", (int)h->domid, "name",
	           report_bytes(h->name), "state", runs ? "running" : "gone", "pid", h->pid, "uid",
	           (json_int_t)h->uid, "sealed", monitor.sealed == 1, "memory",
	           number_or_null(runs ? cgroup_memory(h->pid) : -1));
}

static void add_roles(struct report *r, const union snapshot *s, bool runs)
{
	for (enum counters_page p = COUNTERS_MONITOR; p < COUNTERS_PAGES; p++) {
		const struct counters_role c = role_of(s, p);
		const long long pss =
		        runs && c.pid > 0 ? proc_number(c.pid, "smaps_rollup", "Pss") : -1;

		report_row(r, "{s:i, s:s, s:i, s:I, s:I, s:I, s:I, s:o}", "domid",
		           (int)s->head.domid, "role", role_names[p], "pid", c.pid, "served",
		           (json_int_t)c.served, "refused", (json_int_t)c.refused, "passed",
		           (json_int_t)c.passed, "suppressed", (json_int_t)c.suppressed, "pss",
		           number_or_null(pss * 1024));
	}
}

static void add_layers(struct report *r, const union snapshot *s)
{
	for (size_t i = 0; i < LAYER_MAX_; i++)
		if (layer_rows[i].need != NEED_NEVER)
			report_row(r, "{s:i, s:s, s:b, s:s}", "domid", (int)s->head.domid, "layer",
			           layer_rows[i].name, "active", (s->head.layers & 1u << i) != 0,
			           "what", layer_rows[i].what);
}

static int is_domid(const struct dirent *entry)
{
	uint64_t n;

	return parse_u64(entry->d_name, 1, UINT16_MAX, &n);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	const long x = strtol((*a)->d_name, NULL, 10), y = strtol((*b)->d_name, NULL, 10);

	return (x > y) - (x < y);
}

/* All that there are, in the order of their numbers; *ret_list as scandir(3) has it. */
static int list_domains(struct dirent ***ret_list)
{
	int n = scandir(RUN_DIR, ret_list, is_domid, by_number);

	if (n >= 0 || errno != ENOENT)
		return n;
	*ret_list = NULL;
	return 0; /* none was ever started */
}

typedef void add_fn(struct report *r, const union snapshot *s, bool runs);

static void add_layers_of(struct report *r, const union snapshot *s, bool runs)
{
	(void)runs;
	add_layers(r, s);
}

static const struct {
	const char *key, *title;
	add_fn *add;
	bool header;
	bool only_one; /* in a table: only when one domain was asked for */
} parts[] = {
        {"domains", "Device models (memory in bytes)", add_domain, true, false},
        {"roles", "Their helpers (requests and calls; log records; memory in bytes)", add_roles,
         true, false},
        {"layers", "Layers of the confinement", add_layers_of, false, true},
};

static void print(const union snapshot *all, size_t n, bool one, bool as_json)
{
	struct report report;

	report_init(&report);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].only_one && !one && !as_json)
			continue;
		report_section(&report, parts[i].key, parts[i].title);
		if (parts[i].header)
			report_header(&report);
		for (size_t k = 0; k < n; k++)
			parts[i].add(&report, &all[k], qemu_runs(&all[k].head));
	}
	report_print(&report, as_json);
	report_free(&report);
}

static int status_of(const char *domid, bool as_json)
{
	union snapshot s;
	uint64_t n;

	if (!parse_u64(domid, 1, UINT16_MAX, &n))
		return cli_error("\"%s\" is no domain id", domid);
	if (!read_snapshot(domid, &s))
		return cli_error("domain %s has no device model of qemu-depriv's: " RUN_DIR
		                 "/%s/counters",
		                 domid, domid);
	print(&s, 1, true, as_json);
	return qemu_runs(&s.head) ? CLI_OK : CLI_FINDINGS;
}

static int status_of_all(bool as_json)
{
	struct dirent **list;
	int n = list_domains(&list), r = CLI_OK;
	union snapshot *all;
	size_t found = 0;

	if (n < 0)
		return cli_error("%s: %s", RUN_DIR, strerror(errno));
	all = calloc((size_t)n + 1, sizeof(*all));
	if (all == NULL)
		return cli_error("out of memory");
	for (int i = 0; i < n; i++) {
		if (read_snapshot(list[i]->d_name, &all[found])) {
			if (!qemu_runs(&all[found].head))
				r = CLI_FINDINGS;
			found++;
		}
		free(list[i]);
	}
	free(list);
	print(all, found, false, as_json);
	free(all);
	return r;
}

int cmd_status(const struct command *self, int argc, char *argv[])
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	bool as_json = false;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (c != 'j')
			return cli_usage(self);
		as_json = true;
	}
	if (argc - optind > 1)
		return cli_usage(self);
	if (geteuid() != 0)
		return cli_error("must be root: %s/DOMID is root's alone", RUN_DIR);
	return optind < argc ? status_of(argv[optind], as_json) : status_of_all(as_json);
}
