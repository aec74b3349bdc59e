/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "payload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "util.h"

/* The characters that C xenstored accepts in a path; oxenstored accepts the same but for '@'. */
#define NAME_CHARS                                                                                 \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                                               \
	"abcdefghijklmnopqrstuvwxyz"                                                               \
	"0123456789-/_@"

/* What relative paths of a connection from dom0 are relative to. */
#define DOM0_PREFIX "/local/domain/0/"

/* Whatever has two spellings is refused, so that a path is equal to itself only. */
static int canonicalise(const char *name, char ret[XSFILTER_PATH_MAX])
{
	const char *prefix = name[0] == '/' ? "" : DOM0_PREFIX;
	const size_t len = strlen(name);

	/* '@' begins the names of special watches, which tell about other domains. */
	if (name[0] == '@')
		return EACCES;
	if (len == 0 || (len > 1 && name[len - 1] == '/') || strstr(name, "//") != NULL ||
	    strspn(name, NAME_CHARS) != len)
		return EINVAL;
	if (strlen(prefix) + len >= XSFILTER_PATH_MAX)
		return EACCES;
	(void)stpcpy(stpcpy(ret, prefix), name);
	return 0;
}

/* <path>|<anything> */
static int parse_path_value(const char *bytes, size_t len, struct payload *ret)
{
	const char *nul = memchr(bytes, '\0', len);

	if (nul == NULL)
		return EINVAL;
	ret->rest = nul + 1;
	ret->rest_len = len - (size_t)(ret->rest - bytes);
	return canonicalise(bytes, ret->path);
}

/* <path>| */
static int parse_path(const char *bytes, size_t len, struct payload *ret)
{
	const int error = parse_path_value(bytes, len, ret);

	return error == 0 && ret->rest_len != 0 ? EINVAL : error;
}

/* <path>|<token>|; the third string of newer protocols, a depth, comes unasked from no one */
static int parse_path_token(const char *bytes, size_t len, struct payload *ret)
{
	const int error = parse_path_value(bytes, len, ret);

	if (error != 0)
		return error;
	if (ret->rest_len == 0 || memchr(ret->rest, '\0', ret->rest_len) != bytes + len - 1)
		return EINVAL;
	return 0;
}

/* <path>|<perm>|+; the policy compares the permissions byte by byte */
static int parse_path_perms(const char *bytes, size_t len, struct payload *ret)
{
	const int error = parse_path_value(bytes, len, ret);

	if (error != 0)
		return error;
	return ret->rest_len < 2 || bytes[len - 1] != '\0' ? EINVAL : 0;
}

/* <domid>|, answered with that domain's path: the policy judges the path */
static int parse_domid(const char *bytes, size_t len, struct payload *ret)
{
	uint64_t domid;

	if (len == 0 || len > sizeof("65535") || memchr(bytes, '\0', len) != bytes + len - 1 ||
	    !parse_u64(bytes, 0, UINT16_MAX, &domid))
		return EINVAL;
	(void)snprintf(ret->path, sizeof(ret->path), "/local/domain/%s", bytes);
	ret->rest = bytes + len;
	return 0;
}

/* | or T| or F|; the policy knows which */
static int parse_flag(const char *bytes, size_t len, struct payload *ret)
{
	if (len == 0 || len > 2 || memchr(bytes, '\0', len) != bytes + len - 1)
		return EINVAL;
	ret->rest = bytes;
	ret->rest_len = len;
	return 0;
}

/* Every type of xs_wire.h; without a parser: EACCES. Without a name: ENOSYS. */
static const struct {
	const char *name;
	int (*parse)(const char *bytes, size_t len, struct payload *ret);
} types[] = {
        [XS_CONTROL] = {"CONTROL", NULL},
        [XS_DIRECTORY] = {"DIRECTORY", parse_path},
        [XS_READ] = {"READ", parse_path},
        [XS_GET_PERMS] = {"GET_PERMS", parse_path},
        [XS_WATCH] = {"WATCH", parse_path_token},
        [XS_UNWATCH] = {"UNWATCH", parse_path_token},
        [XS_TRANSACTION_START] = {"TRANSACTION_START", parse_flag},
        [XS_TRANSACTION_END] = {"TRANSACTION_END", parse_flag},
        [XS_INTRODUCE] = {"INTRODUCE", NULL},
        [XS_RELEASE] = {"RELEASE", NULL},
        [XS_GET_DOMAIN_PATH] = {"GET_DOMAIN_PATH", parse_domid},
        [XS_WRITE] = {"WRITE", parse_path_value},
        [XS_MKDIR] = {"MKDIR", parse_path},
        [XS_RM] = {"RM", parse_path},
        [XS_SET_PERMS] = {"SET_PERMS", parse_path_perms},
        [XS_IS_DOMAIN_INTRODUCED] = {"IS_DOMAIN_INTRODUCED", NULL},
        [XS_RESUME] = {"RESUME", NULL},
        [XS_SET_TARGET] = {"SET_TARGET", NULL},
        [XS_RESET_WATCHES] = {"RESET_WATCHES", NULL},
        [XS_DIRECTORY_PART] = {"DIRECTORY_PART", NULL},
};

const char *payload_type_name(uint32_t type)
{
	return type < ARRAY_SIZE(types) && types[type].name != NULL ? types[type].name : "?";
}

int payload_parse(uint32_t type, const char *bytes, size_t len, struct payload *ret)
{
	*ret = (struct payload){.rest = bytes};
	if (type >= ARRAY_SIZE(types) || types[type].name == NULL)
		return ENOSYS;
	if (types[type].parse == NULL)
		return EACCES;
	return types[type].parse(bytes, len, ret);
}
