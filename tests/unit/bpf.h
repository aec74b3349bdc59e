/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interpreter for the classic BPF that seccomp accepts, written from the kernel's
 * Documentation/networking/filter.rst and kernel/seccomp.c, so that what libseccomp has made is
 * judged by something that is not libseccomp.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

struct bpf_result {
	uint32_t ret;
	unsigned int steps; /* instructions executed, the last one included */
	bool read_args;     /* otherwise the kernel decides from its bitmap */
};

/*
 * Fails the running cmocka test if the kernel would have refused the program. visited, if not NULL,
 * has an element for each instruction, set when it is executed.
 */
struct bpf_result bpf_run(const struct sock_fprog *program, const struct seccomp_data *data,
                          bool *visited);
