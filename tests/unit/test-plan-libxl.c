/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole command lines as libxl of Xen 4.17 and 4.20 builds them
 * (libxl__build_device_model_args_new() in tools/libs/light/libxl_dm.c).
 */
#include "plan-fixture.h"

#define VGA_PAGES (16 * 256 + 32) /* 16 MiB and the BIOS */

/* 4.17, no dm_restrict: VNC, a disk image, an empty CD drive, a nic, a serial console. */
static void test_417(void **state)
{
	struct plan plan = accepted(WORDS(
	        "-xen-domid", "3", "-no-shutdown", "-chardev",
	        "socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-3,server=on,wait=off", "-mon",
	        "chardev=libxl-cmd,mode=control", "-chardev",
	        "socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-3,server=on,wait=off",
	        "-mon", "chardev=libxenstat-cmd,mode=control", "-nodefaults", "-no-user-config",
	        "-name", "web 1", "-vnc", "127.0.0.1:0,to=99", "-display", "none", "-serial", "pty",
	        "-device", "VGA,vgamem_mb=16", "-boot", "order=cd", "-usb", "-usbdevice", "tablet",
	        "-smp", "2,maxcpus=4", "-device",
	        "rtl8139,id=nic0,netdev=net0,mac=00:16:3e:fd:0a:11", "-netdev",
	        "type=tap,id=net0,ifname=vif3.0-emu,br=xenbr0,script=no,downscript=no", "-machine",
	        "xenfv,suppress-vmdesc=on", "-m", "1008", "-drive",
	        "if=none,readonly=on,id=ide-5632", "-device",
	        "ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0", "-drive",
	        "file=/srv/web.img,if=ide,index=0,media=disk,format=raw,cache=writeback"));

	(void)state;
	assert_int_equal(plan.mode, PLAN_GUEST);
	assert_int_equal(plan.domid, 3);
	assert_string_equal(plan.name, "web 1");
	assert_null(plan.run_as);
	assert_null(plan.chroot_dir);
	assert_false(plan.dm_restrict);
	assert_false(plan.incoming);
	assert_int_equal(plan.extra_pages, VGA_PAGES + 128);
	assert_int_equal(plan.ptys, 1);
	assert_int_equal(plan.n_files, 1);
	assert_file(&plan, 0, "/srv/web.img", true);
	assert_int_equal(plan.n_listeners, 2);
	assert_listener(&plan, 0, "/var/run/xen/qmp-libxl-3", 3);
	assert_listener(&plan, 1, "/var/run/xen/qmp-libxenstat-3", 4);
	assert_int_equal(plan.n_taps, 1);
	assert_tap(&plan, 0, "vif3.0-emu", 5);
	assert_int_equal(plan.n_inets, 1);
	assert_inet(&plan, 0, "127.0.0.1", 5900, 5999);
	assert_int_equal(plan.n_keep_fds, 0);
	assert_argv(
	        &plan,
	        WORDS("-xen-domid", "3", "-no-shutdown", "-chardev",
	              "socket,id=libxl-cmd,server=on,wait=off,fd=3", "-mon",
	              "chardev=libxl-cmd,mode=control", "-chardev",
	              "socket,id=libxenstat-cmd,server=on,wait=off,fd=4", "-mon",
	              "chardev=libxenstat-cmd,mode=control", "-nodefaults", "-no-user-config",
	              "-name", "web 1", "-vnc", "127.0.0.1:0,to=99", "-display", "none", "-serial",
	              "pty", "-device", "VGA,vgamem_mb=16", "-boot", "order=cd", "-usb",
	              "-usbdevice", "tablet", "-smp", "2,maxcpus=4", "-device",
	              "rtl8139,id=nic0,netdev=net0,mac=00:16:3e:fd:0a:11", "-netdev",
	              "type=tap,id=net0,fd=5", "-machine", "xenfv,suppress-vmdesc=on", "-m", "1008",
	              "-drive", "if=none,readonly=on,id=ide-5632", "-device",
	              "ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0", "-drive",
	              "file=/srv/web.img,if=ide,index=0,media=disk,format=raw,cache=writeback"));
	plan_free(&plan);
}

