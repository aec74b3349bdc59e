/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of QEMU, from ld.so's first to exit_group. Everything else is EPERM.
 *
 * Taken from QEMU 7.2 and 10.0 of Debian 12 and 13 at work as device models; what is here and was
 * not seen then has a reason in tests/policy/unused.txt. PROT_EXEC is not looked at: ld.so maps the
 * libraries after this filter is there.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <asm/prctl.h>
#include <linux/fcntl.h>
#include <xen/xen.h>

/* Wants the types above. */
#include <xen/sys/privcmd.h>

#include "rule.h"

/* Younger than the oldest kernel headers that this builds with (Linux 6.1). */
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack 453
#endif
#ifndef __NR_futex_wake
#define __NR_futex_wake    454
#define __NR_futex_wait    455
#define __NR_futex_requeue 456
#endif
#ifndef __NR_mseal
#define __NR_mseal 462
#endif

/*
 * What pthread_create() passes to clone(), as glibc's createthread and musl's pthread_create have
 * it. The bits that only say where to store the thread's id are free (CLONE_DETACHED is musl's and
 * without effect since Linux 2.6.2); every other one must be as in THREAD_FLAGS. That refuses new
 * processes, namespaces, CLONE_UNTRACED, CLONE_PARENT, CLONE_VFORK and an exit signal.
 */
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define THREAD_FREE_FLAGS                                                                          \
	(CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID |          \
	 CLONE_DETACHED)

#define SOCKET_TYPE_MASK (~(SOCK_CLOEXEC | SOCK_NONBLOCK))
#define SOCKET(call, family, protocol, reason)                                                     \
	ALLOW_OF(call, #family, reason, ARG(0, family),                                            \
	         ARG_BITS(1, SOCKET_TYPE_MASK, SOCK_STREAM), ARG(2, protocol))
#define OPTION(level, name, reason) ALLOW_OF(setsockopt, #name, reason, ARG(1, level), ARG(2, name))
#define FCNTL(cmd, reason)          ALLOW_OF(fcntl, #cmd, reason, ARG(1, cmd))
#define PRCTL(option, reason)       ALLOW_OF(prctl, #option, reason, ARG(0, option))
#define NOTIFY(call, reason)        RULE(call, ACTION_NOTIFY, reason)
#define ABSENT(call, reason)        RULE(call, ACTION_ENOSYS, reason)
#define KILL(call, reason)          RULE(call, ACTION_KILL, reason)

/* The broker answers what the plan names and lets other opens go on, jailed as QEMU is. */
static const struct rule brokered_calls[] = {
        NOTIFY(openat, "/dev/xen/*, images, /dev/ptmx; the rest is read in the jail"),
        NOTIFY(open, "the same from a libc other than glibc"),
        NOTIFY(execve, "QEMU itself, once"),
        NOTIFY(connect, "xenstored; nothing else is connected to"),
        NOTIFY(bind, "VNC and SPICE listeners of the plan"),
        RULE_IF(ioctl, ACTION_NOTIFY, "populate_physmap for VRAM and ROMs, done by the monitor",
                ARG(1, IOCTL_PRIVCMD_HYPERCALL)),
        RULES_END,
};

/*
 * Instead of those when libxl (4.20 on) asks QEMU for its options: without a domain there is no
 * guest, no Xen handle and no broker. It opens what its jail has and neither connects nor binds.
 */
static const struct rule probe_calls[] = {
        ALLOW(openat, "libraries"),
        ALLOW(open, "the same from a libc other than glibc"),
        ALLOW(execve, "QEMU itself: again or another file of the jail gains nothing"),
        RULES_END,
};

