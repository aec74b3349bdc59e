/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's key=value syntax: escapes, flags, the implied key, and printing it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemuopts.h"
#include "util.h"

static struct qemuopts parsed(const char *text, const char *implied)
{
	struct qemuopts opts;

	assert_int_equal(qemuopts_parse(text, implied, &opts), 0);
	return opts;
}

static void assert_prints(const struct qemuopts *opts, const char *text)
{
	char *printed = qemuopts_print(opts);

	assert_non_null(printed);
	assert_string_equal(printed, text);
	free(printed);
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *implied, *key, *value;
	} cases[] = {
	        {"a=b", NULL, "a", "b"},
	        {"a=b,c=d", NULL, "c", "d"},
	        {"a=,c=d", NULL, "a", ""},
	        {"a=", NULL, "a", ""},
	        {"a=b=c", NULL, "a", "b=c"},
	        {"a=b,", NULL, "a", "b"},
	        {"a=b,,c=d", NULL, "a", "b,c=d"},
	        {"a=b,,,c=d", NULL, "a", "b,"},
	        {"a=b,,,c=d", NULL, "c", "d"},
	        {"a=,,", NULL, "a", ","},
	        {"a=,,,,", NULL, "a", ",,"},
	        {"a=b c,d=\"e\"", NULL, "a", "b c"},
	        {"a=b c,d=\"e\"", NULL, "d", "\"e\""},
	        {"tap,id=n", "type", "type", "tap"},
	        {"type=tap,id=n", "type", "type", "tap"},
	        {"tap", "type", "type", "tap"},
	        {",id=n", "type", "type", ""},
	        {"a,,b,id=n", "type", "type", "a,b"},
	        {"a,,b=c,id=n", "type", "type", "a,b=c"},
	        {"[::1]:0,to=9", "vnc", "vnc", "[::1]:0"},
	        {"a=1,a=2", NULL, "a", "2"},
	        {"x,a", "type", "a", "on"},
	        {"x,noa", "type", "a", "off"},
	        {"a,noa", NULL, "a", "off"},
	        {"noa,a", NULL, "a", "on"},
	        {"noa=b", NULL, "noa", "b"},
	        {"noa=b", NULL, "a", NULL},
	        {"a=b", NULL, "b", NULL},
	        {"", NULL, "a", NULL},
	        {"", "type", "type", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qemuopts opts = parsed(cases[i].text, cases[i].implied);
		const char *value = qemuopts_get(&opts, cases[i].key);

		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
		qemuopts_free(&opts);
	}
}

static void test_prints_what_it_read(void **state)
{
	static const struct {
		const char *text, *implied;
	} cases[] = {
	        {"", NULL},
	        {"a=b,c=d", NULL},
	        {"a=,c=", NULL},
	        {"a=b,,c=d,,", NULL},
	        {"socket,id=x,server,nowait", "backend"},
	        {"a,,b=c,id=n", "type"},
	        {"type=tap,id=n", "type"},
	        {",id=n", "type"},
	        {"value=1,value=2", NULL},
	        {"a=spaces and \"quotes\" and 'more'", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qemuopts opts = parsed(cases[i].text, cases[i].implied);

		assert_prints(&opts, cases[i].text);
		qemuopts_free(&opts);
	}
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {"=a", "a=b,=c", ",a=b", "a=b,c,,d", "a,,"};
	struct qemuopts opts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(qemuopts_parse(texts[i], NULL, &opts), -EINVAL);
		assert_int_equal(opts.n, 0);
	}
}

static void test_bounded(void **state)
{
	char text[QEMUOPTS_MAX * 2 + 2] = "";
	struct qemuopts opts;

	(void)state;
	for (size_t i = 0; i < QEMUOPTS_MAX; i++)
		memcpy(&text[2 * i], "a,", 2);
	opts = parsed(text, NULL);
	assert_int_equal(opts.n, QEMUOPTS_MAX);
	assert_int_equal(qemuopts_set(&opts, "a", "1"), 0);
	assert_int_equal(qemuopts_set(&opts, "b", "1"), -E2BIG);
	qemuopts_free(&opts);

	text[2 * QEMUOPTS_MAX] = 'a';
	assert_int_equal(qemuopts_parse(text, NULL, &opts), -E2BIG);
	assert_int_equal(opts.n, 0);
}