/* 4.17, dm_restrict, restoring; the monitor's and the state's numbers are in the way. */
static void test_417_restricted_restore(void **state)
{
	struct plan plan = accepted(WORDS(
	        "-xen-domid", "12", "-no-shutdown", "-chardev",
	        "socket,id=libxl-cmd,fd=4,server=on,wait=off", "-S", "-mon",
	        "chardev=libxl-cmd,mode=control", "-chardev",
	        "socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-12,server=on,wait=off",
	        "-mon", "chardev=libxenstat-cmd,mode=control", "-nodefaults", "-no-user-config",
	        "-name", "db", "-vnc", "none", "-display", "none", "-k", "de", "-nographic",
	        "-device", "cirrus-vga,vgamem_mb=8", "-boot", "order=c", "-device",
	        "e1000,id=nic0,netdev=net0,mac=00:16:3e:00:00:01", "-netdev",
	        "type=tap,id=net0,ifname=vif12.0-emu,br=xenbr0,script=no,downscript=no",
	        "-xen-domid-restrict", "-chroot", "/var/run/xen/qemu-root-12", "-incoming", "fd:3",
	        "-machine", "pc,accel=xen,suppress-vmdesc=on,max-ram-below-4g=3221225472", "-m",
	        "504", "-device", "ahci,id=ahci0", "-drive",
	        "file=/dev/vg0/db,if=none,id=ahcidisk-0,format=raw,cache=writeback", "-device",
	        "ide-hd,bus=ahci0.0,unit=0,drive=ahcidisk-0", "-runas", "131084:131072"));

	(void)state;
	assert_int_equal(plan.domid, 12);
	assert_string_equal(plan.run_as, "131084:131072");
	assert_string_equal(plan.chroot_dir, "/var/run/xen/qemu-root-12");
	assert_true(plan.dm_restrict);
	assert_true(plan.incoming);
	assert_int_equal(plan.extra_pages, 0);
	assert_int_equal(plan.n_keep_fds, 2);
	assert_int_equal(plan.keep_fds[0], 4);
	assert_int_equal(plan.keep_fds[1], 3);
	assert_int_equal(plan.n_listeners, 1);
	assert_listener(&plan, 0, "/var/run/xen/qmp-libxenstat-12", 5);
	assert_tap(&plan, 0, "vif12.0-emu", 6);
	assert_int_equal(plan.n_inets, 0);
	assert_int_equal(plan.n_files, 1);
	assert_file(&plan, 0, "/dev/vg0/db", true);
	assert_argv(&plan,
	            WORDS("-xen-domid", "12", "-no-shutdown", "-chardev",
	                  "socket,id=libxl-cmd,fd=4,server=on,wait=off", "-S", "-mon",
	                  "chardev=libxl-cmd,mode=control", "-chardev",
	                  "socket,id=libxenstat-cmd,server=on,wait=off,fd=5", "-mon",
	                  "chardev=libxenstat-cmd,mode=control", "-nodefaults", "-no-user-config",
	                  "-name", "db", "-vnc", "none", "-display", "none", "-k", "de",
	                  "-nographic", "-device", "cirrus-vga,vgamem_mb=8", "-boot", "order=c",
	                  "-device", "e1000,id=nic0,netdev=net0,mac=00:16:3e:00:00:01", "-netdev",
	                  "type=tap,id=net0,fd=6", "-incoming", "fd:3", "-machine",
	                  "pc,accel=xen,suppress-vmdesc=on,max-ram-below-4g=3221225472", "-m",
	                  "504", "-device", "ahci,id=ahci0", "-drive",
	                  "file=/dev/vg0/db,if=none,id=ahcidisk-0,format=raw,cache=writeback",
	                  "-device", "ide-hd,bus=ahci0.0,unit=0,drive=ahcidisk-0"));
	plan_free(&plan);
}

