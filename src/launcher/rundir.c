/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/qemu-depriv/DOMID: the command line, the manifest and the counters of a running device
 * model. Root's alone, since a command line may have a password. The monitor removes it at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "launch.h"
#include "manifest.h"
#include "util.h"

/* A second is long for a monitor's cleanup, and not for whoever starts a domain twice. */
#define LOCK_TRIES    100
#define LOCK_PAUSE_MS 10

/* Of a command line, in one system call: libxl's has about 60. */
#define WORDS 128

static const char *const files[] = {"argv", "counters", "manifest"};

/*
 * RUN_DIR, which is root's alone: whoever can open it can lock it, and no domain would start while
 * they do.
 */
static int open_base(struct error *err)
{
	struct stat st;
	int fd;

	if (mkdir(RUN_DIR, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", RUN_DIR);
	fd = open(RUN_DIR, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		close_fdp(&fd);
		return error_errno(err, "%s", RUN_DIR);
	}
	if (st.st_uid != 0 || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		close_fdp(&fd);
		return error_set(err, "%s is not root's alone (mode 0700)", RUN_DIR);
	}
	return fd;
}

/* A monitor whose QEMU has just ended is soon gone; a soft reset starts the next one at once. */
static bool gets_lock(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return false;
}

static void undo(int base, const char *name)
{
	cleanup_fd int dir = openat(base, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(dir, files[i], 0);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

/*
 * What monitors of other domains have left that were killed, or launchers before they were done:
 * directories whose counters nobody has locked. Only with the lock of the base, or one that is just
 * being made would look the same.
 */
static void sweep(int base)
{
	int copy = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	uint64_t domid;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (!parse_u64(entry->d_name, 1, UINT16_MAX, &domid))
			continue;

		cleanup_fd int dir =
		        openat(base, entry->d_name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		cleanup_fd int fd = openat(dir, "counters", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (dir >= 0 && (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0))
			undo(base, entry->d_name);
	}
	if (list != NULL)
		(void)closedir(list);
	else
		close_fdp(&copy);
}

/* What a monitor that was killed has left. A living one's counters are locked. */
static int remove_left_over(int base, const char *name, uint16_t domid, struct error *err)
{
	cleanup_fd int dir = openat(base, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int fd = openat(dir, "counters", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && !gets_lock(fd))
		return error_set(err, "domain %u has a device model already", domid);
	if (dir >= 0)
		undo(base, name);
	return 0;
}

static int make_file(int dir, const char *name, struct error *err)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? error_errno(err, "cannot make %s of %s", name, RUN_DIR) : fd;
}

/* The words, each with its NUL. */
static int write_argv(int dir, int argc, char *const argv[], struct error *err)
{
	cleanup_fd int fd = make_file(dir, "argv", err);
	struct iovec words[WORDS];

	if (fd < 0)
		return -1;
	for (int i = 0; i < argc; i += WORDS) {
		int n = 0;

		for (; n < WORDS && i + n < argc; n++)
			words[n] = (struct iovec){argv[i + n], strlen(argv[i + n]) + 1};
		if (writev(fd, words, n) < 0)
			return error_errno(err, "cannot write argv of %s", RUN_DIR);
	}
	return 0;
}

static int make_counters(int dir, const struct plan *plan, const struct identity *id,
                         uint32_t layers, int *ret_fd, struct error *err)
{
	struct counters_head head = {
	        .magic = COUNTERS_MAGIC,
	        .domid = plan->domid,
	        .uid = id->uid,
	        .pid = getpid(),
	        .layers = layers,
	        .started = (uint64_t)time(NULL),
	};
	cleanup_fd int fd = make_file(dir, "counters", err);

	if (fd < 0)
		return -1;
	if (plan->name != NULL)
		(void)snprintf(head.name, sizeof(head.name), "%s", plan->name);
	if (ftruncate(fd, COUNTERS_SIZE) < 0 || pwrite(fd, &head, sizeof(head), 0) < 0 ||
	    flock(fd, LOCK_SH) < 0)
		return error_errno(err, "cannot write counters of %s", RUN_DIR);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int rundir_make(const struct rundir_content *from, int *ret_counters, struct error *err)
{
	const uint16_t domid = from->plan->domid;
	cleanup_fd int base = open_base(err);
	char name[sizeof("65535")];

	if (base < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "%u", domid);
	/* One launch at a time, until its counters are locked. */
	if (flock(base, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s", RUN_DIR);
	if (remove_left_over(base, name, domid, err) < 0)
		return -1;
	sweep(base);
	if (mkdirat(base, name, 0700) < 0)
		return error_errno(err, "cannot make %s/%s", RUN_DIR, name);

	cleanup_fd int dir = openat(base, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0) {
		(void)error_errno(err, "%s/%s", RUN_DIR, name);
		(void)unlinkat(base, name, AT_REMOVEDIR);
		return -1;
	}
	if (make_counters(dir, from->plan, from->id, from->layers, ret_counters, err) < 0 ||
	    write_argv(dir, from->argc, from->argv, err) < 0) {
		undo(base, name);
		return -1;
	}
	return 0;
}

int rundir_add_manifest(uint16_t domid, int manifest, struct error *err)
{
	char path[sizeof(RUN_DIR "/65535")];
	off_t from = 0;

	(void)snprintf(path, sizeof(path), RUN_DIR "/%u", domid);

	cleanup_fd int dir = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int fd =
	        dir < 0 ? error_errno(err, "%s", path) : make_file(dir, "manifest", err);

	if (fd < 0)
		return -1;
	if (sendfile(fd, manifest, &from, sizeof(struct manifest)) != sizeof(struct manifest))
		return error_errno(err, "cannot write manifest of %s", RUN_DIR);
	return 0;
}

void rundir_undo(uint16_t domid)
{
	cleanup_fd int base = open(RUN_DIR, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[sizeof("65535")];

	(void)snprintf(name, sizeof(name), "%u", domid);
	undo(base, name);
}
