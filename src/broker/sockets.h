/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the addresses that QEMU connects and binds to mean to the plan. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"

/* Longest sockaddr that the kernel takes: sizeof(struct sockaddr_storage). */
#define SOCKADDR_MAX 128

/* Is this the xenstored socket, by one of the two names that libxenstore knows? */
bool sockaddr_is_xenstored(const void *addr, size_t len);

/* The manifest's inet that allows a listener at addr, and the port; -1: none does. */
int sockaddr_find_inet(const struct manifest *m, const void *addr, size_t len, uint16_t *ret_port);