/* 4.20, dm_restrict with a QEMU that has -run-with; SCSI disk, CD, two nics, USB 2, channels. */
static void test_420_restricted(void **state)
{
	struct plan plan = accepted(WORDS(
	        "-xen-domid", "32751", "-no-shutdown", "-chardev",
	        "socket,id=libxl-cmd,fd=18,server=on,wait=off", "-S", "-mon",
	        "chardev=libxl-cmd,mode=control", "-chardev",
	        "socket,id=libxenstat-cmd,path=/var/run/xen/"
	        "qmp-libxenstat-32751,server=on,wait=off",
	        "-mon", "chardev=libxenstat-cmd,mode=control", "-chardev", "pty,id=libxl-channel0",
	        "-chardev", "socket,id=libxl-channel1,path=/run/agent.sock,server=on,wait=off",
	        "-nodefaults", "-no-user-config", "-name", "big", "-vnc",
	        "[::1]:5,password=on,to=99", "-display", "none", "-device", "lsi53c895a", "-serial",
	        "pty", "-serial", "null", "-device", "qxl-vga,vram_size_mb=64,ram_size_mb=64",
	        "-boot", "order=dc", "-device",
	        "ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on", "-device",
	        "ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d.0,multifunction=on",
	        "-device", "intel-hda", "-device", "hda-duplex", "-no-acpi", "-smp", "8", "-device",
	        "virtio-net-pci,id=nic0,netdev=net0,mac=00:16:3e:00:00:02", "-netdev",
	        "type=tap,id=net0,ifname=vif32751.0-emu,br=br0,script=no,downscript=no", "-device",
	        "e1000e,id=nic1,netdev=net1,mac=00:16:3e:00:00:03", "-netdev",
	        "type=tap,id=net1,ifname=vif32751.1-emu,br=br1,script=no,downscript=no",
	        "-xen-domid-restrict", "-run-with", "chroot=/var/run/xen/qemu-root-32751",
	        "-machine", "xenfv,suppress-vmdesc=on", "-m", "8064", "-drive",
	        "file=/srv/a b.qcow2,id=scsi0-hd0,format=qcow2,if=none,readonly=on,cache=writeback",
	        "-device", "scsi-hd,drive=scsi0-hd0,scsi-id=0", "-drive",
	        "if=none,readonly=on,id=ide-5632,file=/srv/cd.iso,format=raw", "-device",
	        "ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0", "-device",
	        "xen-pvdevice,device-id=0xc000", "-run-with", "user=163823:131072"));

	(void)state;
	assert_int_equal(plan.domid, 32751);
	assert_string_equal(plan.run_as, "163823:131072");
	assert_string_equal(plan.chroot_dir, "/var/run/xen/qemu-root-32751");
	assert_true(plan.dm_restrict);
	/* ram and vram of 64 MiB, twice 16 MiB for VGA, BIOS and ROM, two nics */
	assert_int_equal(plan.extra_pages, (64 + 64 + 32) * 256 + 36 + 2 * 128);
	assert_int_equal(plan.ptys, 2);
	assert_int_equal(plan.n_keep_fds, 1);
	assert_int_equal(plan.keep_fds[0], 18);
	assert_int_equal(plan.n_listeners, 2);
	assert_listener(&plan, 0, "/var/run/xen/qmp-libxenstat-32751", 3);
	assert_listener(&plan, 1, "/run/agent.sock", 4);
	assert_int_equal(plan.n_taps, 2);
	assert_tap(&plan, 0, "vif32751.0-emu", 5);
	assert_tap(&plan, 1, "vif32751.1-emu", 6);
	assert_inet(&plan, 0, "::1", 5905, 5999);
	assert_int_equal(plan.n_files, 2);
	assert_file(&plan, 0, "/srv/a b.qcow2", false);
	assert_file(&plan, 1, "/srv/cd.iso", false);
	for (size_t i = 0; i < plan.argc; i++) {
		assert_string_not_equal(plan.argv[i], "-run-with");
		assert_string_not_equal(plan.argv[i], "-xen-domid-restrict");
	}
	plan_free(&plan);
}

