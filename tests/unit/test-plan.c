/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each form of each option that the plan accepts, and the numbers and limits of the plan. */
#include "plan-fixture.h"

#include <stdio.h>

static void test_minimal(void **state)
{
	struct plan plan = accepted(WORDS(GUEST));

	(void)state;
	assert_int_equal(plan.mode, PLAN_GUEST);
	assert_int_equal(plan.domid, 7);
	assert_null(plan.name);
	assert_int_equal(plan.extra_pages, 0);
	assert_argv(&plan, WORDS(GUEST));
	plan_free(&plan);
	assert_null(plan.argv);
	plan_free(&plan); /* a freed plan is an empty one */
}

/* QEMU takes --option for -option. */
static void test_two_dashes(void **state)
{
	struct plan plan =
	        accepted(WORDS("--xen-domid", "7", "--nodefaults", "--xen-domid-restrict",
	                       "--runas", "qemu", "--chardev", "socket,id=a,path=/s,server=on"));

	(void)state;
	assert_true(plan.dm_restrict);
	assert_string_equal(plan.run_as, "qemu");
	assert_argv(&plan, WORDS("--xen-domid", "7", "--nodefaults", "--chardev",
	                         "socket,id=a,server=on,fd=3"));
	plan_free(&plan);
}

static void test_stripped(void **state)
{
	struct plan plan =
	        accepted(WORDS(GUEST, "-sandbox", "on,obsolete=deny,elevateprivileges=allow", "-S",
	                       "-run-with", "user=dm,,x,chroot=/var/empty"));

	(void)state;
	assert_string_equal(plan.run_as, "dm,x");
	assert_string_equal(plan.chroot_dir, "/var/empty");
	assert_argv(&plan, WORDS(GUEST, "-S"));
	plan_free(&plan);
}

static void test_unknown_options_pass(void **state)
{
	const char *const *words = WORDS(GUEST, "-brand-new", "-other", "a=b,c=5", "-last");
	struct plan plan = accepted(words);

	(void)state;
	assert_argv(&plan, words);
	plan_free(&plan);
}

static void test_name(void **state)
{
	struct plan plan = accepted(WORDS(GUEST, "-name", "guest=a,,b,debug-threads=on"));

	(void)state;
	assert_string_equal(plan.name, "a,b");
	plan_free(&plan);
}

static void test_socket_forms(void **state)
{
	struct plan plan = accepted(WORDS(
	        GUEST, "-chardev", "socket,id=a,path=/run/a,server,nowait", "-chardev",
	        "backend=socket,id=b,server=yes,path=/run/b,,c d,wait=no", "-chardev",
	        "socket,id=c,fd=3,server=on,wait=off", "-chardev", "socket,id=d,fd=5,server"));

	(void)state;
	assert_int_equal(plan.n_listeners, 2);
	assert_listener(&plan, 0, "/run/a", 4);
	assert_listener(&plan, 1, "/run/b,c d", 6);
	assert_int_equal(plan.n_keep_fds, 2);
	assert_argv(&plan, WORDS(GUEST, "-chardev", "socket,id=a,server,nowait,fd=4", "-chardev",
	                         "backend=socket,id=b,server=yes,wait=no,fd=6", "-chardev",
	                         "socket,id=c,fd=3,server=on,wait=off", "-chardev",
	                         "socket,id=d,fd=5,server"));
	plan_free(&plan);
}

static void test_character_devices(void **state)
{
	const char *const *words = WORDS(
	        GUEST, "-serial", "pty", "-serial", "null", "-serial", "none", "-serial", "stdio",
	        "-serial", "vc", "-serial", "vc:80Cx24C", "-serial", "chardev:libxl-channel0",
	        "-serial", "mon:pty", "-parallel", "none", "-monitor", "pty", "-qmp", "stdio",
	        "-mon", "chardev=a,mode=control", "-chardev", "pty,id=p", "-chardev", "null,id=n",
	        "-chardev", "ringbuf,id=r,size=1024", "-chardev", "stdio,id=s,signal=off",
	        "-chardev", "vc,id=v,cols=80,rows=24", "-chardev", "spicevmc,id=q,name=vdagent");
	struct plan plan = accepted(words);

	(void)state;
	assert_int_equal(plan.ptys, 4);
	assert_argv(&plan, words);
	plan_free(&plan);
}

