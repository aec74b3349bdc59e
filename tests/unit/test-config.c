/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every form that the configuration can have, good or bad: what is read and what is said. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static char dir[] = "/tmp/test-config-XXXXXX";
static char host[PATH_MAX], guest[PATH_MAX], guests[PATH_MAX];

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

/* Each problem, without "FILE:" at its beginning and with a newline at its end. */
struct said {
	char text[8192];
};

static void note(void *opaque, const char *problem)
{
	struct said *said = opaque;
	const size_t n = strlen(said->text), len = strlen(host);

	if (strncmp(problem, host, len) == 0)
		problem += len + (problem[len] == ':' ? 1 : 0);
	(void)snprintf(said->text + n, sizeof(said->text) - n, "%s\n", problem);
}

static const struct {
	const char *text;
	const char *problems;
} bad[] = {
        {"[qemu]\npaht = /usr/bin/q\n", "2: [qemu] paht: unknown key\n"},
        {"[qemu]\npath = /usr/q\n[qemo]\npath = /usr/q\n", "4: [qemo] path: unknown section\n"},
        {"[QEMU]\npath = /usr/q\n", "2: [QEMU] path: unknown section\n"},
        {"path = /usr/q\n", "1: path: outside of any section\n"},
        {"[]\npath = /usr/q\n", "2: path: outside of any section\n"},
        {"[qemu]\n\n# comment\n; comment\npath\n", "5: neither \"key = value\" nor a section\n"},
        {"[qemu\npath = /usr/q\n",
         "1: neither \"key = value\" nor a section\n2: path: outside of any section\n"},
        {"[qemu] x\npath = /usr/q\n", "1: neither \"key = value\" nor a section\n"},
        {"garbage\nmore garbage\n", "1: neither \"key = value\" nor a section\n"
                                    "2: neither \"key = value\" nor a section\n"},
        {"[qemu]\n= /usr/q\n", "2: [qemu] : unknown key\n"},
        /* paths */
        {"[qemu]\npath =\n", "2: [qemu] path: wants an absolute path below /usr\n"},
        {"[qemu]\npath = qemu\n", "2: [qemu] path: wants an absolute path below /usr\n"},
        {"[qemu]\npath = \"/usr/q\"\n", "2: [qemu] path: wants an absolute path below /usr\n"},
        {"[qemu]\npath = /opt/qemu\n", "2: [qemu] path: wants an absolute path below /usr\n"},
        {"[supervision]\nmode = maybe\n", "2: [supervision] mode: wants auto, systemd or direct\n"},
        {"[supervision]\nmode = auto\nmode = direct\n",
         "3: [supervision] mode: given twice, first in line 2\n"},
        {"[xen]\nqemu = /usr/q\n", "2: [xen] qemu: unknown section\n"},
        {"[xen x]\nqemu = /usr/q\n",
         "2: [xen x] qemu: the section wants a release of Xen, as [xen 4.17]\n"},
        {"[xen 4.]\nqemu = /usr/q\n",
         "2: [xen 4.] qemu: the section wants a release of Xen, as [xen 4.17]\n"},
        {"[xen 4]\nqemu = /usr/q\n",
         "2: [xen 4] qemu: the section wants a release of Xen, as [xen 4.17]\n"},
        {"[xen 4.17]\npath = /usr/q\n", "2: [xen 4.17] path: unknown key\n"},
        {"[xen 4.17]\nqemu = /opt/q\n", "2: [xen 4.17] qemu: wants an absolute path below /usr\n"},
        {"[xen 4.17]\nqemu = /usr/a\nqemu = /usr/b\n",
         "3: [xen 4.17] qemu: given twice, first in line 2\n"},
        {"[qemu]\npath = /usr/../opt/q\n", "2: [qemu] path: wants an absolute path below /usr\n"},
        {"[qemu]\npath = /usr/a\npath = /usr/b\n",
         "3: [qemu] path: given twice, first in line 2\n"},
        {"[test]\nprobe-library = on\n", "2: [test] probe-library: wants yes or no\n"},
        {"[test]\nprobe-library = yes\nprobe-library = no\n",
         "3: [test] probe-library: given twice, first in line 2\n"},
        {"[files]\nread-only = base.img\n", "2: [files] read-only: wants an absolute path\n"},
        {"[files]\nread-only =\n", "2: [files] read-only: wants an absolute path\n"},
        {"[files]\nread-only = /a\001b\n", "2: [files] read-only: wants an absolute path\n"},
        {"[files]\nread-write = b\n", "2: [files] read-write: wants an absolute path\n"},
        {"[files]\nread-only = /a\nread-only = /a\n",
         "3: [files] read-only: /a: given twice, first in line 2\n"},
        {"[files]\nread-only = /a\nread-write = /a\n",
         "3: [files] read-write: /a: contradicts HOST:2: [files] read-only\n"},
        {"[files]\nread-write = /a\nread-only = /a\n",
         "3: [files] read-only: /a: contradicts HOST:2: [files] read-write\n"},
        {"[files]\nread-only = /a\n/b\n", "3: neither \"key = value\" nor a section\n"},
        /* directories */
        {"[files]\ndirectory = img\n", "2: [files] directory: wants an absolute path\n"},
        {"[files]\ndirectory = /\n",
         "2: [files] directory: /: the root directory is every file of the host\n"},
        {"[files]\ndirectory = /srv/\n", "2: [files] directory: /srv/: must be spelled without "
                                         "\"//\", \".\", \"..\" and a \"/\" at its end\n"},
        {"[files]\ndirectory = /srv/..\n", "2: [files] directory: /srv/..: must be spelled without "
                                           "\"//\", \".\", \"..\" and a \"/\" at its end\n"},
        {"[files]\ndirectory = /..\n", "2: [files] directory: /..: must be spelled without "
                                       "\"//\", \".\", \"..\" and a \"/\" at its end\n"},
        {"[files]\ndirectory = /a/./b\n", "2: [files] directory: /a/./b: must be spelled without "
                                          "\"//\", \".\", \"..\" and a \"/\" at its end\n"},
        {"[files]\ndirectory = //a\n", "2: [files] directory: //a: must be spelled without "
                                       "\"//\", \".\", \"..\" and a \"/\" at its end\n"},
        {"[files]\ndirectory = /proc\n", "2: [files] directory: /proc: has no images below it\n"},
        {"[files]\ndirectory = /dev/disk\n",
         "2: [files] directory: /dev/disk: has no images below it\n"},
        {"[files]\ndirectory = /sys\n", "2: [files] directory: /sys: has no images below it\n"},
        {"[files]\ndirectory = /a\ndirectory = /a\n",
         "3: [files] directory: /a: given twice, first in line 2\n"},
        /* layers */
        /* limits: their values are test-limits.c's */
        {"[limits]\nmemory = 1G\n", "2: [limits] memory: unknown key\n"},
        {"[limits]\nmemory-max = 1g\n",
         "2: [limits] memory-max: wants a size from 32M to 1T, or none\n"},
        {"[limits]\npids-max = 20\npids-max = 20\n",
         "3: [limits] pids-max: given twice, first in line 2\n"},
        {"[limits]\nio-max = 8:0 rbps=1\nio-max = 8:0 wbps\n",
         "3: [limits] io-max: wants MAJOR:MINOR or a path below /dev, and rbps=, wbps=, riops= or "
         "wiops=\n"},
        {"[require]\nlandlok = yes\n", "2: [require] landlok: unknown layer\n"},
        {"[require]\nlandlock = no\n", "2: [require] landlock: wants yes or if-available\n"},
        {"[require]\nlandlock =\n", "2: [require] landlock: wants yes or if-available\n"},
        {"[require]\nlandlock = yes\nlandlock = if-available\n",
         "3: [require] landlock: given twice, first in line 2\n"},
        {"[require]\nuid = if-available\n",
         "2: [require] uid: is always required and cannot be made optional\n"},
        {"[require]\ncapabilities = if-available\n",
         "2: [require] capabilities: is always required and cannot be made optional\n"},
        {"[require]\nno-new-privs = if-available\n",
         "2: [require] no-new-privs: is always required and cannot be made optional\n"},
        {"[require]\nseccomp = if-available\n",
         "2: [require] seccomp: is always required and cannot be made optional\n"},
        {"[require]\nxen-handles = if-available\n",
         "2: [require] xen-handles: is always required and cannot be made optional\n"},
        {"[require]\nxenstore = if-available\n",
         "2: [require] xenstore: is always required and cannot be made optional\n"},
        {"[require]\nfiles = if-available\n",
         "2: [require] files: is always required and cannot be made optional\n"},
        {"[require]\nnamespaces = if-available\n",
         "2: [require] namespaces: is always required and cannot be made optional\n"},
        {"[require]\nuid = no\n", "2: [require] uid: wants yes or if-available\n"},
        {"[require]\npid-namespace = yes\n",
         "2: [require] pid-namespace: cannot be had: QEMU must keep the pid that libxl started, "
         "and only children enter a new pid namespace; QEMU has no /proc and a uid of its own "
         "instead\n"},
};

