/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit path, with the test as journal; and the counters. argv[1]: the message catalog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit.h"
#include "counters.h"
#include "role.h"
#include "util.h"

static const char *catalog;
static int journal = -1; /* the test's end */
static int line_log = -1;
static int saved_stderr = -1;
static char record[8192];
static size_t record_len;

static int connect_error;

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_un expected = {.sun_family = AF_UNIX,
	                                     .sun_path = "/run/systemd/journal/socket"};
	int pair[2];

	assert_int_equal(len, sizeof(expected));
	assert_memory_equal(addr, &expected, sizeof(expected));
	errno = connect_error;
	if (connect_error != 0)
		return -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	                 0);
	assert_int_equal(dup3(pair[0], fd, O_CLOEXEC), fd);
	(void)close(pair[0]);
	journal = pair[1];
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	connect_error = 0;
	audit_init("monitor", audit_connect());
	audit_domain(7, "web", 131079);
	line_log = memfd_create("log", MFD_CLOEXEC);
	saved_stderr = dup(STDERR_FILENO);
	return dup2(line_log, STDERR_FILENO) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)dup2(saved_stderr, STDERR_FILENO);
	close_fdp(&saved_stderr);
	close_fdp(&line_log);
	close_fdp(&journal);
	audit_init(NULL, -1);
	return 0;
}

