/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Landlock: a process denies itself kinds of access that the kernel then allows only where a rule
 * says so, for ever and for its children. On top of the other layers, not instead of any.
 *
 * The numbers are include/uapi/linux/landlock.h of Linux 6.12; Debian 12's headers end at ABI 2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Access to files ... */
#define LL_EXECUTE    (UINT64_C(1) << 0)
#define LL_WRITE_FILE (UINT64_C(1) << 1)
#define LL_READ_FILE  (UINT64_C(1) << 2)
#define LL_TRUNCATE   (UINT64_C(1) << 14) /* ABI 3 */
#define LL_IOCTL_DEV  (UINT64_C(1) << 15) /* ABI 5: of a device node opened from now on */
/* ... and to what is below a directory. */
#define LL_READ_DIR    (UINT64_C(1) << 3)
#define LL_REMOVE_DIR  (UINT64_C(1) << 4)
#define LL_REMOVE_FILE (UINT64_C(1) << 5)

#define LL_BIND_TCP    (UINT64_C(1) << 0) /* ABI 4 */
#define LL_CONNECT_TCP (UINT64_C(1) << 1) /* ABI 4 */

#define LL_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0) /* ABI 6: connect to one of outside */
#define LL_SIGNAL               (UINT64_C(1) << 1) /* ABI 6: to a process of outside */

/* What a domain denies, but for its rules. */
struct landlock_rights {
	uint64_t fs, net, scoped;
};

/* The kernel's ABI; 0: no Landlock, or it is not in the lsm= list. */
int landlock_abi(void);

/* All that this ABI can deny. */
struct landlock_rights landlock_known(int abi);

/*
 * A ruleset that denies `deny`, which must be of landlock_known(). The caller owns *ret_fd.
 * 0, or -1 with err.
 */
int landlock_create(const struct landlock_rights *deny, int *ret_fd, struct error *err);

/*
 * Allows access to what an fd (O_PATH will do) stands for and, if it is a directory, below it; what
 * deny does not have is left out. `what` is for err.
 */
int landlock_allow(int ruleset, const struct landlock_rights *deny, int fd, uint64_t access,
                   const char *what, struct error *err);

/* The same by path. */
int landlock_allow_path(int ruleset, const struct landlock_rights *deny, const char *path,
                        uint64_t access, struct error *err);

/* Enters the domain. Needs no_new_privs. */
int landlock_enter(int ruleset, struct error *err);
