/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether systemd supervises the device model, and how a launch gets there. */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "error.h"
#include "plan.h"

/*
 * The fd that leads to the unit that this launcher runs in, or -1. Returns 0, or -1 with err when
 * the environment names one that is none.
 */
int supervise_find_unit(int *ret_fd, struct error *err);

/* Whether a launch that libxl started is to be handed over. */
bool supervise_wanted(enum supervision mode);

/* Executes the stand-in, which hands argv and the plan's inherited fds over. Returns with err. */
int supervise_become_standin(const struct plan *plan, char *argv[], struct error *err);
