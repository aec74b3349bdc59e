/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the plan library: the state of one plan_parse() and the handlers of QEMU's options.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "plan.h"
#include "qemuopts.h"

struct planner {
	struct plan *plan;
	struct error *err;
	const char
	        *option; /* the one being handled, without dashes: every message starts with it */

	bool have_domid;
	bool nodefaults;   /* -nodefaults */
	bool machine_none; /* -machine none: the probe */
	bool accel_xen;
	uint64_t pages; /* what all devices so far may populate */

	/* Which word of plan->argv gets ",fd=N" when all inherited numbers are known. */
	size_t listener_arg[PLAN_MAX_LISTENERS];
	size_t tap_arg[PLAN_MAX_TAPS];
};

/* What becomes of an option when it has been handled. */
enum {
	PLANNER_KEEP = 0,
	PLANNER_DROP = 1
};

/*
 * Handles one option. *arg is its argument, or NULL if the option takes none; a handler that
 * rewrites it frees the old one. Returns PLANNER_KEEP or PLANNER_DROP, or -1 with p->err set.
 */
typedef int planner_handler(struct planner *p, char **arg);

/* plan.c: what the handlers share. All that return an int return -1 with p->err set. */

/* Writes "-OPTION: ..." and returns -1. */
int planner_refuse(struct planner *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int planner_no_memory(struct planner *p);

/* qemuopts_parse() for this option; refuses JSON and a key given twice. */
int planner_opts(struct planner *p, const char *arg, const char *implied, struct qemuopts *ret);

/* Like planner_opts(), for the options in which QEMU collects the values of equal keys. */
int planner_multi_opts(struct planner *p, const char *arg, const char *implied,
                       struct qemuopts *ret);

/* Refuses a key that matches none of the fnmatch(3) patterns; the list ends with NULL. */
int planner_only(struct planner *p, const struct qemuopts *opts, const char *const patterns[]);

int planner_bool(struct planner *p, const struct qemuopts *opts, const char *key, bool dflt,
                 bool *ret);

/* Replaces *arg by the text of opts. */
int planner_rewrite(struct planner *p, const struct qemuopts *opts, char **arg);

/* Keeps the number of an inherited fd. */
int planner_keep_fd(struct planner *p, const char *number);

/* Sets a string of the plan that may be given once and not be empty. */
int planner_set_once(struct planner *p, char **slot, const char *value);

/* plan-file.c */
int planner_file(struct planner *p, const char *path, bool writable);
/* Like planner_file(), read-only, but a name without "/" is one in QEMU's data directories. */
int planner_data_file(struct planner *p, const char *name);
/*
 * Looks at every value of an option that passes otherwise (its name without aliases): plans the
 * files that its keys are known to name, refuses a value that names another resource of the host.
 */
int planner_check_values(struct planner *p, const char *option, const struct qemuopts *opts);

planner_handler plan_drive, plan_blockdev, plan_image, plan_cdrom, plan_boot_file, plan_data_file,
        plan_keys;

/* plan-process.c */
planner_handler plan_battery, plan_xen_domid, plan_domid_restrict, plan_nodefaults, plan_runas,
        plan_chroot, plan_run_with, plan_name, plan_incoming, plan_add_fd, plan_machine, plan_accel,
        plan_drop;

/* plan-chardev.c */
planner_handler plan_chardev, plan_legacy_chardev;

/* plan-net.c */
planner_handler plan_netdev, plan_net_none;

/* plan-display.c */
planner_handler plan_vnc, plan_spice, plan_display;

/* plan-device.c */
planner_handler plan_device, plan_vga, plan_usbdevice, plan_object, plan_global, plan_audio;
