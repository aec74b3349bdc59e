/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a command line's plan to the whole one. Part of the plan library: changes nothing. */
#pragma once

#include "config.h"
#include "error.h"
#include "plan.h"

/*
 * Reads the configuration in dir for the plan's guest and adds its files to the plan. The caller
 * frees *ret with config_free(), after success only. 0, or -1 with err.
 */
int plan_configure(struct plan *plan, const char *dir, struct config *ret, struct error *err);

/*
 * The QEMU to run, a string of *config or a constant, and the directory of the Xen libraries that
 * it needs, or NULL. On a host that runs Xen, one that is made for another release is an error. 0,
 * or -1 with err.
 */
int plan_find_qemu(const struct config *config, const char **ret, const char **ret_libraries,
                   struct error *err);