static bool next_record(void)
{
	const ssize_t n = recv(journal, record, sizeof(record), 0);

	record_len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/*
 * The value of a field of the record, as the journal takes it apart: NAME, a newline, the length in
 * 64 bits, the bytes, a newline. NULL: it has no such field. *ret_n: how many fields there are.
 */
static const char *field(const char *name, size_t *ret_n)
{
	static char value[4096];
	const char *found = NULL;
	size_t at = 0, n = 0;

	while (at < record_len) {
		const char *end = memchr(record + at, '\n', record_len - at);
		uint64_t len;

		assert_non_null(end);
		for (const char *c = record + at; c < end; c++)
			assert_true((*c >= 'A' && *c <= 'Z') || *c == '_');
		memcpy(&len, end + 1, sizeof(len));
		if (strncmp(record + at, name, (size_t)(end - record) - at) == 0 &&
		    strlen(name) == (size_t)(end - record) - at) {
			assert_null(found);
			assert_true(len < sizeof(value));
			memcpy(value, end + 9, len);
			value[len] = '\0';
			found = value;
		}
		at = (size_t)(end - record) + 9 + len;
		assert_int_equal(record[at], '\n');
		at++;
		n++;
	}
	assert_int_equal(at, record_len);
	if (ret_n != NULL)
		*ret_n = n;
	return found;
}

static const char *log_text(void)
{
	static char text[65536];
	const ssize_t n = pread(line_log, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void a_line_and_a_record(void **state)
{
	size_t n;

	(void)state;
	errno = EXDEV;
	audit(AUDIT_REFUSED, "populate", "refused: populate(%d): %s", 3, "too many");
	assert_int_equal(errno, EXDEV);
	assert_string_equal(log_text(),
	                    "qemu-depriv monitor[domain 7]: refused: populate(3): too many\n");
	assert_true(next_record());
	assert_string_equal(field("MESSAGE", &n), "refused: populate(3): too many");
	assert_int_equal(n, 10);
	assert_string_equal(field("MESSAGE_ID", NULL), audit_kinds[AUDIT_REFUSED].message_id);
	assert_string_equal(field("PRIORITY", NULL), "4");
	assert_string_equal(field("SYSLOG_IDENTIFIER", NULL), "qemu-depriv");
	assert_string_equal(field("QEMU_DEPRIV_ROLE", NULL), "monitor");
	assert_string_equal(field("QEMU_DEPRIV_DOMID", NULL), "7");
	assert_string_equal(field("QEMU_DEPRIV_NAME", NULL), "web");
	assert_string_equal(field("QEMU_DEPRIV_UID", NULL), "131079");
	assert_string_equal(field("QEMU_DEPRIV_WHAT", NULL), "populate");
	assert_string_equal(field("QEMU_DEPRIV_DECISION", NULL), "refused");
	assert_false(next_record());
}

static void the_launcher_s_line(void **state)
{
	(void)state;
	audit_init(NULL, -1);
	audit_init(NULL, -1);
	audit(AUDIT_FAILED, "launch", "no QEMU found");
	assert_string_equal(log_text(), "qemu-depriv-dm: no QEMU found\n");
	assert_false(next_record()); /* it had no journal */
}

static void before_there_is_a_domain(void **state)
{
	(void)state;
	audit_domain(0, NULL, 0);
	audit(AUDIT_FAILED, "launch", "no");
	assert_true(next_record());
	assert_null(field("QEMU_DEPRIV_DOMID", NULL));
	assert_string_equal(field("MESSAGE", NULL), "no");
}

/* A path that QEMU opens, or a guest's name, adds no line and no field. */
static void hostile_bytes_stay_where_they_are(void **state)
{
	static const char evil[] = "x\nPRIORITY=0\nMESSAGE_ID\n\033[2J\177";
	size_t n;

	(void)state;
	audit_domain(7, evil, 131079);
	audit(AUDIT_REFUSED, evil, "refused: %s", evil);
	assert_string_equal(log_text(), "qemu-depriv monitor[domain 7]: refused: "
	                                "x?PRIORITY=0?MESSAGE_ID??[2J?\n");
	assert_true(next_record());
	assert_string_equal(field("PRIORITY", &n), "4");
	assert_int_equal(n, 10);
	assert_string_equal(field("QEMU_DEPRIV_NAME", NULL), evil);
	assert_string_equal(field("QEMU_DEPRIV_WHAT", NULL), "x?PRIORITY=0?MESSAGE_ID??[2J?");
}

static void long_messages_are_cut(void **state)
{
	static char path[5000];

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	audit_domain(7, path, 131079); /* longer than any record: that field is not there */
	audit(AUDIT_REFUSED, path, "refused: open of %s", path);
	assert_true(strlen(log_text()) < 1300);
	assert_true(next_record());
	assert_true(record_len <= 4096);
	assert_int_equal(strlen(field("QEMU_DEPRIV_WHAT", NULL)), 255);
}

static void a_flood_is_counted(void **state)
{
	struct counters_role page = {0}, *saved = counters;
	unsigned int lines = 0;

	(void)state;
	counters = &page;
	for (int i = 0; i < 10000; i++)
		audit(AUDIT_REFUSED, "open", "refused: %d", i);
	counters = saved;
	for (const char *c = log_text(); *c != '\0'; c++)
		lines += *c == '\n';
	assert_in_range(lines, 1, AUDIT_BURST + 1);
	assert_int_equal(page.suppressed + lines, 10000);
	while (next_record())
		;
	/* What is never suppressed says how many were. */
	audit(AUDIT_SEALED, "xen", "sealed");
	assert_true(next_record());
	assert_int_equal(strtoul(field("QEMU_DEPRIV_SUPPRESSED", NULL), NULL, 10), page.suppressed);
	assert_non_null(strstr(log_text(), " lines left out) sealed\n"));
	audit(AUDIT_SEALED, "xen", "sealed");
	assert_true(next_record());
	assert_null(field("QEMU_DEPRIV_SUPPRESSED", NULL));
}

/* Nobody reads: the log gets its line, and nobody waits. */
static void a_journal_that_does_not_read(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++)
		audit(AUDIT_STARTED, "QEMU", "starts");
	close_fdp(&journal);
	audit(AUDIT_STARTED, "QEMU", "and nobody is there");
	assert_non_null(strstr(log_text(), "and nobody is there\n"));
}

static void without_a_journal(void **state)
{
	int fd;

	(void)state;
	connect_error = ENOENT;
	fd = audit_connect();
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	audit_init("broker", fd);
	audit(AUDIT_REFUSED, "bind", "refused: bind");
	assert_string_equal(log_text(), "qemu-depriv broker[domain 7]: refused: bind\n");
	(void)close(fd);
}

static bool is_id(const char *id)
{
	return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

static void every_kind_is_in_the_catalog(void **state)
{
	char text[16384], entry[40];
	FILE *file = fopen(catalog, "re");
	size_t n, entries = 0;

	(void)state;
	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[n] = '\0';
	for (size_t i = 0; i < AUDIT_MAX_; i++) {
		assert_true(is_id(audit_kinds[i].message_id));
		assert_in_range(audit_kinds[i].priority, 0, 7);
		(void)snprintf(entry, sizeof(entry), "\n-- %s\n", audit_kinds[i].message_id);
		assert_non_null(strstr(text, entry));
		assert_null(strstr(strstr(text, entry) + 1, entry));
	}
	for (const char *c = strstr(text, "\n-- "); c != NULL; c = strstr(c + 1, "\n-- "))
		entries++;
	assert_int_equal(entries, AUDIT_MAX_);
}

static int make_counters(uint32_t magic, off_t size)
{
	const struct counters_head head = {
	        .magic = magic, .domid = 9, .uid = 131081, .name = "nine"};
	const int fd = memfd_create("counters", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
	return fd;
}

static void a_role_has_its_own_page(void **state)
{
	struct counters_role *saved = counters, page;
	cleanup_fd int fd = make_counters(COUNTERS_MAGIC, COUNTERS_SIZE);
	char before[COUNTERS_SIZE], after[COUNTERS_SIZE];
	struct error err;

	(void)state;
	assert_int_equal(pread(fd, before, sizeof(before), 0), sizeof(before));
	assert_int_equal(role_attach("broker", fd, COUNTERS_BROKER, -1, &err), 0);
	counters->refused = 3;
	counters = saved;
	assert_int_equal(pread(fd, &page, sizeof(page), COUNTERS_BROKER * COUNTERS_PAGE),
	                 sizeof(page));
	assert_int_equal(page.pid, getpid());
	assert_int_equal(page.refused, 3);
	/* Nothing else has changed. */
	assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(after));
	memset(after + COUNTERS_BROKER * COUNTERS_PAGE, 0, sizeof(page));
	assert_memory_equal(before, after, sizeof(before));
	audit(AUDIT_NOTE, "test", "whose");
	assert_string_equal(log_text(), "qemu-depriv broker[domain 9]: whose\n");
}

static void strange_counters_are_refused(void **state)
{
	cleanup_fd int small = make_counters(COUNTERS_MAGIC, COUNTERS_SIZE - 1);
	cleanup_fd int other = make_counters(COUNTERS_MAGIC + 1, COUNTERS_SIZE);
	struct error err;

	(void)state;
	assert_int_equal(role_attach("broker", small, COUNTERS_BROKER, -1, &err), -1);
	assert_int_equal(role_attach("broker", other, COUNTERS_BROKER, -1, &err), -1);
	assert_int_equal(role_attach("broker", 1000, COUNTERS_BROKER, -1, &err), -1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	        TEST(a_line_and_a_record),          TEST(the_launcher_s_line),
	        TEST(before_there_is_a_domain),     TEST(hostile_bytes_stay_where_they_are),
	        TEST(long_messages_are_cut),        TEST(without_a_journal),
	        TEST(a_role_has_its_own_page),      TEST(strange_counters_are_refused),
	        TEST(a_journal_that_does_not_read), TEST(a_flood_is_counted),
	        TEST(every_kind_is_in_the_catalog),
	};

	if (argc != 2)
		return EXIT_FAILURE;
	catalog = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
