/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Does what comes through fd (facts.h) until it ends. With prepare, takes `connections` of xenstore
 * first unless each attempt has a process of its own. Returns 0, or -1: the peer spoke nonsense.
 */
int serve(int fd, int connections);
