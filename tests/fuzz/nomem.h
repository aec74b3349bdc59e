/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations of the code under test that fail (-Wl,--wrap=malloc and the like; see meson.build).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* From now on the nth allocation (counted from 0) fails, once; negative: none does. */
void nomem_begin(int nth);

/* Up to now. Returns how many allocations there were. */
int nomem_end(void);

/* A number below n that depends on the input alone, so that a finding can be repeated. */
int nomem_pick(const uint8_t *data, size_t size, int n);
