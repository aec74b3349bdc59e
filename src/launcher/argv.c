/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "argv.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* One option of QEMU 7.2 to 10.x. Without handle and why it is passed on as it is. */
struct option {
	const char *name;
	bool has_arg;
	planner_handler *handle;
	const char *why; /* refused: a clause without full stop */
};

/* clang-format off */
#define FLAG(name)            { name, false, NULL, NULL }
#define FLAG_DO(name, handle) { name, false, handle, NULL }
#define FLAG_NO(name, why)    { name, false, NULL, why }
#define ARG(name)             { name, true, NULL, NULL }
#define ARG_DO(name, handle)  { name, true, handle, NULL }
#define ARG_NO(name, why)     { name, true, NULL, why }
/* clang-format on */

static const char why_directory[] = "names a directory of the host";
static const char why_write[] = "writes a file of the host";
static const char why_accel[] = "only the Xen accelerator is confined";
static const char why_pv[] = "only HVM device models are confined (PV backends need grants)";
static const char why_test[] = "a test interface of QEMU";
static const char why_tcp[] = "a debugger could attach";

static const struct option options[] = {
        /* The process */
        ARG_DO("xen-domid", plan_xen_domid),
        FLAG_DO("qemu-depriv-probe", plan_battery), /* ours, not QEMU's */
        FLAG_DO("xen-domid-restrict", plan_domid_restrict),
        FLAG_NO("xen-attach", why_pv),
        ARG_DO("runas", plan_runas),
        ARG_DO("chroot", plan_chroot),
        ARG_DO("run-with", plan_run_with),
        ARG_DO("sandbox", plan_drop), /* Debian's Xen build has none; ours is tighter */
        ARG_DO("name", plan_name),
        ARG_DO("incoming", plan_incoming),
        ARG_DO("add-fd", plan_add_fd),
        FLAG_DO("nodefaults", plan_nodefaults),
        FLAG("no-user-config"),
        FLAG("S"),
        FLAG("preconfig"),
        FLAG("no-reboot"),
        FLAG("no-shutdown"),
        ARG("action"),
        ARG("msg"),
        ARG("compat"),
        ARG("overcommit"),
        FLAG("h"),
        FLAG("help"),
        FLAG("version"),
        FLAG_NO("daemonize", "the toolstack watches the process that it started"),
        FLAG_NO("async-teardown", "QEMU may not start processes"),
        ARG_NO("pidfile", why_write),
        ARG_NO("D", "QEMU's log is the one that the toolstack opened"),
        ARG_NO("readconfig", "options in a file are not in the plan"),
        ARG_NO("writeconfig", why_write),
        ARG_NO("set", "changes options that the plan has read already"),
        ARG_NO("L", why_directory),
        ARG_NO("plugin", "loads code into QEMU"),

        /* Machine */
        ARG_DO("machine", plan_machine),
        ARG_DO("M", plan_machine),
        ARG_DO("accel", plan_accel),
        FLAG_NO("enable-kvm", why_accel),
        ARG("cpu"),
        ARG("smp"),
        ARG("m"),
        ARG("numa"),
        ARG("uuid"),
        ARG("rtc"),
        ARG("seed"),
        ARG_DO("k", plan_data_file),
        FLAG("no-acpi"),
        FLAG("no-hpet"),
        FLAG("no-fd-bootchk"),
        FLAG("win2k-hack"),
        FLAG("only-migratable"),
        FLAG("mem-prealloc"),
        ARG("watchdog"),
        ARG("watchdog-action"),
        ARG_NO("mem-path", why_directory),
        ARG_NO("icount", why_accel),
        ARG_NO("acpitable", "hvmloader takes the ACPI tables from the toolstack"),
        ARG_NO("loadvm", "a guest is restored with -incoming"),
        ARG_NO("dump-vmstate", why_write),

        /* Boot */
        ARG("append"),
        ARG_DO("kernel", plan_boot_file),
        ARG_DO("initrd", plan_boot_file),
        ARG_DO("dtb", plan_boot_file),
        ARG_DO("shim", plan_boot_file),
        ARG_DO("bios", plan_data_file),
        ARG_DO("boot", plan_keys),
        ARG_DO("smbios", plan_keys),
        ARG_DO("fw_cfg", plan_keys),
        ARG_DO("option-rom", plan_keys),

        /* Disks */
        ARG_DO("drive", plan_drive),
        ARG_DO("blockdev", plan_blockdev),
        ARG_DO("hda", plan_image),
        ARG_DO("hdb", plan_image),
        ARG_DO("hdc", plan_image),
        ARG_DO("hdd", plan_image),
        ARG_DO("fda", plan_image),
        ARG_DO("fdb", plan_image),
        ARG_DO("sd", plan_image),
        ARG_DO("mtdblock", plan_image),
        ARG_DO("pflash", plan_image),
        ARG_DO("cdrom", plan_cdrom),
        FLAG_NO("snapshot", "needs a temporary file on the host"),
        ARG_NO("iscsi", "connects to the network"),
        ARG_NO("fsdev", why_directory),
        ARG_NO("virtfs", why_directory),

        /* Network */
        ARG_DO("netdev", plan_netdev),
        ARG_DO("net", plan_net_none),
        ARG_DO("nic", plan_net_none),

        /* Character devices */
        ARG_DO("chardev", plan_chardev),
        ARG_DO("serial", plan_legacy_chardev),
        ARG_DO("parallel", plan_legacy_chardev),
        ARG_DO("monitor", plan_legacy_chardev),
        ARG_DO("qmp", plan_legacy_chardev),
        ARG_DO("qmp-pretty", plan_legacy_chardev),
        ARG_DO("debugcon", plan_legacy_chardev),
        ARG("mon"),
        ARG("echr"),
        ARG_NO("gdb", why_tcp),
        FLAG_NO("s", why_tcp),

        /* Display and sound */
        ARG_DO("vnc", plan_vnc),
        ARG_DO("spice", plan_spice),
        ARG_DO("display", plan_display),
        ARG_DO("vga", plan_vga),
        ARG_DO("audio", plan_audio),
        ARG_DO("audiodev", plan_audio),
        ARG("soundhw"),
        ARG("g"),
        ARG("rotate"),
        FLAG("nographic"),
        FLAG("full-screen"),
        FLAG("portrait"),
        FLAG("audio-help"),

        /* Devices */
        ARG_DO("device", plan_device),
        ARG_DO("usbdevice", plan_usbdevice),
        ARG_DO("object", plan_object),
        ARG_DO("global", plan_global),
        ARG_NO("tpmdev", "takes a TPM of the host"),
        FLAG("usb"),

        /* Debugging QEMU */
        ARG("d"),
        ARG("dfilter"),
        FLAG("singlestep"),
        FLAG("one-insn-per-tick"),
        FLAG("enable-sync-profile"),
        ARG_DO("trace", plan_keys),
        FLAG_NO("perfmap", why_write),
        FLAG_NO("jitdump", why_write),
        ARG_NO("qtest", why_test),
        ARG_NO("qtest-log", why_test),
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

bool argv_names_resource(const char *value)
{
	static const char *const signs[] = {
	        "/",       "tcp:",  "udp:",  "unix:", "vsock:", "rdma:",
	        "telnet:", "exec:", "pipe:", "nbd:",  "json:",  "file:",
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (strncmp(value, signs[i], strlen(signs[i])) == 0)
			return true;
	}
	return false;
}

/* The same for the argument of an unknown option, whose syntax is unknown too. */
static bool has_resource(const char *arg)
{
	static const char *const keys[] = {"path=", "file=", "filename=", "dir=", "host=", "fd="};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strstr(arg, keys[i]) != NULL)
			return true;
	}
	while (!argv_names_resource(arg)) {
		arg = strpbrk(arg, "=:,");
		if (arg == NULL)
			return false;
		arg++;
	}
	return true;
}

