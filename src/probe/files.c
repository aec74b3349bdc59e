/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files: every class of path by every route. A route to /dev/xen/privcmd counts only if it ends in
 * a raw hypercall: the restricted handle itself is QEMU's to have.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"

#define PRIVCMD "/dev/xen/privcmd"
#define NEW     "qemu-depriv-probe"

/* How a path outside of the tree may fail. */
#define NO_PATH   REFUSED(ENOENT, EACCES, EPERM)
#define READ_ONLY REFUSED(EROFS, EACCES, ENOENT, EPERM)

static int try_open(const struct attempt *self, const struct facts *facts)
{
	(void)facts;
	return outcome_of_fd(open(self->text, (int)self->arg[0] | O_CLOEXEC | O_NOCTTY, 0600));
}

/* text is several paths, one behind the other, each with its NUL: whichever the host has. */
static int try_open_any(const struct attempt *self, const struct facts *facts)
{
	int r = OUTCOME_NOTHING;

	(void)facts;
	for (const char *p = self->text; *p != '\0'; p += strlen(p) + 1) {
		r = outcome_of_fd(open(p, (int)self->arg[0] | O_CLOEXEC | O_NOCTTY));
		if (r == 0)
			break;
	}
	return r;
}

static int try_create(const struct attempt *self, const struct facts *facts)
{
	int fd = open(self->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	(void)facts;
	if (fd >= 0)
		(void)unlink(self->text);
	return outcome_of_fd(fd);
}

/* mkdir, symlink, link and mknod: what they made is removed again. */
static int try_make(const struct attempt *self, const struct facts *facts)
{
	const unsigned long *a = self->arg;
	int r = outcome_of(syscall(self->call, a[0], a[1], a[2], a[3]));

	(void)facts;
	if (r == 0 && rmdir(self->text) < 0)
		(void)unlink(self->text);
	return r;
}

static int from_dir(const struct attempt *self, const struct facts *facts)
{
	cleanup_fd int dir = open(self->text, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)facts;
	if (dir < 0)
		return errno;
	return outcome_of_fd(openat(dir, (const char *)self->arg[0], O_RDONLY | O_CLOEXEC));
}

/* The host's file system is left upwards; the jail's has nothing there. */
static int from_cwd(const struct attempt *self, const struct facts *facts)
{
	(void)facts;
	return outcome_of_fd(openat(AT_FDCWD, self->text, O_RDONLY | O_CLOEXEC));
}

static int by_handle(const struct attempt *self, const struct facts *facts)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = {.h = {.handle_bytes = MAX_HANDLE_SZ}};
	cleanup_fd int mount = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int id;

	(void)facts;
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, self->text, &handle, &id, 0) < 0)
		return errno;
	return outcome_of_fd((int)syscall(SYS_open_by_handle_at, mount, &handle, O_RDONLY));
}

/* Another guest's image, as the host names it, or through its QEMU. */
static int foreign_image(const struct attempt *self, const struct facts *facts)
{
	char path[512];

	if (facts->foreign_image[0] == '\0')
		return OUTCOME_NOTHING;
	if (self->text == NULL)
		(void)snprintf(path, sizeof(path), "%s", facts->foreign_image);
	else
		(void)snprintf(path, sizeof(path), "%s/%d/root%s", self->text, facts->foreign_qemu,
		               facts->foreign_image);
	return outcome_of_fd(open(path, (int)self->arg[0] | O_CLOEXEC));
}

/* An image of the plan, which is there read-only. */
static int own_file(const struct attempt *self, const struct facts *facts)
{
	char path[512];

	if (facts->own_file[0] == '\0')
		return OUTCOME_NOTHING;
	(void)snprintf(path, sizeof(path), "%s%s", self->text, facts->own_file);
	return outcome_of_fd(open(path, (int)self->arg[0] | O_CLOEXEC, 0600));
}

/* fd of some route to privcmd: is it more than QEMU's? */
static int hypercall_through(int fd)
{
	int r = fd < 0 ? errno : raw_hypercall(fd);

	if (fd >= 0)
		(void)close(fd);
	return r;
}

