/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this command asks of xenstore. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* The pid that libxl has recorded as the domain's device model; 0: none. -1 with err. */
int store_pid(uint16_t domid, pid_t *ret, struct error *err);

/* Calls fn for each domain that has one; returns how many, -1 with err. */
int store_each(void (*fn)(void *opaque, uint16_t domid), void *opaque, struct error *err);
