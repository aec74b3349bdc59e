/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network backends: tap interfaces, which the launcher creates. */
#include <ctype.h>
#include <net/if.h>
#include <string.h>

#include "planner.h"
#include "util.h"

/* What the kernel takes as a name (dev_valid_name()), and no "%", which it would number. */
static bool is_ifname(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)name[i]) || strchr("/:%", name[i]) != NULL)
			return false;
	}
	return true;
}

static int add_tap(struct planner *p, const char *ifname)
{
	struct plan *plan = p->plan;

	if (!is_ifname(ifname))
		return planner_refuse(p, "ifname=%s: not an interface name", ifname);
	for (size_t i = 0; i < plan->n_taps; i++) {
		if (strcmp(plan->taps[i].ifname, ifname) == 0)
			return planner_refuse(p, "ifname=%s: given twice", ifname);
	}
	if (plan->n_taps == PLAN_MAX_TAPS)
		return planner_refuse(p, "ifname=%s: more than %d interfaces", ifname,
		                      PLAN_MAX_TAPS);
	plan->taps[plan->n_taps].ifname = strdup(ifname);
	if (plan->taps[plan->n_taps].ifname == NULL)
		return planner_no_memory(p);
	p->tap_arg[plan->n_taps++] = plan->argc + 1; /* after the option's own word */
	return 0;
}

/* The toolstack's hotplug script does what these would; QEMU may start no process. */
static int check_scripts(struct planner *p, const struct qemuopts *opts)
{
	static const char *const keys[] = {"script", "downscript"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *script = qemuopts_get(opts, keys[i]);

		if (script != NULL && strcmp(script, "no") != 0)
			return planner_refuse(p, "%s=%s: must be no", keys[i], script);
	}
	return 0;
}

static int plan_tap(struct planner *p, struct qemuopts *opts, char **arg)
{
	static const char *const keys[] = {"type",   "id",         "fd",     "ifname", "br",
	                                   "script", "downscript", "sndbuf", "vhost",  NULL};
	/* QEMU refuses these next to fd=; the bridge is the hotplug script's. */
	static const char *const gone[] = {"ifname", "br", "script", "downscript"};
	const char *ifname = qemuopts_get(opts, "ifname");
	const char *fd = qemuopts_get(opts, "fd");
	bool vhost;

	if (planner_only(p, opts, keys) < 0 || check_scripts(p, opts) < 0 ||
	    planner_bool(p, opts, "vhost", false, &vhost) < 0)
		return -1;
	if (vhost)
		return planner_refuse(p, "vhost=on: needs a device of the host");
	if ((ifname == NULL) == (fd == NULL))
		return planner_refuse(p, "%s: a tap needs either ifname= or fd=", *arg);
	if (fd != NULL)
		return planner_keep_fd(p, fd);
	if (add_tap(p, ifname) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		qemuopts_remove(opts, gone[i]);
	return planner_rewrite(p, opts, arg);
}

int plan_netdev(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	const char *type;

	if (planner_opts(p, *arg, "type", &opts) < 0)
		return -1;
	type = qemuopts_get(&opts, "type");
	if (type == NULL || strcmp(type, "tap") != 0)
		return planner_refuse(p, "type=%s: only tap can be confined",
		                      type != NULL ? type : "");
	return plan_tap(p, &opts, arg);
}

int plan_net_none(struct planner *p, char **arg)
{
	if (strcmp(*arg, "none") != 0)
		return planner_refuse(p,
		                      "%s: only none can be confined (interfaces are given "
		                      "with -netdev tap)",
		                      *arg);
	return PLANNER_KEEP;
}
