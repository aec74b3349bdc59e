/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every refusal, by its whole message. */
#include "plan-fixture.h"

#define KEY    ": not a key that can be confined"
#define DEVICE ": not a character device that can be confined"
#define HOST   ": names a resource of the host"

struct refusal {
	const char *option;
	const char *arg; /* NULL: none */
	const char *msg;
};

static void refuse_each(const struct refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_refused(WORDS(GUEST, cases[i].option, cases[i].arg), cases[i].msg);
}

static void test_domid(void **state)
{
	static const struct {
		const char *domid, *msg;
	} cases[] = {
	        {"0", "-xen-domid: 0: not a domain id between 1 and 32751"},
	        {"32752", "-xen-domid: 32752: not a domain id between 1 and 32751"},
	        {"65537", "-xen-domid: 65537: not a domain id between 1 and 32751"},
	        {"18446744073709551617",
	         "-xen-domid: 18446744073709551617: not a domain id between 1 and 32751"},
	        {"-1", "-xen-domid: -1: not a domain id between 1 and 32751"},
	        {"+1", "-xen-domid: +1: not a domain id between 1 and 32751"},
	        {" 1", "-xen-domid:  1: not a domain id between 1 and 32751"},
	        {"1x", "-xen-domid: 1x: not a domain id between 1 and 32751"},
	        {"0x1", "-xen-domid: 0x1: not a domain id between 1 and 32751"},
	        {"", "-xen-domid: : not a domain id between 1 and 32751"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(WORDS("-nodefaults", "-xen-domid", cases[i].domid), cases[i].msg);
	assert_refused(WORDS(GUEST, "-xen-domid", "8"), "-xen-domid: 8: given twice");
	assert_refused(WORDS("-xen-domid"), "-xen-domid: needs an argument");
	assert_refused(WORDS("-nodefaults", "-machine", "xenfv"), "-xen-domid: missing");
	assert_refused(WORDS("-machine", "none"), "-xen-domid: missing");
	assert_refused((const char *const[]){NULL}, "-xen-domid: missing");
}

static void test_probe(void **state)
{
	static const char msg[] = "-machine none: a probe gets an inherited monitor socket and no "
	                          "other file, socket or interface";

	(void)state;
	assert_refused(WORDS("-machine", "none,accel=xen", "-drive", "file=/a"), msg);
	assert_refused(WORDS("-machine", "none,accel=xen", "-vnc", ":0"), msg);
	assert_refused(WORDS("-machine", "none,accel=xen", "-serial", "pty"), msg);
	assert_refused(WORDS("-machine", "none,accel=xen", "-netdev", "tap,ifname=a"), msg);
	assert_refused(
	        WORDS("-machine", "none,accel=xen", "-chardev", "socket,id=a,path=/a,server=on"),
	        msg);
}

static void test_command_line(void **state)
{
	struct plan plan;
	struct error err;

	(void)state;
	assert_int_equal(plan_parse(0, NULL, &plan, &err), -1);
	assert_string_equal(err.msg, "empty command line");
	assert_refused(WORDS("-xen-domid", "7"),
	               "-nodefaults: missing, and QEMU's default devices are not in the plan");
	assert_refused(WORDS(GUEST, "/disk.img"),
	               "/disk.img: not an option (disks are named with -drive)");
	assert_refused(WORDS(GUEST, ""), ": not an option (disks are named with -drive)");
	assert_refused(WORDS(GUEST, "-name", "a\nb"), "-name: control character in its argument");
	assert_refused(WORDS(GUEST, "-na\x1bme", "b"), "argument 4: control character");
	assert_refused(WORDS(GUEST, "-drive"), "-drive: needs an argument");
	assert_refused(WORDS(GUEST, "-new", "/dev/mem"),
	               "-new: /dev/mem: an unknown option that names a resource of the host");
	assert_refused(WORDS(GUEST, "-new", "a=1,b=unix:/x"),
	               "-new: a=1,b=unix:/x: an unknown option that names a resource of the host");
	assert_refused(WORDS(GUEST, "-new", "x,path=y"),
	               "-new: x,path=y: an unknown option that names a resource of the host");
	assert_refused(WORDS(GUEST, "-new=/dev/mem"),
	               "-new=/dev/mem: -new=/dev/mem: an unknown option that names a resource of "
	               "the host");
}

static const struct refusal process[] = {
        {"-daemonize", NULL, "-daemonize: the toolstack watches the process that it started"},
        {"-pidfile", "/x", "-pidfile: writes a file of the host"},
        {"-D", "/x", "-D: QEMU's log is the one that the toolstack opened"},
        {"-readconfig", "/x", "-readconfig: options in a file are not in the plan"},
        {"-set", "drive.a.file=/x", "-set: changes options that the plan has read already"},
        {"-L", "/x", "-L: names a directory of the host"},
        {"-plugin", "/x.so", "-plugin: loads code into QEMU"},
        {"-runas", "", "-runas: empty"},
        {"-chroot", "x", "-chroot: x: not an absolute path"},
        {"-run-with", "chroot=x", "-run-with: chroot=x: not an absolute path"},
        {"-run-with", "async-teardown=on", "-run-with: async-teardown" KEY},
        {"-run-with", "user=", "-run-with: empty"},
        {"-run-with", "user=a,user=b", "-run-with: user is given twice"},
        {"-incoming", "tcp:0:4444", "-incoming: tcp:0:4444: neither fd:NUMBER nor defer"},
        {"-incoming", "exec:sh", "-incoming: exec:sh: neither fd:NUMBER nor defer"},
        {"-incoming", "fd:2",
         "-incoming: fd 2: not a file descriptor's number between 3 and 1048575"},
        {"-incoming",
         "fd:", "-incoming: fd : not a file descriptor's number between 3 and 1048575"},
        {"-add-fd", "set=1", "-add-fd: set=1: fd= is missing"},
        {"-name", "a,process=b,c=d", "-name: c" KEY},
        {"-loadvm", "x", "-loadvm: a guest is restored with -incoming"},
        {"-gdb", "tcp::1234", "-gdb: a debugger could attach"},
        {"-s", NULL, "-s: a debugger could attach"},
        {"-machine", "pc,accel=kvm", "-machine: accel=kvm: only the Xen accelerator is confined"},
        {"-accel", "tcg", "-accel: accel=tcg: only the Xen accelerator is confined"},
        {"-machine", "pc,dumpdtb=/x", "-machine: dumpdtb=/x" HOST},
        {"-machine", "pc,new=/x", "-machine: new=/x" HOST},
        {"-machine", "pc,igd-passthru=2", "-machine: igd-passthru=2: neither on nor off"},
};

static void test_process(void **state)
{
	(void)state;
	refuse_each(process, ARRAY_SIZE(process));
	assert_refused(WORDS(GUEST, "-runas", "a", "-run-with", "user=b"),
	               "-run-with: b: given twice (first as a)");
	assert_refused(WORDS(GUEST, "-chroot", "/a", "-chroot", "/b"),
	               "-chroot: /b: given twice (first as /a)");
	assert_refused(WORDS(GUEST, "-incoming", "defer", "-incoming", "fd:3"),
	               "-incoming: fd:3: given twice");
	assert_refused(WORDS(GUEST, "-add-fd", "fd=5,set=1", "-incoming", "fd:5"),
	               "-incoming: fd 5 is given twice");
}

static const struct refusal character_devices[] = {
        {"-chardev", "socket,id=a,path=/a",
         "-chardev: socket,id=a,path=/a: a socket must be listening (server=on)"},
        {"-chardev", "socket,id=a,path=/a,noserver",
         "-chardev: socket,id=a,path=/a,noserver: a socket must be listening (server=on)"},
        {"-chardev", "socket,id=a,server=on",
         "-chardev: socket,id=a,server=on: a socket needs either path= or fd="},
        {"-chardev", "socket,id=a,server=on,path=/a,fd=3",
         "-chardev: socket,id=a,server=on,path=/a,fd=3: a socket needs either path= or "
         "fd="},
        {"-chardev", "socket,id=a,server=maybe,path=/a",
         "-chardev: server=maybe: neither on nor off"},
        {"-chardev", "socket,id=a,path=a,server=on", "-chardev: path=a: not an absolute path"},
        {"-chardev", "socket,id=a,path=,server=on", "-chardev: path=: not an absolute path"},
        {"-chardev", "socket,id=a,path=/a,server=on,path=/b", "-chardev: path is given twice"},
        {"-chardev", "socket,id=a,fd=2,server=on",
         "-chardev: fd 2: not a file descriptor's number between 3 and 1048575"},
        {"-chardev", "socket,id=a,fd=monitor-fd,server=on",
         "-chardev: fd monitor-fd: not a file descriptor's number between 3 and 1048575"},
        {"-chardev", "socket,id=a,fd=4294967299,server=on",
         "-chardev: fd 4294967299: not a file descriptor's number between 3 and 1048575"},
        {"-chardev", "socket,id=a,port=4444,server=on", "-chardev: port" KEY},
        {"-chardev", "socket,id=a,path=/a,server=on,tls-creds=t", "-chardev: tls-creds" KEY},
        {"-chardev", "socket,id=a,path=/a,server=on,abstract=on", "-chardev: abstract" KEY},
        {"-chardev", "socket,id=a,path=/a,server=on,logfile=/l", "-chardev: logfile" KEY},
        {"-chardev", "file,id=a,path=/a", "-chardev: file" DEVICE},
        {"-chardev", "pipe,id=a,path=/a", "-chardev: pipe" DEVICE},
        {"-chardev", "udp,id=a,port=1", "-chardev: udp" DEVICE},
        {"-chardev", "serial,id=a,path=/dev/ttyS0", "-chardev: serial" DEVICE},
        {"-chardev", "parallel,id=a,path=/dev/lp0", "-chardev: parallel" DEVICE},
        {"-chardev", "braille,id=a", "-chardev: braille" DEVICE},
        {"-chardev", "dbus,id=a", "-chardev: dbus" DEVICE},
        {"-chardev", "pty,id=a,path=/link", "-chardev: path=/link: names a file of the host"},
        {"-chardev", "null,id=a,logfile=/l", "-chardev: logfile=/l: names a file of the host"},
        {"-chardev", "", "-chardev: : the kind of device is missing"},
        {"-chardev", "{\"id\":\"a\"}", "-chardev: JSON is not understood, only key=value,..."},
        {"-chardev", "socket,=x", "-chardev: an empty key"},
        {"-serial", "tcp::4444,server", "-serial: tcp::4444,server" DEVICE},
        {"-serial", "udp::1", "-serial: udp::1" DEVICE},
        {"-serial", "unix:/a,server,nowait", "-serial: unix:/a,server,nowait" DEVICE},
        {"-serial", "file:/a", "-serial: file:/a" DEVICE},
        {"-serial", "pipe:/a", "-serial: pipe:/a" DEVICE},
        {"-serial", "/dev/ttyS0", "-serial: /dev/ttyS0" DEVICE},
        {"-serial", "ptyx", "-serial: ptyx" DEVICE},
        {"-serial", "mon:mon:stdio", "-serial: mon:mon:stdio" DEVICE},
        {"-parallel", "/dev/parport0", "-parallel: /dev/parport0" DEVICE},
        {"-monitor", "telnet::1", "-monitor: telnet::1" DEVICE},
        {"-qmp", "unix:/q,server", "-qmp: unix:/q,server" DEVICE},
};

static void test_character_devices(void **state)
{
	(void)state;
	refuse_each(character_devices, ARRAY_SIZE(character_devices));
	assert_refused(WORDS(GUEST, "-chardev", "socket,id=a,path=/a,server=on", "-chardev",
	                     "socket,id=b,path=/a,server=on"),
	               "-chardev: path=/a: given twice");
	assert_refused(WORDS(GUEST, "-chardev", "socket,id=a,fd=3,server=on", "-chardev",
	                     "socket,id=b,fd=3,server=on"),
	               "-chardev: fd 3 is given twice");
}

/* A unix socket's path has 107 bytes and a NUL: sun_path. */
static void test_long_socket_path(void **state)
{
	char arg[] = "socket,id=a,server=on,path=/................................"
	             "........................................................................"
	             "...";
	struct plan plan;
	struct error err;

	(void)state;
	assert_int_equal(strlen(strchr(arg, '/')), 108);
	assert_int_equal(parse_words(WORDS(GUEST, "-chardev", arg), &plan, &err), -1);
	assert_non_null(strstr(err.msg, ": too long for a unix socket"));
	arg[sizeof(arg) - 2] = '\0';
	plan = accepted(WORDS(GUEST, "-chardev", arg));
	plan_free(&plan);
}

static const struct refusal files[] = {
        {"-drive", "file=relative.img", "-drive: relative.img: not an absolute path"},
        {"-drive", "file=nbd:host:1", "-drive: nbd:host:1: not an absolute path"},
        {"-drive", "file=json:{}", "-drive: json:{}: not an absolute path"},
        {"-drive", "file=http://host/a", "-drive: http://host/a: not an absolute path"},
        {"-drive", "file=fat:/dir", "-drive: fat:/dir: not an absolute path"},
        {"-drive", "file=host_device:/dev/sda",
         "-drive: host_device:/dev/sda: not an absolute path"},
        {"-drive", "file", "-drive: on: not an absolute path"},
        {"-drive", "file=/a,file.filename=/b", "-drive: both file= and file.filename= are given"},
        {"-drive", "file=/a,file=/b", "-drive: file is given twice"},
        {"-drive", "file=/a,backing.file.filename=/b", "-drive: backing.file.filename" KEY},
        {"-drive", "file.driver=nbd,file.host=h", "-drive: file.host" KEY},
        {"-drive", "file.driver=nbd", "-drive: file.driver=nbd: not a format within one file"},
        {"-drive", "file=/a,format=vvfat", "-drive: format=vvfat: not a format within one file"},
        {"-drive", "file=/a,driver=blkdebug",
         "-drive: driver=blkdebug: not a format within one file"},
        {"-drive", "file=/a,readonly=perhaps", "-drive: readonly=perhaps: neither on nor off"},
        {"-drive", "file=/a,snapshot=on",
         "-drive: snapshot=on: needs a temporary file on the host"},
        {"-drive", "/a", "-drive: /a" KEY},
        {"-snapshot", NULL, "-snapshot: needs a temporary file on the host"},
        {"-blockdev", "driver=nbd,server.host=h",
         "-blockdev: driver=nbd: only plain files and devices are confined"},
        {"-blockdev", "driver=qcow2,file=n",
         "-blockdev: driver=qcow2: only plain files and devices are confined"},
        {"-blockdev", "node-name=n",
         "-blockdev: driver=: only plain files and devices are confined"},
        {"-blockdev", "driver=file,node-name=n", "-blockdev: filename= is missing"},
        {"-blockdev", "driver=file,filename=/a,pr-manager=p", "-blockdev: pr-manager" KEY},
        {"-blockdev", "{\"driver\":\"file\"}",
         "-blockdev: JSON is not understood, only key=value,..."},
        {"-hda", "nbd:x", "-hda: nbd:x: not an absolute path"},
        {"-cdrom", "", "-cdrom: : not an absolute path"},
        {"-kernel", "vmlinuz", "-kernel: vmlinuz: not an absolute path"},
        {"-bios", "sub/bios.bin", "-bios: sub/bios.bin: not an absolute path"},
        {"-k", "../../etc/shadow", "-k: ../../etc/shadow: not an absolute path"},
        {"-boot", "order=c,splash=a/b", "-boot: a/b: not an absolute path"},
        {"-boot", "new=/x", "-boot: new=/x" HOST},
        {"-fw_cfg", "name=a,file=b", "-fw_cfg: b: not an absolute path"},
        {"-trace", "enable=x,file=/y", "-trace: file=/y" HOST},
        {"-acpitable", "file=/a", "-acpitable: hvmloader takes the ACPI tables from the toolstack"},
        {"-virtfs", "local,path=/", "-virtfs: names a directory of the host"},
        {"-fsdev", "local,id=a,path=/", "-fsdev: names a directory of the host"},
        {"-iscsi", "password=secret", "-iscsi: connects to the network"},
        {"-mem-path", "/dev/hugepages", "-mem-path: names a directory of the host"},
};

static void test_files(void **state)
{
	(void)state;
	refuse_each(files, ARRAY_SIZE(files));
}

static void test_long_path(void **state)
{
	char arg[5 + 4096 + 1] = "file=";
	struct plan plan;
	struct error err;

	(void)state;
	memset(arg + 5, '/', 4096);
	assert_int_equal(parse_words(WORDS(GUEST, "-drive", arg), &plan, &err), -1);
	arg[5 + 4095] = '\0'; /* PATH_MAX counts the NUL */
	plan = accepted(WORDS(GUEST, "-drive", arg));
	plan_free(&plan);
}

static const struct refusal network[] = {
        {"-netdev", "user,id=n", "-netdev: type=user: only tap can be confined"},
        {"-netdev", "socket,id=n,listen=:1", "-netdev: type=socket: only tap can be confined"},
        {"-netdev", "vde,id=n", "-netdev: type=vde: only tap can be confined"},
        {"-netdev", "bridge,id=n,br=b", "-netdev: type=bridge: only tap can be confined"},
        {"-netdev", "l2tpv3,id=n", "-netdev: type=l2tpv3: only tap can be confined"},
        {"-netdev", "id=n", "-netdev: type=: only tap can be confined"},
        {"-netdev", "tap,id=n", "-netdev: tap,id=n: a tap needs either ifname= or fd="},
        {"-netdev", "tap,id=n,ifname=a,fd=3",
         "-netdev: tap,id=n,ifname=a,fd=3: a tap needs either ifname= or fd="},
        {"-netdev", "tap,ifname=", "-netdev: ifname=: not an interface name"},
        {"-netdev", "tap,ifname=sixteen-bytes-xx",
         "-netdev: ifname=sixteen-bytes-xx: not an interface name"},
        {"-netdev", "tap,ifname=a/b", "-netdev: ifname=a/b: not an interface name"},
        {"-netdev", "tap,ifname=a b", "-netdev: ifname=a b: not an interface name"},
        {"-netdev", "tap,ifname=vif%d", "-netdev: ifname=vif%d: not an interface name"},
        {"-netdev", "tap,ifname=a:b", "-netdev: ifname=a:b: not an interface name"},
        {"-netdev", "tap,ifname=..", "-netdev: ifname=..: not an interface name"},
        {"-netdev", "tap,ifname=a,script=/etc/qemu-ifup",
         "-netdev: script=/etc/qemu-ifup: must be no"},
        {"-netdev", "tap,ifname=a,downscript=x", "-netdev: downscript=x: must be no"},
        {"-netdev", "tap,ifname=a,vhost=on", "-netdev: vhost=on: needs a device of the host"},
        {"-netdev", "tap,ifname=a,helper=/h", "-netdev: helper" KEY},
        {"-netdev", "tap,id=n,fds=3:4", "-netdev: fds" KEY},
        {"-netdev", "tap,id=n,fd=1",
         "-netdev: fd 1: not a file descriptor's number between 3 and 1048575"},
        {"-net", "user",
         "-net: user: only none can be confined (interfaces are given with -netdev tap)"},
        {"-nic", "tap,ifname=a",
         "-nic: tap,ifname=a: only none can be confined (interfaces are given with "
         "-netdev tap)"},
};

static void test_network(void **state)
{
	(void)state;
	refuse_each(network, ARRAY_SIZE(network));
	assert_refused(WORDS(GUEST, "-netdev", "tap,ifname=a", "-netdev", "tap,ifname=a"),
	               "-netdev: ifname=a: given twice");
}

static const struct refusal displays[] = {
        {"-vnc", "example.org:0", "-vnc: example.org: not a numeric address"},
        {"-vnc", "127.1:0", "-vnc: 127.1: not a numeric address"},
        {"-vnc", "[fe80::1%eth0]:0", "-vnc: fe80::1%eth0: not a numeric address"},
        {"-vnc", "127.0.0.1", "-vnc: 127.0.0.1: not HOST:DISPLAY"},
        {"-vnc", "127.0.0.1:", "-vnc: 127.0.0.1:: not HOST:DISPLAY"},
        {"-vnc", "127.0.0.1:-1", "-vnc: 127.0.0.1:-1: not HOST:DISPLAY"},
        {"-vnc", "127.0.0.1:59636", "-vnc: 127.0.0.1:59636: not HOST:DISPLAY"},
        {"-vnc", "", "-vnc: : only HOST:DISPLAY can be confined"},
        {"-vnc", "unix:/a", "-vnc: unix:/a: only HOST:DISPLAY can be confined"},
        {"-vnc", ":5,to=4", "-vnc: to=4: not a display number from 5 to 59635"},
        {"-vnc", ":5,to=59636", "-vnc: to=59636: not a display number from 5 to 59635"},
        {"-vnc", ":0,websocket=on", "-vnc: websocket" KEY},
        {"-vnc", ":0,tls-creds=t", "-vnc: tls-creds" KEY},
        {"-vnc", ":0,reverse=on", "-vnc: reverse" KEY},
        {"-vnc", ":0,sasl", "-vnc: sasl" KEY},
        {"-spice", "port=0,tls-port=0", "-spice: port=0: not a port from 1 to 65535"},
        {"-spice", "port=65536", "-spice: port=65536: not a port from 1 to 65535"},
        {"-spice", "addr=::1", "-spice: port=: not a port from 1 to 65535"},
        {"-spice", "port=0,tls-port=5901", "-spice: tls-port=5901: needs certificates of the host"},
        {"-spice", "port=1,addr=spice.local", "-spice: spice.local: not a numeric address"},
        {"-spice", "unix=on,addr=/a", "-spice: unix" KEY},
        {"-spice", "port=1,x509-dir=/a", "-spice: x509-dir" KEY},
        {"-spice", "port=1,password=secret,,,=", "-spice: an empty key"},
        {"-display", "sdl,gl=on", "-display: sdl,gl=on: needs a display of the host"},
        {"-display", "gtk", "-display: gtk: needs a display of the host"},
        {"-display", "vnc=unix:/a", "-display: unix:/a: only HOST:DISPLAY can be confined"},
        {"-vga", "xenfb", "-vga: xenfb: not a card that can be confined"},
        {"-audiodev", "alsa,id=a", "-audiodev: alsa,id=a: needs a sound system of the host"},
        {"-audiodev", "wav,id=a,path=/x",
         "-audiodev: wav,id=a,path=/x: needs a sound system of the host"},
};

static void test_displays(void **state)
{
	(void)state;
	refuse_each(displays, ARRAY_SIZE(displays));
}

static const struct refusal devices[] = {
        {"-device", "usb-host,hostbus=1", "-device: usb-host: takes a USB device of the host"},
        {"-device", "xen-pci-passthrough,hostaddr=0000:00:1f.0",
         "-device: xen-pci-passthrough: needs hypercalls for a PCI device of the host"},
        {"-device", "vfio-pci,host=0:1.0", "-device: vfio-pci: takes a PCI device of the host"},
        {"-device", "vhost-vsock-pci,guest-cid=3",
         "-device: vhost-vsock-pci: shares the guest's memory with another process"},
        {"-device", "ivshmem-plain,memdev=m",
         "-device: ivshmem-plain: shares memory with other guests"},
        {"-device", "virtio-9p-pci,fsdev=f",
         "-device: virtio-9p-pci: shares a directory of the host"},
        {"-device", "loader,file=/a", "-device: loader: reads a file into the guest's memory"},
        {"-device", "driver=xen-disk,drive=d",
         "-device: xen-disk: needs grants, which cannot be restricted"},
        {"-device", "", "-device: : the driver is missing"},
        {"-device", "VGA,driver=usb-host", "-device: driver is given twice"},
        {"-device", "virtio-rng-pci,filename=/dev/random", "-device: filename=/dev/random" HOST},
        {"-device", "VGA,romfile=a/b", "-device: a/b: not an absolute path"},
        {"-device", "VGA,vgamem_mb=big", "-device: VGA: vgamem_mb=big: not a plain number"},
        {"-device", "VGA,vgamem_mb=513",
         "-device: VGA: the devices need 262176 pages, more than 139264"},
        {"-device", "e1000,romsize=4294967295",
         "-device: e1000: the devices need 1048704 pages, more than 139264"},
        {"-device", "VGA,vgamem_mb=4294967295",
         "-device: VGA: the devices need 1099511627808 pages, more than 139264"},
        {"-global", "VGA.vgamem_mb=64",
         "-global: VGA.vgamem_mb=64: set it with -device, where the plan counts it"},
        {"-global", "driver=e1000,property=romfile,value=x",
         "-global: driver=e1000,property=romfile,value=x: set it with -device, where the "
         "plan counts it"},
        {"-global", "x.path=/dev/mem", "-global: x.path=/dev/mem" HOST},
        {"-usbdevice", "host:1234:5678", "-usbdevice: host:1234:5678: not an emulated device"},
        {"-usbdevice", "braille", "-usbdevice: braille: not an emulated device"},
        {"-tpmdev", "passthrough,id=t", "-tpmdev: takes a TPM of the host"},
        {"-object", "memory-backend-file,id=m,mem-path=/a",
         "-object: memory-backend-file: not an object that can be confined"},
        {"-object", "rng-random,id=r,filename=/dev/random",
         "-object: rng-random: not an object that can be confined"},
        {"-object", "secret,id=s,file=/a", "-object: secret: file=/a: names a file of the host"},
        {"-object", "", "-object: : not an object that can be confined"},
};

static void test_devices(void **state)
{
	(void)state;
	refuse_each(devices, ARRAY_SIZE(devices));
	assert_refused(WORDS(GUEST, "-device", "VGA,vgamem_mb=512", "-device",
	                     "secondary-vga,vgamem_mb=64"),
	               "-device: secondary-vga: the devices need 147488 pages, more than 139264");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_domid),
	        cmocka_unit_test(test_probe),
	        cmocka_unit_test(test_command_line),
	        cmocka_unit_test(test_process),
	        cmocka_unit_test(test_character_devices),
	        cmocka_unit_test(test_long_socket_path),
	        cmocka_unit_test(test_files),
	        cmocka_unit_test(test_long_path),
	        cmocka_unit_test(test_network),
	        cmocka_unit_test(test_displays),
	        cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
