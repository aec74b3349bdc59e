/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credentials: getting back what the launcher gave up, or becoming a program that has it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

#define SETUID_PROGRAM "/usr/bin/su"

/* setfsuid() never fails: only asking again says what it did. */
static int fs_id(const struct attempt *self, const struct facts *facts)
{
	(void)facts;
	if (syscall(self->call, 0) < 0)
		return errno;
	return syscall(self->call, -1) == 0 ? 0 : EPERM;
}

static int set_caps(uint32_t bits)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	        {.effective = bits, .permitted = bits, .inheritable = bits}};

	return (int)syscall(SYS_capset, &header, data);
}

static int capset_kill(const struct attempt *self, const struct facts *facts)
{
	(void)self;
	(void)facts;
	return outcome_of(set_caps(1u << CAP_KILL));
}

/* Ambient ones must be inheritable first; if that fails, they are tried none the less. */
static int ambient(const struct attempt *self, const struct facts *facts)
{
	(void)self;
	(void)facts;
	(void)set_caps(1u << CAP_KILL);
	return outcome_of(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
}

static int securebits(const struct attempt *self, const struct facts *facts)
{
	(void)self;
	(void)facts;
	return outcome_of(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS, 0, 0, 0));
}

/* A child, which ends at once. Flags of threads only would share our stack: never given here. */
static int child(const struct attempt *self, const struct facts *facts)
{
	long pid = syscall(self->call, self->arg[0], 0, 0, 0, 0);

	(void)facts;
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	(void)waitpid((pid_t)pid, NULL, __WALL);
	return 0;
}

/* A program that was never a file of the host. argv is unreadable, so that it does not run. */
static int exec_memfd(const struct attempt *self, const struct facts *facts)
{
	static const char script[] = "#!/usr/bin/true\n";
	cleanup_fd int fd = memfd_create("qemu-depriv-probe", 0);

	(void)self;
	(void)facts;
	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
		return errno;
	return outcome_of(syscall(SYS_execveat, fd, "", BAD, NULL, AT_EMPTY_PATH));
}

static int raise_limit(const struct attempt *self, const struct facts *facts)
{
	struct rlimit limit;
	int resource = (int)self->arg[0];

	(void)facts;
	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return errno;
	limit.rlim_max = limit.rlim_cur =
	        limit.rlim_max == RLIM_INFINITY ? limit.rlim_max : limit.rlim_max + 1;
	return outcome_of(setrlimit((__rlimit_resource_t)resource, &limit));
}

static const struct attempt credentials[] = {
        {"setuid", SYS(setuid, 0), REFUSED(EPERM), .why = "root's uid"},
        {"setreuid", SYS(setreuid, 0, 0), REFUSED(EPERM), .why = "root's uid"},
        {"setresuid", SYS(setresuid, 0, 0, 0), REFUSED(EPERM), .why = "root's uid"},
        {"setfsuid", fs_id, .call = SYS_setfsuid, REFUSED(EPERM), .why = "root's files"},
        {"setgid", SYS(setgid, 0), REFUSED(EPERM), .why = "root's group"},
        {"setregid", SYS(setregid, 0, 0), REFUSED(EPERM), .why = "root's group"},
        {"setresgid", SYS(setresgid, 0, 0, 0), REFUSED(EPERM), .why = "root's group"},
        {"setfsgid", fs_id, .call = SYS_setfsgid, REFUSED(EPERM), .why = "root's files"},
        {"setgroups", SYS(setgroups, 0, 0), REFUSED(EPERM), .why = "supplementary groups"},
        {"capset", capset_kill, REFUSED(EPERM), .why = "a capability"},
        {"ambient-capability", ambient, REFUSED(EPERM), .why = "a capability over an exec"},
        {"securebits", securebits, REFUSED(EPERM), .why = "root's uid with its meaning"},
        {"keep-capabilities", SYS(prctl, PR_SET_KEEPCAPS, 1), REFUSED(EPERM),
         .why = "capabilities over a setuid"},
        {"dumpable", SYS(prctl, PR_SET_DUMPABLE, 1), REFUSED(EPERM), .why = "core files"},
        {"ptracer", SYS(prctl, PR_SET_PTRACER, 1), REFUSED(EPERM), REACHED(EINVAL),
         .why = "lets another process trace this one"},
        {"exec-setuid", SYS(execve, P(SETUID_PROGRAM), BAD, 0), REFUSED(EPERM), REACHED(EFAULT),
         .why = "a setuid program: the broker lets the launcher's exec through and no other"},
        {"exec-shell", SYS(execve, P("/bin/sh"), BAD, 0), REFUSED(EPERM), REACHED(EFAULT),
         .why = "a shell"},
        {"exec-memfd", exec_memfd, REFUSED(EPERM), REACHED(EFAULT), .why = "a program of its own"},
        {"execveat", SYS(execveat, -100UL, P(SETUID_PROGRAM), BAD, 0, 0), REFUSED(EPERM),
         REACHED(EFAULT), .why = "exec past the broker"},
        {"fork", child, .call = SYS_fork, REFUSED(EPERM), .why = "a process beside QEMU"},
        {"clone", child, SYS(clone, SIGCHLD), REFUSED(EPERM), .why = "a process beside QEMU"},
        {"clone-user-namespace", child, SYS(clone, CLONE_NEWUSER | SIGCHLD), REFUSED(EPERM),
         .why = "a process with every capability in a namespace of its own"},
        {"raise-nofile", raise_limit, NUMBER(RLIMIT_NOFILE), REFUSED(EPERM), .why = "more fds"},
        {"raise-nproc", raise_limit, NUMBER(RLIMIT_NPROC), REFUSED(EPERM), .why = "more threads"},
        {"raise-memlock", raise_limit, NUMBER(RLIMIT_MEMLOCK), REFUSED(EPERM),
         .why = "more memory that cannot be swapped"},
        {"raise-nice", raise_limit, NUMBER(RLIMIT_NICE), REFUSED(EPERM), .why = "priority"},
        {"raise-rtprio", raise_limit, NUMBER(RLIMIT_RTPRIO), REFUSED(EPERM), .why = "priority"},
};

const struct group probe_credentials =
        GROUP(credentials, "identity, capabilities, programs that would have them");
