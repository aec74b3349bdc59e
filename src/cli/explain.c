/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv explain: the effective plan for a command line of libxl's, by the launcher's own
 * planner and from the tables that the launch is made of. Opens nothing of the plan, so it needs
 * neither Xen nor root; what it cannot know without them it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xen/io/xs_wire.h>

#include "cli.h"
#include "configure.h"
#include "counters.h"
#include "kernel.h"
#include "launch.h"
#include "report.h"
#include "rule.h"
#include "util.h"
#include "xenstore.h"

struct explain {
	bool json, verbose;
	const char *dir, *name;
	struct plan plan;
	struct config config;
	struct report report;
};

/* One line of a section that is no list. */
static void fact(struct report *r, const char *what, const char *value)
{
	report_row(r, "{s:s, s:o}", "what", what, "value", report_bytes(value));
}

static void factf(struct report *r, const char *what, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

static void factf(struct report *r, const char *what, const char *fmt, ...)
{
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fact(r, what, text);
}

static void add_identity(struct explain *e)
{
	const struct plan *plan = &e->plan;
	struct report *r = &e->report;
	struct identity id;
	struct error err;
	const char *qemu, *libraries;

	report_section(r, "identity", "Who QEMU is");
	if (plan->mode == PLAN_PROBE)
		fact(r, "guest", "none: libxl asks QEMU for its options");
	else
		factf(r, "guest", "%s, domain %u",
		      plan->name != NULL ? plan->name : "without a name", plan->domid);
	if (plan_find_qemu(&e->config, &qemu, &libraries, &err) == 0)
		factf(r, "program", "%s%s%s", qemu, libraries != NULL ? ", Xen libraries in " : "",
		      libraries != NULL ? libraries : "");
	else
		factf(r, "program", "not known here: %s", err.msg);
	if (plan->mode == PLAN_PROBE)
		fact(r, "uid, gid", "of the domain that the inherited QMP socket names");
	else if (identity_of_qemu(plan->run_as, plan->domid, &id, &err) == 0)
		factf(r, "uid, gid", "%u, %u", id.uid, id.gid);
	else
		factf(r, "uid, gid", "not known here: %s", err.msg);
	fact(r, "groups", "none");
	fact(r, "capabilities", "none, in any set; no_new_privs; securebits locked");
	fact(r, "environment",
	     plan->mode == PLAN_PROBE ? "empty"
	                              : "LD_PRELOAD (shim), XENSTORED_PATH, XEN_DOMAIN_ID, "
	                                "QEMU_DEPRIV_FDS");
	fact(r, "working directory", "/ of its own root");
}

static void add_files(struct explain *e)
{
	const struct plan *plan = &e->plan;
	struct report *r = &e->report;

	report_section(r, "files", "Files of the host that QEMU can open, and no others");
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct plan_file *f = &plan->files[i];

		report_row(r, "{s:o, s:s, s:o}", "path", report_bytes(f->path), "access",
		           f->writable ? "read-write" : "read-only", "from",
		           report_bytes(f->origin != NULL ? f->origin : "command line"));
	}
	for (size_t i = 0; i < plan->n_dirs; i++) {
		char path[PATH_MAX + 4];

		(void)snprintf(path, sizeof(path), "%s/**", plan->dirs[i].path);
		report_row(r, "{s:o, s:s, s:o}", "path", report_bytes(path), "access", "read-only",
		           "from", report_bytes(plan->dirs[i].origin));
	}
	report_section(r, "root", "Its root directory, read-only; no /proc, no /sys");
	report_row(r, "{s:s, s:s}", "path", "/usr", "what", "the host's, nosuid, nodev");
	report_row(r, "{s:s, s:s}", "path", "/etc", "what", "ld.so.cache, localtime");
	report_row(r, "{s:s, s:s}", "path", "/dev", "what",
	           "null, urandom; /dev/xen/gntdev is the null device");
	report_row(r, "{s:s, s:s}", "path", "elsewhere", "what",
	           "nothing; an image shows its type and cannot be opened but through the monitor");
}

