/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gen-filter OUTPUT: compiles the policies with libseccomp into a C header of BPF programs.
 *
 * A build tool. Compiling at run time would cost each launch about 1 ms more and make every role
 * link and trust a compiler; this way the result is a constant that tests/unit/test-filter.c runs
 * against the tables it was made from.
 *
 * Two choices, measured on Linux 6.18 with QEMU's program: a binary tree rather than libseccomp's
 * list, since the kernel runs the program once per call number when it is loaded, to learn which
 * calls are always allowed (100 us against 185). And the hot requests of ioctl are tested before
 * all others: libseccomp sorts them by their number, after which the ones that each I/O of a guest
 * takes were decided by the 38th instruction instead of the 7th.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "rule.h"
#include "util.h"

/* The level of libseccomp that has KILL_PROCESS and NOTIFY. Asked for by number because otherwise
 * it offers what the building kernel has, which is not the one that runs the filter. */
#define API_LEVEL 5

/* SCMP_FLTATR_CTL_OPTIMIZE's value for a binary tree of call numbers. */
#define BINARY_TREE 2

static const struct policy *const policies[] = {
        &policy_qemu, &policy_probe, &policy_monitor, &policy_broker, &policy_xsfilter,
};

static const uint32_t scmp_action[] = {
        [ACTION_ALLOW] = SCMP_ACT_ALLOW,          [ACTION_EPERM] = SCMP_ACT_ERRNO(EPERM),
        [ACTION_ENOSYS] = SCMP_ACT_ERRNO(ENOSYS), [ACTION_NOTIFY] = SCMP_ACT_NOTIFY,
        [ACTION_KILL] = SCMP_ACT_KILL_PROCESS,
};

/* For libseccomp's results: 0 or -errno. */
static void must(int r, const struct policy *policy, const char *what)
{
	if (r >= 0)
		return;
	(void)fprintf(stderr, "gen-filter: %s: %s: %s\n", policy->name, what, strerror(-r));
	exit(EXIT_FAILURE);
}

static void print(FILE *out, const struct sock_filter *insn)
{
	(void)fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", insn->code, insn->jt, insn->jf,
	              insn->k);
}

/* Instructions of one hot rule. */
#define HOT_INSNS 5

/* Goes on behind itself unless it returns. The low half of an argument comes first. */
static void print_hot_rule(FILE *out, const struct policy *policy, const struct rule *rule)
{
	const struct check *c = &rule->checks[0];
	const struct sock_filter test[HOT_INSNS] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->nr, 0, 3),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                 (uint32_t)offsetof(struct seccomp_data, args) + c->index * 8u),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, c->value, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (rule->action != ACTION_ALLOW || c->mask != UINT32_MAX || rule->checks[1].mask != 0)
		must(-EINVAL, policy, rule->call);
	for (size_t i = 0; i < ARRAY_SIZE(test); i++)
		print(out, &test[i]);
}

/* The hot rules, skipped for any other architecture. */
static void print_hot_rules(FILE *out, const struct policy *policy)
{
	const struct rule *rules = policy->tables[0];
	struct sock_filter arch[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 0),
	};
	uint8_t n = 0;

	while (rules != NULL && rules[n].hot)
		n++;
	if (n == 0)
		return;
	arch[1].jf = (uint8_t)(HOT_INSNS * n);
	print(out, &arch[0]);
	print(out, &arch[1]);
	for (uint8_t i = 0; i < n; i++)
		print_hot_rule(out, policy, &rules[i]);
}

static void add_rule(scmp_filter_ctx ctx, const struct policy *policy, const struct rule *rule)
{
	struct scmp_arg_cmp cmp[RULE_CHECKS];
	unsigned int n = 0;

	for (; n < RULE_CHECKS && rule->checks[n].mask != 0; n++) {
		const struct check *c = &rule->checks[n];

		cmp[n] = SCMP_CMP64(c->index, SCMP_CMP_MASKED_EQ, c->mask, c->value);
	}
	must(seccomp_rule_add_exact_array(ctx, scmp_action[rule->action], rule->nr, n, cmp), policy,
	     rule->call);
}

/* For x86-64's own calls only: those of i386, x32 and any other kind kill. */
static scmp_filter_ctx new_filter(const struct policy *policy)
{
	scmp_filter_ctx ctx = seccomp_init(scmp_action[policy->otherwise]);

	if (ctx == NULL)
		must(-ENOMEM, policy, "seccomp_init");
	if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
		must(seccomp_arch_add(ctx, SCMP_ARCH_X86_64), policy, "adding x86-64");
		must(seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE), policy, "removing native");
	}
	must(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), policy,
	     "action for other architectures");
	must(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE), policy, "binary tree");
	return ctx;
}

/* Through a temporary file: only libseccomp 2.6 can export to memory. */
static void print_filter(FILE *out, const struct policy *policy, scmp_filter_ctx ctx)
{
	FILE *bpf = tmpfile();
	struct sock_filter insn;

	if (bpf == NULL)
		must(-errno, policy, "temporary file");
	must(seccomp_export_bpf(ctx, fileno(bpf)), policy, "export");
	rewind(bpf);
	while (fread(&insn, sizeof(insn), 1, bpf) == 1)
		print(out, &insn);
	if (ferror(bpf) != 0)
		must(-EIO, policy, "temporary file");
	(void)fclose(bpf);
}

static void generate(FILE *out, const struct policy *policy)
{
	scmp_filter_ctx ctx = new_filter(policy);

	for (size_t t = 0; t < POLICY_TABLES && policy->tables[t] != NULL; t++) {
		for (const struct rule *rule = policy->tables[t]; rule->call != NULL; rule++)
			add_rule(ctx, policy, rule);
	}
	(void)fprintf(out, "\nstatic const struct sock_filter %s_bpf[] = {\n", policy->name);
	print_hot_rules(out, policy);
	print_filter(out, policy, ctx);
	(void)fprintf(out, "};\n");
	seccomp_release(ctx);
}

int main(int argc, char *argv[])
{
	FILE *out;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: gen-filter OUTPUT\n");
		return EXIT_FAILURE;
	}
	if (seccomp_api_set(API_LEVEL) < 0) {
		(void)fprintf(stderr, "gen-filter: libseccomp is older than 2.5\n");
		return EXIT_FAILURE;
	}
	out = fopen(argv[1], "w");
	if (out == NULL) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	(void)fprintf(out, "/* Made by gen-filter from the tables in src/policy. */\n");
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		generate(out, policies[i]);
	if (ferror(out) != 0 || fclose(out) != 0) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
