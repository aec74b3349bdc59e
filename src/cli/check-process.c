/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who a process is, and what surrounds it: everything that /proc says without its fds. */
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "launch.h"
#include "layers.h"
#include "util.h"

/* CAP_DAC_OVERRIDE, CAP_KILL; and CAP_SYS_PTRACE, which only the bounding set keeps. */
#define MONITOR_CAPS     UINT64_C(0x22)
#define MONITOR_BOUNDING UINT64_C(0x80022)

static const struct {
	bool root;
	uint64_t caps, bounding; /* at most */
} expected[PROCESS_MAX_] = {
        [PROCESS_QEMU] = {false, 0, 0},
        [PROCESS_MONITOR] = {true, MONITOR_CAPS, MONITOR_BOUNDING},
        [PROCESS_BROKER] = {false, 0, 0},
        [PROCESS_XSFILTER] = {false, 0, 0},
};

/* "N N N N": the real, effective, saved and file system id are the same; false otherwise. */
static bool one_id(const char *text, unsigned long *ret)
{
	char *end = NULL;

	*ret = strtoul(text, &end, 10);
	for (int i = 0; i < 3; i++)
		if (strtoul(end, &end, 10) != *ret)
			return false;
	return *end == '\0';
}

static void check_ids(struct subject *s, enum process p)
{
	const char *fields[] = {"Uid", "Gid"};
	const char *group = process_names[p];
	char text[256];
	unsigned long id;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *name = i == 0 ? "uid" : "gid";

		if (!proc_status(s->pids[p], fields[i], text, sizeof(text)))
			check_add(s, RESULT_UNKNOWN, group, name, "cannot be read");
		else if (!one_id(text, &id))
			check_add(s, RESULT_BAD, group, name, "real, effective, saved: %s", text);
		else if (expected[p].root ? id != 0 : id == 0)
			check_add(s, RESULT_BAD, group, name, id == 0 ? "root" : "%lu", id);
		else if (p == PROCESS_QEMU && i == 0 && s->manifest != NULL &&
		         id != s->manifest->uid)
			check_add(s, RESULT_BAD, group, name, "%lu, but was launched as %u", id,
			          s->manifest->uid);
		else
			check_add(s, RESULT_OK, group, name, "%lu", id);
	}
	if (!proc_status(s->pids[p], "Groups", text, sizeof(text)))
		check_add(s, RESULT_UNKNOWN, group, "groups", "cannot be read");
	else
		check_add(s, *text == '\0' ? RESULT_OK : RESULT_BAD, group, "groups", "%s",
		          *text == '\0' ? "none" : text);
}

static void check_caps(struct subject *s, enum process p)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	const char *group = process_names[p];
	char bad[256] = "";
	uint64_t set;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		uint64_t most = 0;

		if (strcmp(sets[i], "CapPrm") == 0 || strcmp(sets[i], "CapEff") == 0)
			most = expected[p].caps;
		if (strcmp(sets[i], "CapBnd") == 0)
			most = expected[p].bounding;
		if (!proc_status_hex(s->pids[p], sets[i], &set)) {
			check_add(s, RESULT_UNKNOWN, group, "capabilities", "cannot be read");
			return;
		}
		if ((set & ~most) != 0)
			n += (size_t)snprintf(bad + n, sizeof(bad) - n, "%s%s %016" PRIx64,
			                      n > 0 ? ", " : "", sets[i], set);
	}
	if (n > 0)
		check_add(s, RESULT_BAD, group, "capabilities", "%s", bad);
	else
		check_add(s, RESULT_OK, group, "capabilities", "%s",
		          expected[p].caps == 0 ? "none in any set"
		                                : "CAP_DAC_OVERRIDE, CAP_KILL at most");
}

