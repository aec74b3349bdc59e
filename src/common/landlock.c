/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

/* struct landlock_ruleset_attr and _path_beneath_attr, LANDLOCK_CREATE_RULESET_VERSION. */
struct ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

#define CREATE_VERSION    1u
#define RULE_PATH_BENEATH 1

/* The rights of ABI 1: all bits up to LANDLOCK_ACCESS_FS_MAKE_SYM. */
#define FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)

/* The only ones that a rule for a file, not a directory, may have. */
#define FS_OF_FILE (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | LL_IOCTL_DEV)

/* What each ABI added. */
static const struct {
	int abi;
	struct landlock_rights rights;
} steps[] = {
        {1, {FS_ABI_1, 0, 0}},                            /* Linux 5.13 */
        {2, {FS_REFER, 0, 0}},                            /* 5.19 */
        {3, {LL_TRUNCATE, 0, 0}},                         /* 6.2 */
        {4, {0, LL_BIND_TCP | LL_CONNECT_TCP, 0}},        /* 6.7 */
        {5, {LL_IOCTL_DEV, 0, 0}},                        /* 6.10 */
        {6, {0, 0, LL_ABSTRACT_UNIX_SOCKET | LL_SIGNAL}}, /* 6.12 */
};

int landlock_abi(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

struct landlock_rights landlock_known(int abi)
{
	struct landlock_rights all = {0, 0, 0};

	for (size_t i = 0; i < ARRAY_SIZE(steps) && steps[i].abi <= abi; i++) {
		all.fs |= steps[i].rights.fs;
		all.net |= steps[i].rights.net;
		all.scoped |= steps[i].rights.scoped;
	}
	return all;
}

int landlock_create(const struct landlock_rights *deny, int *ret_fd, struct error *err)
{
	/* An older kernel takes the longer structure if what it does not know is 0. */
	const struct ruleset_attr attr = {deny->fs, deny->net, deny->scoped};

	*ret_fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	return *ret_fd < 0 ? error_errno(err, "cannot make a Landlock ruleset") : 0;
}

int landlock_allow(int ruleset, const struct landlock_rights *deny, int fd, uint64_t access,
                   const char *what, struct error *err)
{
	struct path_beneath_attr attr = {access & deny->fs, fd};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "Landlock: %s", what);
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= FS_OF_FILE;
	if (attr.allowed_access == 0)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) < 0)
		return error_errno(err, "Landlock: cannot allow %s", what);
	return 0;
}

int landlock_allow_path(int ruleset, const struct landlock_rights *deny, const char *path,
                        uint64_t access, struct error *err)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "Landlock: %s", path);
	return landlock_allow(ruleset, deny, fd, access, path, err);
}

int landlock_enter(int ruleset, struct error *err)
{
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return error_errno(err, "cannot enter the Landlock domain");
	return 0;
}