/* "HOST" in a table is the host's file. */
static void expand(const char *text, char *buf, size_t size)
{
	const char *at = strstr(text, "HOST");

	if (at == NULL)
		(void)snprintf(buf, size, "%s", text);
	else
		(void)snprintf(buf, size, "%.*s%s%s", (int)(at - text), text, host, at + 4);
}

static void every_bad_form_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct said said = {""};
		struct config config;
		struct error err;
		char expected[8192];

		expand(bad[i].problems, expected, sizeof(expected));
		write_file(host, bad[i].text, strlen(bad[i].text));
		config_init(&config);
		assert_int_not_equal(config_read_file(host, &config, note, &said), 0);
		config_free(&config);
		if (strcmp(said.text, expected) != 0)
			fail_msg("\"%s\"\n  gives %s  not %s", bad[i].text, said.text, expected);

		/* And a launch ends at the first of them, with nothing read. */
		assert_int_equal(config_read(dir, NULL, &config, &err), -1);
		assert_int_equal(strncmp(err.msg, host, strlen(host)), 0);
		assert_int_equal(strncmp(err.msg + strlen(host) + 1, expected,
		                         strlen(err.msg + strlen(host) + 1)),
		                 0);
		assert_null(config.qemu.path);
		assert_int_equal(config.read_only.n + config.read_write.n + config.directories.n,
		                 0);
	}
}

