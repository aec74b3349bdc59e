/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the BPF that ships against the tables that it was made from: every call number, and for
 * every rule arguments that match it and arguments that miss it by one bit. Then against numbers
 * written down here, so that a mistake in the tables shows as well.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/audit.h>

#include "bpf.h"
#include "filter.h"
#include "rule.h"
#include "util.h"

#define X32_BIT 0x40000000u
/* Beyond every number that x86-64 has. */
#define CALLS 600

static const uint32_t ret_of[] = {
        [ACTION_ALLOW] = SECCOMP_RET_ALLOW,           [ACTION_EPERM] = SECCOMP_RET_ERRNO | EPERM,
        [ACTION_ENOSYS] = SECCOMP_RET_ERRNO | ENOSYS, [ACTION_NOTIFY] = SECCOMP_RET_USER_NOTIF,
        [ACTION_KILL] = SECCOMP_RET_KILL_PROCESS,
};

static const struct policy *const policies[ROLE_MAX_] = {
        [ROLE_QEMU] = &policy_qemu,         [ROLE_PROBE] = &policy_probe,
        [ROLE_MONITOR] = &policy_monitor,   [ROLE_BROKER] = &policy_broker,
        [ROLE_XSFILTER] = &policy_xsfilter,
};

static const struct sock_fprog *program_of(const struct policy *policy)
{
	enum role role = ROLE_QEMU;

	while (policies[role] != policy)
		role++;
	return filter_program(role);
}

static bool matches(const struct rule *rule, const struct seccomp_data *data)
{
	if (data->nr != rule->nr)
		return false;
	for (size_t i = 0; i < RULE_CHECKS && rule->checks[i].mask != 0; i++) {
		const struct check *c = &rule->checks[i];

		if (((uint32_t)data->args[c->index] & c->mask) != c->value)
			return false;
	}
	return true;
}

/* What the tables say. */
static uint32_t expected(const struct policy *policy, const struct seccomp_data *data)
{
	const struct rule *found = NULL;

	if (data->arch != AUDIT_ARCH_X86_64)
		return SECCOMP_RET_KILL_PROCESS;
	/* -1 is above, too, but no x32 call: it is what a tracer makes of a call it skips. */
	if ((uint32_t)data->nr >= X32_BIT && data->nr != -1)
		return SECCOMP_RET_KILL_PROCESS;
	for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++) {
		for (const struct rule *rule = policy->tables[t]; rule->call != NULL; rule++) {
			if (!matches(rule, data))
				continue;
			if (found != NULL)
				fail_msg("%s: two rules of %s match", policy->name, rule->call);
			found = rule;
		}
	}
	return ret_of[found != NULL ? found->action : policy->otherwise];
}

static void compare(const struct policy *policy, const struct seccomp_data *data, bool *visited)
{
	uint32_t ret = bpf_run(program_of(policy), data, visited).ret;

	if (ret != expected(policy, data))
		fail_msg("%s: call %d of 0x%08x (0x%llx, 0x%llx, 0x%llx) gives 0x%08x, not 0x%08x",
		         policy->name, data->nr, data->arch, (unsigned long long)data->args[0],
		         (unsigned long long)data->args[1], (unsigned long long)data->args[2], ret,
		         expected(policy, data));
}

/* No number is decided by anything but the tables, whatever its arguments are. */
static void compare_calls(const struct policy *policy, bool *visited)
{
	static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0};
	static const uint64_t fills[] = {0, UINT64_MAX, UINT64_C(1) << 32};

	for (size_t a = 0; a < ARRAY_SIZE(archs); a++) {
		for (uint32_t i = 0; i < 2 * CALLS; i++) {
			uint32_t nr = i < CALLS ? i : (i - CALLS) | X32_BIT;
			struct seccomp_data data = {.nr = (int)nr, .arch = archs[a]};

			for (size_t f = 0; f < ARRAY_SIZE(fills); f++) {
				for (size_t arg = 0; arg < ARRAY_SIZE(data.args); arg++)
					data.args[arg] = fills[f];
				compare(policy, &data, visited);
			}
		}
		compare(policy, &(struct seccomp_data){.nr = -1, .arch = archs[a]}, visited);
		compare(policy, &(struct seccomp_data){.nr = INT32_MIN, .arch = archs[a]}, visited);
	}
}