static void test_drives(void **state)
{
	struct plan plan = accepted(WORDS(
	        GUEST, "-drive", "file=/a,format=raw", "-drive", "file=/b,format=qcow2,readonly=on",
	        "-drive", "file=/c,media=cdrom", "-drive", "if=none,id=empty", "-drive",
	        "if=none,file=,id=empty2", "-drive", "file=/dev/fdset/3,format=raw", "-drive",
	        "driver=raw,file.driver=file,file.filename=/d,read-only=on", "-drive",
	        "file=/e,,f g,readonly,throttling.iops-total=9", "-blockdev",
	        "file,node-name=n,filename=/h", "-blockdev",
	        "driver=host_device,node-name=o,filename=/dev/sdb,read-only=on"));

	(void)state;
	assert_int_equal(plan.n_files, 7);
	assert_file(&plan, 0, "/a", true);
	assert_file(&plan, 1, "/b", false);
	assert_file(&plan, 2, "/c", false);
	assert_file(&plan, 3, "/d", false);
	assert_file(&plan, 4, "/e,f g", false);
	assert_file(&plan, 5, "/h", true);
	assert_file(&plan, 6, "/dev/sdb", false);
	for (size_t i = 0; i < plan.n_files; i++)
		assert_int_equal(plan.files[i].grows, i == 5);
	plan_free(&plan);
}

static void test_short_drives(void **state)
{
	struct plan plan =
	        accepted(WORDS(GUEST, "-hda", "/a,b", "-hdd", "/c", "-fda", "/d", "-cdrom", "/e"));

	(void)state;
	assert_int_equal(plan.n_files, 4);
	assert_file(&plan, 0, "/a,b", true);
	assert_file(&plan, 1, "/c", true);
	assert_file(&plan, 2, "/d", true);
	assert_file(&plan, 3, "/e", false);
	for (size_t i = 0; i < plan.n_files; i++)
		assert_int_equal(plan.files[i].grows, i < 3);
	plan_free(&plan);
}

/* One entry a path; writable if any of its users may write. */
static void test_shared_file(void **state)
{
	struct plan plan = accepted(WORDS(GUEST, "-drive", "file=/a,readonly=on", "-drive",
	                                  "file=/a", "-drive", "file=/a,driver=raw"));
	struct error err;

	(void)state;
	assert_int_equal(plan.n_files, 1);
	assert_file(&plan, 0, "/a", true);
	assert_true(plan.files[0].grows);
	assert_int_equal(plan_add_file(&plan, "/backing", false, NULL, &err), 0);
	assert_int_equal(plan_add_file(&plan, "/a", false, NULL, &err), 0);
	assert_int_equal(plan.n_files, 2);
	assert_file(&plan, 0, "/a", true);
	assert_file(&plan, 1, "/backing", false);
	assert_int_equal(plan_add_file(&plan, "relative", false, NULL, &err), -1);
	assert_string_equal(err.msg, "relative: not an absolute path");
	assert_int_equal(plan_add_file(&plan, "/new\nline", false, NULL, &err), -1);
	plan_free(&plan);
}

/* The attack battery: what only the launcher knows of the option, and its socket's number. */
static void test_battery(void **state)
{
	struct plan plan = accepted(WORDS(
	        GUEST, "-qemu-depriv-probe", "-chardev", "socket,id=a,fd=4,server=on,wait=off",
	        "-chardev", "socket,id=b,path=/run/b,server=on,wait=off", "-netdev",
	        "type=tap,id=net0,ifname=vif1.0-emu,br=xenbr0,script=no,downscript=no"));
	struct error err;
	int fd = -1;

	(void)state;
	assert_true(plan.battery);
	for (size_t i = 0; i < plan.argc; i++)
		assert_string_not_equal(plan.argv[i], "-qemu-depriv-probe");
	assert_int_equal(plan.battery_fd, 0);
	assert_int_equal(plan_add_listener(&plan, "/run/probe", &fd, &err), 0);
	/* Inherited: 4. Assigned: 3, 5. */
	assert_int_equal(fd, 6);
	assert_int_equal(plan.n_listeners, 2);
	assert_int_equal(plan.listeners[1].fd, 6);
	assert_string_equal(plan.listeners[1].path, "/run/probe");
	while (plan.n_listeners < PLAN_MAX_LISTENERS)
		assert_int_equal(plan_add_listener(&plan, "/run/more", &fd, &err), 0);
	assert_int_equal(plan_add_listener(&plan, "/run/more", &fd, &err), -1);
	assert_string_equal(err.msg, "/run/more: more than 32 sockets");
	plan_free(&plan);
}

