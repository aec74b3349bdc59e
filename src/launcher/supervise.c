/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handover.h"
#include "util.h"

#define STANDIN ROLE_DIR "/standin"

/* Above all that a plan numbers: 64 inherited fds, 32 listeners, 16 taps. */
#define UNIT_FD_MIN 512

int supervise_find_unit(int *ret_fd, struct error *err)
{
	const char *value = getenv(HANDOVER_ENV);
	uint64_t fd;

	*ret_fd = -1;
	if (value == NULL)
		return 0;
	if (!parse_u64(value, STDERR_FILENO + 1, INT32_MAX, &fd) || fcntl((int)fd, F_GETFD) < 0)
		return error_set(err, "%s=%s names no open fd", HANDOVER_ENV, value);
	*ret_fd = fcntl((int)fd, F_DUPFD_CLOEXEC, UNIT_FD_MIN);
	return *ret_fd < 0 ? error_errno(err, "cannot keep fd %d", (int)fd) : 0;
}

bool supervise_wanted(enum supervision mode)
{
	struct stat st;

	if (mode != SUPERVISION_AUTO)
		return mode == SUPERVISION_SYSTEMD;
	/* As sd_booted(3) has it. */
	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* "3,17", or "-" for none. */
static void list_fds(const struct plan *plan, char *buf, size_t size)
{
	size_t used = 0;

	(void)snprintf(buf, size, "-");
	for (size_t i = 0; i < plan->n_keep_fds; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%d", i > 0 ? "," : "",
		                         plan->keep_fds[i]);
}

int supervise_become_standin(const struct plan *plan, char *argv[], struct error *err)
{
	static char *const no_environment[] = {NULL};
	static char standin[] = "standin";
	char domid[16], fds[PLAN_MAX_KEEP * 12 + 2];
	size_t argc = 0;
	char **args;

	while (argv[argc] != NULL)
		argc++;
	args = calloc(argc + 4, sizeof(*args));
	if (args == NULL)
		return error_errno(err, "cannot hand the launch over");
	(void)snprintf(domid, sizeof(domid), "%u", plan->domid);
	list_fds(plan, fds, sizeof(fds));
	args[0] = standin;
	args[1] = domid;
	args[2] = fds;
	memcpy(args + 3, argv, argc * sizeof(*args));
	(void)execve(STANDIN, args, no_environment);
	free(args);
	return error_errno(err, "cannot execute %s", STANDIN);
}