/* Messages and logs are one line each, and no path of libxl's has a control character. */
static bool is_one_line(const char *word)
{
	for (const unsigned char *c = (const unsigned char *)word; *c != '\0'; c++) {
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return false;
	}
	return true;
}

static int append(struct planner *p, char *word)
{
	if (word == NULL)
		return planner_no_memory(p);
	p->plan->argv[p->plan->argc++] = word;
	return 0;
}

/* An option QEMU may know and this table does not: for QEMU to judge, if it is only words. */
static int pass_unknown(struct planner *p, const char *word, const char *arg)
{
	if (has_resource(word) || (arg != NULL && has_resource(arg)))
		return planner_refuse(p, "%s: an unknown option that names a resource of the host",
		                      arg != NULL ? arg : word);
	if (append(p, strdup(word)) < 0)
		return -1;
	return arg != NULL ? append(p, strdup(arg)) : 0;
}

static int handle_known(struct planner *p, const struct option *opt, const char *word,
                        const char *text)
{
	char *arg = NULL;
	int r = PLANNER_KEEP;

	if (opt->why != NULL)
		return planner_refuse(p, "%s", opt->why);
	if (text != NULL) {
		arg = strdup(text);
		if (arg == NULL)
			return planner_no_memory(p);
	}
	if (opt->handle != NULL)
		r = opt->handle(p, &arg);
	if (r == PLANNER_KEEP)
		r = append(p, strdup(word));
	if (r == PLANNER_KEEP && arg != NULL)
		return append(p, arg);
	free(arg);
	return r < 0 ? -1 : 0;
}

/* Handles the option at argv[i]; returns how many words it took, or -1. */
static int handle_one(struct planner *p, int argc, char *const argv[], int i)
{
	const char *word = argv[i];
	const char *next = i + 1 < argc ? argv[i + 1] : NULL;
	const struct option *opt;
	bool has_arg;

	if (!is_one_line(word))
		return error_set(p->err, "argument %d: control character", i);
	if (word[0] != '-')
		return error_set(p->err, "%s: not an option (disks are named with -drive)", word);
	p->option = word + (word[1] == '-' ? 2 : 1); /* as QEMU does */
	opt = find_option(p->option);
	has_arg = opt != NULL ? opt->has_arg : next != NULL && next[0] != '-';

	if (has_arg && next == NULL)
		return planner_refuse(p, "needs an argument");
	if (has_arg && !is_one_line(next))
		return planner_refuse(p, "control character in its argument");
	if (opt == NULL ? pass_unknown(p, word, has_arg ? next : NULL) < 0
	                : handle_known(p, opt, word, has_arg ? next : NULL) < 0)
		return -1;
	return has_arg ? 2 : 1;
}

int argv_handle(struct planner *p, int argc, char *const argv[])
{
	for (int i = 1; i < argc;) {
		int n = handle_one(p, argc, argv, i);

		if (n < 0)
			return -1;
		i += n;
	}
	return 0;
}
