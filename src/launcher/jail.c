/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's world: empty namespaces and a read-only tmpfs with /usr, two device nodes and, for each
 * file of the plan, a thing that stat() sees and open() cannot open.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch.h"
#include "util.h"

/*
 * IPC, network and the rest: nothing of the host's is in them. No pid namespace: a process stays in
 * its own for life, only its children enter a new one, and QEMU must keep the pid that libxl knows.
 */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP)

/* The directories and placeholders are a few hundred bytes each; this is a bound, not a need. */
#define TMPFS_SIZE "1m"

#define TREE_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static const char *const directories[] = {
        "usr", "etc", "dev", "dev/xen", "run", "run/xenstored", "var", "tmp",
};

/* A merged /usr, as Debian has it since 12; and where libxenstore and others look. */
static const struct {
	const char *path, *target;
} links[] = {
        {"bin", "usr/bin"},
        {"lib", "usr/lib"},
        {"lib64", "usr/lib64"},
        {"sbin", "usr/sbin"},
        {"var/run", "/run"},
        /* QEMU >= 9.1 exits unless it can open gntdev. Grants cannot be restricted: this is none.
         */
        {"dev/xen/gntdev", "../null"},
};

/* libxl's question to QEMU about its options needs an accelerator, but no domain. */
static const char probe_privcmd[] = "dev/xen/privcmd";

static const struct {
	const char *source, *target;
	unsigned int attrs;
} binds[] = {
        {"/usr", "usr", TREE_ATTRS},
        {"/etc/ld.so.cache", "etc/ld.so.cache", TREE_ATTRS | MOUNT_ATTR_NOEXEC},
        {"/dev/null", "dev/null", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC},
        {"/dev/urandom", "dev/urandom", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY},
};

static int set_attrs(int fd, const char *path, unsigned int flags, uint64_t set,
                     uint64_t propagation)
{
	struct mount_attr attr = {.attr_set = set, .propagation = propagation};

	return mount_setattr(fd, path, flags, &attr, sizeof(attr));
}

/* Mounts a tmpfs on dir (any directory of the new mount namespace) and enters it. */
static int enter_tmpfs(const char *dir, struct error *err)
{
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", TMPFS_SIZE, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "cannot make the root tmpfs");

	cleanup_fd int mnt = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	if (mnt < 0 || move_mount(mnt, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(mnt) < 0)
		return error_errno(err, "cannot mount the root tmpfs");
	return 0;
}

static int make_skeleton(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (mkdir(directories[i], 0755) < 0)
			return error_errno(err, "cannot make /%s in the new root", directories[i]);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i].target, links[i].path) < 0)
			return error_errno(err, "cannot make /%s in the new root", links[i].path);
	if (plan->mode == PLAN_PROBE && symlink("../null", probe_privcmd) < 0)
		return error_errno(err, "cannot make /%s in the new root", probe_privcmd);
	/* libxenstore looks whether its socket is one; the broker makes the connection. */
	if (mknod("run/xenstored/socket", S_IFSOCK, 0) < 0)
		return error_errno(err, "cannot make /run/xenstored/socket in the new root");
	return 0;
}

/* Copies what /etc/localtime says; the zone itself is below /usr. A host without it has UTC. */
static void copy_localtime(void)
{
	char target[PATH_MAX];
	ssize_t n = readlink("/etc/localtime", target, sizeof(target) - 1);

	if (n < 0)
		return;
	target[n] = '\0';
	(void)!symlink(target, "etc/localtime");
}

static int bind_one(const char *source, const char *target, unsigned int attrs, struct error *err)
{
	cleanup_fd int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat st;

	if (tree < 0 || fstat(tree, &st) < 0 || set_attrs(tree, "", AT_EMPTY_PATH, attrs, 0) < 0)
		return error_errno(err, "cannot clone %s", source);
	if (!S_ISDIR(st.st_mode) && mknod(target, S_IFREG | 0444, 0) < 0)
		return error_errno(err, "cannot make /%s in the new root", target);
	if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "cannot mount /%s in the new root", target);
	return 0;
}

/* The parents of path, one by one; they need not be those of the host. */
static int make_parents(const char *path)
{
	char buf[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(buf))
		return errno = ENAMETOOLONG, -1;
	memcpy(buf, path, len + 1);
	for (char *p = strchr(buf + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(buf, 0755) < 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return 0;
}

/*
 * QEMU looks at the type of an image before it opens it. Mode 0 and, for a block device, a tmpfs
 * without devices: the placeholder itself opens for nobody. What the new root has already (below
 * /usr) needs none.
 */
static int make_placeholder(const char *path, const struct stat *host, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return 0;
	if (make_parents(path) < 0 || mknod(path, host->st_mode & S_IFMT, host->st_rdev) < 0)
		return error_errno(err, "cannot make a placeholder for %s", path);
	return 0;
}

/* The old root goes where the new one is mounted, and then away (pivot_root(2), NOTES). */
static int switch_root(struct error *err)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return error_errno(err, "cannot enter the new root");
	if (umount2(".", MNT_DETACH) < 0)
		return error_errno(err, "cannot leave the old root");
	if (chdir("/") < 0)
		return error_errno(err, "cannot enter /");
	return 0;
}

int jail_enter(const struct plan *plan, const struct resources *res, struct error *err)
{
	(void)umask(0022); /* the modes below are meant, whatever the caller's umask */
	if (unshare(NAMESPACES) < 0)
		return error_errno(err, "cannot make the namespaces");
	/* Nothing that is mounted from now on may be seen outside. */
	if (set_attrs(AT_FDCWD, "/", AT_RECURSIVE, 0, MS_PRIVATE) < 0)
		return error_errno(err, "cannot make the mounts private");
	if (enter_tmpfs("/run", err) < 0 || make_skeleton(plan, err) < 0)
		return -1;
	copy_localtime();
	for (size_t i = 0; i < ARRAY_SIZE(binds); i++)
		if (bind_one(binds[i].source, binds[i].target, binds[i].attrs, err) < 0)
			return -1;
	if (switch_root(err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_files; i++)
		if (make_placeholder(plan->files[i].path, &res->file_stats[i], err) < 0)
			return -1;
	/* What is to be executed is below /usr, which is a mount of its own. */
	if (set_attrs(AT_FDCWD, "/", 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, 0) < 0)
		return error_errno(err, "cannot make the new root read-only");
	return 0;
}