static int route_path(const struct attempt *self, const struct facts *facts)
{
	(void)facts;
	return hypercall_through(open(self->text, (int)self->arg[0] | O_CLOEXEC));
}

static int route_dir(const struct attempt *self, const struct facts *facts)
{
	cleanup_fd int dir = open(self->text, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)facts;
	if (dir < 0)
		return errno;
	return hypercall_through(openat(dir, "privcmd", O_RDWR | O_CLOEXEC));
}

/* Reopening: a new, unrestricted description of what an fd points to. */
static int route_reopen(const struct attempt *self, const struct facts *facts)
{
	cleanup_fd int fd = open(PRIVCMD, (int)self->arg[0] | O_CLOEXEC);
	char path[64];

	(void)facts;
	(void)snprintf(path, sizeof(path), "%s/%d", self->text, fd >= 0 ? fd : 3);
	return hypercall_through(open(path, O_RDWR | O_CLOEXEC));
}

static int route_empty_path(const struct attempt *self, const struct facts *facts)
{
	cleanup_fd int fd = open(PRIVCMD, O_PATH | O_CLOEXEC);
	struct {
		uint64_t flags, mode, resolve;
	} how = {.flags = O_RDWR | O_CLOEXEC};

	(void)self;
	(void)facts;
	(void)fd;
	return hypercall_through((int)syscall(SYS_openat2, AT_FDCWD, PRIVCMD, &how, sizeof(how)));
}

static int route_mknod(const struct attempt *self, const struct facts *facts)
{
	int r;

	if (syscall(SYS_mknod, self->text, S_IFCHR | 0600, facts->privcmd) < 0)
		return errno;
	r = hypercall_through(open(self->text, O_RDWR | O_CLOEXEC));
	(void)unlink(self->text);
	return r;
}

static int route_symlink(const struct attempt *self, const struct facts *facts)
{
	int r;

	(void)facts;
	if (symlink(PRIVCMD, self->text) < 0)
		return errno;
	r = hypercall_through(open(self->text, O_RDWR | O_CLOEXEC));
	(void)unlink(self->text);
	return r;
}

#define OPEN(name, path, flags, no, reason)                                                        \
	{                                                                                          \
		name, try_open, .text = (path), NUMBER(flags), no, .why = (reason)                 \
	}
#define ROUTE(name, path, reason)                                                                  \
	{                                                                                          \
		name, route_path, .text = (path), NUMBER(O_RDWR), NO_PATH, .why = (reason)         \
	}

