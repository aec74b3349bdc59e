/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>

#include "manifest.h"
#include "request.h"

struct broker {
	const struct manifest *manifest;
	int listener; /* seccomp notifications of QEMU */
	int mem;      /* QEMU's memory; -1 until its first call after the exec */
	bool executed;
};

/* Handles one notification and answers it. A notification that was cancelled meanwhile is ignored.
 */
void broker_handle(struct broker *b, const struct seccomp_notif *notif);

/* Asks the monitor. Returns its result (-EIO: it is gone) and the fd in *ret_fd, else -1. */
int broker_ask(uint32_t type, uint32_t index, uint64_t arg0, uint64_t arg1, int *ret_fd);
