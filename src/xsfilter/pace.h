/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A token bucket (XSFILTER_RATE, XSFILTER_BURST) kept as the one time at which it will be full. */
#pragma once

#include <stdint.h>

/* All zero bytes: full. */
struct pace {
	uint64_t full_at; /* CLOCK_MONOTONIC, ns */
};

/* Takes tokens, at `now` in ns. The bucket may go below empty: whoever comes next waits for it. */
void pace_charge(struct pace *p, uint64_t now, unsigned int tokens);

/* How long to wait before the next request, in ns; 0 if it may come. */
uint64_t pace_wait(const struct pace *p, uint64_t now);
