/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor does in addition as the main process of qemu-depriv@DOMID.service. Each function
 * does nothing for a monitor that is in none.
 */
#pragma once

#include "monitor.h"

/* how: ROLE_UNIT, ROLE_RESUMED or NULL. Returns 0, or -1 with err. */
int unit_init(struct monitor *m, const char *how, struct error *err);

/* Keeps both ends of what xsfilter has just got, for an xsfilter after it. */
void unit_store_connection(struct monitor *m, int qemu_side, int xenstored_side);

/* The line that `systemctl status` shows. */
void unit_status(const struct monitor *m, const char *state);

/* Logs why QEMU has ended, and returns the monitor's exit status. */
int unit_report_end(const struct monitor *m);
