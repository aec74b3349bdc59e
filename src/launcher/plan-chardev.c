/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character devices: -chardev, and the shorter form of -serial, -monitor and the like. */
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "planner.h"
#include "util.h"

/* Backends that reach for nothing but what the plan gives. */
static const struct backend {
	const char *name;
	unsigned int ptys;
	bool legacy; /* also as an argument of -serial and the like */
} backends[] = {
        {"null", 0, true},      {"vc", 0, true},         {"stdio", 0, true},
        {"pty", 1, true},       {"msmouse", 0, true},    {"wctablet", 0, true},
        {"none", 0, true},      {"ringbuf", 0, false},   {"memory", 0, false},
        {"spicevmc", 0, false}, {"spiceport", 0, false}, {"qemu-vdagent", 0, false},
        {"mux", 0, false},
};

static const struct backend *find_backend(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		if (strlen(backends[i].name) == len && strncmp(backends[i].name, name, len) == 0)
			return &backends[i];
	}
	return NULL;
}

static int add_listener(struct planner *p, const char *path)
{
	struct plan *plan = p->plan;
	struct plan_listener *listener;

	if (path[0] != '/')
		return planner_refuse(p, "path=%s: not an absolute path", path);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return planner_refuse(p, "path=%s: too long for a unix socket", path);
	for (size_t i = 0; i < plan->n_listeners; i++) {
		if (strcmp(plan->listeners[i].path, path) == 0)
			return planner_refuse(p, "path=%s: given twice", path);
	}
	if (plan->n_listeners == PLAN_MAX_LISTENERS)
		return planner_refuse(p, "path=%s: more than %d sockets", path, PLAN_MAX_LISTENERS);

	listener = &plan->listeners[plan->n_listeners];
	listener->path = strdup(path);
	if (listener->path == NULL)
		return planner_no_memory(p);
	p->listener_arg[plan->n_listeners++] = plan->argc + 1; /* after the option's own word */
	return 0;
}

static int plan_socket(struct planner *p, struct qemuopts *opts, char **arg)
{
	static const char *const keys[] = {"backend", "id",   "path", "fd",
	                                   "server",  "wait", "mux",  NULL};
	const char *path = qemuopts_get(opts, "path");
	const char *fd = qemuopts_get(opts, "fd");
	bool server;

	if (planner_only(p, opts, keys) < 0 || planner_bool(p, opts, "server", false, &server) < 0)
		return -1;
	if (!server)
		return planner_refuse(p, "%s: a socket must be listening (server=on)", *arg);
	if ((path == NULL) == (fd == NULL))
		return planner_refuse(p, "%s: a socket needs either path= or fd=", *arg);
	if (fd != NULL)
		return planner_keep_fd(p, fd);
	if (add_listener(p, path) < 0)
		return -1;
	qemuopts_remove(opts, "path");
	return planner_rewrite(p, opts, arg);
}

int plan_chardev(struct planner *p, char **arg)
{
	/* QEMU would write to these, or make a symbolic link for a pty. */
	static const char *const paths[] = {"path", "logfile", "input-path"};
	struct qemuopts opts cleanup(qemuopts_free);
	const struct backend *backend;
	const char *name;

	if (planner_opts(p, *arg, "backend", &opts) < 0)
		return -1;
	name = qemuopts_get(&opts, "backend");
	if (name == NULL)
		return planner_refuse(p, "%s: the kind of device is missing", *arg);
	if (strcmp(name, "socket") == 0)
		return plan_socket(p, &opts, arg);

	backend = find_backend(name, strlen(name));
	if (backend == NULL)
		return planner_refuse(p, "%s: not a character device that can be confined", name);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *path = qemuopts_get(&opts, paths[i]);

		if (path != NULL)
			return planner_refuse(p, "%s=%s: names a file of the host", paths[i], path);
	}
	p->plan->ptys += backend->ptys;
	return PLANNER_KEEP;
}

int plan_legacy_chardev(struct planner *p, char **arg)
{
	const struct backend *backend;
	const char *text = *arg;

	if (strncmp(text, "chardev:", 8) == 0)
		return PLANNER_KEEP; /* -chardev says what it is */
	if (strncmp(text, "mon:", 4) == 0)
		text += 4;
	/* "vc:80Cx24C" is the only one of them with an argument. */
	backend = find_backend(text, strncmp(text, "vc:", 3) == 0 ? 2 : strlen(text));
	if (backend == NULL || !backend->legacy)
		return planner_refuse(p, "%s: not a character device that can be confined", *arg);
	p->plan->ptys += backend->ptys;
	return PLANNER_KEEP;
}
