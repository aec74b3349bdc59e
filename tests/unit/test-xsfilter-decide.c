/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of every type, well-formed and not, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "util.h"

#define HEADER sizeof(struct xsd_sockmsg)
#define REQ_ID 0xdeadbeef

/* A string literal as payload, without the NUL that C adds. */
#define BYTES(s) (s), sizeof(s) - 1

#define STATE "/local/domain/0/device-model/7/state\0"
#define QDISK "/local/domain/0/backend/qdisk/7\0"

struct fixture {
	struct session session;
	struct wire request, out, reply;
};

static struct fixture fix;

static int fresh(void **state)
{
	memset(&fix, 0, sizeof(fix));
	fix.session.domid = "7";
	*state = &fix;
	return 0;
}

static struct decision ask(uint32_t type, uint32_t tx, const char *payload, size_t len)
{
	const struct xsd_sockmsg hdr = {type, REQ_ID, tx, (uint32_t)len};

	wire_reset(&fix.request);
	wire_reset(&fix.out);
	wire_put(&fix.request, &hdr, payload);
	return decide_request(&fix.session, &fix.request, &fix.out);
}

/* The first message of w is this one, and starts at its beginning. */
static void assert_message(const struct wire *w, uint32_t type, uint32_t tx, const char *payload,
                           size_t len)
{
	const struct xsd_sockmsg hdr = wire_header(w);

	assert_int_equal(hdr.type, type);
	assert_int_equal(hdr.req_id, REQ_ID);
	assert_int_equal(hdr.tx_id, tx);
	assert_int_equal(hdr.len, len);
	assert_memory_equal(wire_payload(w), payload, len);
}

static void assert_answered(struct decision d, uint32_t type, const char *payload, size_t len)
{
	assert_int_equal(d.verdict, VERDICT_ANSWER);
	assert_message(&fix.out, type, 0, payload, len);
	assert_int_equal(fix.out.used, HEADER + len);
}

static void assert_refused(struct decision d, const char *error)
{
	assert_int_equal(d.verdict, VERDICT_REFUSE);
	assert_string_equal(d.error, error);
	assert_int_equal(wire_header(&fix.out).type, XS_ERROR);
	assert_int_equal(wire_header(&fix.out).req_id, REQ_ID);
	assert_string_equal(wire_payload(&fix.out), error);
	assert_int_equal(fix.out.used, HEADER + strlen(error) + 1);
}

static int reply(uint32_t type, uint32_t req_id, uint32_t tx, const char *payload, size_t len)
{
	const struct xsd_sockmsg hdr = {type, req_id, tx, (uint32_t)len};

	wire_reset(&fix.reply);
	wire_put(&fix.reply, &hdr, payload);
	return decide_reply(&fix.session, &fix.request, &fix.reply);
}

static void open_transaction(uint32_t id)
{
	char text[16];
	const int len = snprintf(text, sizeof(text), "%u", id) + 1;

	assert_int_equal(ask(XS_TRANSACTION_START, 0, BYTES("\0")).verdict, VERDICT_FORWARD);
	assert_int_equal(reply(XS_TRANSACTION_START, REQ_ID, 0, text, (size_t)len), 0);
}

static void state_is_forwarded_in_canonical_form(void **state)
{
	struct decision d;

	(void)state;
	d = ask(XS_WRITE, 0, BYTES(STATE "running"));
	assert_int_equal(d.verdict, VERDICT_SEAL);
	assert_message(&fix.request, XS_WRITE, 0, BYTES(STATE "running"));
	assert_int_equal(fix.out.used, 0);

	d = ask(XS_WRITE, 0, BYTES("device-model/7/state\0running"));
	assert_int_equal(d.verdict, VERDICT_SEAL);
	assert_message(&fix.request, XS_WRITE, 0, BYTES(STATE "running"));
	assert_string_equal(d.path, "/local/domain/0/device-model/7/state");
}