static void add_sockets(struct explain *e)
{
	const struct plan *plan = &e->plan;
	struct report *r = &e->report;

	report_section(r, "sockets",
	               "Sockets it listens on; it connects to xsfilter and nothing else");
	for (size_t i = 0; i < plan->n_listeners; i++)
		report_row(r, "{s:s, s:o, s:s}", "kind", "unix", "address",
		           report_bytes(plan->listeners[i].path), "how",
		           "bound before QEMU starts, inherited");
	for (size_t i = 0; i < plan->n_inets; i++) {
		const struct plan_inet *inet = &plan->inets[i];
		char text[128];
		int n = snprintf(text, sizeof(text), "%s port %u",
		                 *inet->addr != '\0' ? inet->addr : "every address",
		                 inet->port_first);

		if (inet->port_last != inet->port_first)
			(void)snprintf(text + n, sizeof(text) - (size_t)n, " to %u",
			               inet->port_last);
		report_row(r, "{s:s, s:s, s:s}", "kind", "tcp", "address", text, "how",
		           "one port, bound by the monitor, once");
	}
	report_section(r, "network", "Network interfaces, in an empty namespace");
	for (size_t i = 0; i < plan->n_taps; i++)
		report_row(r, "{s:o, s:s}", "interface", report_bytes(plan->taps[i].ifname), "how",
		           "a tap made before QEMU starts, inherited");
	report_section(r, "inherited", "Other descriptors that the command line hands over");
	for (size_t i = 0; i < plan->n_keep_fds; i++)
		report_row(r, "{s:i}", "fd", plan->keep_fds[i]);
}

static void add_xen(struct explain *e)
{
	const struct plan *plan = &e->plan;
	struct report *r = &e->report;
	const bool guest = plan->mode == PLAN_GUEST;
	char text[160];

	report_section(r, "xen", "Xen handles");
	report_row(r, "{s:s, s:s}", "handle", "/dev/xen/privcmd", "what",
	           guest ? "restricted to the domain: DM_OP, mapping of its memory"
	                 : "the null device");
	report_row(r, "{s:s, s:s}", "handle", "/dev/xen/evtchn", "what",
	           guest ? "restricted to the domain" : "none");
	report_row(r, "{s:s, s:s}", "handle", "/dev/xen/gntdev", "what", "the null device");
	report_row(r, "{s:s, s:s}", "handle", "/dev/xen/hypercall", "what", "does not exist");

	report_section(r, "hypercalls", "Raw hypercalls, made by the monitor until it is sealed");
	if (!guest || plan->extra_pages == 0)
		return;
	(void)snprintf(text, sizeof(text),
	               "pages of 4 KiB, %.1f MiB: video memory and ROMs of the devices, single "
	               "pages of this domain, upwards only",
	               plan->extra_pages / 256.0);
	report_row(r, "{s:s, s:I, s:s}", "call", "XENMEM_populate_physmap", "budget",
	           (json_int_t)plan->extra_pages, "what", text);
}

/* XS_* by number; what no row of the table has is not here. */
static const char *const xenstore_ops[32] = {
        [XS_DIRECTORY] = "DIRECTORY",
        [XS_READ] = "READ",
        [XS_WATCH] = "WATCH",
        [XS_UNWATCH] = "UNWATCH",
        [XS_TRANSACTION_START] = "TRANSACTION_START",
        [XS_TRANSACTION_END] = "TRANSACTION_END",
        [XS_GET_DOMAIN_PATH] = "GET_DOMAIN_PATH",
        [XS_WRITE] = "WRITE",
        [XS_MKDIR] = "MKDIR",
        [XS_RM] = "RM",
        [XS_SET_PERMS] = "SET_PERMS",
        [XS_GET_PERMS] = "GET_PERMS",
};

/* The requests of a row, with commas. */
static void name_ops(uint32_t ops, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < ARRAY_SIZE(xenstore_ops) && n < size; i++) {
		if ((ops & 1u << i) == 0)
			continue;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n > 0 ? ", " : "",
		                      xenstore_ops[i] != NULL ? xenstore_ops[i] : "?");
	}
}

/* A path of the table with the domain's id in it. */
static void name_path(const char *pattern, unsigned int domid, char *buf, size_t size)
{
	const char *at = strstr(pattern, "%d");

	if (at == NULL)
		(void)snprintf(buf, size, "%s", *pattern != '\0' ? pattern : "-");
	else
		(void)snprintf(buf, size, "%.*s%u%s", (int)(at - pattern), pattern, domid, at + 2);
}

