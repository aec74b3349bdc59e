/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table itself, and what it permits and does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "policy/xenstore.h"
#include "util.h"

#define OP(type) (1u << XS_##type)

static const struct xenstore_rule *find(uint32_t type, const char *path, const char *rest,
                                        size_t rest_len)
{
	const struct xenstore_query query = {
	        .type = type,
	        .domid = "7",
	        .path = path,
	        .rest = rest,
	        .rest_len = rest_len,
	};

	return xenstore_policy_find(&query);
}

static void rows_are_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < xenstore_n_rules; i++) {
		const struct xenstore_rule *r = &xenstore_rules[i];
		const char *star = strchr(r->path, '*');

		assert_true(r->ops != 0 && r->ops < (1u << XS_TYPE_COUNT));
		assert_true(r->path[0] == '\0' || r->path[0] == '/');
		assert_true(strlen(r->path) < XSFILTER_PATH_MAX / 2);
		assert_true(strlen(r->reason) > 0);
		if (star != NULL) {
			assert_int_equal(star[-1], '/');
			assert_true(star[1] == '\0' || star[1] == '/');
		}
		/* A forwarded request is rebuilt from the row: nothing in it may be open. */
		if (r->action == XENSTORE_FORWARD || r->action == XENSTORE_SEAL) {
			assert_null(star);
			assert_non_null(r->rest);
		}
	}
}

/* The whole list of what can have an effect outside xsfilter: whoever adds to it meets this. */
static void only_own_state_changes(void **state)
{
	const uint32_t transactions = OP(TRANSACTION_START) | OP(TRANSACTION_END);

	(void)state;
	for (size_t i = 0; i < xenstore_n_rules; i++) {
		const struct xenstore_rule *r = &xenstore_rules[i];

		if ((r->action != XENSTORE_FORWARD && r->action != XENSTORE_SEAL) ||
		    (r->ops & ~transactions) == 0)
			continue;
		assert_int_equal(r->action, XENSTORE_SEAL);
		assert_int_equal(r->ops, OP(WRITE));
		assert_string_equal(r->path, "/local/domain/0/device-model/%d/state");
		assert_string_equal(r->rest, "running");
	}
}

static const struct {
	uint32_t type;
	enum xenstore_action action;
	const char *path;
	const char *rest;
	size_t rest_len;
} permitted[] = {
        {XS_WRITE, XENSTORE_SEAL, "/local/domain/0/device-model/7/state", "running", 7},
        {XS_TRANSACTION_START, XENSTORE_FORWARD, "", "", 1},
        {XS_TRANSACTION_END, XENSTORE_FORWARD, "", "T", 2},
        {XS_TRANSACTION_END, XENSTORE_FORWARD, "", "F", 2},
        {XS_GET_DOMAIN_PATH, XENSTORE_PATH, "/local/domain/7", "", 0},
        {XS_READ, XENSTORE_ABSENT, "/local/domain/0/domid", "", 0},
        {XS_READ, XENSTORE_ABSENT, "/local/domain/7/image/device-model-domid", "", 0},
        {XS_MKDIR, XENSTORE_OK, "/local/domain/0/device-model/7/backends/console", "", 0},
        {XS_MKDIR, XENSTORE_OK, "/local/domain/0/device-model/7/backends/9pfs", "", 0},
        {XS_SET_PERMS, XENSTORE_OK, "/local/domain/0/device-model/7/backends/qusb", "n0\0n7", 6},
        {XS_WATCH, XENSTORE_WATCH, "/local/domain/0/backend/qdisk/7", "token", 6},
        {XS_UNWATCH, XENSTORE_WATCH, "/local/domain/0/backend/qdisk/7", "token", 6},
        {XS_DIRECTORY, XENSTORE_ABSENT, "/local/domain/0/backend", "", 0},
        {XS_DIRECTORY, XENSTORE_ABSENT, "/local/domain/0/backend/vkbd/7", "", 0},
};

static void what_qemu_needs_is_permitted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(permitted); i++) {
		const struct xenstore_rule *r = find(permitted[i].type, permitted[i].path,
		                                     permitted[i].rest, permitted[i].rest_len);

		assert_non_null(r);
		assert_int_equal(r->action, permitted[i].action);
	}
}

