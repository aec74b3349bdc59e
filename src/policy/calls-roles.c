/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of monitor, broker and xsfilter once they serve: each loads its filter when it
 * has started and opened what it keeps. Everything else kills it, for a role that does what it was
 * not written to do is a role taken over, and its death is the safe outcome: a guest that runs
 * needs no broker, and what is never answered is refused.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/seccomp.h>
#include <xen/xen.h>

/* These two want the types above. */
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

#include "rule.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

#define SOCKET(call, family, type, protocol, reason)                                               \
	ALLOW_IF(call, reason, ARG(0, family), ARG(1, (type) | SOCK_CLOEXEC), ARG(2, protocol))
#define OPTION(level, name, reason) ALLOW_IF(setsockopt, reason, ARG(1, level), ARG(2, name))
#define REQUEST(request, reason)    ALLOW_IF(ioctl, reason, ARG(1, request))
#define PRCTL(option, reason)       ALLOW_IF(prctl, reason, ARG(0, option))

/*
 * What any program of ours does. No tgkill: abort() ends in SIGSYS instead of SIGABRT, and nobody
 * can be signalled. No mprotect and no PROT_EXEC: nothing that was written becomes code.
 */
static const struct rule common_calls[] = {
        ALLOW(poll, "main loop"),
        ALLOW(read, "sockets, signalfd"),
        ALLOW(write, "log"),
        ALLOW(recvmsg, "requests and fds"),
        ALLOW(sendmsg, "replies and fds"),
        ALLOW(close, "fds it has handed on"),
        ALLOW(clock_gettime, "timeouts"),
        ALLOW(brk, "malloc"),
        ALLOW_IF(mmap, "malloc, hypercall buffers", ARG_WITHOUT(2, PROT_EXEC)),
        ALLOW(munmap, "free"),
        ALLOW_IF(mremap, "realloc; MREMAP_FIXED could replace code", ARG_WITHOUT(3, MREMAP_FIXED)),
        ALLOW(madvise, "free, DONTFORK of hypercall buffers"),
        ALLOW(getrandom, "malloc's first call"),
        ALLOW(futex, "locks in libraries"),
        ALLOW(newfstatat, "stdio's first write; lstat"),
        ALLOW(fstat, "the same, by fd"),
        ALLOW(getpid, "libraries"),
        ALLOW(gettid, "libraries"),
        ALLOW(rt_sigprocmask, "signals"),
        ALLOW(rt_sigaction, "signals"),
        ALLOW(rt_sigreturn, "signals"),
        ALLOW(restart_syscall, "the kernel's own, after a stop"),
        ALLOW(exit_group, "the end"),
        RULES_END,
};

/* What the requests of request.h take. Paths and buffers it makes itself, none is QEMU's. */
static const struct rule monitor_calls[] = {
        REQUEST(IOCTL_PRIVCMD_HYPERCALL, "populate_physmap; gone after sealing"),
        REQUEST(IOCTL_EVTCHN_RESTRICT_DOMID, "each evtchn that QEMU gets"),
        REQUEST(IOCTL_EVTCHN_BIND_UNBOUND_PORT, "asserts that it is refused"),
        REQUEST(IOCTL_EVTCHN_BIND_VIRQ, "asserts that it is refused"),
        REQUEST(IOCTL_EVTCHN_BIND_INTERDOMAIN, "asserts that it is refused"),
        ALLOW(openat, "images by /proc/self/fd, /dev/xen/evtchn, /dev/ptmx, /proc/PID/mem"),
        ALLOW(openat2, "members of backing chains, beneath a directory of the plan"),
        ALLOW(landlock_restrict_self, "once QEMU's memory is open: its files, for ever"),
        ALLOW_IF(fcntl, "dups the restricted privcmd", ARG(1, F_DUPFD_CLOEXEC)),
        ALLOW_IF(fcntl, "musl's fcntl() does both, for old kernels", ARG(1, F_SETFD)),
        SOCKET(socketpair, AF_UNIX, SOCK_STREAM, 0, "QEMU's end and xsfilter's"),
        SOCKET(socket, AF_UNIX, SOCK_STREAM, 0, "xenstored"),
        ALLOW(connect, "xenstored"),
        SOCKET(socket, AF_INET, SOCK_STREAM, IPPROTO_TCP, "VNC and SPICE listeners"),
        SOCKET(socket, AF_INET6, SOCK_STREAM, IPPROTO_TCP, "VNC and SPICE listeners"),
        OPTION(SOL_SOCKET, SO_REUSEADDR, "VNC and SPICE listeners"),
        OPTION(IPPROTO_IPV6, IPV6_V6ONLY, "VNC and SPICE listeners"),
        ALLOW(bind, "VNC and SPICE listeners"),
        ALLOW(listen, "VNC and SPICE listeners"),
        ALLOW(lstat, "are these still the launcher's sockets? (musl's fstatat)"),
        ALLOW(shutdown, "ends the channel to a role that it does not serve any more"),
        ALLOW(unlink, "QEMU's sockets, at the end"),
        ALLOW(rmdir, "libxl's chroot directory, at the end"),
        ALLOW(pidfd_send_signal, "ends QEMU: by pidfd, so never another process"),
        ALLOW(waitid, "how QEMU ended, in a unit"),
        ALLOW(capget, "drops CAP_SYS_PTRACE once it has opened QEMU's memory"),
        ALLOW(capset, "the same"),
        RULES_END,
};

/* It opens nothing: listener, monitor's socket and QEMU's memory are inherited or received. */
static const struct rule broker_calls[] = {
        REQUEST(SECCOMP_IOCTL_NOTIF_RECV, "takes QEMU's call"),
        REQUEST(SECCOMP_IOCTL_NOTIF_ID_VALID, "QEMU still waits for it"),
        REQUEST(SECCOMP_IOCTL_NOTIF_ADDFD, "answers with an fd"),
        REQUEST(SECCOMP_IOCTL_NOTIF_SEND, "answers with a number"),
        REQUEST(SECCOMP_IOCTL_NOTIF_SET_FLAGS, "wakes up on QEMU's cpu: 3 us instead of 8"),
        ALLOW(pread64, "QEMU's memory"),
        ALLOW(pwrite64, "QEMU's memory: results of a hypercall"),
        RULES_END,
};

/* Connections come from the monitor, by recvmsg. */
static const struct rule xsfilter_calls[] = {
        ALLOW(recvfrom, "xenstore's wire"),
        ALLOW(sendto, "xenstore's wire"),
        RULES_END,
};

const struct policy policy_monitor = {
        .name = "monitor",
        .otherwise = ACTION_KILL,
        .tables = {monitor_calls, common_calls},
};

const struct policy policy_broker = {
        .name = "broker",
        .otherwise = ACTION_KILL,
        .tables = {broker_calls, common_calls},
};

const struct policy policy_xsfilter = {
        .name = "xsfilter",
        .otherwise = ACTION_KILL,
        .tables = {xsfilter_calls, common_calls},
};
