/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"
#include "util.h"

/* LIBXL_QEMU_USER_RANGE_BASE of Xen's libxl_internal.h. */
#define RANGE_BASE "xen-qemuuser-range-base"

/* The highest id; (uid_t)-1 means "leave it" to setresuid(). */
#define ID_MAX_ (UINT32_MAX - 1)

int identity_of_user(const char *name, struct identity *ret, struct error *err)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && errno != 0)
		return error_errno(err, "cannot look up user %s", name);
	if (pw == NULL)
		return error_set(err, "user %s does not exist", name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return error_set(err, "user %s is root", name);
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	return 0;
}

/* uid = base + domid, one shared group, as libxl__domain_get_device_model_uid() has it. */
static int from_range(uint16_t domid, struct identity *ret, struct error *err)
{
	struct identity base;
	struct passwd *pw;

	if (identity_of_user(RANGE_BASE, &base, err) < 0)
		return -1;
	if (base.uid > ID_MAX_ - domid)
		return error_set(err, "the uids of %s do not reach domain %u", RANGE_BASE, domid);
	ret->uid = base.uid + domid;
	ret->gid = base.gid;
	pw = getpwuid(ret->uid);
	if (pw != NULL)
		return error_set(err, "uid %u (%s + %u) is user %s", ret->uid, RANGE_BASE, domid,
		                 pw->pw_name);
	return 0;
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
