/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "attempt.h"

extern const struct group probe_credentials, probe_files, probe_processes, probe_kernel,
        probe_network, probe_xen, probe_xenstore, probe_broker, probe_resources;

const struct group *const probe_groups[] = {
        &probe_credentials, &probe_files,    &probe_processes, &probe_kernel,    &probe_network,
        &probe_xen,         &probe_xenstore, &probe_broker,    &probe_resources,
};
const size_t probe_n_groups = ARRAY_SIZE(probe_groups);

size_t attempt_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(probe_groups); i++)
		n += probe_groups[i]->n;
	return n;
}

const struct attempt *attempt_get(size_t index, const struct group **ret_group)
{
	for (size_t i = 0; i < ARRAY_SIZE(probe_groups); i++) {
		*ret_group = probe_groups[i];
		if (index < probe_groups[i]->n)
			return &probe_groups[i]->attempts[index];
		index -= probe_groups[i]->n;
	}
	return NULL;
}

bool is_refusal(const struct attempt *attempt, int outcome)
{
	for (size_t i = 0; i < ANSWERS && attempt->refused[i] != 0; i++)
		if (attempt->refused[i] == outcome)
			return true;
	return false;
}

int outcome_of(long result)
{
	return result < 0 ? errno : 0;
}

int outcome_of_fd(int fd)
{
	int r = outcome_of(fd);

	if (fd >= 0)
		(void)close(fd);
	return r;
}

int attempt_run(const struct attempt *attempt, const struct facts *facts)
{
	const unsigned long *a = attempt->arg;

	if (attempt->try != NULL)
		return attempt->try(attempt, facts);
	return outcome_of(syscall(attempt->call, a[0], a[1], a[2], a[3], a[4], a[5]));
}