static const char *const forbidden_paths[] = {
        "/",
        "/local",
        "/local/domain",
        "/local/domain/0",
        "/local/domain/0/name",
        "/local/domain/7",
        "/local/domain/7/name",
        "/local/domain/7/console/tty",
        "/local/domain/7/console/vnc-port",
        "/local/domain/7/serial/0/tty",
        "/local/domain/7/image/device-model-pid",
        "/local/domain/7/image/device-model-kill-uid",
        "/local/domain/7/device/vbd/768/state",
        "/local/domain/70/image/device-model-domid",
        "/local/domain/8/image/device-model-domid",
        "/local/domain/0/backend/vif/7/0/script",
        "/local/domain/0/backend/vbd/7/768/params",
        "/local/domain/0/backend/qdisk/7/51712/params",
        "/local/domain/0/backend/qdisk/70",
        "/local/domain/0/backend/qdisk/17",
        "/local/domain/0/backend/qdisk/8",
        "/local/domain/0/backend/qdisk",
        "/local/domain/0/backend//7",
        "/local/domain/0/device-model/7",
        "/local/domain/0/device-model/7/backends",
        "/local/domain/0/device-model/7/backends/",
        "/local/domain/0/device-model/7/backends/console/x",
        "/local/domain/0/device-model/70/state",
        "/local/domain/0/device-model/8/state",
        "/local/domain/0/device-model/7/state/x",
        "/local/domain/0/device-model/7/physmap",
        "/libxl/7/dm-version",
        "/vm",
        "/tool/xenstored",
        "@introduceDomain",
        "@releaseDomain",
        "",
};

static void everything_else_is_refused(void **state)
{
	static const char *const rests[] = {"", "running", "n0\0n7", "T"};
	static const size_t lens[] = {0, 7, 6, 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_paths); i++)
		for (uint32_t type = 0; type < XS_TYPE_COUNT; type++)
			for (size_t k = 0; k < ARRAY_SIZE(rests); k++) {
				const char *path = forbidden_paths[i];

				if (type == XS_GET_DOMAIN_PATH || type == XS_TRANSACTION_END)
					continue;
				/* One component below backend/ may have any name, "qdisk" too. */
				if ((type == XS_DIRECTORY || type == XS_WATCH) &&
				    strcmp(path, "/local/domain/0/backend") == 0)
					continue;
				assert_null(find(type, path, rests[k], lens[k]));
			}
}

static void values_are_exact(void **state)
{
	const char *const path = "/local/domain/0/device-model/7/state";
	const char *const perms = "/local/domain/0/device-model/7/backends/vkbd";

	(void)state;
	assert_non_null(find(XS_WRITE, path, "running", 7));
	assert_null(find(XS_WRITE, path, "running", 8));
	assert_null(find(XS_WRITE, path, "runnin", 6));
	assert_null(find(XS_WRITE, path, "runninG", 7));
	assert_null(find(XS_WRITE, path, "", 0));
	assert_null(find(XS_SET_PERMS, perms, "n0\0n8", 6));
	assert_null(find(XS_SET_PERMS, perms, "n0\0b7", 6));
	assert_null(find(XS_SET_PERMS, perms, "n7\0n0", 6));
	assert_null(find(XS_SET_PERMS, perms, "n0\0n7\0b8", 9));
	assert_null(find(XS_SET_PERMS, perms, "n0", 3));
	assert_null(find(XS_TRANSACTION_END, "", "X", 2));
	assert_null(find(XS_TRANSACTION_END, "", "", 1));
	assert_null(find(XS_TRANSACTION_START, "", "T", 2));
}

static void other_domains_have_no_path(void **state)
{
	static const char *const paths[] = {"/local/domain/0", "/local/domain/70",
	                                    "/local/domain/07", "/local/domain/77"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_null(find(XS_GET_DOMAIN_PATH, paths[i], "", 0));
}

static void unknown_types_have_no_row(void **state)
{
	static const uint32_t types[] = {20, 23, 31, 32, 33, 32 + XS_WRITE, XS_INVALID, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_null(find(types[i], "/local/domain/0/device-model/7/state", "running", 7));
}

static void long_domids_expand(void **state)
{
	char rest[XSFILTER_REST_MAX];
	struct xenstore_rule rule = {.rest = "n0|n%d|"};

	(void)state;
	assert_int_equal(xenstore_policy_rest(&rule, "32751", rest), 10);
	assert_memory_equal(rest, "n0\0n32751", 10);

	/* A row too long for the buffer is cut, never written past it. */
	rule.rest = "0123456789012345678901234567%d%d%d";
	assert_int_equal(xenstore_policy_rest(&rule, "32751", rest), XSFILTER_REST_MAX);
	assert_memory_equal(rest, "01234567890123456789012345673275", XSFILTER_REST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rows_are_well_formed),
	        cmocka_unit_test(only_own_state_changes),
	        cmocka_unit_test(what_qemu_needs_is_permitted),
	        cmocka_unit_test(everything_else_is_refused),
	        cmocka_unit_test(values_are_exact),
	        cmocka_unit_test(other_domains_have_no_path),
	        cmocka_unit_test(unknown_types_have_no_row),
	        cmocka_unit_test(long_domids_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
