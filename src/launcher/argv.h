/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's options: which take an argument, and what becomes of each. */
#pragma once

#include "planner.h"

/* The value is an absolute path, or an address with one of QEMU's schemes. */
bool argv_names_resource(const char *value);

/*
 * Handles every option of argv (argv[0] is skipped) and appends what QEMU gets to p->plan->argv,
 * which has room for argc + 1 words. Returns 0, or -1 with p->err set.
 */
int argv_handle(struct planner *p, int argc, char *const argv[]);
