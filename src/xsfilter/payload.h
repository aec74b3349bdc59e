/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request's payload says, by the rules of its type. Everything here is QEMU's: hostile. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy/xenstore.h"

struct payload {
	char path[XSFILTER_PATH_MAX]; /* canonical and absolute; "" if the type has none */
	const char *rest;             /* what follows the path and its NUL, within the message */
	size_t rest_len;
};

/*
 * Takes the payload of a request of this type (XS_...) apart. Returns 0 or the errno value that
 * QEMU is to be told: ENOSYS for a type that no client can send, EACCES for one that is never
 * permitted or a path too long to be, EINVAL for a payload that is not of the type's form.
 * ret->path is "" unless the path itself was found canonical.
 */
int payload_parse(uint32_t type, const char *bytes, size_t len, struct payload *ret);

/* The type's name for a log line; "?" if there is no such type. */
const char *payload_type_name(uint32_t type);
