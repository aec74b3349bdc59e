/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Landlock wrapper: what each ABI can deny, and that the running kernel does. */
#include "landlock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers.h"
#include "util.h"

/* From include/uapi/linux/landlock.h, not through our header: all bits of each ABI. */
static const struct {
	int abi;
	struct landlock_rights rights;
} known[] = {
        {0, {0, 0, 0}},      {1, {0x1fff, 0, 0}}, {2, {0x3fff, 0, 0}}, {3, {0x7fff, 0, 0}},
        {4, {0x7fff, 3, 0}}, {5, {0xffff, 3, 0}}, {6, {0xffff, 3, 3}}, {99, {0xffff, 3, 3}},
};

static void each_abi_s_rights(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct landlock_rights r = landlock_known(known[i].abi);

		assert_int_equal(r.fs, known[i].rights.fs);
		assert_int_equal(r.net, known[i].rights.net);
		assert_int_equal(r.scoped, known[i].rights.scoped);
	}
}

static bool can_open(const char *path, int flags)
{
	cleanup_fd int fd = open(path, flags | O_CLOEXEC);

	return fd >= 0;
}

/* A TCP connection to a port where nobody listens: refused by the host, or by Landlock. */
static int connect_error(void)
{
	const struct sockaddr_in in = {
	        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	union {
		struct sockaddr_in in;
		struct sockaddr sa;
	} addr = {.in = in};
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, &addr.sa, sizeof(addr.in)) < 0 ? errno : 0;
}

/* In a child: whether all that is allowed works, and nothing else. The parent is the control. */
static bool confined(void)
{
	const int abi = landlock_abi();
	const struct landlock_rights deny = landlock_known(abi);
	struct error err;
	int ruleset;

	if (!can_open("/", O_RDONLY) || !can_open("/etc/passwd", O_RDONLY) ||
	    kill(getppid(), 0) < 0 || connect_error() == EACCES)
		return false;
	if (landlock_create(&deny, &ruleset, &err) < 0 ||
	    landlock_allow_path(ruleset, &deny, "/usr", LL_READ_FILE | LL_READ_DIR, &err) < 0 ||
	    /* On a file the rights of directories would be an error, but are left out. */
	    landlock_allow_path(ruleset, &deny, "/dev/null", LL_READ_FILE | LL_READ_DIR, &err) <
	            0 ||
	    landlock_allow_path(ruleset, &deny, "/none", LL_READ_FILE, &err) == 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_enter(ruleset, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return false;
	}
	(void)close(ruleset);
	if (!can_open("/usr", O_RDONLY) || !can_open("/dev/null", O_RDONLY))
		return false;
	if (can_open("/", O_RDONLY) || can_open("/etc/passwd", O_RDONLY) ||
	    can_open("/dev/null", O_RDWR) || can_open("/dev/zero", O_RDONLY))
		return false;
	if (abi >= 4 && connect_error() != EACCES)
		return false;
	return abi < 6 || (kill(getppid(), 0) < 0 && errno == EPERM);
}

static void the_kernel_denies(void **state)
{
	(void)state;
	if (landlock_abi() == 0) {
		print_message("this kernel has no Landlock: not tested\n");
		skip();
	}
	print_message("Landlock ABI %d\n", landlock_abi());
	assert_true(true_in_child(confined));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_abi_s_rights),
	        cmocka_unit_test(the_kernel_denies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
