/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd's notification protocol (sd_notify(3)): a datagram of "KEY=VALUE" lines, with an fd to be
 * kept in the unit's fd store. Spoken without libsystemd, which the monitor is too small for.
 */
#pragma once

#include "error.h"

/*
 * A socket connected to $NOTIFY_SOCKET, owned by the caller, or -1 with err.
 */
int notify_open(struct error *err);

/*
 * Sends the lines in text, with fd if that is not negative. What cannot be sent is lost: nothing
 * that protects depends on it.
 */
void notify_send(int sock, int fd, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
