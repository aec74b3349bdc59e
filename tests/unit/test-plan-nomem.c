/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each allocation of plan_parse() fails once: an error every time, and (with ASan) no leak. */
#include "plan-fixture.h"

#include "nomem.h"

static void test_every_allocation(void **state)
{
	static const char *const words[] = {
	        "dm",       GUEST,
	        "-name",    "a,,b",
	        "-chardev", "socket,id=a,path=/a,server,nowait",
	        "-netdev",  "tap,id=n,ifname=vif7.0-emu,script=no",
	        "-vnc",     "localhost:0,to=9",
	        "-spice",   "port=5930,addr=localhost",
	        "-display", "vnc=localhost:1",
	        "-drive",   "file=/disk,format=raw",
	        "-runas",   "131079:131072",
	        "-unknown", "word",
	};
	char *argv[ARRAY_SIZE(words) + 1] = {NULL};
	struct plan plan;
	struct error err;
	int n, r = -1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		argv[i] = strdup(words[i]);
	for (n = 0; r < 0; n++) {
		err.msg[0] = '\0';
		nomem_begin(n);
		r = plan_parse((int)ARRAY_SIZE(words), argv, &plan, &err);
		(void)nomem_end();
		if (r < 0)
			assert_non_null(strstr(err.msg, ": out of memory"));
	}
	assert_true(n > 50); /* that so many were reached shows that they are counted */
	plan_free(&plan);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free(argv[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