static bool has_checks(const struct rule *rule)
{
	return rule->checks[0].mask != 0;
}

/* Whether arguments decide on the call. */
static bool is_checked(const struct policy *policy, int nr)
{
	for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++)
		for (const struct rule *r = policy->tables[t]; r->call != NULL; r++)
			if (r->nr == nr && has_checks(r))
				return true;
	return false;
}

/* Each bit of each argument flipped: the upper halves have no say. */
static void compare_flipped(const struct policy *policy, struct seccomp_data data, bool *visited)
{
	uint32_t before = expected(policy, &data);

	for (size_t arg = 0; arg < ARRAY_SIZE(data.args); arg++) {
		for (unsigned int bit = 0; bit < 64; bit++) {
			data.args[arg] ^= UINT64_C(1) << bit;
			compare(policy, &data, visited);
			if (bit >= 32)
				assert_int_equal(expected(policy, &data), before);
			data.args[arg] ^= UINT64_C(1) << bit;
		}
	}
}

/* One argument replaced by what another rule of the same call wants. */
static void compare_mixed(const struct policy *policy, const struct seccomp_data *matching,
                          bool *visited)
{
	for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++) {
		for (const struct rule *r = policy->tables[t]; r->call != NULL; r++) {
			for (size_t i = 0; r->nr == matching->nr && i < RULE_CHECKS; i++) {
				struct seccomp_data data = *matching;

				data.args[r->checks[i].index] = r->checks[i].value;
				compare(policy, &data, visited);
			}
		}
	}
}

/* The arguments that match a rule, and many that miss it by little. */
static void compare_rule(const struct policy *policy, const struct rule *rule, bool *visited)
{
	struct seccomp_data data = {.nr = rule->nr, .arch = AUDIT_ARCH_X86_64};

	for (size_t i = 0; i < RULE_CHECKS && rule->checks[i].mask != 0; i++)
		data.args[rule->checks[i].index] = rule->checks[i].value;
	assert_int_equal(expected(policy, &data), ret_of[rule->action]);
	compare(policy, &data, visited);
	if (!has_checks(rule))
		return;
	compare_flipped(policy, data, visited);
	compare_mixed(policy, &data, visited);
	/* Arguments that another call may have, and an argument that looks like a call's number. */
	for (int nr = 0; nr < CALLS; nr++) {
		struct seccomp_data other = data;

		other.nr = nr;
		compare(policy, &other, visited);
	}
	for (uint32_t value = 0; value < CALLS; value++) {
		struct seccomp_data small = data;

		small.args[rule->checks[0].index] = value;
		compare(policy, &small, visited);
	}
}

/*
 * The program only compares with constants, so these are all the arguments that it can tell apart:
 * each constant in it, and one more and one less, as each argument of each call that a rule checks.
 */
static void compare_constants(const struct policy *policy, int nr, bool *visited)
{
	const struct sock_fprog *program = program_of(policy);

	for (size_t i = 0; i < program->len; i++) {
		if (BPF_CLASS(program->filter[i].code) != BPF_JMP)
			continue;
		for (unsigned int arg = 0; arg < 18; arg++) {
			struct seccomp_data data = {.nr = nr, .arch = AUDIT_ARCH_X86_64};

			data.args[arg / 3] = UINT64_C(0) + program->filter[i].k + arg % 3 - 1;
			compare(policy, &data, visited);
			data.args[arg / 3] |= UINT64_C(0xdeadbeef) << 32;
			compare(policy, &data, visited);
		}
	}
}

/* xorshift64: the same numbers each time. */
static uint64_t any(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Numbers, architectures and arguments at random; half of the arguments are small. */
static void compare_random(const struct policy *policy, bool *visited)
{
	static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};

	for (size_t i = 0; i < 50000; i++) {
		struct seccomp_data data = {.arch = archs[any() % ARRAY_SIZE(archs)]};

		data.nr = (int)(any() % 4 != 0 ? any() % CALLS : any());
		for (size_t arg = 0; arg < ARRAY_SIZE(data.args); arg++)
			data.args[arg] = any() % 2 != 0 ? any() % 64 : any();
		compare(policy, &data, visited);
	}
}

