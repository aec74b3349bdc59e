/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Emulated devices: which can be confined, and how much guest memory they need. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "devices.h"
#include "planner.h"
#include "util.h"

static bool is_one_of(const char *word, const char *const words[])
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static const char *get_property(const void *opaque, const char *key)
{
	return qemuopts_get(opaque, key);
}

static int add_device(struct planner *p, const char *driver, const struct qemuopts *opts)
{
	const char *why = device_refusal(driver);
	const char *key;
	uint64_t pages;

	if (why != NULL)
		return planner_refuse(p, "%s: %s", driver, why);
	if (device_pages(driver, get_property, opts, &pages, &key) < 0)
		return planner_refuse(p, "%s: %s=%s: not a plain number", driver, key,
		                      qemuopts_get(opts, key));
	p->pages += pages;
	if (p->pages > DEVICE_PAGES_MAX)
		return planner_refuse(p, "%s: the devices need %" PRIu64 " pages, more than %u",
		                      driver, p->pages, DEVICE_PAGES_MAX);
	return 0;
}

int plan_device(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	const char *driver;

	if (planner_opts(p, *arg, "driver", &opts) < 0)
		return -1;
	driver = qemuopts_get(&opts, "driver");
	if (driver == NULL)
		return planner_refuse(p, "%s: the driver is missing", *arg);
	if (add_device(p, driver, &opts) < 0)
		return -1;
	return planner_check_values(p, "device", &opts);
}

int plan_vga(struct planner *p, char **arg)
{
	static const struct {
		const char *name;
		const char *driver; /* NULL: no device */
	} cards[] = {
	        {"none", NULL},           {"std", "VGA"},
	        {"cirrus", "cirrus-vga"}, {"vmware", "vmware-svga"},
	        {"qxl", "qxl-vga"},       {"virtio", "virtio-vga"},
	};
	static const struct qemuopts no_properties;

	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		if (strcmp(cards[i].name, *arg) != 0)
			continue;
		return cards[i].driver != NULL ? add_device(p, cards[i].driver, &no_properties) : 0;
	}
	return planner_refuse(p, "%s: not a card that can be confined", *arg);
}

int plan_usbdevice(struct planner *p, char **arg)
{
	static const char *const names[] = {"tablet",       "mouse", "keyboard",
	                                    "wacom-tablet", "ccid",  NULL};

	if (!is_one_of(*arg, names))
		return planner_refuse(p, "%s: not an emulated device", *arg);
	return PLANNER_KEEP;
}

int plan_object(struct planner *p, char **arg)
{
	static const char *const types[] = {"secret",         "iothread",   "rng-builtin",
	                                    "throttle-group", "authz-list", "authz-simple",
	                                    "main-loop",      NULL};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *type;

	if (planner_opts(p, *arg, "qom-type", &opts) < 0)
		return -1;
	type = qemuopts_get(&opts, "qom-type");
	if (type == NULL || !is_one_of(type, types))
		return planner_refuse(p, "%s: not an object that can be confined",
		                      type != NULL ? type : "");
	if (qemuopts_get(&opts, "file") != NULL)
		return planner_refuse(p, "%s: file=%s: names a file of the host", type,
		                      qemuopts_get(&opts, "file"));
	return PLANNER_KEEP;
}

int plan_global(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);

	if (planner_opts(p, *arg, NULL, &opts) < 0)
		return -1;
	/* driver.property=value, or driver=...,property=...,value=... */
	for (size_t i = 0; i < opts.n; i++) {
		const struct qemuopt *opt = &opts.opt[i];
		const char *dot = strrchr(opt->key, '.');
		const char *property = dot != NULL ? dot + 1 : opt->value;

		if (property != NULL && device_sizes_memory(property))
			return planner_refuse(
			        p, "%s: set it with -device, where the plan counts it", *arg);
	}
	return planner_check_values(p, "global", &opts);
}

int plan_audio(struct planner *p, char **arg)
{
	static const char *const drivers[] = {"none", "spice", NULL};
	struct qemuopts opts cleanup(qemuopts_free);
	const char *driver;

	if (planner_opts(p, *arg, "driver", &opts) < 0)
		return -1;
	driver = qemuopts_get(&opts, "driver");
	if (driver == NULL || !is_one_of(driver, drivers))
		return planner_refuse(p, "%s: needs a sound system of the host", *arg);
	return planner_check_values(p, "audiodev", &opts);
}
