/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

/* An attempt in a child of its own ends within this many seconds. */
#define CHILD_SECONDS 20

static bool receive(int fd, void *buf, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = recv(fd, (char *)buf + done, n - done, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

/* In a child: whatever the attempt does to its process ends with it. */
static int run_in_child(const struct attempt *attempt, const struct facts *facts)
{
	int fds[2], outcome = OUTCOME_DIED, status;
	sigset_t none;
	pid_t pid;

	if (pipe(fds) < 0)
		return OUTCOME_NOTHING;
	pid = fork();
	if (pid == 0) {
		(void)sigemptyset(&none);
		(void)signal(SIGALRM, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)alarm(CHILD_SECONDS);
		outcome = attempt_run(attempt, facts);
		_exit(write(fds[1], &outcome, sizeof(outcome)) == (ssize_t)sizeof(outcome) ? 0 : 1);
	}
	(void)close(fds[1]);
	if (pid < 0 || read(fds[0], &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
		outcome = OUTCOME_DIED;
	(void)close(fds[0]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	    outcome == OUTCOME_DIED) {
		if (WTERMSIG(status) == SIGSYS)
			outcome = OUTCOME_KILLED;
		if (WTERMSIG(status) == SIGALRM)
			outcome = OUTCOME_HUNG;
	}
	return outcome;
}

static int obey(const struct order *order, const struct facts *facts)
{
	const struct group *group;
	const struct attempt *attempt;

	if (order->attempt == ORDER_RUNNING)
		return xenstore_running(facts->domid);
	attempt = attempt_get(order->attempt, &group);
	if (attempt == NULL)
		return OUTCOME_NOTHING;
	return facts->forks ? run_in_child(attempt, facts) : attempt_run(attempt, facts);
}

int serve(int fd, int connections)
{
	struct facts facts;
	struct order order;

	if (!receive(fd, &facts, sizeof(facts)) || facts.magic != FACTS_MAGIC)
		return -1;
	if (!facts.forks)
		probe_prepare(connections);
	while (receive(fd, &order, sizeof(order))) {
		struct report report = {.attempt = order.attempt};

		report.outcome = obey(&order, &facts);
		if (send(fd, &report, sizeof(report), MSG_NOSIGNAL) != (ssize_t)sizeof(report))
			return -1;
	}
	return 0;
}