static void backends_do_not_exist(void **state)
{
	(void)state;
	assert_answered(ask(XS_DIRECTORY, 0, BYTES("backend\0")), XS_ERROR, BYTES("ENOENT\0"));
	assert_answered(ask(XS_DIRECTORY, 0, BYTES("backend/vkbd/7\0")), XS_ERROR,
	                BYTES("ENOENT\0"));
	assert_answered(ask(XS_READ, 0, BYTES("domid\0")), XS_ERROR, BYTES("ENOENT\0"));
	assert_answered(ask(XS_READ, 0, BYTES("/local/domain/7/image/device-model-domid\0")),
	                XS_ERROR, BYTES("ENOENT\0"));
}

static void announcements_are_swallowed(void **state)
{
	(void)state;
	assert_answered(ask(XS_MKDIR, 0, BYTES("device-model/7/backends/console\0")), XS_MKDIR,
	                BYTES("OK\0"));
	assert_answered(ask(XS_SET_PERMS, 0, BYTES("device-model/7/backends/console\0n0\0n7\0")),
	                XS_SET_PERMS, BYTES("OK\0"));
}

static void own_domain_path_is_known(void **state)
{
	(void)state;
	assert_answered(ask(XS_GET_DOMAIN_PATH, 0, BYTES("7\0")), XS_GET_DOMAIN_PATH,
	                BYTES("/local/domain/7\0"));
}

