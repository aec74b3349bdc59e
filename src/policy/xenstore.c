/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xenstore.h"

#include <stdbool.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "util.h"

#define OP(type) (1u << XS_##type)

/*
 * xenstored takes relative paths from a connection of dom0 as relative to /local/domain/0. QEMU's
 * requests are those seen in runs of QEMU 7.2 and 10.0; only rows with XENSTORE_FORWARD or
 * XENSTORE_SEAL change or reveal anything outside this process.
 */
const struct xenstore_rule xenstore_rules[] = {
        {OP(WRITE), XENSTORE_SEAL, "/local/domain/0/device-model/%d/state", "running",
         "readiness: libxl waits for it, and QEMU exits when it cannot write it"},

        {OP(TRANSACTION_START), XENSTORE_FORWARD, "", "|",
         "touches no node by itself; bounded by XSFILTER_TRANSACTIONS"},
        {OP(TRANSACTION_END), XENSTORE_FORWARD, "", "T|", "commit of what passed this table"},
        {OP(TRANSACTION_END), XENSTORE_FORWARD, "", "F|", "abort"},

        {OP(GET_DOMAIN_PATH), XENSTORE_PATH, "/local/domain/%d", NULL,
         "the same for every domain, so xenstored need not be asked"},

        {OP(READ), XENSTORE_ABSENT, "/local/domain/0/domid", NULL,
         "QEMU's own domain; without it QEMU assumes 0, where it is"},
        {OP(READ), XENSTORE_ABSENT, "/local/domain/%d/image/device-model-domid", NULL,
         "QEMU 10 looks whether it is in a stub domain; it is not"},

        {OP(MKDIR), XENSTORE_OK, "/local/domain/0/device-model/%d/backends/*", NULL,
         "announces PV backends to libxl, which must not count on them: stored nowhere"},
        {OP(SET_PERMS), XENSTORE_OK, "/local/domain/0/device-model/%d/backends/*", "n0|n%d|",
         "follows the MKDIR above"},
        {OP(WATCH) | OP(UNWATCH), XENSTORE_WATCH, "/local/domain/0/backend/*/%d", NULL,
         "PV backends of this domain: none will appear"},
        {OP(DIRECTORY), XENSTORE_ABSENT, "/local/domain/0/backend/*/%d", NULL,
         "PV backends of this domain: none"},
        {OP(DIRECTORY), XENSTORE_ABSENT, "/local/domain/0/backend", NULL,
         "kinds of PV backends in dom0, of any domain: none of this one's business"},
};

const size_t xenstore_n_rules = ARRAY_SIZE(xenstore_rules);

static bool path_matches(const char *pattern, const char *path, const char *domid)
{
	const size_t domid_len = strlen(domid);

	while (*pattern != '\0') {
		if (strncmp(pattern, "%d", 2) == 0) {
			if (strncmp(path, domid, domid_len) != 0)
				return false;
			path += domid_len;
			pattern += 2;
		} else if (*pattern == '*') {
			const size_t len = strcspn(path, "/");

			if (len == 0)
				return false;
			path += len;
			pattern++;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

size_t xenstore_policy_rest(const struct xenstore_rule *rule, const char *domid,
                            char ret[XSFILTER_REST_MAX])
{
	size_t n = 0;

	for (const char *p = rule->rest; *p != '\0' && n < XSFILTER_REST_MAX; p++) {
		if (strncmp(p, "%d", 2) != 0) {
			ret[n++] = (char)(*p == '|' ? '\0' : *p);
			continue;
		}
		for (const char *d = domid; *d != '\0' && n < XSFILTER_REST_MAX; d++)
			ret[n++] = *d;
		p++;
	}
	return n;
}

static bool rest_matches(const struct xenstore_rule *rule, const struct xenstore_query *query)
{
	char rest[XSFILTER_REST_MAX];

	return rule->rest == NULL ||
	       (xenstore_policy_rest(rule, query->domid, rest) == query->rest_len &&
	        memcmp(rest, query->rest, query->rest_len) == 0);
}

const struct xenstore_rule *xenstore_policy_find(const struct xenstore_query *query)
{
	/* A shift by 32 or more would be undefined; every type that a row names is below. */
	if (query->type >= 32)
		return NULL;

	for (size_t i = 0; i < ARRAY_SIZE(xenstore_rules); i++) {
		const struct xenstore_rule *rule = &xenstore_rules[i];

		if ((rule->ops & (1u << query->type)) != 0 &&
		    path_matches(rule->path, query->path, query->domid) &&
		    rest_matches(rule, query))
			return rule;
	}
	return NULL;
}
