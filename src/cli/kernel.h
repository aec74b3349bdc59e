/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel has of the layers. */
#pragma once

#include "layers.h"

/* NULL: this host has it; otherwise why not, a clause. Needs no privilege. */
const char *kernel_lacks(enum layer layer);