static void a_line_is_never_cut(void **state)
{
	char text[512] = "[files]\nread-only = /";
	struct said said = {""};
	struct config config;

	(void)state;
	memset(text + strlen(text), 'x', 250);
	write_file(host, text, strlen(text));
	config_init(&config);
	assert_int_equal(config_read_file(host, &config, note, &said), 1);
	assert_string_equal(said.text, "2: longer than 198 bytes, or with a NUL byte\n");
	assert_int_equal(config.read_only.n, 0);

	/* With a line end in its middle it would be two. */
	text[100] = '\0';
	said.text[0] = '\0';
	write_file(host, text, 200);
	assert_int_equal(config_read_file(host, &config, note, &said), 1);
	assert_string_equal(said.text, "2: longer than 198 bytes, or with a NUL byte\n");
	config_free(&config);
}

static void too_many_files(void **state)
{
	char text[CONFIG_MAX_PATHS * 32] = "[files]\n";
	struct said said = {""};
	struct config config;

	(void)state;
	for (int i = 0; i <= CONFIG_MAX_PATHS; i++) {
		const size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "read-only = /img/%d\n", i);
	}
	write_file(host, text, strlen(text));
	config_init(&config);
	assert_int_equal(config_read_file(host, &config, note, &said), 1);
	assert_string_equal(said.text, "66: [files] read-only: more than 64\n");
	assert_int_equal(config.read_only.n, CONFIG_MAX_PATHS);
	config_free(&config);
}

