/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options about the process and the domain: who it is, what it inherits, which machine. */
#include <string.h>

#include "planner.h"
#include "util.h"

/* DOMID_FIRST_RESERVED - 1, xen/public/xen.h. */
#define DOMID_MAX 0x7fef

int plan_xen_domid(struct planner *p, char **arg)
{
	uint64_t domid;

	if (p->have_domid)
		return planner_refuse(p, "%s: given twice", *arg);
	if (!parse_u64(*arg, 1, DOMID_MAX, &domid))
		return planner_refuse(p, "%s: not a domain id between 1 and %d", *arg, DOMID_MAX);
	p->plan->domid = (uint16_t)domid;
	p->have_domid = true;
	return PLANNER_KEEP;
}

int plan_battery(struct planner *p, char **arg)
{
	(void)arg;
	p->plan->battery = true;
	return PLANNER_DROP;
}

int plan_domid_restrict(struct planner *p, char **arg)
{
	(void)arg;
	p->plan->dm_restrict = true;
	return PLANNER_DROP; /* an fd that is restricted already refuses a second restriction */
}

int plan_nodefaults(struct planner *p, char **arg)
{
	(void)arg;
	p->nodefaults = true;
	return PLANNER_KEEP;
}

int plan_drop(struct planner *p, char **arg)
{
	(void)p;
	(void)arg;
	return PLANNER_DROP;
}

int plan_runas(struct planner *p, char **arg)
{
	return planner_set_once(p, &p->plan->run_as, *arg) < 0 ? -1 : PLANNER_DROP;
}

int plan_chroot(struct planner *p, char **arg)
{
	if (**arg != '/')
		return planner_refuse(p, "%s: not an absolute path", *arg);
	return planner_set_once(p, &p->plan->chroot_dir, *arg) < 0 ? -1 : PLANNER_DROP;
}

int plan_run_with(struct planner *p, char **arg)
{
	static const char *const keys[] = {"user", "chroot", NULL};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *user, *dir;

	if (planner_opts(p, *arg, NULL, &opts) < 0 || planner_only(p, &opts, keys) < 0)
		return -1;
	user = qemuopts_get(&opts, "user");
	dir = qemuopts_get(&opts, "chroot");
	if (dir != NULL && dir[0] != '/')
		return planner_refuse(p, "chroot=%s: not an absolute path", dir);
	if (user != NULL && planner_set_once(p, &p->plan->run_as, user) < 0)
		return -1;
	if (dir != NULL && planner_set_once(p, &p->plan->chroot_dir, dir) < 0)
		return -1;
	return PLANNER_DROP;
}

int plan_name(struct planner *p, char **arg)
{
	static const char *const keys[] = {"guest", "process", "debug-threads", NULL};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *name;

	if (planner_opts(p, *arg, "guest", &opts) < 0 || planner_only(p, &opts, keys) < 0)
		return -1;
	name = qemuopts_get(&opts, "guest");
	return name != NULL ? planner_set_once(p, &p->plan->name, name) : PLANNER_KEEP;
}

int plan_incoming(struct planner *p, char **arg)
{
	if (p->plan->incoming)
		return planner_refuse(p, "%s: given twice", *arg);
	if (strncmp(*arg, "fd:", 3) == 0) {
		if (planner_keep_fd(p, *arg + 3) < 0)
			return -1;
	} else if (strcmp(*arg, "defer") != 0) {
		return planner_refuse(p, "%s: neither fd:NUMBER nor defer", *arg);
	}
	p->plan->incoming = true;
	return PLANNER_KEEP;
}

int plan_add_fd(struct planner *p, char **arg)
{
	static const char *const keys[] = {"fd", "set", "opaque", NULL};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *fd;

	if (planner_opts(p, *arg, NULL, &opts) < 0 || planner_only(p, &opts, keys) < 0)
		return -1;
	fd = qemuopts_get(&opts, "fd");
	if (fd == NULL)
		return planner_refuse(p, "%s: fd= is missing", *arg);
	return planner_keep_fd(p, fd);
}

static int take_accel(struct planner *p, const char *accel)
{
	if (strcmp(accel, "xen") != 0)
		return planner_refuse(p, "accel=%s: only the Xen accelerator is confined", accel);
	p->accel_xen = true;
	return 0;
}

int plan_accel(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	const char *accel;

	if (planner_opts(p, *arg, "accel", &opts) < 0)
		return -1;
	accel = qemuopts_get(&opts, "accel");
	return take_accel(p, accel != NULL ? accel : "");
}

int plan_machine(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	const char *type, *accel;
	bool igd;

	if (planner_opts(p, *arg, "type", &opts) < 0)
		return -1;
	type = qemuopts_get(&opts, "type");
	accel = qemuopts_get(&opts, "accel");
	if (type != NULL && strcmp(type, "xenpv") == 0)
		return planner_refuse(p, "xenpv: only HVM device models are confined (PV backends "
		                         "need grants)");
	if (accel != NULL && take_accel(p, accel) < 0)
		return -1;
	if (planner_bool(p, &opts, "igd-passthru", false, &igd) < 0)
		return -1;
	if (igd)
		return planner_refuse(p, "igd-passthru=on: takes a PCI device of the host");
	if (type != NULL && strcmp(type, "none") == 0)
		p->machine_none = true;
	return planner_check_values(p, "machine", &opts);
}