void check_credentials(struct subject *s, enum process p)
{
	const char *group = process_names[p];
	struct stat st;
	char text[64];

	check_ids(s, p);
	check_caps(s, p);
	if (!proc_status(s->pids[p], "NoNewPrivs", text, sizeof(text)))
		check_add(s, RESULT_UNKNOWN, group, "no-new-privs", "cannot be read");
	else
		check_add(s, strcmp(text, "1") == 0 ? RESULT_OK : RESULT_BAD, group, "no-new-privs",
		          "%s", strcmp(text, "1") == 0 ? "set" : "not set");
	if (p == PROCESS_QEMU)
		return;
	/* The files of a process that cannot be traced belong to root (proc(5)). */
	(void)snprintf(text, sizeof(text), "/proc/%d/mem", s->pids[p]);
	if (expected[p].root) /* it is root's in any case */
		return;
	if (stat(text, &st) < 0)
		check_add(s, RESULT_UNKNOWN, group, "dumpable", "cannot be read");
	else
		check_add(s, st.st_uid == 0 ? RESULT_OK : RESULT_BAD, group, "dumpable", "%s",
		          st.st_uid == 0 ? "no" : "yes: others of its uid could trace it");
}

void check_binary(struct subject *s, enum process p)
{
	const char *group = process_names[p];
	cleanup_free char *maps = NULL;
	char exe[PATH_MAX];

	if (!proc_link(s->pids[p], "exe", exe, sizeof(exe))) {
		check_add(s, RESULT_UNKNOWN, group, "program", "cannot be read");
		return;
	}
	if (strstr(exe, " (deleted)") != NULL) {
		check_add(s, RESULT_BAD, group, "program", "%s: replaced since it was started",
		          exe);
		return;
	}
	maps = proc_read(s->pids[p], "maps", NULL);
	/* A library that an update has replaced; memfds and the like are "deleted" from birth. */
	for (char *at = maps; at != NULL && (at = strstr(at, " (deleted)")) != NULL; at++) {
		char *path = at;

		while (path > maps && path[-1] != ' ' && path[-1] != '\n')
			path--;
		if (strncmp(path, "/usr/", 5) != 0 && strncmp(path, "/lib", 4) != 0)
			continue;
		check_add(s, RESULT_BAD, group, "program", "%.*s: replaced since it was loaded",
		          (int)(at - path), path);
		return;
	}
	check_add(s, maps != NULL ? RESULT_OK : RESULT_UNKNOWN, group, "program", "%s", exe);
}

/* The interfaces of its network namespace; false: cannot be read. */
static bool list_interfaces(pid_t pid, char *buf, size_t size)
{
	cleanup_free char *dev = proc_read(pid, "net/dev", NULL);
	size_t n = 0, row = 0;

	buf[0] = '\0';
	for (char *line = dev, *next; line != NULL && *line != '\0' && n < size; line = next) {
		const char *colon;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line += strspn(line, " ");
		colon = strchr(line, ':');
		if (row++ >= 2 && colon != NULL)
			n += (size_t)snprintf(buf + n, size - n, "%s%.*s", n > 0 ? " " : "",
			                      (int)(colon - line), line);
	}
	return dev != NULL;
}

void check_namespaces(struct subject *s, enum process p)
{
	static const char *const names[] = {"mnt", "net", "ipc", "uts", "cgroup"};
	const char *group = process_names[p];
	char path[16], own[64], host[64], shared[64] = "", text[1024];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "ns/%s", names[i]);
		if (!proc_link(s->pids[p], path, own, sizeof(own)) ||
		    !proc_link(1, path, host, sizeof(host))) {
			check_add(s, RESULT_UNKNOWN, group, "namespaces", "%s cannot be read",
			          names[i]);
			return;
		}
		if (strcmp(own, host) == 0)
			n += (size_t)snprintf(shared + n, sizeof(shared) - n, " %s", names[i]);
	}
	if (n > 0)
		check_add(s, RESULT_BAD, group, "namespaces", "the host's:%s", shared);
	else
		check_add(s, RESULT_OK, group, "namespaces", "its own: mnt net ipc uts cgroup");
	if (!list_interfaces(s->pids[p], text, sizeof(text)))
		check_add(s, RESULT_UNKNOWN, group, "network", "cannot be read");
	else
		check_add(s, strcmp(text, "lo") == 0 ? RESULT_OK : RESULT_BAD, group, "network",
		          "interfaces: %s", text);
}