static void assert_path(const struct config_path *p, const char *path, const char *file,
                        const char *where)
{
	char origin[PATH_MAX + 64];

	(void)snprintf(origin, sizeof(origin), "%s%s", file, where);
	assert_string_equal(p->path, path);
	assert_string_equal(p->origin, origin);
}

static void both_files_add_up(void **state)
{
	static const char first[] =
	        "# the host's\n[files]\nread-only=/a   \nread-write = /b ; why\n"
	        "directory = /srv/base\n  /srv/more\n[qemu]\npath = /usr/q1\n"
	        "[require] # all\nlandlock = if-available\nuid = yes\n"
	        "pid-namespace = if-available\nlandlock-scopes = yes\n"
	        "[limits]\npids-max = 100\nlog-size = 1M\nio-max = 8:0 rbps=1\n";
	static const char second[] =
	        "[qemu]\r\npath = /usr/q2\r\n[files]\nread-only = /a\n"
	        "read-only = /c d\n[limits]\npids-max = 200\nio-max = 8:16 rbps=1\n"
	        "[require]\nlandlock = yes";
	struct config config;
	struct error err;

	(void)state;
	write_file(host, first, strlen(first));
	write_file(guest, second, strlen(second));
	if (config_read(dir, "web", &config, &err) < 0)
		fail_msg("%s", err.msg);
	assert_path(&config.qemu, "/usr/q2", guest, ":2: [qemu] path");
	assert_int_equal(config.read_only.n, 2);
	assert_path(&config.read_only.at[0], "/a", host, ":3: [files] read-only");
	assert_path(&config.read_only.at[1], "/c d", guest, ":5: [files] read-only");
	assert_int_equal(config.read_write.n, 1);
	assert_path(&config.read_write.at[0], "/b", host, ":4: [files] read-write");
	assert_int_equal(config.directories.n, 2);
	assert_path(&config.directories.at[0], "/srv/base", host, ":5: [files] directory");
	assert_path(&config.directories.at[1], "/srv/more", host, ":6: [files] directory");
	assert_int_equal(config.need[LAYER_LANDLOCK], NEED_YES);
	assert_int_equal(config.need[LAYER_LANDLOCK_SCOPES], NEED_YES);
	assert_int_equal(config.need[LAYER_LANDLOCK_NETWORK], NEED_IF_AVAILABLE);
	assert_int_equal(config.need[LAYER_UID], NEED_ALWAYS);
	assert_int_equal(config.need[LAYER_PID_NAMESPACE], NEED_NEVER);
	assert_int_equal(config.limits.pids_max, 200);
	assert_int_equal(config.limits.log_size, 1 << 20);
	assert_int_equal(config.limits.log_rate, limits_default.log_rate);
	assert_int_equal(config.limits.n_io_max, 2);
	config_free(&config);

	/* Another guest gets the host's only. */
	assert_int_equal(config_read(dir, "db", &config, &err), 0);
	assert_path(&config.qemu, "/usr/q1", host, ":8: [qemu] path");
	assert_int_equal(config.need[LAYER_LANDLOCK], NEED_IF_AVAILABLE);
	config_free(&config);
}

static void a_guest_cannot_contradict_the_host(void **state)
{
	static const char first[] = "[files]\nread-only = /a\n",
	                  second[] = "[files]\nread-write = /a\n";
	char expected[2 * PATH_MAX + 64];
	struct config config;
	struct error err;

	(void)state;
	write_file(host, first, strlen(first));
	write_file(guest, second, strlen(second));
	assert_int_equal(config_read(dir, "web", &config, &err), -1);
	(void)snprintf(expected, sizeof(expected),
	               "%s:2: [files] read-write: /a: contradicts %s:2: [files] read-only", guest,
	               host);
	assert_string_equal(err.msg, expected);
}

