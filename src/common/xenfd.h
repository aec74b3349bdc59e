/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening Xen's device nodes restricted to one domain: restrict, then assert, then hand over. */
#pragma once

#include <stdint.h>

#include "error.h"

/*
 * Open /dev/xen/privcmd or /dev/xen/evtchn, restrict the open file description to domid, and prove
 * it: what is forbidden is tried and must be refused. Every dup shares the restriction.
 * Return a close-on-exec fd that the caller owns, or -1 with err.
 */
int xenfd_privcmd(uint16_t domid, struct error *err);
int xenfd_evtchn(uint16_t domid, struct error *err);