static void add_xenstore(struct explain *e)
{
	static const char *const answers[] = {
	        [XENSTORE_FORWARD] = "goes to xenstored",
	        [XENSTORE_SEAL] = "goes to xenstored, once sealed",
	        [XENSTORE_OK] = "OK, stored nowhere",
	        [XENSTORE_ABSENT] = "does not exist",
	        [XENSTORE_PATH] = "the path itself",
	        [XENSTORE_WATCH] = "fires once, at first",
	};
	struct report *r = &e->report;

	report_section(r, "xenstore", "Xenstore, through xsfilter; everything else is EACCES");
	if (e->plan.mode == PLAN_PROBE)
		return;
	for (size_t i = 0; i < xenstore_n_rules; i++) {
		const struct xenstore_rule *rule = &xenstore_rules[i];
		char path[XSFILTER_PATH_MAX], ops[64];

		name_path(rule->path, e->plan.domid, path, sizeof(path));
		name_ops(rule->ops, ops, sizeof(ops));
		report_row(r, "{s:s, s:s, s:s, s:s*}", "path", path, "request", ops, "answer",
		           answers[rule->action], "why",
		           e->json || e->verbose ? rule->reason : NULL);
	}
}

static const char *const actions[] = {
        [ACTION_ALLOW] = "allowed", [ACTION_EPERM] = "EPERM",     [ACTION_ENOSYS] = "ENOSYS",
        [ACTION_NOTIFY] = "broker", [ACTION_KILL] = "kills QEMU",
};

/* A table's calls in one line, each once with what is allowed of it. */
static void name_calls(const struct rule *rules, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (const struct rule *rule = rules; rule->call != NULL && n < size; rule++) {
		const bool same = rule > rules && strcmp(rule->call, rule[-1].call) == 0;
		const char *what = rule->what != NULL ? rule->what : "";

		if (same && (rule->what == NULL || rule[-1].what == NULL ||
		             strcmp(what, rule[-1].what) == 0))
			continue;
		if (same && n > 0 && buf[n - 1] == ')')
			n--; /* goes on within the parentheses */
		n += (size_t)snprintf(buf + n, size - n, same ? " %s)" : "%s%s%s%s%s",
		                      same    ? what
		                      : n > 0 ? " "
		                              : "",
		                      rule->call, *what != '\0' ? "(" : "", what,
		                      *what != '\0' ? ")" : "");
	}
}

static void add_syscalls(struct explain *e)
{
	const struct policy *p = e->plan.mode == PLAN_PROBE ? &policy_probe : &policy_qemu;
	struct report *r = &e->report;
	char text[8192];

	report_section(r, "syscalls",
	               "System calls; every other one is EPERM, those of other kinds "
	               "(i386, x32) kill QEMU");
	for (size_t t = 0; t < POLICY_TABLES && p->tables[t] != NULL; t++) {
		if (!e->json && !e->verbose) {
			name_calls(p->tables[t], text, sizeof(text));
			report_row(r, "{s:s, s:s}", "group", p->groups[t], "calls", text);
			continue;
		}
		for (const struct rule *rule = p->tables[t]; rule->call != NULL; rule++)
			report_row(r, "{s:s, s:s, s:s, s:s, s:s}", "group", p->groups[t], "call",
			           rule->call, "what", rule->what != NULL ? rule->what : "",
			           "action", actions[rule->action], "why", rule->why);
	}
}

static void add_limits(struct explain *e)
{
	const struct limits *limits = &e->config.limits;
	struct report *r = &e->report;
	char text[32];

	report_section(r, "limits", "Limits of what it may use of the host");
	for (int i = 0; i < LIMITS_IO_MAX; i++) {
		struct limit_text limit;

		limits_print(limits, i, &limit);
		report_row(r, "{s:s, s:s, s:s}", "limit", limit.name, "value", limit.value, "what",
		           limit.what);
	}
	for (size_t i = 0; i < limits->n_io_max; i++)
		report_row(r, "{s:s, s:s, s:s}", "limit", "io-max", "value", limits->io_max[i],
		           "what", "bandwidth of a block device");
	for (size_t i = 0; i < limits_n_fixed; i++) {
		(void)snprintf(text, sizeof(text), "%llu",
		               (unsigned long long)limits_fixed[i].value);
		report_row(r, "{s:s, s:s, s:s}", "limit", limits_fixed[i].name, "value", text,
		           "what", "fixed");
	}
}

