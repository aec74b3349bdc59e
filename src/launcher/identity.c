/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"
#include "util.h"

#define PASSWD "/etc/passwd"

/* Of a user's name in a message; useradd(8) allows 32 bytes. */
#define NAME_SIZE 64

/* LIBXL_QEMU_USER_RANGE_BASE of Xen's libxl_internal.h. */
#define RANGE_BASE "xen-qemuuser-range-base"

/* The highest id; (uid_t)-1 means "leave it" to setresuid(). */
#define ID_MAX_ (UINT32_MAX - 1)

/* The line's user, if it is one: NAME:PASSWORD:UID:GID:... The line is cut into pieces. */
static bool parse_user(char *line, const char **ret_name, struct identity *ret)
{
	const char *fields[4];
	uint64_t uid, gid;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&line, ":");
		if (fields[i] == NULL)
			return false;
	}
	if (!parse_u64(fields[2], 0, UINT32_MAX, &uid) ||
	    !parse_u64(fields[3], 0, UINT32_MAX, &gid))
		return false;
	*ret_name = fields[0];
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	return true;
}

/*
 * The user that has this name or, with no name, this uid. Looked up in /etc/passwd itself, where
 * system users are, and not through NSS: its modules are plug-ins that talk to directory servers,
 * which no root process should need before it starts a guest.
 * Returns 1 with *ret and the name in ret_name, 0: no such user, or -1 with err.
 */
static int find_user(const char *name, uid_t uid, struct identity *ret, char ret_name[NAME_SIZE],
                     struct error *err)
{
	FILE *file = fopen(PASSWD, "re");
	cleanup_free char *line = NULL;
	const char *found;
	size_t size = 0;
	int r = 0;

	if (file == NULL)
		return error_errno(err, "%s", PASSWD);
	while (r == 0 && getline(&line, &size, file) >= 0)
		r = parse_user(line, &found, ret) &&
		    (name != NULL ? strcmp(found, name) == 0 : ret->uid == uid);
	if (r > 0)
		(void)snprintf(ret_name, NAME_SIZE, "%s", found);
	else if (ferror(file) != 0)
		r = error_errno(err, "%s", PASSWD);
	(void)fclose(file);
	return r;
}

int identity_of_user(const char *name, struct identity *ret, struct error *err)
{
	char found[NAME_SIZE];
	int r = find_user(name, 0, ret, found, err);

	if (r < 0)
		return -1;
	if (r == 0)
		return error_set(err, "user %s does not exist in %s", name, PASSWD);
	if (ret->uid == 0 || ret->gid == 0)
		return error_set(err, "user %s is root", name);
	return 0;
}

/* uid = base + domid, one shared group, as libxl__domain_get_device_model_uid() has it. */
static int from_range(uint16_t domid, struct identity *ret, struct error *err)
{
	struct identity base, other;
	char found[NAME_SIZE];
	int r;

	if (identity_of_user(RANGE_BASE, &base, err) < 0)
		return -1;
	if (base.uid > ID_MAX_ - domid)
		return error_set(err, "the uids of %s do not reach domain %u", RANGE_BASE, domid);
	ret->uid = base.uid + domid;
	ret->gid = base.gid;
	r = find_user(NULL, ret->uid, &other, found, err);
	if (r > 0)
		return error_set(err, "uid %u (%s + %u) is user %s", ret->uid, RANGE_BASE, domid,
		                 found);
	return r;
}

/* "uid:gid" in decimal; false: it is not of that form. */
static bool from_numbers(const char *run_as, struct identity *ret)
{
	const char *colon = strchr(run_as, ':');
	uint64_t uid, gid;
	char buf[16];

	if (colon == NULL || (size_t)(colon - run_as) >= sizeof(buf))
		return false;
	memcpy(buf, run_as, (size_t)(colon - run_as));
	buf[colon - run_as] = '\0';
	if (!parse_u64(buf, 0, ID_MAX_, &uid) || !parse_u64(colon + 1, 0, ID_MAX_, &gid))
		return false;
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	return true;
}

int identity_of_qemu(const char *run_as, uint16_t domid, struct identity *ret, struct error *err)
{
	if (run_as == NULL)
		return from_range(domid, ret, err);
	if (!from_numbers(run_as, ret))
		return identity_of_user(run_as, ret, err);
	if (ret->uid == 0 || ret->gid == 0)
		return error_set(err, "user \"%s\" is root: refused", run_as);
	return 0;
}