/* The calls besides ioctl whose arguments matter. */
static const struct rule argument_calls[] = {
        ALLOW_IF(sendmsg, "sockets; MSG_FASTOPEN would connect", ARG_WITHOUT(2, MSG_FASTOPEN)),
        ALLOW_IF(sendto, "sockets; MSG_FASTOPEN would connect", ARG_WITHOUT(3, MSG_FASTOPEN)),
        FCNTL(F_GETFL, "before F_SETFL"),
        FCNTL(F_SETFL, "O_NONBLOCK"),
        FCNTL(F_GETFD, "before F_SETFD"),
        FCNTL(F_SETFD, "close-on-exec"),
        FCNTL(F_DUPFD_CLOEXEC, "members of an fdset, monitor's add-fd"),
        FCNTL(F_OFD_GETLK, "image locks"),
        FCNTL(F_OFD_SETLK, "image locks"),
        ALLOW_IF(clone, "threads only", ARG_BITS(0, ~THREAD_FREE_FLAGS, THREAD_FLAGS)),
        ALLOW_IF(prlimit64, "its own limits, which it can only lower", ARG(0, 0)),
        ALLOW_IF(arch_prctl, "ld.so sets up thread-local storage", ARG(0, ARCH_SET_FS)),
        PRCTL(PR_SET_NAME, "thread names"),
        PRCTL(PR_SET_TIMERSLACK, "exact timeouts of ppoll"),
        PRCTL(PR_MCE_KILL, "hears of broken memory early"),
        PRCTL(PR_CAPBSET_READ, "libcap's constructor (QEMU 10)"),
        RULES_END,
};

/*
 * Streams only. An inet socket is of use for nothing but a VNC or SPICE listener: QEMU's
 * network namespace is empty, and bind and connect are the broker's.
 */
static const struct rule socket_calls[] = {
        SOCKET(socket, AF_UNIX, 0, "xenstore; QMP, VNC, chardevs"),
        SOCKET(socket, AF_INET, 0, "VNC, SPICE"),
        SOCKET(socket, AF_INET, IPPROTO_TCP, "VNC, SPICE: what getaddrinfo() says"),
        SOCKET(socket, AF_INET6, 0, "VNC, SPICE"),
        SOCKET(socket, AF_INET6, IPPROTO_TCP, "VNC, SPICE: what getaddrinfo() says"),
        SOCKET(socketpair, AF_UNIX, 0, "SPICE's threads"),
        OPTION(SOL_SOCKET, SO_REUSEADDR, "listeners"),
        OPTION(SOL_SOCKET, SO_KEEPALIVE, "inet chardevs, SPICE"),
        OPTION(SOL_SOCKET, SO_PRIORITY, "SPICE's sound channels"),
        OPTION(IPPROTO_TCP, TCP_NODELAY, "VNC, SPICE"),
        OPTION(IPPROTO_TCP, TCP_CORK, "SPICE, migration"),
        OPTION(IPPROTO_TCP, TCP_KEEPIDLE, "SPICE"),
        OPTION(IPPROTO_IP, IP_TOS, "SPICE's sound channels"),
        OPTION(IPPROTO_IPV6, IPV6_V6ONLY, "separate IPv4 and IPv6 listeners"),
        RULES_END,
};

/* Reading, writing, waiting. */
static const struct rule io_calls[] = {
        ALLOW(read, "evtchn, eventfds, images, chardevs"),
        ALLOW(write, "evtchn, eventfds, images, chardevs, log"),
        ALLOW(readv, "tap, images"),
        ALLOW(writev, "tap, images"),
        ALLOW(pread64, "images, ld.so"),
        ALLOW(pwrite64, "images"),
        ALLOW(preadv, "images"),
        ALLOW(pwritev, "images"),
        ALLOW(pwritev2, "as pwritev, with RWF_DSYNC instead of a flush"),
        ALLOW(lseek, "size and holes of images"),
        ALLOW(close, "all"),
        ALLOW(dup, "fdset members"),
        ALLOW(poll, "libxenstore, libxenevtchn"),
        ALLOW(ppoll, "main loop"),
        ALLOW(epoll_create1, "AioContexts"),
        ALLOW(epoll_ctl, "AioContexts"),
        ALLOW(epoll_wait, "AioContexts"),
        ALLOW(eventfd2, "AioContexts, event notifiers"),
        ALLOW(signalfd4, "signals in the main loop"),
        ALLOW(pipe2, "libxenstore's watch pipe, glib"),
        RULES_END,
};