static void test_bpf_is_what_the_tables_say(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		const struct policy *policy = policies[p];
		const struct sock_fprog *program = program_of(policy);
		static bool visited[BPF_MAXINSNS];

		memset(visited, 0, sizeof(visited));
		compare_calls(policy, visited);
		for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++) {
			for (const struct rule *r = policy->tables[t]; r->call != NULL; r++)
				compare_rule(policy, r, visited);
		}
		for (int nr = 0; nr < CALLS; nr++)
			if (is_checked(policy, nr))
				compare_constants(policy, nr, visited);
		compare_random(policy, visited);
		/* Otherwise a rule can never decide, or the inputs above are too few. */
		for (size_t i = 0; i < program->len; i++) {
			if (!visited[i])
				fail_msg("%s: instruction %zu never runs", policy->name, i);
		}
	}
}

/* No call twice unless arguments tell its rules apart; no value that its mask makes impossible. */
static void check_rule(const struct policy *policy, const struct rule *rule)
{
	size_t same = 0;

	for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++) {
		for (const struct rule *r = policy->tables[t]; r->call != NULL; r++)
			same += r->nr == rule->nr && !(has_checks(r) && has_checks(rule));
	}
	if (same != !has_checks(rule))
		fail_msg("%s: %s is listed twice", policy->name, rule->call);
	if (rule->action == policy->otherwise || rule->why == NULL || rule->why[0] == '\0')
		fail_msg("%s: %s has no reason to be listed", policy->name, rule->call);
	for (size_t i = 0; i < RULE_CHECKS; i++)
		assert_int_equal(rule->checks[i].value & ~rule->checks[i].mask, 0);
}

static void test_tables_are_sound(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		const struct policy *policy = policies[p];

		for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++) {
			for (const struct rule *r = policy->tables[t]; r->call != NULL; r++)
				check_rule(policy, r);
		}
	}
}

/*
 * Numbers, not names: these come from the kernel's syscall_64.tbl and uapi headers as they are
 * known to be, not through the headers and macros that made the tables.
 */
