/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset % sizeof(word) == 0 && offset < sizeof(*data));
	memcpy(&word, (const unsigned char *)data + offset, sizeof(word));
	return word;
}

static bool holds(const struct sock_filter *insn, uint32_t a)
{
	switch (insn->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return a == insn->k;
	case BPF_JMP | BPF_JGT | BPF_K:
		return a > insn->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return a >= insn->k;
	case BPF_JMP | BPF_JSET | BPF_K:
		return (a & insn->k) != 0;
	default:
		fail_msg("instruction 0x%02x is none that a filter of ours has", insn->code);
		return false;
	}
}

struct bpf_result bpf_run(const struct sock_fprog *program, const struct seccomp_data *data,
                          bool *visited)
{
	struct bpf_result result = {0};
	uint32_t a = 0;

	/* Jumps go forward only, so this ends. */
	for (uint32_t pc = 0; pc < program->len; pc++) {
		const struct sock_filter *insn = &program->filter[pc];

		result.steps++;
		if (visited != NULL)
			visited[pc] = true;
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(data, insn->k);
			result.read_args |= insn->k >= offsetof(struct seccomp_data, args);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += insn->k;
			break;
		case BPF_RET | BPF_K:
			result.ret = insn->k;
			return result;
		default:
			pc += holds(insn, a) ? insn->jt : insn->jf;
		}
	}
	fail_msg("the program has no end");
	return result;
}
