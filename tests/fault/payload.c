/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In QEMU's place during the fault sweep: tries what QEMU must not be able to do and ends. Its exit
 * status is 0 if all of it was refused, else the number of the first attempt that was not. sweep.c
 * looks at it from outside. Static, so that nothing happens before main().
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "util.h"
#include "xenattempt.h"

/* The handles: those that were inherited (QEMU_DEPRIV_FDS) and those that an open gives. */
static int privcmd[2], evtchn[2];

static bool hypercall(void)
{
	return xen_raw_hypercall(privcmd[0]) >= 0 || xen_raw_hypercall(privcmd[1]) >= 0;
}

static bool dm_op_on_dom0(void)
{
	return xen_dm_op(privcmd[0], 0) >= 0 || xen_dm_op(privcmd[1], 0) >= 0;
}

static bool bind_virq(void)
{
	return xen_bind_virq(evtchn[0]) >= 0 || xen_bind_virq(evtchn[1]) >= 0;
}

static bool become_root(void)
{
	return setresuid(0, 0, 0) == 0;
}

static bool join_group(void)
{
	return setresgid(0, 0, 0) == 0;
}

static bool opens(const char *path, int flags)
{
	return openat(AT_FDCWD, path, flags | O_CLOEXEC, 0600) >= 0;
}

static bool read_shadow(void)
{
	return opens("/etc/shadow", O_RDONLY);
}

static bool read_proc(void)
{
	return opens("/proc/1/status", O_RDONLY);
}

static bool read_memory(void)
{
	return opens("/dev/mem", O_RDONLY);
}

static bool write_root(void)
{
	return opens("/x", O_WRONLY | O_CREAT);
}

static bool write_usr(void)
{
	return opens("/usr/x", O_WRONLY | O_CREAT);
}

static bool make_directory(void)
{
	return mkdir("/tmp/x", 0700) == 0;
}

static bool use_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

static bool use_udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}

static bool make_process(void)
{
	const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool signal_init(void)
{
	return kill(1, 0) == 0;
}

static bool run_program(void)
{
	static char *const none[] = {NULL};

	(void)execve("/usr/bin/true", none, none);
	return false;
}

static bool raise_limit(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* The last one ends the payload if it succeeds; that is seen from outside. */
static bool (*const attempts[])(void) = {
        hypercall,   dm_op_on_dom0, bind_virq,   become_root, join_group,  read_shadow,
        read_proc,   read_memory,   write_root,  write_usr,   use_udp,     make_directory,
        use_netlink, make_process,  signal_init, raise_limit, run_program,
};

int main(void)
{
	const char *fds = getenv("QEMU_DEPRIV_FDS");

	if (fds == NULL || sscanf(fds, "privcmd:%d,evtchn:%d", &privcmd[0], &evtchn[0]) != 2)
		privcmd[0] = evtchn[0] = -1;
	privcmd[1] = openat(AT_FDCWD, "/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	evtchn[1] = openat(AT_FDCWD, "/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (attempts[i]())
			return (int)i + 1;
	return 0;
}