static const char *need_of(const struct explain *e, enum layer layer)
{
	static const char *const words[] = {
	        [NEED_ALWAYS] = "always",
	        [NEED_YES] = "yes",
	        [NEED_IF_AVAILABLE] = "if available",
	        [NEED_NEVER] = "no",
	};

	return words[e->config.need[layer]];
}

static void add_layers(struct explain *e)
{
	struct report *r = &e->report;

	report_section(r, "layers", "Layers on this host");
	for (enum layer i = 0; i < LAYER_MAX_; i++) {
		const char *lacks = kernel_lacks(i);

		report_row(r, "{s:s, s:s, s:s, s:s}", "layer", layer_rows[i].name, "state",
		           lacks == NULL ? "active" : lacks, "required", need_of(e, i), "what",
		           layer_rows[i].what);
	}
}

static const struct {
	void (*add)(struct explain *e);
} sections[] = {
        {add_identity}, {add_files},    {add_sockets}, {add_xen},
        {add_xenstore}, {add_syscalls}, {add_limits},  {add_layers},
};

/* The plan as a launch would have it, or CLI_FINDINGS with the sentence that ends the launch. */
static int explain(struct explain *e, int argc, char *argv[])
{
	struct error err;

	if (plan_parse(argc, argv, &e->plan, &err) < 0)
		return cli_error("the launch would fail: %s", err.msg), CLI_FINDINGS;
	if (e->name != NULL) {
		free(e->plan.name);
		e->plan.name = strdup(e->name);
	}
	if (plan_configure(&e->plan, e->dir, &e->config, &err) < 0) {
		plan_free(&e->plan);
		return cli_error("the launch would fail: %s", err.msg), CLI_FINDINGS;
	}
	report_init(&e->report);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		sections[i].add(e);
	report_print(&e->report, e->json);
	report_free(&e->report);
	config_free(&e->config);
	plan_free(&e->plan);
	return CLI_OK;
}

#define MAX_WORDS 4096

/* ARGS as typed or copied from ps(1): with or without the program before them. */
static int explain_words(struct explain *e, int n, char *words[])
{
	static char name[] = "qemu-depriv-dm";
	char *argv[MAX_WORDS + 2];
	int argc = 0;

	if (n > MAX_WORDS)
		return cli_error("more than %d words", MAX_WORDS);
	if (n == 0 || words[0][0] == '-')
		argv[argc++] = name;
	for (int i = 0; i < n; i++)
		argv[argc++] = words[i];
	argv[argc] = NULL;
	return explain(e, argc, argv);
}

/* The command line that the launcher got, words ended by NUL bytes. */
static int explain_domid(struct explain *e, const char *domid)
{
	char *words[MAX_WORDS];
	char path[64], text[128 * 1024];
	size_t len;
	FILE *file;
	int n = 0;

	(void)snprintf(path, sizeof(path), RUN_DIR "/%s/argv", domid);
	file = fopen(path, "re");
	if (file == NULL)
		return cli_error("domain %s: %s: %s", domid, path, strerror(errno));
	len = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[len] = '\0';
	if (len == sizeof(text) - 1)
		return cli_error("%s: too long", path);
	for (size_t at = 0; at < len && n < MAX_WORDS; at += strlen(text + at) + 1)
		words[n++] = text + at;
	return explain_words(e, n, words);
}

int cmd_explain(const struct command *self, int argc, char *argv[])
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
	                                        {"verbose", no_argument, NULL, 'v'},
	                                        {"config", required_argument, NULL, 'c'},
	                                        {"name", required_argument, NULL, 'n'},
	                                        {0}};
	struct explain e = {.dir = CONFIG_DIR};
	uint64_t domid;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (c == 'j')
			e.json = true;
		else if (c == 'v')
			e.verbose = true;
		else if (c == 'c')
			e.dir = optarg;
		else if (c == 'n')
			e.name = optarg;
		else
			return cli_usage(self);
	}
	if (strcmp(argv[optind - 1], "--") == 0)
		return explain_words(&e, argc - optind, argv + optind);
	if (argc - optind != 1)
		return cli_usage(self);
	if (!parse_u64(argv[optind], 1, UINT16_MAX, &domid))
		return cli_error("%s: not a domain id (a command line comes after --)",
		                 argv[optind]);
	return explain_domid(&e, argv[optind]);
}