static const struct {
	const char *what;
	long nr;
	uint64_t args[3];
	enum action action;
} spots[] = {
        {"read", 0, {0}, ACTION_ALLOW},
        {"ppoll", 271, {0}, ACTION_ALLOW},
        {"futex", 202, {0}, ACTION_ALLOW},
        {"fork", 57, {0}, ACTION_EPERM},
        {"vfork", 58, {0}, ACTION_EPERM},
        {"kill", 62, {0}, ACTION_EPERM},
        {"setuid", 105, {0}, ACTION_EPERM},
        {"seccomp", 317, {1}, ACTION_EPERM},
        {"execveat", 322, {0}, ACTION_EPERM},
        {"open_by_handle_at", 304, {0}, ACTION_EPERM},
        {"creat", 85, {0}, ACTION_EPERM},
        {"sendmmsg", 307, {0}, ACTION_EPERM},
        {"a call of the future", 599, {0}, ACTION_EPERM},
        {"open", 2, {0}, ACTION_NOTIFY},
        {"openat", 257, {0}, ACTION_NOTIFY},
        {"execve", 59, {0}, ACTION_NOTIFY},
        {"connect", 42, {0}, ACTION_NOTIFY},
        {"bind", 49, {0}, ACTION_NOTIFY},
        {"clone3", 435, {0}, ACTION_ENOSYS},
        {"openat2", 437, {0}, ACTION_ENOSYS},
        {"io_uring_setup", 425, {0}, ACTION_ENOSYS},
        {"ptrace", 101, {0}, ACTION_KILL},
        {"mount", 165, {0}, ACTION_KILL},
        {"chroot", 161, {0}, ACTION_KILL},
        {"unshare", 272, {0}, ACTION_KILL},
        {"setns", 308, {0}, ACTION_KILL},
        {"bpf", 321, {0}, ACTION_KILL},
        {"userfaultfd", 323, {0}, ACTION_KILL},
        {"process_vm_writev", 311, {0}, ACTION_KILL},
        {"io_uring_enter", 426, {0}, ACTION_KILL},
        {"modify_ldt", 154, {0}, ACTION_KILL},

        {"privcmd HYPERCALL", 16, {9, 0x305000}, ACTION_NOTIFY},
        {"privcmd HYPERCALL, upper half set", 16, {9, 0xffffffff00305000}, ACTION_NOTIFY},
        {"privcmd DM_OP", 16, {9, 0x105005}, ACTION_ALLOW},
        {"privcmd DM_OP, upper half set", 16, {9, 0x1000000000105005}, ACTION_ALLOW},
        {"privcmd MMAPBATCH_V2", 16, {9, 0x205004}, ACTION_ALLOW},
        {"privcmd MMAP_RESOURCE", 16, {9, 0x205007}, ACTION_ALLOW},
        {"privcmd's probe", 16, {9, 0x50ff}, ACTION_ALLOW},
        {"privcmd MMAP", 16, {9, 0x105002}, ACTION_EPERM},
        {"privcmd MMAPBATCH", 16, {9, 0x185003}, ACTION_EPERM},
        {"privcmd RESTRICT", 16, {9, 0x25006}, ACTION_EPERM},
        {"evtchn NOTIFY", 16, {9, 0x44504}, ACTION_ALLOW},
        {"evtchn BIND_INTERDOMAIN", 16, {9, 0x84501}, ACTION_ALLOW},
        {"evtchn UNBIND", 16, {9, 0x44503}, ACTION_ALLOW},
        {"evtchn BIND_VIRQ", 16, {9, 0x44500}, ACTION_EPERM},
        {"evtchn BIND_UNBOUND_PORT", 16, {9, 0x44502}, ACTION_EPERM},
        {"evtchn RESET", 16, {9, 0x4505}, ACTION_EPERM},
        {"evtchn RESTRICT_DOMID", 16, {9, 0x24506}, ACTION_EPERM},
        {"evtchn BIND_STATIC", 16, {9, 0x44507}, ACTION_EPERM},
        {"evtchn BIND_STATIC, upper half set", 16, {9, 0x100044507}, ACTION_EPERM},
        {"gntdev MAP_GRANT_REF", 16, {9, 0x184700}, ACTION_EPERM},
        {"gntdev GRANT_COPY", 16, {9, 0x104708}, ACTION_EPERM},
        {"TUNSETIFF", 16, {9, 0x400454ca}, ACTION_EPERM},
        {"TUNSETPERSIST", 16, {9, 0x400454cb}, ACTION_EPERM},
        {"TUNSETOWNER", 16, {9, 0x400454cc}, ACTION_EPERM},
        {"TUNSETOFFLOAD", 16, {9, 0x400454d0}, ACTION_ALLOW},
        {"TUNGETIFF", 16, {9, 0x800454d2}, ACTION_ALLOW},
        {"SIOCSIFHWADDR", 16, {9, 0x8924}, ACTION_EPERM},
        {"TIOCSTI", 16, {9, 0x5412}, ACTION_EPERM},
        {"TCGETS", 16, {9, 0x5401}, ACTION_ALLOW},
        {"TIOCGPTPEER", 16, {9, 0x5441}, ACTION_ALLOW},
        {"SG_IO", 16, {9, 0x2285}, ACTION_EPERM},
        {"FICLONE", 16, {9, 0x40049409}, ACTION_EPERM},
        {"BLKSSZGET", 16, {9, 0x1268}, ACTION_ALLOW},

        {"unix stream", 41, {1, 1, 0}, ACTION_ALLOW},
        {"unix stream, cloexec, nonblock", 41, {1, 0x80801, 0}, ACTION_ALLOW},
        {"unix dgram", 41, {1, 2, 0}, ACTION_EPERM},
        {"unix seqpacket", 41, {1, 5, 0}, ACTION_EPERM},
        {"tcp", 41, {2, 1, 6}, ACTION_ALLOW},
        {"tcp over IPv6", 41, {10, 0x80001, 0}, ACTION_ALLOW},
        {"tcp, upper halves set", 41, {0x700000002, 0x700000001, 0x700000006}, ACTION_ALLOW},
        {"udp", 41, {2, 2, 0}, ACTION_EPERM},
        {"raw", 41, {2, 3, 1}, ACTION_EPERM},
        {"mptcp", 41, {2, 1, 262}, ACTION_EPERM},
        {"sctp", 41, {2, 1, 132}, ACTION_EPERM},
        {"netlink", 41, {16, 3, 0}, ACTION_EPERM},
        {"packet", 41, {17, 3, 0}, ACTION_EPERM},
        {"alg", 41, {38, 5, 0}, ACTION_EPERM},
        {"vsock", 41, {40, 1, 0}, ACTION_EPERM},
        {"socketpair of unix streams", 53, {1, 1, 0}, ACTION_ALLOW},
        {"socketpair of unix datagrams", 53, {1, 2, 0}, ACTION_EPERM},
        {"SO_REUSEADDR", 54, {9, 1, 2}, ACTION_ALLOW},
        {"SO_ATTACH_FILTER", 54, {9, 1, 26}, ACTION_EPERM},
        {"SO_BINDTODEVICE", 54, {9, 1, 25}, ACTION_EPERM},
        {"TCP_NODELAY", 54, {9, 6, 1}, ACTION_ALLOW},
        {"TCP_FASTOPEN_CONNECT", 54, {9, 6, 30}, ACTION_EPERM},
        {"TCP_REPAIR", 54, {9, 6, 19}, ACTION_EPERM},
        {"IPV6_V6ONLY", 54, {9, 41, 26}, ACTION_ALLOW},
        {"sendmsg", 46, {9, 0, 0x4000}, ACTION_ALLOW},
        {"sendmsg with MSG_FASTOPEN", 46, {9, 0, 0x20000000}, ACTION_EPERM},
        {"sendmsg with MSG_FASTOPEN among others", 46, {9, 0, 0xffffffff}, ACTION_EPERM},

        {"clone as pthread_create", 56, {0x3d0f00}, ACTION_ALLOW},
        {"clone as musl's", 56, {0x7d0f00}, ACTION_ALLOW},
        {"clone as fork", 56, {0x1200011}, ACTION_EPERM},
        {"clone as vfork", 56, {0x4111}, ACTION_EPERM},
        {"clone a thread in a new user namespace", 56, {0x103d0f00}, ACTION_EPERM},
        {"clone a thread in a new mount namespace", 56, {0x3f0f00}, ACTION_EPERM},
        {"clone a thread, untraced", 56, {0xbd0f00}, ACTION_EPERM},
        {"clone a thread with its own files", 56, {0x3d0b00}, ACTION_EPERM},
        {"clone a process that shares memory", 56, {0x3c0f00}, ACTION_EPERM},
        {"PR_SET_NAME", 157, {15}, ACTION_ALLOW},
        {"PR_SET_PTRACER", 157, {0x59616d61}, ACTION_EPERM},
        {"PR_SET_DUMPABLE", 157, {4}, ACTION_EPERM},
        {"PR_SET_SECCOMP", 157, {22, 2}, ACTION_EPERM},
        {"ARCH_SET_FS", 158, {0x1002}, ACTION_ALLOW},
        {"ARCH_SET_GS", 158, {0x1001}, ACTION_EPERM},
        {"prlimit of itself", 302, {0, 7}, ACTION_ALLOW},
        {"prlimit of another", 302, {1, 7}, ACTION_EPERM},
        {"F_OFD_SETLK", 72, {9, 37}, ACTION_ALLOW},
        {"F_SETOWN", 72, {9, 8}, ACTION_EPERM},
        {"F_SETLEASE", 72, {9, 1024}, ACTION_EPERM},
        {"F_NOTIFY", 72, {9, 1026}, ACTION_EPERM},
};

