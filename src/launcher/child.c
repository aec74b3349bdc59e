/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sched.h>
#include <signal.h>
#include <stdalign.h>

#include "launch.h"

/* become_role() needs 4 KiB, a message with errno in it as much again. */
#define STACK_SIZE 65536

pid_t child_start(int (*run)(void *arg), void *arg)
{
	static alignas(16) char stack[STACK_SIZE];

	return clone(run, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, arg);
}
