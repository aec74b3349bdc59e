/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main process of qemu-depriv@DOMID.service until it becomes the monitor. */
#pragma once

#include <sys/types.h>

#include "error.h"
#include "launch.h"

/* The monitor's that do not come from the launcher: MONITOR_NOTIFY and _STANDIN. */
#define UNIT_OWN_FDS 2

struct unit {
	unsigned int domid;
	int notify;  /* systemd's notification socket */
	int channel; /* fresh start: to our launcher; handover.h says what comes */
	pid_t qemu;
	struct monitor_start monitor;
};

/* start.c: gets a launch from libxl's process and starts its launcher. 0 or -1 with err. */
int unit_start(struct unit *u, struct error *err);

/* resume.c: takes over what systemd kept of an earlier monitor. 0 or -1 with err. */
int unit_resume(struct unit *u, struct error *err);

/* ready.c: a process of its own that tells systemd when QEMU answers. 0 or -1 with err. */
int unit_wait_ready(const struct unit *u, struct error *err);

/* Path of a control group, with its NUL. */
#define UNIT_GROUP_MAX 640

/* The control group that this process is in. 0, or -1 with err. */
int unit_own_group(char *buf, size_t size, struct error *err);

/* The fd that the monitor gets at this number, or -1. */
int unit_monitor_fd(const struct unit *u, int number);