static const struct {
	uint32_t type;
	const char *payload;
	size_t len;
	const char *error;
} refused[] = {
        /* What is not permitted. */
        {XS_READ, BYTES("/local/domain/8/name\0"), "EACCES"},
        {XS_READ, BYTES("/\0"), "EACCES"},
        {XS_READ, BYTES("name\0"), "EACCES"},
        {XS_GET_PERMS, BYTES(STATE), "EACCES"},
        {XS_RM, BYTES("/local/domain/0/device-model/7\0"), "EACCES"},
        {XS_DIRECTORY, BYTES("/local/domain\0"), "EACCES"},
        {XS_DIRECTORY, BYTES("backend/qdisk/8\0"), "EACCES"},
        {XS_WRITE, BYTES(STATE "paused"), "EACCES"},
        {XS_WRITE, BYTES(STATE "running\0"), "EACCES"},
        {XS_WRITE, BYTES(STATE), "EACCES"},
        {XS_WRITE, BYTES("device-model/8/state\0running"), "EACCES"},
        {XS_WATCH, BYTES("@introduceDomain\0t\0"), "EACCES"},
        {XS_WATCH, BYTES("@releaseDomain\0t\0"), "EACCES"},
        {XS_WATCH, BYTES("/local/domain/0/backend\0t\0"), "EACCES"},
        {XS_WATCH, BYTES("/\0t\0"), "EACCES"},
        {XS_GET_DOMAIN_PATH, BYTES("0\0"), "EACCES"},
        {XS_GET_DOMAIN_PATH, BYTES("8\0"), "EACCES"},
        {XS_GET_DOMAIN_PATH, BYTES("07\0"), "EACCES"},
        {XS_SET_PERMS, BYTES("device-model/7/backends/x\0b7\0"), "EACCES"},
        {XS_TRANSACTION_START, BYTES("x\0"), "EACCES"},
        /* Types that are never permitted, whatever they say. */
        {XS_CONTROL, BYTES("print\0x\0"), "EACCES"},
        {XS_INTRODUCE, BYTES("7\0001\0001\0"), "EACCES"},
        {XS_RELEASE, BYTES("8\0"), "EACCES"},
        {XS_IS_DOMAIN_INTRODUCED, BYTES("8\0"), "EACCES"},
        {XS_RESUME, BYTES("8\0"), "EACCES"},
        {XS_SET_TARGET, BYTES("7\0008\0"), "EACCES"},
        {XS_RESET_WATCHES, BYTES("\0"), "EACCES"},
        {XS_DIRECTORY_PART, BYTES("/\0000\0"), "EACCES"},
        /* Types that no client sends, or that do not exist. */
        {XS_WATCH_EVENT, BYTES(QDISK "t\0"), "ENOSYS"},
        {XS_ERROR, BYTES("EIO\0"), "ENOSYS"},
        {20, BYTES("7\0"), "ENOSYS"},
        {23, BYTES(""), "ENOSYS"},
        {XS_INVALID, BYTES(""), "ENOSYS"},
        {UINT32_MAX, BYTES(""), "ENOSYS"},
        /* Paths that are not canonical. */
        {XS_READ, BYTES("\0"), "EINVAL"},
        {XS_READ, BYTES("domid/\0"), "EINVAL"},
        {XS_READ, BYTES("//local/domain/0/domid\0"), "EINVAL"},
        {XS_READ, BYTES("/local//domain/0/domid\0"), "EINVAL"},
        {XS_READ, BYTES("./domid\0"), "EINVAL"},
        {XS_READ, BYTES("../0/domid\0"), "EINVAL"},
        {XS_READ, BYTES("dom id\0"), "EINVAL"},
        {XS_READ, BYTES("domid\n\0"), "EINVAL"},
        {XS_READ, BYTES("\x80\xff\0"), "EINVAL"},
        {XS_READ, BYTES("%d\0"), "EINVAL"},
        {XS_MKDIR, BYTES("device-model/7/backends/*\0"), "EINVAL"},
        /* Payloads that are not of the type's form. */
        {XS_READ, BYTES(""), "EINVAL"},
        {XS_READ, BYTES("domid"), "EINVAL"},
        {XS_READ, BYTES("domid\0x"), "EINVAL"},
        {XS_READ, BYTES("domid\0\0"), "EINVAL"},
        {XS_DIRECTORY, BYTES("backend\0x\0"), "EINVAL"},
        {XS_GET_PERMS, BYTES("domid"), "EINVAL"},
        {XS_MKDIR, BYTES("device-model/7/backends/x"), "EINVAL"},
        {XS_RM, BYTES("domid\0domid\0"), "EINVAL"},
        {XS_WRITE, BYTES(""), "EINVAL"},
        {XS_WRITE, BYTES("device-model/7/state"), "EINVAL"},
        {XS_WRITE, BYTES("\0running"), "EINVAL"},
        {XS_WATCH, BYTES(QDISK), "EINVAL"},
        {XS_WATCH, BYTES(QDISK "t"), "EINVAL"},
        {XS_WATCH, BYTES(QDISK "t\0001\0"), "EINVAL"},
        {XS_WATCH, BYTES(QDISK "t\0x"), "EINVAL"},
        {XS_UNWATCH, BYTES(QDISK "t"), "EINVAL"},
        {XS_SET_PERMS, BYTES("device-model/7/backends/x\0"), "EINVAL"},
        {XS_SET_PERMS, BYTES("device-model/7/backends/x\0\0"), "EINVAL"},
        {XS_SET_PERMS, BYTES("device-model/7/backends/x\0n0\0n7"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES(""), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("7"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("\0"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("7\0007\0"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("-7\0"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("7/..\0"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("65536\0"), "EINVAL"},
        {XS_GET_DOMAIN_PATH, BYTES("0000000000007\0"), "EINVAL"},
        {XS_TRANSACTION_START, BYTES(""), "EINVAL"},
        {XS_TRANSACTION_START, BYTES("\0\0"), "EINVAL"},
        {XS_TRANSACTION_START, BYTES("xyz\0"), "EINVAL"},
};

static void everything_else_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		(void)fresh(state);
		assert_refused(ask(refused[i].type, 0, refused[i].payload, refused[i].len),
		               refused[i].error);
		assert_int_equal(fix.session.n_watches, 0);
		assert_int_equal(fix.session.n_transactions, 0);
	}
}

static void long_paths_are_refused(void **state)
{
	char payload[XENSTORE_PAYLOAD_MAX];
	static const size_t lens[] = {XSFILTER_PATH_MAX - 17, XSFILTER_PATH_MAX, 2048,
	                              XENSTORE_PAYLOAD_MAX - 1};

	(void)state;
	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		payload[lens[i]] = '\0';
		assert_refused(ask(XS_READ, 0, payload, lens[i] + 1), "EACCES");
		payload[lens[i]] = 'x';
	}
	assert_refused(ask(XS_READ, 0, payload, sizeof(payload)), "EINVAL");
}

/* Nothing unprintable reaches the log. */
static void only_canonical_paths_are_reported(void **state)
{
	(void)state;
	assert_string_equal(ask(XS_READ, 0, BYTES("a\x1b[2Jb\0")).path, "");
	assert_string_equal(ask(XS_READ, 0, BYTES("@x\0")).path, "");
	assert_string_equal(ask(XS_READ, 0, BYTES("name\0")).path, "/local/domain/0/name");
}

static void a_watch_fires_once(void **state)
{
	static const char event[] = "backend/qdisk/7\0be:1\0";
	struct xsd_sockmsg second;

	(void)state;
	assert_int_equal(ask(XS_WATCH, 0, BYTES(event)).verdict, VERDICT_ANSWER);
	assert_message(&fix.out, XS_WATCH, 0, BYTES("OK\0"));
	memcpy(&second, fix.out.bytes + HEADER + 3, HEADER);
	assert_int_equal(second.type, XS_WATCH_EVENT);
	assert_int_equal(second.req_id, 0);
	assert_int_equal(second.tx_id, 0);
	assert_int_equal(second.len, sizeof(event) - 1);
	assert_memory_equal(fix.out.bytes + 2 * HEADER + 3, event, sizeof(event) - 1);
	assert_int_equal(fix.out.used, 2 * HEADER + 3 + sizeof(event) - 1);
	assert_int_equal(fix.session.n_watches, 1);
}

static void a_watch_is_its_canonical_path_and_token(void **state)
{
	(void)state;
	assert_int_equal(ask(XS_WATCH, 0, BYTES("backend/qdisk/7\0a\0")).verdict, VERDICT_ANSWER);
	assert_refused(ask(XS_WATCH, 0, BYTES(QDISK "a\0")), "EEXIST");
	assert_int_equal(ask(XS_WATCH, 0, BYTES(QDISK "b\0")).verdict, VERDICT_ANSWER);
	assert_int_equal(ask(XS_WATCH, 0, BYTES(QDISK "\0")).verdict, VERDICT_ANSWER);
	assert_int_equal(fix.session.n_watches, 3);

	assert_refused(ask(XS_UNWATCH, 0, BYTES(QDISK "c\0")), "ENOENT");
	assert_refused(ask(XS_UNWATCH, 0, BYTES("backend/vkbd/7\0a\0")), "ENOENT");
	assert_answered(ask(XS_UNWATCH, 0, BYTES(QDISK "a\0")), XS_UNWATCH, BYTES("OK\0"));
	assert_refused(ask(XS_UNWATCH, 0, BYTES(QDISK "a\0")), "ENOENT");
	assert_answered(ask(XS_UNWATCH, 0, BYTES(QDISK "\0")), XS_UNWATCH, BYTES("OK\0"));
	assert_answered(ask(XS_UNWATCH, 0, BYTES(QDISK "b\0")), XS_UNWATCH, BYTES("OK\0"));
	assert_int_equal(fix.session.n_watches, 0);
}

static void watches_are_few_and_small(void **state)
{
	char payload[sizeof(QDISK) + XSFILTER_TOKEN_MAX] = QDISK;
	char *const token = payload + sizeof(QDISK) - 1;

	(void)state;
	memset(token, 't', XSFILTER_TOKEN_MAX);
	assert_refused(ask(XS_WATCH, 0, payload, sizeof(payload)), "ENOSPC");
	assert_refused(ask(XS_UNWATCH, 0, payload, sizeof(payload)), "ENOENT");
	token[XSFILTER_TOKEN_MAX - 1] = '\0';

	for (char i = 0; i < XSFILTER_WATCHES; i++) {
		token[0] = (char)('0' + i);
		assert_int_equal(ask(XS_WATCH, 0, payload, sizeof(payload) - 1).verdict,
		                 VERDICT_ANSWER);
	}
	assert_refused(ask(XS_WATCH, 0, BYTES(QDISK "x\0")), "ENOSPC");
	assert_int_equal(ask(XS_UNWATCH, 0, payload, sizeof(payload) - 1).verdict, VERDICT_ANSWER);
	assert_int_equal(ask(XS_WATCH, 0, BYTES(QDISK "x\0")).verdict, VERDICT_ANSWER);
}

static void a_transaction_begins_and_ends(void **state)
{
	(void)state;
	assert_int_equal(ask(XS_TRANSACTION_START, 0, BYTES("\0")).verdict, VERDICT_FORWARD);
	assert_message(&fix.request, XS_TRANSACTION_START, 0, BYTES("\0"));
	assert_int_equal(reply(XS_TRANSACTION_START, REQ_ID, 0, BYTES("12\0")), 0);

	assert_int_equal(ask(XS_WRITE, 12, BYTES(STATE "running")).verdict, VERDICT_SEAL);
	assert_message(&fix.request, XS_WRITE, 12, BYTES(STATE "running"));
	assert_int_equal(reply(XS_WRITE, REQ_ID, 12, BYTES("OK\0")), 0);

	assert_int_equal(ask(XS_TRANSACTION_END, 12, BYTES("T\0")).verdict, VERDICT_FORWARD);
	assert_message(&fix.request, XS_TRANSACTION_END, 12, BYTES("T\0"));
	assert_int_equal(reply(XS_ERROR, REQ_ID, 12, BYTES("EAGAIN\0")), 0);

	assert_refused(ask(XS_TRANSACTION_END, 12, BYTES("F\0")), "ENOENT");
	assert_refused(ask(XS_WRITE, 12, BYTES(STATE "running")), "ENOENT");
}

static void only_own_transactions_can_be_used(void **state)
{
	(void)state;
	assert_refused(ask(XS_WRITE, 1, BYTES(STATE "running")), "ENOENT");
	assert_refused(ask(XS_READ, UINT32_MAX, BYTES("domid\0")), "ENOENT");
	assert_refused(ask(XS_TRANSACTION_END, 0, BYTES("T\0")), "ENOENT");
	assert_refused(ask(XS_TRANSACTION_END, 1, BYTES("T\0")), "ENOENT");
	open_transaction(5);
	assert_refused(ask(XS_TRANSACTION_START, 5, BYTES("\0")), "EBUSY");
	assert_refused(ask(XS_WRITE, 6, BYTES(STATE "running")), "ENOENT");
	assert_refused(ask(XS_TRANSACTION_END, 5, BYTES("X\0")), "EACCES");
	assert_refused(ask(XS_TRANSACTION_END, 5, BYTES("\0")), "EACCES");
	assert_int_equal(fix.session.n_transactions, 1);
	assert_int_equal(ask(XS_DIRECTORY, 5, BYTES("backend\0")).verdict, VERDICT_ANSWER);
	assert_message(&fix.out, XS_ERROR, 5, BYTES("ENOENT\0"));
	/* Watches are outside of any transaction: whatever the id, it is not looked at. */
	assert_int_equal(ask(XS_WATCH, 99, BYTES(QDISK "t\0")).verdict, VERDICT_ANSWER);
}

static void transactions_are_few(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= XSFILTER_TRANSACTIONS; i++)
		open_transaction(i);
	assert_refused(ask(XS_TRANSACTION_START, 0, BYTES("\0")), "ENOSPC");
	assert_int_equal(ask(XS_TRANSACTION_END, 2, BYTES("F\0")).verdict, VERDICT_FORWARD);
	assert_int_equal(reply(XS_TRANSACTION_END, REQ_ID, 2, BYTES("OK\0")), 0);
	open_transaction(UINT32_MAX);
	assert_refused(ask(XS_WRITE, 2, BYTES(STATE "running")), "ENOENT");
	assert_int_equal(ask(XS_WRITE, XSFILTER_TRANSACTIONS, BYTES(STATE "running")).verdict,
	                 VERDICT_SEAL);
}

static void a_failed_start_opens_nothing(void **state)
{
	(void)state;
	(void)ask(XS_TRANSACTION_START, 0, BYTES("\0"));
	assert_int_equal(reply(XS_ERROR, REQ_ID, 0, BYTES("ENOMEM\0")), 0);
	assert_int_equal(fix.session.n_transactions, 0);
}

static void oxenstored_adds_no_nul(void **state)
{
	(void)state;
	(void)ask(XS_TRANSACTION_START, 0, BYTES("\0"));
	assert_int_equal(reply(XS_TRANSACTION_START, REQ_ID, 0, BYTES("4294967295")), 0);
	assert_int_equal(fix.session.transactions[0], UINT32_MAX);
}

static void replies_out_of_step_are_noticed(void **state)
{
	static const struct {
		uint32_t type, req_id, tx;
		const char *payload;
		size_t len;
	} bad[] = {
	        {XS_READ, REQ_ID, 0, BYTES("1\0")},
	        {XS_TRANSACTION_START, REQ_ID + 1, 0, BYTES("1\0")},
	        {XS_TRANSACTION_START, REQ_ID, 3, BYTES("1\0")},
	        {XS_ERROR, 0, 0, BYTES("EIO\0")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("\0")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("0\0")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("-1\0")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("1x\0")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("4294967296\0")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("12345678901")},
	        {XS_TRANSACTION_START, REQ_ID, 0, BYTES("123456789012345678901234567890")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)fresh(state);
		(void)ask(XS_TRANSACTION_START, 0, BYTES("\0"));
		assert_int_equal(
		        reply(bad[i].type, bad[i].req_id, bad[i].tx, bad[i].payload, bad[i].len),
		        -1);
		assert_int_equal(fix.session.n_transactions, 0);
	}
}

static void an_id_is_given_once(void **state)
{
	(void)state;
	open_transaction(5);
	(void)ask(XS_TRANSACTION_START, 0, BYTES("\0"));
	assert_int_equal(reply(XS_TRANSACTION_START, REQ_ID, 0, BYTES("5\0")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(state_is_forwarded_in_canonical_form, fresh),
	        cmocka_unit_test_setup(backends_do_not_exist, fresh),
	        cmocka_unit_test_setup(announcements_are_swallowed, fresh),
	        cmocka_unit_test_setup(own_domain_path_is_known, fresh),
	        cmocka_unit_test_setup(everything_else_is_refused, fresh),
	        cmocka_unit_test_setup(long_paths_are_refused, fresh),
	        cmocka_unit_test_setup(only_canonical_paths_are_reported, fresh),
	        cmocka_unit_test_setup(a_watch_fires_once, fresh),
	        cmocka_unit_test_setup(a_watch_is_its_canonical_path_and_token, fresh),
	        cmocka_unit_test_setup(watches_are_few_and_small, fresh),
	        cmocka_unit_test_setup(a_transaction_begins_and_ends, fresh),
	        cmocka_unit_test_setup(only_own_transactions_can_be_used, fresh),
	        cmocka_unit_test_setup(transactions_are_few, fresh),
	        cmocka_unit_test_setup(a_failed_start_opens_nothing, fresh),
	        cmocka_unit_test_setup(oxenstored_adds_no_nul, fresh),
	        cmocka_unit_test_setup(replies_out_of_step_are_noticed, fresh),
	        cmocka_unit_test_setup(an_id_is_given_once, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