/* Images and files. */
static const struct rule file_calls[] = {
        ALLOW(fsync, "guest's flush"),
        ALLOW(fdatasync, "guest's flush"),
        ALLOW(ftruncate, "growing images, memfds"),
        ALLOW(fallocate, "guest's TRIM and WRITE ZEROES"),
        ALLOW(fadvise64, "drops the page cache when a restored guest takes its image over"),
        ALLOW(newfstatat, "stat() of images and ROMs"),
        ALLOW(fstat, "the same, by fd"),
        ALLOW(access, "looks for ROMs and keymaps, ld.so"),
        ALLOW(readlink, "finds its own directory"),
        ALLOW(getdents64, "SPICE's libsasl looks for its plugins"),
        ALLOW(getcwd, "realpath()"),
        ALLOW(unlink, "its own unix sockets"),
        ALLOW(memfd_create, "whether memfds work"),
        RULES_END,
};

/* Sockets that exist. */
static const struct rule connected_calls[] = {
        ALLOW(listen,
              "what the broker has given listens already; others are in an empty namespace"),
        ALLOW(accept, "QMP, VNC, SPICE clients"),
        ALLOW(accept4, "QMP, VNC, SPICE clients"),
        ALLOW(shutdown, "ends a client's connection"),
        ALLOW(getsockname, "type and address of fd= listeners"),
        ALLOW(getpeername, "address of clients"),
        ALLOW(getsockopt, "type and errors of sockets"),
        ALLOW(recvmsg, "QMP (with fds), xenstore"),
        ALLOW(recvfrom, "chardevs, VNC"),
        RULES_END,
};

/* Memory. */
static const struct rule memory_calls[] = {
        ALLOW(brk, "malloc"),
        ALLOW(mmap, "malloc, guest memory, thread stacks, ld.so"),
        ALLOW(munmap, "the same"),
        ALLOW(mprotect, "guard pages, ld.so"),
        ALLOW(mremap, "realloc"),
        ALLOW(madvise, "thread stacks, guest memory, DONTFORK of hypercall buffers"),
        ALLOW(getrandom, "malloc, glib's hash tables, crypto"),
        RULES_END,
};

/* Threads, signals, time. clock_gettime and its like are real calls in a PV dom0. */
static const struct rule thread_calls[] = {
        ALLOW(futex, "all locks"),
        ALLOW(clock_gettime, "timers"),
        ALLOW(gettimeofday, "timers"),
        ALLOW(time, "timers"),
        ALLOW(clock_nanosleep, "timers"),
        ALLOW(restart_syscall, "the kernel's own, after a stop"),
        ALLOW(sched_yield, "spinning locks"),
        ALLOW(sched_getaffinity, "number of cpus"),
        ALLOW(set_robust_list, "each new thread"),
        ALLOW(set_tid_address, "first thread"),
        ALLOW(rseq, "each new thread"),
        ALLOW(gettid, "thread names and locks"),
        ALLOW(rt_sigaction, "signal handlers"),
        ALLOW(rt_sigprocmask, "signal handlers, coroutines"),
        ALLOW(rt_sigreturn, "signal handlers"),
        ALLOW(rt_sigtimedwait, "idle vcpu threads"),
        ALLOW(tgkill, "wakes vcpu threads, abort(): a uid of its own, so it reaches nobody else"),
        ALLOW(exit, "threads"),
        ALLOW(exit_group, "the end"),
        RULES_END,
};

/* Who and where am I. */
static const struct rule self_calls[] = {
        ALLOW(getpid, "libraries"),
        ALLOW(getuid, "libraries"),
        ALLOW(geteuid, "libraries"),
        ALLOW(getgid, "libraries"),
        ALLOW(getegid, "libraries"),
        ALLOW(uname, "libraries"),
        ALLOW(sysinfo, "malloc and qsort: how much memory"),
        RULES_END,
};

