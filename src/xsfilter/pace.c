/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pace.h"

#include "policy/xenstore.h"

#define TOKEN_NS (UINT64_C(1000000000) / XSFILTER_RATE)

void pace_charge(struct pace *p, uint64_t now, unsigned int tokens)
{
	if (p->full_at < now)
		p->full_at = now;
	p->full_at += tokens * TOKEN_NS;
}

uint64_t pace_wait(const struct pace *p, uint64_t now)
{
	const uint64_t empty_at = now + XSFILTER_BURST * TOKEN_NS;

	return p->full_at > empty_at ? p->full_at - empty_at : 0;
}
