/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sockets.h"
#include "util.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* The answer for the first len bytes, at the end of an allocation: ASan sees one byte too many. */
static bool is_xenstored(const void *addr, size_t len)
{
	char *copy = malloc(len + 1);
	bool r;

	assert_non_null(copy);
	memcpy(copy + 1, addr, len);
	r = sockaddr_is_xenstored(copy + 1, len);
	free(copy);
	return r;
}

static int find_inet(const struct manifest *m, const void *addr, size_t len, uint16_t *ret_port)
{
	char *copy = malloc(len + 1);
	int r;

	assert_non_null(copy);
	memcpy(copy + 1, addr, len);
	r = sockaddr_find_inet(m, copy + 1, len, ret_port);
	free(copy);
	return r;
}

static void put_path(char addr[SOCKADDR_MAX], sa_family_t family, const char *path)
{
	struct sockaddr_un un = {.sun_family = family};

	(void)stpncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	memset(addr, 0, SOCKADDR_MAX);
	memcpy(addr, &un, sizeof(un));
}

static const char *const xenstored[] = {"/var/run/xenstored/socket", "/run/xenstored/socket"};

static void every_length_of_either_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(xenstored); i++) {
		/* As for the kernel, the length may end the path, and what follows a NUL is
		 * nothing. */
		const size_t complete = PATH_OFFSET + strlen(xenstored[i]);
		char addr[SOCKADDR_MAX];

		for (size_t len = 0; len <= SOCKADDR_MAX; len++) {
			const bool good = len >= complete && len <= sizeof(struct sockaddr_un);

			put_path(addr, AF_UNIX, xenstored[i]);
			assert_int_equal(is_xenstored(addr, len), good);
			memset(addr + complete + 1, 'x', sizeof(addr) - complete - 1);
			assert_int_equal(is_xenstored(addr, len), good);
		}
	}
}

static void only_unix_sockets(void **state)
{
	char addr[SOCKADDR_MAX];

	(void)state;
	for (unsigned int family = 0; family <= UINT16_MAX; family++) {
		put_path(addr, (sa_family_t)family, xenstored[0]);
		assert_int_equal(is_xenstored(addr, sizeof(struct sockaddr_un)), family == AF_UNIX);
	}
}

static const char *const other_paths[] = {
        "",
        "/",
        "run/xenstored/socket",
        "/run/xenstored",
        "/run/xenstored/socke",
        "/run/xenstored/socket_ro",
        "/run/xenstored/socket/",
        "//run/xenstored/socket",
        "/run/../run/xenstored/socket",
        "/var/run/xenstored/socke",
        "/var/run/xenstored/socketx",
        "/RUN/xenstored/socket",
        "/run/xen/qmp-libxl-1",
};

static void no_other_name(void **state)
{
	char addr[SOCKADDR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other_paths); i++) {
		put_path(addr, AF_UNIX, other_paths[i]);
		assert_false(is_xenstored(addr, sizeof(struct sockaddr_un)));
		assert_false(is_xenstored(addr, PATH_OFFSET + strlen(other_paths[i])));
	}
}

static void no_abstract_name(void **state)
{
	char addr[SOCKADDR_MAX];

	(void)state;
	put_path(addr, AF_UNIX, "");
	memcpy(addr + PATH_OFFSET + 1, xenstored[1], strlen(xenstored[1]));
	for (size_t len = 0; len <= SOCKADDR_MAX; len++)
		assert_false(is_xenstored(addr, len));
}

static void a_path_without_end(void **state)
{
	const size_t complete = PATH_OFFSET + strlen(xenstored[0]);
	char addr[SOCKADDR_MAX];

	(void)state;
	put_path(addr, AF_UNIX, xenstored[0]);
	memset(addr + complete, '/', sizeof(addr) - complete);
	for (size_t len = complete + 1; len <= SOCKADDR_MAX; len++)
		assert_false(is_xenstored(addr, len));
}

enum inet {
	LOOPBACK,
	LOOPBACK6,
	ANY,
	ANY6,
	ONE_PORT,
	HIGHEST,
	N_INETS,
};

static const struct manifest plan = {
        .n_inets = N_INETS,
        .inets =
                {
                        [LOOPBACK] = {AF_INET, 5900, 5999, 0, {127, 0, 0, 1}},
                        [LOOPBACK6] = {AF_INET6, 5900, 5999, 0, {[15] = 1}},
                        [ANY] = {AF_INET, 6000, 6001, 0, {0}},
                        [ANY6] = {AF_INET6, 6001, 6002, 0, {0}},
                        [ONE_PORT] = {AF_INET, 7000, 7000, 0, {10, 0, 0, 1}},
                        [HIGHEST] = {AF_INET, 65535, 65535, 0, {10, 0, 0, 1}},
                        /* Past the end: must not be looked at. */
                        [N_INETS] = {AF_INET, 0, 65535, 0, {10, 9, 9, 9}},
                },
};