static const struct attempt files[] = {
        OPEN("etc-shadow", "/etc/shadow", O_RDONLY, NO_PATH, "secrets of the host"),
        OPEN("etc-shadow-dotdot", "/usr/../../../etc/shadow", O_RDONLY, NO_PATH, "out of the root"),
        OPEN("etc-shadow-proc-root", "/proc/self/root/etc/shadow", O_RDONLY, NO_PATH, "by /proc"),
        {"etc-shadow-dirfd", from_dir, .text = "/", NUMBER(P("../../etc/shadow")), NO_PATH,
         .why = "out of the root, from a directory's fd"},
        {"etc-shadow-cwd", from_cwd, .text = "../../../etc/shadow", NO_PATH,
         .why = "out of the root, from the working directory"},
        {"etc-shadow-handle", by_handle, .text = "/etc/shadow", NO_PATH, .why = "without a path"},
        OPEN("etc-passwd", "/etc/passwd", O_RDONLY, NO_PATH, "the host's users"),
        OPEN("etc-hostname", "/etc/hostname", O_RDONLY, NO_PATH, "the host's identity"),
        OPEN("boot", "/boot", O_RDONLY | O_DIRECTORY, NO_PATH, "the kernel"),
        OPEN("var-log-xen", "/var/log/xen", O_RDONLY | O_DIRECTORY, NO_PATH, "other guests' logs"),
        OPEN("var-lib", "/var/lib/dpkg/status", O_RDONLY, NO_PATH, "the host's state"),
        OPEN("run-xen", "/run/xen", O_RDONLY | O_DIRECTORY, NO_PATH, "other guests' sockets"),
        OPEN("proc", "/proc/self/status", O_RDONLY, NO_PATH, "/proc"),
        OPEN("proc-sysrq", "/proc/sysrq-trigger", O_WRONLY, NO_PATH, "the host"),
        OPEN("proc-core-pattern", "/proc/sys/kernel/core_pattern", O_WRONLY, NO_PATH,
             "root runs what is written there"),
        OPEN("proc-kallsyms", "/proc/kallsyms", O_RDONLY, NO_PATH, "the kernel's addresses"),
        OPEN("sys", "/sys/kernel", O_RDONLY | O_DIRECTORY, NO_PATH, "/sys"),
        OPEN("cgroup", "/sys/fs/cgroup/cgroup.procs", O_WRONLY, NO_PATH, "leaves its limits"),
        OPEN("dev-mem", "/dev/mem", O_RDWR, NO_PATH, "the host's memory"),
        OPEN("dev-port", "/dev/port", O_RDWR, NO_PATH, "the host's I/O ports"),
        OPEN("dev-kmsg", "/dev/kmsg", O_RDWR, NO_PATH, "the kernel's log"),
        OPEN("dev-tun", "/dev/net/tun", O_RDWR, NO_PATH, "another interface"),
        OPEN("dev-console", "/dev/console", O_RDWR, NO_PATH, "the host's console"),
        OPEN("dev-ptmx-by-pts", "/dev/pts/ptmx", O_RDWR, NO_PATH,
             "more terminals than the plan has"),
        {"dev-disk", try_open_any, .text = "/dev/sda\0/dev/vda\0/dev/nvme0n1\0/dev/xvda\0",
         NUMBER(O_RDONLY), NO_PATH, .why = "the host's disks"},
        OPEN("xenbus", "/dev/xen/xenbus", O_RDWR, NO_PATH, "xenstore past the filter"),
        OPEN("xenbus-backend", "/dev/xen/xenbus_backend", O_RDWR, NO_PATH, "xenstore's memory"),
        OPEN("hypercall-buffer", "/dev/xen/hypercall", O_RDWR, NO_PATH,
             "buffers that the broker cannot read"),
        OPEN("gntalloc", "/dev/xen/gntalloc", O_RDWR, NO_PATH, "grants pages to other guests"),

        {"foreign-image", foreign_image, NUMBER(O_RDONLY), NO_PATH, .why = "another guest's disk"},
        {"foreign-image-write", foreign_image, NUMBER(O_RDWR), NO_PATH,
         .why = "another guest's disk"},
        {"foreign-image-by-proc", foreign_image, .text = "/proc", NUMBER(O_RDONLY), NO_PATH,
         .why = "another guest's disk, as its QEMU's root has it"},
        {"own-image-write", own_file, .text = "", NUMBER(O_RDWR), REFUSED(EACCES, EROFS),
         .why = "an image that the plan has read-only"},
        {"own-image-write-spelled", own_file, .text = "/.", NUMBER(O_RDWR), REFUSED(EACCES, EROFS),
         .why = "the same under another name"},
        {"own-image-create", own_file, .text = "", NUMBER(O_RDONLY | O_CREAT), REFUSED(EACCES),
         .why = "O_CREAT and O_TRUNC change a file even when it is opened to read"},
        {"own-image-path", own_file, .text = "", NUMBER(O_PATH), REFUSED(EACCES),
         .why = "an fd to link or to open again"},

        ROUTE("privcmd", PRIVCMD, "the handle that is given must be restricted"),
        ROUTE("privcmd-slashes", "//dev//xen/privcmd", "a name that the broker does not know"),
        ROUTE("privcmd-dot", "/dev/./xen/privcmd", "a name that the broker does not know"),
        ROUTE("privcmd-dotdot", "/dev/xen/../xen/privcmd", "a name that the broker does not know"),
        ROUTE("privcmd-relative", "dev/xen/privcmd", "a name that the broker does not know"),
        ROUTE("privcmd-proc-root", "/proc/self/root/dev/xen/privcmd", "another root"),
        ROUTE("privcmd-init-root", "/proc/1/root/dev/xen/privcmd", "the host's root"),
        {"privcmd-dirfd", route_dir, .text = "/dev/xen", NO_PATH,
         .why = "a relative name from a directory's fd"},
        {"privcmd-reopen", route_reopen, .text = "/proc/self/fd", NUMBER(O_RDWR), NO_PATH,
         .why = "reopening gives an unrestricted handle"},
        {"privcmd-reopen-dev-fd", route_reopen, .text = "/dev/fd", NUMBER(O_RDWR), NO_PATH,
         .why = "the same by /dev/fd"},
        {"privcmd-reopen-path", route_reopen, .text = "/proc/self/fd", NUMBER(O_PATH), NO_PATH,
         .why = "the same by an O_PATH fd"},
        {"privcmd-openat2", route_empty_path, REFUSED(ENOSYS, EPERM),
         .why = "a call that the broker does not get"},
        {"privcmd-mknod", route_mknod, .text = "/var/tmp/" NEW, REFUSED(EPERM, EROFS),
         .why = "a node of its own"},
        {"privcmd-symlink", route_symlink, .text = "/var/tmp/" NEW, REFUSED(EPERM, EROFS),
         .why = "a name that it has made"},

        {"create-root", try_create, .text = "/" NEW, READ_ONLY, .why = "a file"},
        {"create-tmp", try_create, .text = "/tmp/" NEW, READ_ONLY, .why = "a file"},
        {"create-run", try_create, .text = "/run/" NEW, READ_ONLY, .why = "a file"},
        {"create-etc", try_create, .text = "/etc/" NEW, READ_ONLY, .why = "a file"},
        {"create-usr", try_create, .text = "/usr/lib/" NEW, READ_ONLY, .why = "a file of the host"},
        {"create-dev", try_create, .text = "/dev/" NEW, READ_ONLY, .why = "a file"},
        OPEN("tmpfile", "/tmp", O_TMPFILE | O_RDWR, READ_ONLY, "a file without a name"),
        OPEN("write-usr", "/usr/lib/os-release", O_RDWR, READ_ONLY, "the host's programs"),
        {"mkdir", try_make, SYS(mkdir, P("/tmp/" NEW), 0700), .text = "/tmp/" NEW, REFUSED(EPERM),
         .why = "a directory"},
        {"link", try_make, SYS(link, P("/usr/bin/su"), P("/usr/bin/" NEW)), .text = "/usr/bin/" NEW,
         REFUSED(EPERM), .why = "another name for a file"},
        {"chmod", SYS(chmod, BAD, 0), REFUSED(EPERM), REACHED(EFAULT), .why = "modes"},
        {"fchmod", SYS(fchmod, -1UL, 0), REFUSED(EPERM), REACHED(EBADF), .why = "modes"},
        {"chown", SYS(chown, BAD, 0, 0), REFUSED(EPERM), REACHED(EFAULT), .why = "owners"},
        {"rename", SYS(rename, BAD, BAD), REFUSED(EPERM), REACHED(EFAULT), .why = "names"},
        {"truncate", SYS(truncate, BAD, 0), REFUSED(EPERM), REACHED(EFAULT), .why = "files"},
        {"setxattr", SYS(setxattr, BAD, BAD, 0, 0, 0), REFUSED(EPERM), REACHED(EFAULT),
         .why = "attributes"},
        {"utimensat", SYS(utimensat, -100UL, BAD, 0, 0), REFUSED(EPERM), REACHED(EFAULT),
         .why = "times"},
        {"chdir", SYS(chdir, P("/")), REFUSED(EPERM), .why = "another working directory"},
        {"flock", SYS(flock, -1UL, 1), REFUSED(EPERM), REACHED(EBADF), .why = "others wait"},
};

const struct group probe_files = GROUP(files, "every class of path by every route");
