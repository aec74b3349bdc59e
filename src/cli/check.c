/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "store.h"
#include "util.h"

static const char *const result_names[RESULT_MAX_] = {
        [RESULT_OK] = "ok",
        [RESULT_BAD] = "BAD",
        [RESULT_UNKNOWN] = "unknown",
};

#define QEMU  (1u << PROCESS_QEMU)
#define ROLES (1u << PROCESS_MONITOR | 1u << PROCESS_BROKER | 1u << PROCESS_XSFILTER)

static const struct {
	unsigned int processes;
	void (*check)(struct subject *s, enum process process);
} groups[] = {
        {QEMU | ROLES, check_credentials},
        {QEMU | ROLES, check_seccomp},
        {QEMU, check_layers},
        {QEMU, check_namespaces},
        {QEMU, check_tree},
        {QEMU, check_limits},
        {QEMU, check_environment},
        {QEMU, check_alone},
        {QEMU | ROLES, check_fds},
        {QEMU, check_xen},
        {QEMU | ROLES, check_binary},
};

void check_add(struct subject *s, enum result result, const char *group, const char *name,
               const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->counts[result]++;
	report_row(&s->report, "{s:s, s:s, s:s, s:o}", "result", result_names[result], "process",
	           group, "check", name, "detail", report_bytes(text));
}

static void run_checks(struct subject *s)
{
	for (enum process p = 0; p < PROCESS_MAX_; p++) {
		if (s->pids[p] == 0) {
			check_add(s, RESULT_BAD, process_names[p], "runs", "no: %s",
			          s->manifest != NULL ? "it has died"
			                              : "not a launch of qemu-depriv-dm");
			continue;
		}
		check_add(s, RESULT_OK, process_names[p], "runs", "pid %d", s->pids[p]);
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
			if ((groups[i].processes & 1u << p) != 0)
				groups[i].check(s, p);
	}
}

/* All domains of one command. */
struct checking {
	bool json;
	json_t *all; /* {domid: [row, ...], ...} */
	size_t counts[RESULT_MAX_];
	size_t domains;
	bool failed; /* a domain could not be looked at, as was said */
};

static void print_domain(const struct subject *s)
{
	if (s->counts[RESULT_BAD] + s->counts[RESULT_UNKNOWN] == 0)
		(void)printf("Domain %u: all %zu checks are ok\n", s->domid, s->counts[RESULT_OK]);
	else
		(void)printf("Domain %u: %zu findings, %zu could not be checked, %zu ok\n",
		             s->domid, s->counts[RESULT_BAD], s->counts[RESULT_UNKNOWN],
		             s->counts[RESULT_OK]);
	report_print(&s->report, false);
}

static void check_domain(void *opaque, uint16_t domid)
{
	struct checking *c = opaque;
	struct subject s;
	struct error err;
	char key[16];

	if (subject_find(domid, &s, &err) < 0) {
		(void)cli_error("%s", err.msg);
		c->failed = true;
		return;
	}
	(void)snprintf(key, sizeof(key), "%u", domid);
	report_init(&s.report);
	report_section(&s.report, key,
	               s.manifest != NULL ? "Started by qemu-depriv-dm"
	                                  : "Started without qemu-depriv-dm");
	run_checks(&s);
	if (c->json)
		(void)json_object_update(c->all, s.report.root);
	else
		print_domain(&s);
	for (size_t i = 0; i < RESULT_MAX_; i++)
		c->counts[i] += s.counts[i];
	c->domains++;
	report_free(&s.report);
	subject_free(&s);
}

static int finish(struct checking *c)
{
	if (c->json) {
		if (json_dumpf(c->all, stdout, JSON_INDENT(2)) < 0)
			return cli_error("cannot write to standard output");
		(void)putchar('\n');
	}
	json_decref(c->all);
	if (c->counts[RESULT_BAD] > 0)
		return CLI_FINDINGS;
	return c->failed || c->counts[RESULT_UNKNOWN] > 0 ? CLI_ERROR : CLI_OK;
}

static int check_all(struct checking *c)
{
	struct error err;
	const int n = store_each(check_domain, c, &err);

	if (n < 0)
		return cli_error("%s", err.msg);
	if (n == 0 && !c->json)
		(void)puts("No domain has a device model.");
	return finish(c);
}

int cmd_check(const struct command *self, int argc, char *argv[])
{
	static const struct option options[] = {
	        {"json", no_argument, NULL, 'j'}, {"all", no_argument, NULL, 'a'}, {0}};
	struct checking c = {.json = false};
	uint64_t domid = 0;
	bool all = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'j')
			c.json = true;
		else if (o == 'a')
			all = true;
		else
			return cli_usage(self);
	}
	if (argc - optind != (all ? 0 : 1))
		return cli_usage(self);
	if (!all && !parse_u64(argv[optind], 1, UINT16_MAX, &domid))
		return cli_error("%s: not a domain id", argv[optind]);
	if (geteuid() != 0)
		return cli_error("check looks into other users' processes: run it as root");
	c.all = json_object();
	if (all)
		return check_all(&c);
	check_domain(&c, (uint16_t)domid);
	return finish(&c);
}