/* 4.20, no dm_restrict: SPICE with its agent and USB redirection, a direct kernel, no nic. */
static void test_420_spice(void **state)
{
	struct plan plan = accepted(WORDS(
	        "-xen-domid", "1", "-no-shutdown", "-chardev",
	        "socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-1,server=on,wait=off", "-mon",
	        "chardev=libxl-cmd,mode=control", "-chardev",
	        "socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-1,server=on,wait=off",
	        "-mon", "chardev=libxenstat-cmd,mode=control", "-nodefaults", "-no-user-config",
	        "-name", "desk", "-vnc", "none", "-display", "none", "-kernel", "/boot/vmlinuz",
	        "-initrd", "/boot/initrd.img", "-append", "root=/dev/xvda1 path=/x unix:y",
	        "-spice", "port=6000,tls-port=0,addr=0.0.0.0,password=a,,b,agent-mouse=on",
	        "-device", "virtio-serial", "-chardev", "spicevmc,id=vdagent,name=vdagent",
	        "-device", "virtserialport,chardev=vdagent,name=com.redhat.spice.0", "-device",
	        "VGA,vgamem_mb=16", "-boot", "order=c", "-device", "nec-usb-xhci,id=usb",
	        "-chardev", "spicevmc,name=usbredir,id=usbrc1", "-device",
	        "usb-redir,chardev=usbrc1,id=usbrc1", "-net", "none", "-machine",
	        "xenfv,suppress-vmdesc=on", "-m", "2032"));

	(void)state;
	assert_inet(&plan, 0, "0.0.0.0", 6000, 6000);
	assert_int_equal(plan.n_inets, 1);
	assert_int_equal(plan.n_files, 2);
	assert_file(&plan, 0, "/boot/vmlinuz", false);
	assert_file(&plan, 1, "/boot/initrd.img", false);
	assert_int_equal(plan.ptys, 0);
	assert_int_equal(plan.n_taps, 0);
	assert_int_equal(plan.extra_pages, VGA_PAGES);
	plan_free(&plan);
}

/* 4.20 asks QEMU for its options before each start. */
static void test_420_probe(void **state)
{
	const char *const *words =
	        WORDS("-S", "-no-user-config", "-nodefaults", "-nographic", "-machine",
	              "none,accel=xen", "-chardev", "socket,id=libxl-cmd,fd=16,server=on,wait=off",
	              "-mon", "chardev=libxl-cmd,mode=control");
	struct plan plan = accepted(words);

	(void)state;
	assert_int_equal(plan.mode, PLAN_PROBE);
	assert_int_equal(plan.domid, 0);
	assert_int_equal(plan.n_keep_fds, 1);
	assert_int_equal(plan.keep_fds[0], 16);
	assert_int_equal(plan.extra_pages, 0);
	assert_argv(&plan, words);
	plan_free(&plan);
}

/* What libxl starts for a PV guest, or for the backends of a driver domain. */
static void test_pv_refused(void **state)
{
	(void)state;
	assert_refused(WORDS("-xen-domid", "4", "-no-shutdown", "-nodefaults", "-no-user-config",
	                     "-xen-attach", "-name", "pv", "-vnc", "none", "-display", "none",
	                     "-machine", "xenpv", "-m", "513"),
	               "-xen-attach: only HVM device models are confined (PV backends need "
	               "grants)");
	assert_refused(WORDS("-xen-domid", "4", "-name", "domain-4", "-nographic", "-M", "xenpv",
	                     "-monitor", "/dev/null"),
	               "-M: xenpv: only HVM device models are confined (PV backends need "
	               "grants)");
}

/* COLO, graphics passthrough and SDL are the options of libxl's that cannot be confined. */
static void test_colo_refused(void **state)
{
	(void)state;
	assert_refused(WORDS(GUEST, "-chardev",
	                     "socket,id=mirror0,host=10.0.0.1,port=9003,server=on,wait=off"),
	               "-chardev: host: not a key that can be confined");
	assert_refused(
	        WORDS(GUEST, "-object", "filter-redirector,id=rs1,netdev=net0,queue=tx,indev=red0"),
	        "-object: filter-redirector: not an object that can be confined");
	assert_refused(WORDS(GUEST, "-object", "colo-compare,id=c1,primary_in=a,secondary_in=b"),
	               "-object: colo-compare: not an object that can be confined");
	assert_refused(WORDS(GUEST, "-drive", "if=ide,driver=quorum,children.0.file.filename=/a"),
	               "-drive: children.0.file.filename: not a key that can be confined");
	assert_refused(WORDS(GUEST, "-drive", "if=none,driver=replication,file=/a"),
	               "-drive: driver=replication: not a format within one file");
	assert_refused(WORDS(GUEST, "-machine", "xenfv,suppress-vmdesc=on,igd-passthru=on"),
	               "-machine: igd-passthru=on: takes a PCI device of the host");
	assert_refused(WORDS(GUEST, "-display", "sdl"),
	               "-display: sdl: needs a display of the host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_417),
	        cmocka_unit_test(test_417_restricted_restore),
	        cmocka_unit_test(test_420_restricted),
	        cmocka_unit_test(test_420_spice),
	        cmocka_unit_test(test_420_probe),
	        cmocka_unit_test(test_pv_refused),
	        cmocka_unit_test(test_colo_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