static void test_bool(void **state)
{
	struct qemuopts opts = parsed("a=on,b=off,c,nod,e=yes,f=false,g=maybe,h=", NULL);
	bool value = false;

	(void)state;
	assert_int_equal(qemuopts_get_bool(&opts, "a", false, &value), 0);
	assert_true(value);
	assert_int_equal(qemuopts_get_bool(&opts, "b", true, &value), 0);
	assert_false(value);
	assert_int_equal(qemuopts_get_bool(&opts, "c", false, &value), 0);
	assert_true(value);
	assert_int_equal(qemuopts_get_bool(&opts, "d", true, &value), 0);
	assert_false(value);
	assert_int_equal(qemuopts_get_bool(&opts, "e", false, &value), 0);
	assert_true(value);
	assert_int_equal(qemuopts_get_bool(&opts, "f", true, &value), 0);
	assert_false(value);
	assert_int_equal(qemuopts_get_bool(&opts, "absent", true, &value), 0);
	assert_true(value);
	assert_int_equal(qemuopts_get_bool(&opts, "g", true, &value), -EINVAL);
	assert_int_equal(qemuopts_get_bool(&opts, "h", true, &value), -EINVAL);
	qemuopts_free(&opts);
}

static void test_duplicate(void **state)
{
	static const struct {
		const char *text, *key;
	} cases[] = {
	        {"a=1,b=2", NULL},         {"a=1,b=2,a=3", "a"},  {"wait=on,nowait", "wait"},
	        {"nowait,wait", "nowait"}, {"wait,wait", "wait"}, {"nowait,nowait", "nowait"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qemuopts opts = parsed(cases[i].text, NULL);
		const char *key = qemuopts_duplicate(&opts);

		if (cases[i].key == NULL)
			assert_null(key);
		else
			assert_string_equal(key, cases[i].key);
		qemuopts_free(&opts);
	}
}

static void test_set_and_remove(void **state)
{
	struct qemuopts opts = parsed("host:0,to=99,password", "vnc");

	(void)state;
	assert_int_equal(qemuopts_set(&opts, "vnc", "127.0.0.1:0"), 0);
	assert_prints(&opts, "127.0.0.1:0,to=99,password");
	assert_int_equal(qemuopts_set(&opts, "password", "off"), 0);
	assert_int_equal(qemuopts_set(&opts, "new", "a,b"), 0);
	assert_prints(&opts, "127.0.0.1:0,to=99,password=off,new=a,,b");
	qemuopts_remove(&opts, "to");
	qemuopts_remove(&opts, "absent");
	assert_prints(&opts, "127.0.0.1:0,password=off,new=a,,b");
	qemuopts_remove(&opts, "vnc");
	qemuopts_remove(&opts, "new");
	assert_prints(&opts, "password=off");
	qemuopts_remove(&opts, "password");
	assert_prints(&opts, "");
	qemuopts_free(&opts);
}

static void test_removes_every_occurrence(void **state)
{
	struct qemuopts opts = parsed("x,a=1,noa,b=2,a,a=3", "type");

	(void)state;
	qemuopts_remove(&opts, "a");
	assert_prints(&opts, "x,b=2");
	qemuopts_free(&opts);
}

/* A value that would be read back as key=value gets its key. */
static void test_prints_implied_key_if_needed(void **state)
{
	struct qemuopts opts = parsed("x,b=2", "type");

	(void)state;
	assert_int_equal(qemuopts_set(&opts, "type", "c=d"), 0);
	assert_prints(&opts, "type=c=d,b=2");
	qemuopts_free(&opts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_prints_what_it_read),
	        cmocka_unit_test(test_malformed),
	        cmocka_unit_test(test_bounded),
	        cmocka_unit_test(test_bool),
	        cmocka_unit_test(test_duplicate),
	        cmocka_unit_test(test_set_and_remove),
	        cmocka_unit_test(test_removes_every_occurrence),
	        cmocka_unit_test(test_prints_implied_key_if_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
