/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may reach xenstored, whatever the device model of domain 7 wrote. */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "wire.h"

#define FUZZ_DOMID "7"
#define FUZZ_STATE "/local/domain/0/device-model/7/state\0running"

/* Written apart from the policy table on purpose. */
static inline bool may_reach_xenstored(struct xsd_sockmsg hdr, const char *payload)
{
	switch (hdr.type) {
	case XS_WRITE:
		return hdr.len == sizeof(FUZZ_STATE) - 1 &&
		       memcmp(payload, FUZZ_STATE, hdr.len) == 0;
	case XS_TRANSACTION_START:
		return hdr.tx_id == 0 && hdr.len == 1 && payload[0] == '\0';
	case XS_TRANSACTION_END:
		return hdr.tx_id != 0 && hdr.len == 2 && (payload[0] == 'T' || payload[0] == 'F') &&
		       payload[1] == '\0';
	default:
		return false;
	}
}
