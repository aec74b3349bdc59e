/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layers of the confinement by name, for the configuration ([require]) and for whoever lists
 * them. A launch fails without a required layer; only the optional ones can be done without.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum layer {
	LAYER_UID,
	LAYER_CAPABILITIES,
	LAYER_NO_NEW_PRIVS,
	LAYER_SECCOMP,
	LAYER_XEN_HANDLES,
	LAYER_XENSTORE,
	LAYER_FILES,
	LAYER_NAMESPACES,
	LAYER_PID_NAMESPACE,
	LAYER_CGROUP,
	LAYER_LANDLOCK,
	LAYER_LANDLOCK_NETWORK,
	LAYER_LANDLOCK_DEVICES,
	LAYER_LANDLOCK_SCOPES,
	LAYER_MAX_,
};

/* The layers that every device model has, as bits 1 << enum layer. */
#define LAYERS_CORE                                                                                \
	(1u << LAYER_UID | 1u << LAYER_CAPABILITIES | 1u << LAYER_NO_NEW_PRIVS |                   \
	 1u << LAYER_SECCOMP | 1u << LAYER_XEN_HANDLES | 1u << LAYER_XENSTORE |                    \
	 1u << LAYER_FILES | 1u << LAYER_NAMESPACES)

enum need {
	NEED_ALWAYS,       /* the core: no configuration can make it optional */
	NEED_YES,          /* required unless the configuration says if-available */
	NEED_IF_AVAILABLE, /* optional unless the configuration says yes */
	NEED_NEVER,        /* cannot be had, and says why */
};

struct layer_row {
	const char *name; /* as in [require] */
	enum need need;   /* without a configuration */
	const char *what; /* one line, no full stop; NEED_NEVER: why not */
};

extern const struct layer_row layer_rows[LAYER_MAX_];

/* The layer of this name; -1: none. */
int layer_find(const char *name);