/* Newer ways to do what is allowed above; libraries fall back when they see ENOSYS. */
static const struct rule absent_calls[] = {
        ABSENT(clone3, "its flags are in memory, where a filter cannot look: clone() instead"),
        ABSENT(openat2, "not followed by the broker: openat() instead"),
        ABSENT(io_uring_setup, "does I/O past the filter; QEMU with liburing probes it at start"),
        ABSENT(futex_waitv, "locks of later libraries"),
        ABSENT(futex_wake, "locks of later libraries"),
        ABSENT(futex_wait, "locks of later libraries"),
        ABSENT(futex_requeue, "locks of later libraries"),
        ABSENT(map_shadow_stack, "ucontext of a libc with shadow stacks"),
        ABSENT(mseal, "ld.so of later libraries"),
        RULES_END,
};

/* Only ever an attack: other processes, the kernel, a way out of the jail. */
static const struct rule attack_calls[] = {
        KILL(ptrace, "other processes"),
        KILL(process_vm_readv, "other processes"),
        KILL(process_vm_writev, "other processes"),
        KILL(pidfd_getfd, "other processes"),
        KILL(bpf, "kernel code"),
        KILL(perf_event_open, "kernel code, other processes"),
        KILL(userfaultfd, "stops the kernel amid a copy: exploits want it"),
        KILL(io_uring_enter, "no ring can exist"),
        KILL(io_uring_register, "no ring can exist"),
        KILL(add_key, "kernel key rings"),
        KILL(request_key, "kernel key rings"),
        KILL(keyctl, "kernel key rings"),
        KILL(init_module, "kernel code"),
        KILL(finit_module, "kernel code"),
        KILL(delete_module, "kernel code"),
        KILL(kexec_load, "kernel code"),
        KILL(kexec_file_load, "kernel code"),
        KILL(mount, "the jail's file tree"),
        KILL(umount2, "the jail's file tree"),
        KILL(pivot_root, "the jail's file tree"),
        KILL(chroot, "the jail's file tree"),
        KILL(open_tree, "the jail's file tree"),
        KILL(move_mount, "the jail's file tree"),
        KILL(fsopen, "the jail's file tree"),
        KILL(fsconfig, "the jail's file tree"),
        KILL(fsmount, "the jail's file tree"),
        KILL(fspick, "the jail's file tree"),
        KILL(mount_setattr, "the jail's file tree"),
        KILL(unshare, "namespaces"),
        KILL(setns, "namespaces"),
        KILL(reboot, "the host"),
        KILL(swapon, "the host"),
        KILL(swapoff, "the host"),
        KILL(iopl, "the host's I/O ports"),
        KILL(ioperm, "the host's I/O ports"),
        KILL(modify_ldt, "segments, a favourite of exploits"),
        RULES_END,
};

/* Of QEMU and the probe both, and what each is about. */
#define CALLS                                                                                      \
	argument_calls, socket_calls, io_calls, file_calls, connected_calls, memory_calls,         \
	        thread_calls, self_calls, absent_calls, attack_calls
#define CALLS_GROUPS                                                                               \
	"by argument", "new sockets and their options", "reading, writing, waiting", "files",      \
	        "sockets that exist", "memory", "threads, signals, time", "who and where it is",   \
	        "absent (ENOSYS), libraries fall back", "kill QEMU, for only an attack makes them"

const struct policy policy_qemu = {
        .name = "qemu",
        .otherwise = ACTION_EPERM,
        .tables = {qemu_ioctls, brokered_calls, CALLS},
        .groups = {"requests of ioctl", "answered by the broker", CALLS_GROUPS},
};

const struct policy policy_probe = {
        .name = "probe",
        .otherwise = ACTION_EPERM,
        .tables = {qemu_ioctls, probe_calls, CALLS},
        .groups = {"requests of ioctl", "not brokered: there is no broker", CALLS_GROUPS},
};
