/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "argv.h"
#include "planner.h"
#include "util.h"

/* The kernel's default for fs.nr_open, above which no process has an fd. */
#define FD_MAX (1024 * 1024 - 1)

int planner_refuse(struct planner *p, const char *fmt, ...)
{
	char msg[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return error_set(p->err, "-%s: %s", p->option, msg);
}

int planner_no_memory(struct planner *p)
{
	return planner_refuse(p, "out of memory");
}

int planner_multi_opts(struct planner *p, const char *arg, const char *implied,
                       struct qemuopts *ret)
{
	int r;

	*ret = (struct qemuopts){0};
	if (arg[0] == '{')
		return planner_refuse(p, "JSON is not understood, only key=value,...");
	r = qemuopts_parse(arg, implied, ret);
	if (r == -ENOMEM)
		return planner_no_memory(p);
	if (r == -E2BIG)
		return planner_refuse(p, "more than %d keys", QEMUOPTS_MAX);
	if (r < 0)
		return planner_refuse(p, "an empty key"); /* arg may hold a password */
	return 0;
}

int planner_opts(struct planner *p, const char *arg, const char *implied, struct qemuopts *ret)
{
	const char *key;

	if (planner_multi_opts(p, arg, implied, ret) < 0)
		return -1;
	/* Which of two values counts differs between QEMU's parsers: never let it matter. */
	key = qemuopts_duplicate(ret);
	if (key != NULL) {
		(void)planner_refuse(p, "%s is given twice", key);
		qemuopts_free(ret);
		return -1;
	}
	return 0;
}

static bool allowed(const struct qemuopt *opt, const char *const patterns[])
{
	for (size_t i = 0; patterns[i] != NULL; i++) {
		if (fnmatch(patterns[i], opt->key, 0) == 0 || qemuopt_names(opt, patterns[i]))
			return true;
	}
	return false;
}

int planner_only(struct planner *p, const struct qemuopts *opts, const char *const patterns[])
{
	for (size_t i = 0; i < opts->n; i++) {
		if (!allowed(&opts->opt[i], patterns))
			return planner_refuse(p, "%s: not a key that can be confined",
			                      opts->opt[i].key);
	}
	return 0;
}

int planner_bool(struct planner *p, const struct qemuopts *opts, const char *key, bool dflt,
                 bool *ret)
{
	if (qemuopts_get_bool(opts, key, dflt, ret) < 0)
		return planner_refuse(p, "%s=%s: neither on nor off", key, qemuopts_get(opts, key));
	return 0;
}

int planner_rewrite(struct planner *p, const struct qemuopts *opts, char **arg)
{
	char *text = qemuopts_print(opts);

	if (text == NULL)
		return planner_no_memory(p);
	free(*arg);
	*arg = text;
	return 0;
}

static bool is_kept(const struct plan *plan, int fd)
{
	for (size_t i = 0; i < plan->n_keep_fds; i++) {
		if (plan->keep_fds[i] == fd)
			return true;
	}
	return false;
}

int planner_keep_fd(struct planner *p, const char *number)
{
	struct plan *plan = p->plan;
	uint64_t fd;

	/* 0, 1 and 2 are the null device and the log. */
	if (!parse_u64(number, 3, FD_MAX, &fd))
		return planner_refuse(p, "fd %s: not a file descriptor's number between 3 and %d",
		                      number, FD_MAX);
	if (is_kept(plan, (int)fd))
		return planner_refuse(p, "fd %s is given twice", number);
	if (plan->n_keep_fds == PLAN_MAX_KEEP)
		return planner_refuse(p, "fd %s: more than %d inherited fds", number,
		                      PLAN_MAX_KEEP);
	plan->keep_fds[plan->n_keep_fds++] = (int)fd;
	return 0;
}

int planner_set_once(struct planner *p, char **slot, const char *value)
{
	if (*slot != NULL)
		return planner_refuse(p, "%s: given twice (first as %s)", value, *slot);
	if (value[0] == '\0')
		return planner_refuse(p, "empty");
	*slot = strdup(value);
	return *slot != NULL ? 0 : planner_no_memory(p);
}

/* The lowest number from *next on that is not inherited; *next moves behind it. */
static int take_fd(const struct plan *plan, int *next)
{
	while (is_kept(plan, *next))
		(*next)++;
	return (*next)++;
}

static int append_fd(struct planner *p, size_t word, int fd)
{
	char *text;

	if (asprintf(&text, "%s,fd=%d", p->plan->argv[word], fd) < 0)
		return error_set(p->err, "%s: out of memory", p->plan->argv[word]);
	free(p->plan->argv[word]);
	p->plan->argv[word] = text;
	return 0;
}

/* Only at the end: an inherited number may come after the first path= socket. */
static int assign_fds(struct planner *p)
{
	struct plan *plan = p->plan;
	int next = 3;

	for (size_t i = 0; i < plan->n_listeners; i++) {
		plan->listeners[i].fd = take_fd(plan, &next);
		if (append_fd(p, p->listener_arg[i], plan->listeners[i].fd) < 0)
			return -1;
	}
	for (size_t i = 0; i < plan->n_taps; i++) {
		plan->taps[i].fd = take_fd(plan, &next);
		if (append_fd(p, p->tap_arg[i], plan->taps[i].fd) < 0)
			return -1;
	}
	return 0;
}

static int finish_probe(struct planner *p)
{
	const struct plan *plan = p->plan;

	if (!p->machine_none || !p->accel_xen)
		return error_set(p->err, "-xen-domid: missing");
	if (plan->n_files + plan->n_listeners + plan->n_taps + plan->n_inets + plan->ptys > 0)
		return error_set(p->err, "-machine none: a probe gets an inherited monitor socket "
		                         "and no other file, socket or interface");
	p->plan->mode = PLAN_PROBE;
	return 0;
}

static int finish(struct planner *p)
{
	if (!p->have_domid)
		return finish_probe(p);

	p->plan->mode = PLAN_GUEST;
	if (!p->nodefaults)
		return error_set(p->err, "-nodefaults: missing, and QEMU's default devices are "
		                         "not in the plan");
	/* A restored guest's physmap is populated already: QEMU 7.2 to 10 do not try. */
	p->plan->extra_pages = p->plan->incoming ? 0 : (uint32_t)p->pages;
	return assign_fds(p);
}

int plan_parse(int argc, char *const argv[], struct plan *ret_plan, struct error *err)
{
	struct planner p = {.plan = ret_plan, .err = err};

	*ret_plan = (struct plan){0};
	if (argc < 1)
		return error_set(err, "empty command line");
	ret_plan->argv = calloc((size_t)argc + 1, sizeof(char *));
	if (ret_plan->argv != NULL)
		ret_plan->argv[0] = strdup(argv[0]);
	if (ret_plan->argv == NULL || ret_plan->argv[0] == NULL) {
		plan_free(ret_plan);
		return error_set(err, "command line: out of memory");
	}
	ret_plan->argc = 1;
	if (argv_handle(&p, argc, argv) < 0 || finish(&p) < 0) {
		plan_free(ret_plan);
		return -1;
	}
	return 0;
}

static bool is_path(const char *path)
{
	size_t len = 0;

	if (path[0] != '/')
		return false;
	for (const unsigned char *c = (const unsigned char *)path; *c != '\0'; c++, len++) {
		if (*c < 0x20 || *c == 0x7f)
			return false;
	}
	return len < PATH_MAX;
}

static int copy(const char *text, char **ret, struct error *err)
{
	*ret = NULL;
	if (text == NULL)
		return 0;
	*ret = strdup(text);
	return *ret != NULL ? 0 : error_set(err, "%s: out of memory", text);
}

int plan_add_file(struct plan *plan, const char *path, bool writable, const char *origin,
                  struct error *err)
{
	struct plan_file *file;

	if (!is_path(path))
		return error_set(err, "%s: not an absolute path", path);
	for (size_t i = 0; i < plan->n_files; i++) {
		file = &plan->files[i];
		if (strcmp(file->path, path) == 0) {
			file->writable |= writable;
			return 0;
		}
	}
	if (plan->n_files == PLAN_MAX_FILES)
		return error_set(err, "%s: more than %d files", path, PLAN_MAX_FILES);
	file = &plan->files[plan->n_files];
	if (copy(path, &file->path, err) < 0)
		return -1;
	file->writable = writable;
	plan->n_files++; /* from here on plan_free() knows it */
	return copy(origin, &file->origin, err);
}

int plan_add_dir(struct plan *plan, const char *path, const char *origin, struct error *err)
{
	struct plan_dir *dir;

	if (plan->n_dirs == PLAN_MAX_DIRS)
		return error_set(err, "%s: more than %d directories", path, PLAN_MAX_DIRS);
	dir = &plan->dirs[plan->n_dirs];
	if (copy(path, &dir->path, err) < 0)
		return -1;
	plan->n_dirs++;
	return copy(origin, &dir->origin, err);
}

/* The numbers of listeners and taps follow each other: the next one is behind the highest. */
int plan_add_listener(struct plan *plan, const char *path, int *ret_fd, struct error *err)
{
	struct plan_listener *listener = &plan->listeners[plan->n_listeners];
	int next = 3;

	if (plan->n_listeners == PLAN_MAX_LISTENERS)
		return error_set(err, "%s: more than %d sockets", path, PLAN_MAX_LISTENERS);
	for (size_t i = 0; i < plan->n_listeners; i++)
		if (plan->listeners[i].fd >= next)
			next = plan->listeners[i].fd + 1;
	for (size_t i = 0; i < plan->n_taps; i++)
		if (plan->taps[i].fd >= next)
			next = plan->taps[i].fd + 1;
	listener->path = strdup(path);
	if (listener->path == NULL)
		return error_set(err, "%s: out of memory", path);
	listener->fd = *ret_fd = take_fd(plan, &next);
	plan->n_listeners++;
	return 0;
}

void plan_free(struct plan *plan)
{
	for (char **word = plan->argv; word != NULL && *word != NULL; word++)
		free(*word);
	free(plan->argv);
	for (size_t i = 0; i < plan->n_files; i++) {
		free(plan->files[i].path);
		free(plan->files[i].origin);
	}
	for (size_t i = 0; i < plan->n_dirs; i++) {
		free(plan->dirs[i].path);
		free(plan->dirs[i].origin);
	}
	for (size_t i = 0; i < plan->n_listeners; i++)
		free(plan->listeners[i].path);
	for (size_t i = 0; i < plan->n_taps; i++)
		free(plan->taps[i].ifname);
	for (size_t i = 0; i < plan->n_inets; i++)
		free(plan->inets[i].addr);
	free(plan->name);
	free(plan->run_as);
	free(plan->chroot_dir);
	*plan = (struct plan){0};
}
