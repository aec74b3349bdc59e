/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>

#include "sweep.h"
#include "util.h"
#include "xenattempt.h"

void die(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("sweep: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, " (%s)\n", strerror(errno));
	exit(3);
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	char *more;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&more, fmt, ap);
	va_end(ap);
	t->s = n < 0 ? NULL : realloc(t->s, t->len + (size_t)n + 1);
	if (t->s == NULL)
		die("out of memory");
	memcpy(t->s + t->len, more, (size_t)n + 1);
	t->len += (size_t)n;
	free(more);
}

void text_free(struct text *t)
{
	free(t->s);
	*t = (struct text){0};
}

static int compare_lines(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void text_sort(struct text *t)
{
	struct text sorted = {0};
	char **lines, *save = NULL;
	size_t n = 0;

	text_add(t, "%s", ""); /* never NULL */
	lines = calloc(t->len + 1, sizeof(*lines));
	if (lines == NULL)
		die("out of memory");
	for (char *line = strtok_r(t->s, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++)
		text_add(&sorted, "%s\n", lines[i]);
	free(lines);
	text_add(&sorted, "%s", "");
	text_free(t);
	*t = sorted;
}

/* The file's bytes with NUL as space, at most 64 KiB; "" if it cannot be read. Caller frees. */
static char *read_all(const char *path)
{
	const size_t size = 1 << 16;
	char *buf = malloc(size + 1);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	if (buf == NULL)
		die("out of memory");
	while (fd >= 0 && n < size && (r = read(fd, buf + n, size - n)) > 0)
		n += (size_t)r;
	for (size_t i = 0; i < n; i++)
		if (buf[i] == '\0')
			buf[i] = ' ';
	buf[n] = '\0';
	return buf;
}

/* Digits in brackets and after "pipe:" and the like are inode numbers. */
static void without_inode(char *s)
{
	char *open = strchr(s, '[');

	if (open != NULL && isdigit((unsigned char)open[1]))
		*open = '\0';
}

static void add_link(struct text *t, const char *what, const char *path)
{
	char target[PATH_MAX];
	const ssize_t n = readlink(path, target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	without_inode(target);
	text_add(t, "%s %s\n", what, target);
}

/* The fields of /proc/PID/status that are about privilege. */
static void add_status(struct text *t, pid_t pid)
{
	static const char *const fields[] = {
	        "Umask:",  "Uid:",    "Gid:",    "Groups:",      "CapInh:",
	        "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",      "SigBlk:",
	        "SigIgn:", "SigCgt:", "Seccomp", "Speculation_", "NoNewPrivs:",
	};
	char path[64], *status, *save = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = read_all(path);
	for (char *line = strtok_r(status, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if (strncmp(line, fields[i], strlen(fields[i])) == 0)
				text_add(t, "status %s\n", line);
	free(status);
}

/* Every filter's program, as a number. */
static void add_filters(struct text *t, pid_t pid)
{
	static struct sock_filter program[BPF_MAXINSNS];

	for (unsigned long i = 0;; i++) {
		const long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, i, program);
		uint64_t sum = 14695981039346656037u; /* FNV-1a */

		if (n < 0)
			break;
		for (size_t k = 0; k < (size_t)n * sizeof(program[0]); k++)
			sum = (sum ^ ((const unsigned char *)program)[k]) * 1099511628211u;
		text_add(t, "filter %lu: %ld instructions, %016llx\n", i, n,
		         (unsigned long long)sum);
	}
}

static void add_namespaces(struct text *t, pid_t pid)
{
	static const char *const names[] = {"mnt", "net", "ipc", "uts", "cgroup", "pid", "user"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char theirs[64], ours[64];
		struct stat a, b;

		(void)snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", pid, names[i]);
		(void)snprintf(ours, sizeof(ours), "/proc/self/ns/%s", names[i]);
		if (stat(theirs, &a) < 0 || stat(ours, &b) < 0)
			die("cannot look at namespaces");
		text_add(t, "namespace %s: %s\n", names[i],
		         a.st_ino == b.st_ino ? "the host's" : "its own");
	}
}

/* Root, mount point, options and type; the numbers before them differ. */
static void add_mounts(struct text *t, pid_t pid)
{
	char path[64], *info, *save = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	info = read_all(path);
	for (char *line = strtok_r(info, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		int skip = 0;

		(void)sscanf(line, "%*d %*d %*s %n", &skip);
		text_add(t, "mount %s\n", line + skip);
	}
	free(info);
}

static const char *result(int r)
{
	return r >= 0 ? "ok" : strerrorname_np(errno);
}

/* What a Xen handle can do, tried on a copy: the restriction belongs to both. */
static void add_attempts(struct text *t, int pidfd, int fd, const char *what, const char *node)
{
	cleanup_fd int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (copy < 0)
		die("cannot copy fd %d", fd);
	if (strcmp(node, "/dev/xen/privcmd") == 0) {
		text_add(t, "%s: raw hypercall %s\n", what, result(xen_raw_hypercall(copy)));
		text_add(t, "%s: DM_OP on dom0 %s\n", what, result(xen_dm_op(copy, 0)));
	} else if (strcmp(node, "/dev/xen/evtchn") == 0) {
		text_add(t, "%s: bind virq %s\n", what, result(xen_bind_virq(copy)));
	}
}

static void add_fd(struct text *t, pid_t pid, int pidfd, int fd)
{
	char path[64], target[PATH_MAX], what[32], *info;
	const char *flags;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	/* A handle gets the next free number, which depends on what could not be closed. */
	(void)snprintf(what, sizeof(what), strncmp(target, "/dev/xen/", 9) == 0 ? "fd" : "fd %d",
	               fd);
	add_link(t, what, path);
	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	info = read_all(path);
	flags = strstr(info, "flags:");
	text_add(t, "%s: %.*s\n", what, (int)strcspn(flags != NULL ? flags : "", "\n"),
	         flags != NULL ? flags : "");
	free(info);
	add_attempts(t, pidfd, fd, what, target);
}

static void add_fds(struct text *t, pid_t pid)
{
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct text fds = {0};
	char path[64];
	struct dirent **entries;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	n = scandir(path, &entries, NULL, versionsort);
	if (n < 0 || pidfd < 0)
		die("cannot look at fds");
	for (int i = 0; i < n; i++) {
		if (isdigit((unsigned char)entries[i]->d_name[0]))
			add_fd(&fds, pid, pidfd, atoi(entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	text_sort(&fds);
	text_add(t, "%s", fds.s);
	text_free(&fds);
}

static void add_folder(struct text *t, const char *what, const char *path)
{
	struct dirent **entries;
	const int n = scandir(path, &entries, NULL, versionsort);

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.')
			text_add(t, "%s %s\n", what, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void add_file(struct text *t, const char *what, pid_t pid, const char *file)
{
	char path[64], *all, *save = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	all = read_all(path);
	for (char *line = strtok_r(all, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		text_add(t, "%s %s\n", what, line);
	free(all);
}

/* Without the numbers of the Xen handles: see add_fd(). */
static void add_environment(struct text *t, pid_t pid)
{
	struct text all = {0};
	const char *fds;

	add_file(&all, "environment", pid, "environ");
	fds = all.s != NULL ? strstr(all.s, "QEMU_DEPRIV_FDS=") : NULL;
	if (fds != NULL)
		text_add(t, "%.*sQEMU_DEPRIV_FDS%s", (int)(fds - all.s), all.s,
		         fds + strcspn(fds, " "));
	else
		text_add(t, "%s", all.s != NULL ? all.s : "");
	text_free(&all);
}

void look_at_process(pid_t pid, struct text *t)
{
	char path[64];

	add_status(t, pid);
	add_filters(t, pid);
	add_namespaces(t, pid);
	add_mounts(t, pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/root/", pid);
	add_folder(t, "root", path);
	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	add_link(t, "cwd", path);
	add_file(t, "limit", pid, "limits");
	add_file(t, "cgroup", pid, "cgroup");
	add_file(t, "oom", pid, "oom_score_adj");
	add_environment(t, pid);
	add_file(t, "argv", pid, "cmdline");
	add_fds(t, pid);
}

/* Processes that are no kernel threads. */
static void add_processes(struct text *t)
{
	struct dirent **entries;
	const int n = scandir("/proc", &entries, NULL, versionsort);

	for (int i = 0; i < n; i++) {
		char path[300], *cmdline;

		(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", entries[i]->d_name);
		cmdline = isdigit((unsigned char)entries[i]->d_name[0]) ? read_all(path) : NULL;
		if (cmdline != NULL && cmdline[0] != '\0')
			text_add(t, "process %s %s\n", entries[i]->d_name, cmdline);
		free(cmdline);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Bound unix sockets by name. */
static void add_sockets(struct text *t)
{
	char *all = read_all("/proc/net/unix"), *save = NULL;

	for (char *line = strtok_r(all, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *path = strchr(line, '/');

		if (path != NULL)
			text_add(t, "socket %s\n", path);
	}
	free(all);
}

static struct text *walk_text;

static int on_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	/* Of a cgroup only the directory; its files are the kernel's. */
	if (type == FTW_D || strncmp(path, "/sys/", 5) != 0)
		text_add(walk_text, "file %s\n", path);
	return 0;
}

void look_at_host(struct text *t)
{
	static const char *const folders[] = {"/run/xen", "/run/qemu-depriv", "/tmp", "/dev/shm",
	                                      "/sys/fs/cgroup"};

	add_processes(t);
	add_sockets(t);
	walk_text = t;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		(void)nftw(folders[i], on_entry, 16, FTW_PHYS);
	add_folder(t, "interface", "/sys/class/net");
	add_file(t, "mount", getpid(), "mounts");
	text_sort(t);
}

/* Whether text has this very line. */
static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *p = text; *p != '\0';) {
		const size_t n = strcspn(p, "\n");

		if (n == len && strncmp(p, line, len) == 0)
			return true;
		p += n + (p[n] == '\n');
	}
	return false;
}

static void print_missing(const char *from, const char *in, const char *indent, char mark)
{
	for (const char *p = from; *p != '\0';) {
		const size_t n = strcspn(p, "\n");

		if (!has_line(in, p, n))
			(void)printf("%s%c %.*s\n", indent, mark, (int)n, p);
		p += n + (p[n] == '\n');
	}
}

void text_diff(const char *before, const char *after, const char *indent)
{
	print_missing(before, after, indent, '-');
	print_missing(after, before, indent, '+');
}