static const struct {
	const char *ip;
	sa_family_t family;
	uint16_t port;
	int found;
} inets[] = {
        {"127.0.0.1", AF_INET, 5900, LOOPBACK},
        {"127.0.0.1", AF_INET, 5950, LOOPBACK},
        {"127.0.0.1", AF_INET, 5999, LOOPBACK},
        {"127.0.0.1", AF_INET, 5899, -1},
        {"127.0.0.1", AF_INET, 6000, -1},
        {"127.0.0.1", AF_INET, 0, -1},
        {"127.0.0.2", AF_INET, 5900, -1},
        {"1.0.0.127", AF_INET, 5900, -1},
        {"0.0.0.0", AF_INET, 5900, -1},
        {"::1", AF_INET6, 5900, LOOPBACK6},
        {"::1", AF_INET6, 5999, LOOPBACK6},
        {"::1", AF_INET6, 6000, -1},
        {"::", AF_INET6, 5900, -1},
        {"1::", AF_INET6, 5900, -1},
        /* An IPv4 address in IPv6's clothes reaches 127.0.0.1 as well, and is not in the plan. */
        {"::ffff:127.0.0.1", AF_INET6, 5900, -1},
        {"7f00:1::", AF_INET6, 5900, -1},
        {"0.0.0.0", AF_INET, 6000, ANY},
        {"0.0.0.0", AF_INET, 6001, ANY},
        {"0.0.0.0", AF_INET, 6002, -1},
        {"::", AF_INET6, 6000, -1},
        {"::", AF_INET6, 6001, ANY6},
        {"::", AF_INET6, 6002, ANY6},
        {"::ffff:0.0.0.0", AF_INET6, 6001, -1},
        /* The wildcard is an address, not a pattern. */
        {"127.0.0.1", AF_INET, 6001, -1},
        {"::1", AF_INET6, 6001, -1},
        {"10.0.0.1", AF_INET, 6999, -1},
        {"10.0.0.1", AF_INET, 7000, ONE_PORT},
        {"10.0.0.1", AF_INET, 7001, -1},
        /* 7000 in the other byte order */
        {"10.0.0.1", AF_INET, 0x581b, -1},
        {"10.0.0.1", AF_INET, 65535, HIGHEST},
        {"10.0.0.1", AF_INET, 65534, -1},
        {"10.9.9.9", AF_INET, 5900, -1},
};

static size_t put_inet(char addr[SOCKADDR_MAX], sa_family_t family, const char *ip, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memset(addr, 0, SOCKADDR_MAX);
	if (family == AF_INET) {
		assert_int_equal(inet_pton(family, ip, &in.sin_addr), 1);
		memcpy(addr, &in, sizeof(in));
		return sizeof(in);
	}
	assert_int_equal(inet_pton(family, ip, &in6.sin6_addr), 1);
	memcpy(addr, &in6, sizeof(in6));
	return sizeof(in6);
}

static void address_and_port_as_planned(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inets); i++) {
		char addr[SOCKADDR_MAX];
		const size_t complete = put_inet(addr, inets[i].family, inets[i].ip, inets[i].port);

		for (size_t len = 0; len <= SOCKADDR_MAX; len++) {
			const int found = len < complete ? -1 : inets[i].found;
			uint16_t port = 1;

			assert_int_equal(find_inet(&plan, addr, len, &port), found);
			assert_int_equal(port, found < 0 ? 1 : inets[i].port);
		}
	}
}

static void no_other_family(void **state)
{
	static const struct {
		sa_family_t family;
		const char *ip;
	} addrs[] = {{AF_INET, "127.0.0.1"}, {AF_INET6, "::1"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		char addr[SOCKADDR_MAX];
		const size_t len = put_inet(addr, addrs[i].family, addrs[i].ip, 5900);

		for (unsigned int family = 0; family <= UINT16_MAX; family++) {
			const sa_family_t f = (sa_family_t)family;
			uint16_t port;

			memcpy(addr, &f, sizeof(f));
			assert_int_equal(find_inet(&plan, addr, len, &port) >= 0,
			                 family == addrs[i].family);
		}
	}
}

static void an_empty_plan_allows_nothing(void **state)
{
	static const struct manifest empty;
	char addr[SOCKADDR_MAX];
	/* All zero: what an unused entry looks like. */
	const size_t len = put_inet(addr, AF_INET, "0.0.0.0", 0);
	uint16_t port;

	(void)state;
	assert_int_equal(find_inet(&empty, addr, len, &port), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_length_of_either_name),
	        cmocka_unit_test(only_unix_sockets),
	        cmocka_unit_test(no_other_name),
	        cmocka_unit_test(no_abstract_name),
	        cmocka_unit_test(a_path_without_end),
	        cmocka_unit_test(address_and_port_as_planned),
	        cmocka_unit_test(no_other_family),
	        cmocka_unit_test(an_empty_plan_allows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