static void test_boot_files(void **state)
{
	struct plan plan = accepted(
	        WORDS(GUEST, "-kernel", "/k", "-initrd", "/i", "-dtb", "/d", "-bios",
	              "bios-256k.bin", "-bios", "/b", "-boot", "order=c,splash=/s.bmp", "-smbios",
	              "type=11,value=a,value=/not/a/file,path=/oem", "-fw_cfg",
	              "name=opt/org.test/x,file=/fw", "-fw_cfg", "opt/org.test/y,string=/text",
	              "-option-rom", "/rom,bootindex=1", "-machine", "pc,accel=xen,kernel=/mk",
	              "-append", "quiet\tinit=/bin/sh", "-k", "en-us"));
	static const char *const paths[] = {"/k",   "/i",  "/d",   "/b", "/s.bmp",
	                                    "/oem", "/fw", "/rom", "/mk"};

	(void)state;
	assert_int_equal(plan.n_files, ARRAY_SIZE(paths));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_file(&plan, i, paths[i], false);
	plan_free(&plan);
}

static void test_fds(void **state)
{
	const char *const *words = WORDS(GUEST, "-add-fd", "fd=9,set=1,opaque=rdwr:/x", "-netdev",
	                                 "tap,id=n,fd=8", "-incoming", "fd:3");
	struct plan plan = accepted(words);

	(void)state;
	assert_int_equal(plan.n_keep_fds, 3);
	assert_int_equal(plan.keep_fds[0], 9);
	assert_int_equal(plan.keep_fds[1], 8);
	assert_int_equal(plan.keep_fds[2], 3);
	assert_true(plan.incoming);
	assert_argv(&plan, words);
	plan_free(&plan);

	plan = accepted(WORDS(GUEST, "-incoming", "defer", "-device", "VGA"));
	assert_true(plan.incoming);
	assert_int_equal(plan.extra_pages, 0);
	plan_free(&plan);
}

static void test_taps(void **state)
{
	struct plan plan =
	        accepted(WORDS(GUEST, "-netdev", "tap,id=a,ifname=vif7.0-emu,script=no,vhost=off",
	                       "-netdev", "type=tap,ifname=fifteen-bytes-x,id=b,br=xenbr0"));

	(void)state;
	assert_tap(&plan, 0, "vif7.0-emu", 3);
	assert_tap(&plan, 1, "fifteen-bytes-x", 4);
	assert_argv(&plan, WORDS(GUEST, "-netdev", "tap,id=a,vhost=off,fd=3", "-netdev",
	                         "type=tap,id=b,fd=4"));
	plan_free(&plan);
}

static void test_vnc(void **state)
{
	struct plan plan = accepted(
	        WORDS(GUEST, "-vnc", ":1", "-vnc", "0.0.0.0:0,password", "-vnc", "[fe80::1]:3,to=3",
	              "-vnc", "localhost:4,to=7,password=on", "-vnc", "[localhost]:59635",
	              "-display", "vnc=localhost:2,to=0", "-display", "none"));

	(void)state;
	assert_int_equal(plan.n_inets, 6);
	assert_inet(&plan, 0, "", 5901, 5901);
	assert_inet(&plan, 1, "0.0.0.0", 5900, 5900);
	assert_inet(&plan, 2, "fe80::1", 5903, 5903);
	assert_inet(&plan, 3, "127.0.0.1", 5904, 5907);
	assert_inet(&plan, 4, "127.0.0.1", 65535, 65535);
	assert_inet(&plan, 5, "127.0.0.1", 5902, 5902);
	assert_argv(&plan, WORDS(GUEST, "-vnc", ":1", "-vnc", "0.0.0.0:0,password", "-vnc",
	                         "[fe80::1]:3,to=3", "-vnc", "127.0.0.1:4,to=7,password=on", "-vnc",
	                         "127.0.0.1:59635", "-display", "vnc=127.0.0.1:2,to=0", "-display",
	                         "none"));
	plan_free(&plan);
}

static void test_spice(void **state)
{
	struct plan plan = accepted(WORDS(GUEST, "-spice", "port=5930,addr=localhost,password=a,,b",
	                                  "-spice", "port=1,disable-ticketing"));

	(void)state;
	assert_inet(&plan, 0, "127.0.0.1", 5930, 5930);
	assert_inet(&plan, 1, "", 1, 1);
	assert_argv(&plan, WORDS(GUEST, "-spice", "port=5930,addr=127.0.0.1,password=a,,b",
	                         "-spice", "port=1,disable-ticketing"));
	plan_free(&plan);
}