static void test_known_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spots); i++) {
		struct seccomp_data data = {.nr = (int)spots[i].nr, .arch = AUDIT_ARCH_X86_64};
		uint32_t ret;

		memcpy(data.args, spots[i].args, sizeof(spots[i].args));
		ret = bpf_run(filter_program(ROLE_QEMU), &data, NULL).ret;
		if (ret != ret_of[spots[i].action])
			fail_msg("%s gives 0x%08x", spots[i].what, ret);
	}
}

/* sendto has its flags in the fourth argument. */
static void test_sendto_fastopen(void **state)
{
	struct seccomp_data data = {.nr = 44, .arch = AUDIT_ARCH_X86_64};

	(void)state;
	assert_int_equal(bpf_run(filter_program(ROLE_QEMU), &data, NULL).ret, SECCOMP_RET_ALLOW);
	data.args[3] = 0x20004000;
	assert_int_equal(bpf_run(filter_program(ROLE_QEMU), &data, NULL).ret,
	                 SECCOMP_RET_ERRNO | EPERM);
}

/* Nobody would answer. */
static void test_probe_notifies_nobody(void **state)
{
	const struct sock_fprog *program = filter_program(ROLE_PROBE);

	(void)state;
	for (size_t i = 0; i < program->len; i++) {
		if (program->filter[i].code == (BPF_RET | BPF_K))
			assert_int_not_equal(program->filter[i].k, SECCOMP_RET_USER_NOTIF);
	}
}

