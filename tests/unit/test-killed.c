/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as Linux 6.1 and 6.12 wrote them to /dev/kmsg, and what somebody else might have written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "killed.h"

#define UID   1879048197
#define SINCE 70000000

#define SECCOMP(prefix, uid, sig)                                                                  \
	prefix ";audit: type=1326 audit(1795395255.448:2): auid=4294967295 uid=" uid               \
	       " gid=1879048192 ses=4294967295 subj=unconfined pid=535 comm=\"hostile\" "          \
	       "exe=\"/usr/local/bin/hostile\" sig=" sig                                           \
	       " arch=c000003e syscall=101 compat=0 ip=0x40007f code=0x80000000\n"
#define OOM(prefix, message, name, uid)                                                            \
	prefix ";" message ": Killed process 1234 (" name                                          \
	       ") total-vm:131500kB, anon-rss:65200kB, file-rss:128kB, shmem-rss:0kB, UID:" uid    \
	       " pgtables:176kB oom_score_adj:0\n"

struct record {
	const char *text;
	enum killed_by by;
};

static const struct record records[] = {
        {SECCOMP("5,611,74081286,-", "1879048197", "31"), KILLED_BY_FILTER},
        {OOM("3,640,74081286,-", "Memory cgroup out of memory", "hungry", "1879048197"),
         KILLED_BY_GROUP},
        {OOM("3,640,74081286,-,caller=T1", "Out of memory", "hungry", "1879048197"),
         KILLED_BY_HOST},
        {OOM("3,640,74081286,-", "Out of memory (oom_kill_allocating_task)", "hungry",
             "1879048197"),
         KILLED_BY_HOST},
        /* of another domain */
        {SECCOMP("5,611,74081286,-", "1879048198", "31"), KILLED_BY_NOBODY},
        {SECCOMP("5,611,74081286,-", "18790481970", "31"), KILLED_BY_NOBODY},
        {OOM("3,640,74081286,-", "Memory cgroup out of memory", "hungry", "1879048198"),
         KILLED_BY_NOBODY},
        /* of another one, who has given itself a name */
        {OOM("3,640,74081286,-", "Memory cgroup out of memory", ") UID:1879048197", "131073"),
         KILLED_BY_NOBODY},
        /* before this one's time */
        {SECCOMP("5,611,69999999,-", "1879048197", "31"), KILLED_BY_NOBODY},
        {OOM("3,640,69999999,-", "Memory cgroup out of memory", "hungry", "1879048197"),
         KILLED_BY_NOBODY},
        /* written by a process: LOG_USER */
        {SECCOMP("13,611,74081286,-", "1879048197", "31"), KILLED_BY_NOBODY},
        {OOM("11,640,74081286,-", "Memory cgroup out of memory", "hungry", "1879048197"),
         KILLED_BY_NOBODY},
        /* logged, not killed */
        {SECCOMP("5,611,74081286,-", "1879048197", "0"), KILLED_BY_NOBODY},
        /* the summary that precedes the line; something else; nothing whole */
        {"6,639,74081286,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),pid=1234,"
         "uid=1879048197\n",
         KILLED_BY_NOBODY},
        {"6,1,74081286,-;Freeing unused kernel memory: 2036K\n", KILLED_BY_NOBODY},
        {"3,640,74081286", KILLED_BY_NOBODY},
        {"3,640", KILLED_BY_NOBODY},
        {"3", KILLED_BY_NOBODY},
        {"", KILLED_BY_NOBODY},
        {"3,640,74081286,-", KILLED_BY_NOBODY},
        {"3,640,74081286,-;", KILLED_BY_NOBODY},
        {"3,640,74081286,-;Out of memory", KILLED_BY_NOBODY},
        {"3,640,74081286,-;Out of memory: Killed process 1", KILLED_BY_NOBODY},
};

static void reads_what_the_kernel_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct killed k = {.by = KILLED_BY_NOBODY};
		const bool found = killed_parse(records[i].text, UID, SINCE, &k);

		if (k.by != records[i].by || found != (records[i].by != KILLED_BY_NOBODY))
			fail_msg("%s", records[i].text);
	}
}

static void names_the_system_call(void **state)
{
	char text[KILLED_TEXT_MAX];
	struct killed k;

	(void)state;
	assert_true(killed_parse(records[0].text, UID, SINCE, &k));
	assert_int_equal(k.call, 101);
	killed_describe(&k, text, sizeof(text));
	assert_string_equal(text, "QEMU was killed by its system call filter: ptrace");
	k.call = 4095;
	killed_describe(&k, text, sizeof(text));
	assert_string_equal(text, "QEMU was killed by its system call filter: number 4095");
	k.by = KILLED_BY_GROUP;
	killed_describe(&k, text, sizeof(text));
	assert_string_equal(text, "QEMU was killed: out of memory in its control group");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_what_the_kernel_writes),
	        cmocka_unit_test(names_the_system_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