void check_environment(struct subject *s, enum process p)
{
	static const char *const names[] = {"LD_PRELOAD=*", "XENSTORED_PATH=*", "XEN_DOMAIN_ID=*",
	                                    "QEMU_DEPRIV_*=*"};
	const char *group = process_names[p];
	size_t len = 0, foreign = 0, n = 0;
	cleanup_free char *env = proc_read(s->pids[p], "environ", &len);

	if (env == NULL) {
		check_add(s, RESULT_UNKNOWN, group, "environment", "cannot be read");
		return;
	}
	for (size_t at = 0; at < len; at += strlen(env + at) + 1, n++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known |= fnmatch(names[i], env + at, 0) == 0;
		foreign += !known;
	}
	if (foreign > 0)
		check_add(s, RESULT_BAD, group, "environment",
		          "inherited: %zu of %zu variables are not a launch's", foreign, n);
	else
		check_add(s, RESULT_OK, group, "environment", "%zu variables, all of the launch",
		          n);
}

void check_limits(struct subject *s, enum process p)
{
	const char *group = process_names[p];
	const struct manifest *m = s->manifest; /* without: what a launch would set */
	struct limit all[RLIM_NLIMITS] = {
	        {RLIMIT_NPROC, "RLIMIT_NPROC", m != NULL ? m->threads : limits_default.pids_max},
	        {RLIMIT_NOFILE, "RLIMIT_NOFILE",
	         m != NULL ? m->open_files : limits_default.open_files},
	        {RLIMIT_FSIZE, "RLIMIT_FSIZE", m != NULL ? m->file_size : LIMIT_NONE},
	};
	char bad[512] = "";
	size_t n = 0, n_all = 3;

	for (size_t i = 0; i < limits_n_fixed && n_all < ARRAY_SIZE(all); i++)
		all[n_all++] = limits_fixed[i];
	for (size_t i = 0; i < n_all && n < sizeof(bad); i++) {
		struct rlimit limit;

		if (prlimit(s->pids[p], (__rlimit_resource_t)all[i].resource, NULL, &limit) < 0) {
			check_add(s, RESULT_UNKNOWN, group, "rlimits", "%s cannot be read",
			          all[i].name);
			return;
		}
		/* QEMU can lower its own. */
		if (limit.rlim_max > all[i].value)
			n += (size_t)snprintf(bad + n, sizeof(bad) - n, "%s%s", n > 0 ? ", " : "",
			                      all[i].name);
	}
	if (n > 0)
		check_add(s, RESULT_BAD, group, "rlimits", "higher than a launch sets: %s", bad);
	else
		check_add(s, RESULT_OK, group, "rlimits", "%zu, none higher than a launch sets",
		          n_all);
}

/* Whoever has QEMU's uid can trace and signal it. */
void check_alone(struct subject *s, enum process p)
{
	cleanup_free int *pids = NULL;
	const size_t n = proc_numbers("", &pids);
	char found[256] = "", text[64];
	size_t len = 0;

	for (size_t i = 0; i < n && len < sizeof(found); i++) {
		if (pids[i] == s->pids[p] || !proc_status(pids[i], "Uid", text, sizeof(text)) ||
		    strtoul(text, NULL, 10) != s->uid)
			continue;
		len += (size_t)snprintf(found + len, sizeof(found) - len, " %d", pids[i]);
	}
	if (s->uid == 0)
		check_add(s, RESULT_BAD, process_names[p], "alone", "its uid is root's");
	else if (len > 0)
		check_add(s, RESULT_BAD, process_names[p], "alone", "pids with the same uid:%s",
		          found);
	else
		check_add(s, RESULT_OK, process_names[p], "alone", "no other process has its uid");
}

/* Landlock shows nowhere in /proc: what the launcher has recorded is all there is. */
void check_layers(struct subject *s, enum process p)
{
	static const enum layer landlock[] = {LAYER_LANDLOCK, LAYER_LANDLOCK_NETWORK,
	                                      LAYER_LANDLOCK_DEVICES, LAYER_LANDLOCK_SCOPES};
	char text[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(landlock) && s->manifest != NULL; i++)
		if ((s->manifest->layers & 1u << landlock[i]) != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? ", " : "",
			                      layer_rows[landlock[i]].name);
	if (n > 0)
		check_add(s, RESULT_OK, process_names[p], "landlock",
		          "%s, as its launcher recorded (the kernel does not tell)", text);
	else if (s->manifest != NULL)
		check_add(s, RESULT_BAD, process_names[p], "landlock",
		          "none: the kernel has none, and the configuration does without");
	else
		check_add(s, RESULT_BAD, process_names[p], "landlock", "none that is known of");
}