/* What a role may never do, whatever its table says some day. */
static void test_roles_never(void **state)
{
	/* execve, execveat, fork, vfork, clone, clone3, ptrace, init_module, mount, unshare, setns,
	 * bpf, io_uring_setup, mprotect, setuid, chmod, chown, kill, tgkill */
	static const int never[] = {59,  322, 57,  58, 56,  435, 101, 175, 165, 272,
	                            308, 321, 425, 10, 105, 90,  92,  62,  234};
	struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64};

	(void)state;
	for (enum role role = ROLE_MONITOR; role < ROLE_MAX_; role++) {
		const struct sock_fprog *program = filter_program(role);

		for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
			data.nr = never[i];
			assert_int_equal(bpf_run(program, &data, NULL).ret,
			                 SECCOMP_RET_KILL_PROCESS);
		}
	}
	data.nr = 257; /* openat: only the monitor opens */
	assert_int_equal(bpf_run(filter_program(ROLE_BROKER), &data, NULL).ret,
	                 SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(bpf_run(filter_program(ROLE_XSFILTER), &data, NULL).ret,
	                 SECCOMP_RET_KILL_PROCESS);
}

/*
 * What a running guest's I/O takes. Either the kernel's bitmap decides, for which the program must
 * allow it without a look at the arguments, or within the first few instructions.
 */
static const struct {
	const char *what;
	long nr;
	uint64_t request;
	unsigned int max_steps; /* 0: the bitmap decides */
} hot[] = {
        {"evtchn NOTIFY", 16, 0x44504, 7},
        {"privcmd DM_OP", 16, 0x105005, 11},
        {"sendmsg", 46, 0, 32},
        {"ppoll", 271, 0, 0},
        {"read", 0, 0, 0},
        {"write", 1, 0, 0},
        {"futex", 202, 0, 0},
        {"clock_gettime", 228, 0, 0},
        {"gettimeofday", 96, 0, 0},
        {"recvmsg", 47, 0, 0},
        {"preadv", 295, 0, 0},
        {"pwritev", 296, 0, 0},
};

static void test_hot_calls_are_cheap(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hot); i++) {
		struct seccomp_data data = {.nr = (int)hot[i].nr, .arch = AUDIT_ARCH_X86_64};
		struct bpf_result r;

		data.args[1] = hot[i].request;
		r = bpf_run(filter_program(ROLE_QEMU), &data, NULL);
		print_message("%-14s %2u instructions%s\n", hot[i].what, r.steps,
		              r.read_args ? "" : ", once: the bitmap decides");
		assert_int_equal(r.ret, SECCOMP_RET_ALLOW);
		assert_int_equal(r.read_args, hot[i].max_steps != 0);
		assert_true(hot[i].max_steps == 0 || r.steps <= hot[i].max_steps);
	}
	print_message("QEMU's program: %u instructions\n", filter_program(ROLE_QEMU)->len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bpf_is_what_the_tables_say),
	        cmocka_unit_test(test_tables_are_sound),
	        cmocka_unit_test(test_known_numbers),
	        cmocka_unit_test(test_sendto_fastopen),
	        cmocka_unit_test(test_probe_notifies_nobody),
	        cmocka_unit_test(test_roles_never),
	        cmocka_unit_test(test_hot_calls_are_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