static void test_extra_pages(void **state)
{
	static const struct {
		const char *option, *arg;
		uint32_t pages;
	} cases[] = {
	        {"-device", "VGA", 16 * 256 + 32},
	        {"-device", "VGA,vgamem_mb=32", 32 * 256 + 32},
	        {"-device", "VGA,vgamem_mb=17", 32 * 256 + 32},
	        {"-device", "VGA,romfile=", 16 * 256},
	        {"-device", "VGA,romfile=vgabios.bin", 16 * 256 + 4096},
	        {"-device", "VGA,vgamem_mb=512", 512 * 256 + 32},
	        {"-device", "cirrus-vga", 4 * 256 + 32},
	        {"-device", "driver=cirrus-vga,vgamem_mb=8", 8 * 256 + 32},
	        {"-device", "qxl-vga", (64 + 64 + 32) * 256 + 36},
	        {"-device", "qxl,vram_size_mb=16,ram_size_mb=16", (16 + 16 + 32) * 256 + 4},
	        {"-device", "bochs-display,vgamem=8388608", 8 * 256 + 32},
	        {"-device", "rtl8139,netdev=n", 128},
	        {"-device", "virtio-net-pci,netdev=n,romfile=", 0},
	        {"-device", "e1000,romsize=1048576", 128 + 256},
	        {"-device", "lsi53c895a", 0},
	        {"-device", "nec-usb-xhci,id=usb", 0},
	        {"-device", "lsi53c895a,romfile=/rom", 4096},
	        {"-vga", "std", 16 * 256 + 32},
	        {"-vga", "cirrus", 4 * 256 + 32},
	        {"-vga", "none", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan plan = accepted(WORDS(GUEST, cases[i].option, cases[i].arg));

		if (plan.extra_pages != cases[i].pages)
			fail_msg("%s: %u pages, not %u", cases[i].arg, plan.extra_pages,
			         cases[i].pages);
		plan_free(&plan);
	}
}

static void test_harmless_options(void **state)
{
	const char *const *words = WORDS(
	        GUEST, "-no-shutdown", "-no-user-config", "-global", "ide-hd.serial=x", "-object",
	        "secret,id=s,data=/looks/like/a/path", "-object", "iothread,id=i", "-device",
	        "xen-pvdevice,device-id=0xc000", "-usbdevice", "tablet", "-audiodev", "none,id=a",
	        "-device", "usb-tablet,bus=usb.0,port=1", "-nic", "none", "-net", "none", "-M",
	        "xenfv", "-accel", "xen", "-d", "guest_errors", "-rtc", "base=utc", "-uuid",
	        "8a3b1a2e-0000-4000-8000-000000000001", "-display", "none");
	struct plan plan = accepted(words);

	(void)state;
	assert_int_equal(plan.n_files, 0);
	assert_argv(&plan, words);
	plan_free(&plan);
}

/* The most of everything is accepted, one more is refused. */
static void test_limits(void **state)
{
	static const struct {
		const char *option, *format, *msg;
		size_t max;
	} cases[] = {
	        {"-chardev", "socket,id=c,path=/%zu,server=on",
	         "-chardev: path=/32: more than 32 sockets", PLAN_MAX_LISTENERS},
	        {"-chardev", "socket,id=c,fd=%zu3,server=on",
	         "-chardev: fd 323: more than 32 inherited fds", PLAN_MAX_KEEP},
	        {"-drive", "file=/%zu", "-drive: /64: more than 64 files", PLAN_MAX_FILES},
	        {"-netdev", "tap,id=n,ifname=t%zu", "-netdev: ifname=t32: more than 32 interfaces",
	         PLAN_MAX_TAPS},
	        {"-vnc", "127.0.0.1:%zu", "-vnc: 127.0.0.1: more than 8 TCP listeners",
	         PLAN_MAX_INET},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *words[256] = {GUEST};
		char args[128][64];
		size_t n = 3;
		struct plan plan;

		for (size_t k = 0; k <= cases[i].max; k++) {
			if (k == cases[i].max) {
				plan = accepted(words);
				plan_free(&plan);
			}
			words[n++] = cases[i].option;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			(void)snprintf(args[k], sizeof(args[k]), cases[i].format, k);
#pragma GCC diagnostic pop
			words[n++] = args[k];
		}
		assert_refused(words, cases[i].msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_minimal),
	        cmocka_unit_test(test_two_dashes),
	        cmocka_unit_test(test_stripped),
	        cmocka_unit_test(test_unknown_options_pass),
	        cmocka_unit_test(test_name),
	        cmocka_unit_test(test_socket_forms),
	        cmocka_unit_test(test_character_devices),
	        cmocka_unit_test(test_drives),
	        cmocka_unit_test(test_short_drives),
	        cmocka_unit_test(test_shared_file),
	        cmocka_unit_test(test_battery),
	        cmocka_unit_test(test_boot_files),
	        cmocka_unit_test(test_fds),
	        cmocka_unit_test(test_taps),
	        cmocka_unit_test(test_vnc),
	        cmocka_unit_test(test_spice),
	        cmocka_unit_test(test_extra_pages),
	        cmocka_unit_test(test_harmless_options),
	        cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