static void nothing_is_the_default(void **state)
{
	static const char *const names[] = {NULL, "", "web", ".hidden", "a/b", "../web"};
	struct config config;
	struct error err;

	(void)state;
	assert_int_equal(config_read("/nonexistent", "web", &config, &err), 0);
	for (size_t i = 0; i < LAYER_MAX_; i++)
		assert_int_equal(config.need[i], layer_rows[i].need);
	assert_memory_equal(&config.limits, &limits_default, sizeof(config.limits));
	config_free(&config);

	write_file(guest, "bad", 3);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const bool reads = names[i] != NULL && strcmp(names[i], "web") == 0;

		assert_int_equal(config_read(dir, names[i], &config, &err), reads ? -1 : 0);
		config_free(&config);
	}
}

/* Launches with this file or directory changed so are refused with this message after its name. */
static void assert_unfit(const char *path, const char *message)
{
	char expected[PATH_MAX + 64];
	struct config config;
	struct error err;

	assert_int_equal(config_read(dir, "web", &config, &err), -1);
	(void)snprintf(expected, sizeof(expected), "%s%s", path, message);
	assert_string_equal(err.msg, expected);
}

static void what_others_can_write_is_not_read(void **state)
{
	const char *const paths[] = {host, guest, dir, guests};

	(void)state;
	write_file(host, "", 0);
	write_file(guest, "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct stat st;

		assert_int_equal(stat(paths[i], &st), 0);
		assert_int_equal(chmod(paths[i], st.st_mode | S_IWGRP), 0);
		assert_unfit(paths[i], " can be written by others than root");
		assert_int_equal(chmod(paths[i], st.st_mode | S_IWOTH), 0);
		assert_unfit(paths[i], " can be written by others than root");
		assert_int_equal(chmod(paths[i], st.st_mode), 0);
		if (geteuid() != 0)
			continue;
		assert_int_equal(chown(paths[i], 1, 1), 0);
		assert_unfit(paths[i], " can be written by others than root");
		assert_int_equal(chown(paths[i], 0, 0), 0);
	}
}

static void what_is_no_file_is_not_read(void **state)
{
	const char *const paths[] = {host, guest};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(mkdir(paths[i], 0755), 0);
		assert_unfit(paths[i], " is no regular file");
		assert_int_equal(rmdir(paths[i]), 0);
		assert_int_equal(mkfifo(paths[i], 0644), 0); /* which would never end */
		assert_unfit(paths[i], " is no regular file");
		assert_int_equal(unlink(paths[i]), 0);
		assert_int_equal(symlink("qemu-depriv.conf", host), 0);
		assert_unfit(host, ": Too many levels of symbolic links");
		assert_int_equal(unlink(host), 0);
	}
	if (geteuid() != 0) {
		write_file(host, "", 0);
		assert_int_equal(chmod(host, 0), 0);
		assert_unfit(host, ": Permission denied");
	}
	assert_int_equal(rmdir(guests), 0);
	write_file(guests, "", 0);
	assert_unfit(guests, " is no directory");
	assert_int_equal(unlink(guests), 0);
	assert_int_equal(mkdir(guests, 0755), 0);
}

static int make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) < 0)
		return -1;
	(void)snprintf(host, sizeof(host), "%s/qemu-depriv.conf", dir);
	(void)snprintf(guests, sizeof(guests), "%s/domains.d", dir);
	(void)snprintf(guest, sizeof(guest), "%s/domains.d/web.conf", dir);
	return mkdir(guests, 0755);
}

static int remove_files(void **state)
{
	(void)state;
	(void)unlink(host);
	(void)unlink(guest);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)rmdir(guests);
	return rmdir(dir);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, NULL, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(every_bad_form_is_named),
	        TEST(a_line_is_never_cut),
	        TEST(too_many_files),
	        TEST(both_files_add_up),
	        TEST(a_guest_cannot_contradict_the_host),
	        TEST(nothing_is_the_default),
	        TEST(what_others_can_write_is_not_read),
	        TEST(what_is_no_file_is_not_read),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
