/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's surface: calls that a device model never makes. Their arguments are wrong on
 * purpose, so that nothing happens even where they are not filtered: EFAULT, EBADF or EINVAL then
 * says that the kernel's own code was reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"

/* i386's numbers. */
#define I386_GETPID 20
#define I386_OPEN   5

#define X32 0x40000000L

/* An ioctl on the null device: ENOTTY says that it came through. */
#define IOCTL(request) SYS(ioctl, 0, (request), BAD), REFUSED(EPERM)

static long int80(long number, long arg)
{
	long r = number;

	__asm__ volatile("int $0x80"
	                 : "+a"(r)
	                 : "b"(arg), "c"(0L), "d"(0L)
	                 : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

static int try_int80(const struct attempt *self, const struct facts *facts)
{
	long r = int80((long)self->arg[0], (long)self->arg[1]);

	(void)facts;
	return r < 0 ? (int)-r : 0;
}

static int null_page(const struct attempt *self, const struct facts *facts)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	(void)self;
	(void)facts;
	if (page == MAP_FAILED)
		return errno;
	(void)munmap(page, 4096);
	return 0;
}

/* A filter of one's own with a listener, which could answer what the broker is asked. */
static int own_listener(const struct attempt *self, const struct facts *facts)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = 1, .filter = &allow};

	(void)facts;
	return outcome_of_fd(
	        (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, self->arg[0], &program));
}

static const struct attempt kernel[] = {
        /* What only an attack calls: the filter kills. */
        {"bpf", SYS(bpf, 0, BAD, 8), KILLS, REACHED(EFAULT), .why = "code in the kernel"},
        {"perf_event_open", SYS(perf_event_open, BAD, 0, -1UL, -1UL, 0), KILLS, REACHED(EFAULT),
         .why = "samples other processes"},
        {"userfaultfd", SYS(userfaultfd, 0), KILLS, .why = "stops the kernel amid a copy"},
        {"io_uring_enter", SYS(io_uring_enter, -1UL), KILLS, REACHED(EBADF),
         .why = "I/O past the filter"},
        {"io_uring_register", SYS(io_uring_register, -1UL), KILLS, REACHED(EBADF, EINVAL),
         .why = "I/O past the filter"},
        {"add_key", SYS(add_key, BAD, BAD), KILLS, REACHED(EFAULT), .why = "key rings"},
        {"request_key", SYS(request_key, BAD, BAD), KILLS, REACHED(EFAULT), .why = "key rings"},
        {"keyctl", SYS(keyctl, 0, -3UL, 0), KILLS, REACHED(ENOKEY), .why = "key rings"},
        {"init_module", SYS(init_module, BAD, 8, BAD), KILLS, REACHED(EFAULT, ENOEXEC),
         .why = "code in the kernel"},
        {"finit_module", SYS(finit_module, -1UL, P(""), 0), KILLS, REACHED(EBADF),
         .why = "code in the kernel"},
        {"delete_module", SYS(delete_module, P("qemu_depriv_probe"), O_NONBLOCK), KILLS,
         REACHED(ENOENT), .why = "takes code out of the kernel"},
        {"kexec_load", SYS(kexec_load, 0, 1, BAD, 0), KILLS, REACHED(EFAULT, EADDRNOTAVAIL),
         .why = "another kernel"},
        {"kexec_file_load", SYS(kexec_file_load, -1UL, -1UL, 0), KILLS, REACHED(EBADF),
         .why = "another kernel"},
        {"mount", SYS(mount, BAD, BAD, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"umount2", SYS(umount2, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"pivot_root", SYS(pivot_root, BAD, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"chroot", SYS(chroot, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"open_tree", SYS(open_tree, -1UL, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"move_mount", SYS(move_mount, -1UL, BAD, -1UL, BAD), KILLS, REACHED(EFAULT),
         .why = "the file tree"},
        {"fsopen", SYS(fsopen, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"fsconfig", SYS(fsconfig, -1UL), KILLS, REACHED(EINVAL, EBADF), .why = "the file tree"},
        {"fsmount", SYS(fsmount, -1UL), KILLS, REACHED(EBADF), .why = "the file tree"},
        {"fspick", SYS(fspick, -1UL, BAD), KILLS, REACHED(EFAULT), .why = "the file tree"},
        {"mount_setattr", SYS(mount_setattr, -1UL, BAD), KILLS, REACHED(EINVAL),
         .why = "the file tree"},
        {"unshare-user", SYS(unshare, CLONE_NEWUSER), KILLS,
         .why = "a user namespace, where one has every capability"},
        {"unshare-mount", SYS(unshare, CLONE_NEWNS), KILLS, .why = "a namespace of its own"},
        {"setns", SYS(setns, -1UL), KILLS, REACHED(EBADF), .why = "another's namespaces"},
        {"reboot", SYS(reboot, 0), KILLS, REACHED(EINVAL), .why = "the host"},
        {"swapon", SYS(swapon, BAD), KILLS, REACHED(EFAULT), .why = "the host"},
        {"swapoff", SYS(swapoff, BAD), KILLS, REACHED(EFAULT), .why = "the host"},
        {"iopl", SYS(iopl, 3), KILLS, .why = "the host's I/O ports"},
        {"ioperm", SYS(ioperm, 0x80, 1, 1), KILLS, .why = "the host's I/O ports"},
        {"modify_ldt", SYS(modify_ldt, 0), KILLS, .why = "segments of its own"},
        {"int80-getpid", try_int80, NUMBER(I386_GETPID), KILLS, .why = "the i386 call table"},
        {"int80-open", try_int80, .arg = {I386_OPEN, BAD}, KILLS, REACHED(EFAULT),
         .why = "the i386 call table, where numbers mean other calls"},
        {"x32-getpid", .call = X32 | SYS_getpid, KILLS, .why = "the x32 call table"},

        /* What libraries do without: refused as if the kernel were older. */
        {"io_uring_setup", SYS(io_uring_setup, 1, BAD), REFUSED(ENOSYS), REACHED(EFAULT),
         .why = "I/O past the filter"},
        {"clone3", SYS(clone3, BAD), REFUSED(ENOSYS), REACHED(EINVAL),
         .why = "a process whose flags no filter sees"},
        {"openat2", SYS(openat2, -1UL, BAD), REFUSED(ENOSYS), REACHED(EINVAL),
         .why = "an open that the broker does not see"},

        /* Everything else that QEMU does not call. */
        {"fanotify_init", SYS(fanotify_init, 0), REFUSED(EPERM), .why = "watches other files"},
        {"inotify_init1", SYS(inotify_init1, 0), REFUSED(EPERM), .why = "watches other files"},
        {"syslog", SYS(syslog, 10), REFUSED(EPERM), .why = "the kernel's log"},
        {"settimeofday", SYS(settimeofday, 0, 0), REFUSED(EPERM), .why = "the host's clock"},
        {"clock_settime", SYS(clock_settime, 0, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "the host's clock"},
        {"adjtimex", SYS(adjtimex, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "the host's clock"},
        {"clock_adjtime", SYS(clock_adjtime, 0, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "the host's clock"},
        {"sethostname", SYS(sethostname, BAD, 1), REFUSED(EPERM), REACHED(EFAULT),
         .why = "the host's name"},
        {"setdomainname", SYS(setdomainname, BAD, 1), REFUSED(EPERM), REACHED(EFAULT),
         .why = "the host's name"},
        {"acct", SYS(acct, P("/qemu-depriv-probe")), REFUSED(EPERM), REACHED(ENOENT),
         .why = "accounting writes a file as root"},
        {"quotactl", SYS(quotactl, 0, BAD, 0, 0), REFUSED(EPERM), REACHED(EFAULT, EINVAL),
         .why = "quotas of the host"},
        {"personality", SYS(personality, 0xffffffff), REFUSED(EPERM),
         .why = "turns address randomisation off"},
        {"set_mempolicy", SYS(set_mempolicy, 0), REFUSED(EPERM), .why = "not needed"},
        {"remap_file_pages", SYS(remap_file_pages, BAD), REFUSED(EPERM), REACHED(EINVAL),
         .why = "an emulated relic"},
        {"vmsplice", SYS(vmsplice, -1UL), REFUSED(EPERM), REACHED(EBADF),
         .why = "a favourite of exploits"},
        {"splice", SYS(splice, -1UL, 0, -1UL, 0, 1), REFUSED(EPERM), REACHED(EBADF),
         .why = "a favourite of exploits"},
        {"tee", SYS(tee, -1UL, -1UL, 1), REFUSED(EPERM), REACHED(EBADF),
         .why = "a favourite of exploits"},
        {"sendfile", SYS(sendfile, -1UL, -1UL, 0, 1), REFUSED(EPERM), REACHED(EBADF),
         .why = "not needed"},
        {"copy_file_range", SYS(copy_file_range, -1UL, 0, -1UL, 0, 1), REFUSED(EPERM),
         REACHED(EBADF), .why = "not needed"},
        {"landlock", SYS(landlock_create_ruleset, 0, 0, 1), REFUSED(EPERM), REACHED(EOPNOTSUPP),
         .why = "a sandbox of its own hides what it does"},
        {"membarrier", SYS(membarrier, 0), REFUSED(EPERM), .why = "interrupts all CPUs"},
        {"seccomp", SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD), REFUSED(EPERM), REACHED(EFAULT),
         .why = "a filter of its own"},
        {"seccomp-listener", own_listener, NUMBER(SECCOMP_FILTER_FLAG_NEW_LISTENER), REFUSED(EPERM),
         .why = "would answer itself instead of the broker"},
        {"prctl-seccomp", SYS(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, BAD), REFUSED(EPERM),
         REACHED(EFAULT), .why = "the older way to the same"},
        {"prctl-mm", SYS(prctl, PR_SET_MM, PR_SET_MM_BRK, 0), REFUSED(EPERM), REACHED(EINVAL),
         .why = "rearranges what the kernel knows of its memory"},
        {"prctl-sched-core", SYS(prctl, 62 /* PR_SCHED_CORE */, 0, 0, 0, BAD), REFUSED(EPERM),
         REACHED(EINVAL, EFAULT, ENODEV), .why = "shares a core's siblings with others"},
        {"madvise-hwpoison", SYS(madvise, BAD << 12, 4096, 100 /* MADV_HWPOISON */), REFUSED(EPERM),
         REACHED(EFAULT, ENOMEM, EBUSY), .why = "takes memory away from the host"},
        {"null-page", null_page, REFUSED(EPERM, EACCES),
         .why = "makes the kernel's null pointers point at its data"},
        {"arch_prctl-cpuid", SYS(arch_prctl, 0x1012 /* ARCH_SET_CPUID */, 1), REFUSED(EPERM),
         REACHED(ENODEV), .why = "not needed"},

        /* ioctls that no file of QEMU's is for. */
        {"ioctl-TIOCSTI", IOCTL(0x5412), REACHED(ENOTTY), .why = "types into a terminal"},
        {"ioctl-TIOCSTI-high-bits", IOCTL(0x100005412), REACHED(ENOTTY),
         .why = "the kernel ignores the upper half of a request; the filter has to as well"},
        {"ioctl-TIOCLINUX", IOCTL(0x541c), REACHED(ENOTTY), .why = "pastes into a console"},
        {"ioctl-TIOCSCTTY", IOCTL(0x540e), REACHED(ENOTTY), .why = "takes a terminal over"},
        {"ioctl-SG_IO", IOCTL(0x2285), REACHED(ENOTTY), .why = "raw commands to a host's disk"},
        {"ioctl-BLKRRPART", IOCTL(0x125f), REACHED(ENOTTY), .why = "partitions of a host's disk"},
        {"ioctl-LOOP_SET_FD", IOCTL(0x4c00), REACHED(ENOTTY), .why = "block devices"},
        {"ioctl-NBD_SET_SOCK", IOCTL(0xab00), REACHED(ENOTTY), .why = "block devices"},
        {"ioctl-DM_LIST_DEVICES", IOCTL(0xc138fd02), REACHED(ENOTTY), .why = "block devices"},
        {"ioctl-KVM_CREATE_VM", IOCTL(0xae01), REACHED(ENOTTY), .why = "another hypervisor"},
        {"ioctl-VFIO_GET_API_VERSION", IOCTL(0x3b64), REACHED(ENOTTY), .why = "host's devices"},
        {"ioctl-FICLONE", IOCTL(0x40049409), REACHED(ENOTTY, EBADF, EOPNOTSUPP, EXDEV),
         .why = "copies another file"},
        {"ioctl-FS_IOC_SETFLAGS", IOCTL(0x40086602), REACHED(ENOTTY, EFAULT),
         .why = "an image that can no longer be removed"},
        {"ioctl-FIOASYNC", IOCTL(0x5452), REACHED(EFAULT), .why = "signals to others"},
        {"ioctl-FIOSETOWN", IOCTL(0x8901), REACHED(ENOTTY), .why = "signals to others"},
        {"ioctl-RNDADDENTROPY", IOCTL(0x40085203), REACHED(ENOTTY), .why = "host's randomness"},
        {"ioctl-TUNSETIFF", IOCTL(0x400454ca), REACHED(ENOTTY), .why = "another interface"},
        {"ioctl-TUNSETPERSIST", IOCTL(0x400454cb), REACHED(ENOTTY),
         .why = "an interface that outlives the guest"},
        {"ioctl-TUNSETOWNER", IOCTL(0x400454cc), REACHED(ENOTTY),
         .why = "an interface that others can open"},
        {"ioctl-SIOCSIFHWADDR", IOCTL(0x8924), REACHED(ENOTTY), .why = "the tap's own address"},
        {"ioctl-SIOCSIFFLAGS", IOCTL(0x8914), REACHED(ENOTTY), .why = "interfaces"},
        {"ioctl-SIOCGIFCONF", IOCTL(0x8912), REACHED(ENOTTY), .why = "lists interfaces"},
        {"fcntl-F_SETOWN", SYS(fcntl, 0, F_SETOWN, 1), REFUSED(EPERM), .why = "signals to others"},
        {"fcntl-F_SETSIG", SYS(fcntl, 0, F_SETSIG, 0), REFUSED(EPERM), .why = "signals to others"},
        {"fcntl-F_SETLEASE", SYS(fcntl, 0, F_SETLEASE, F_UNLCK), REFUSED(EPERM),
         REACHED(EINVAL, EAGAIN), .why = "makes others' opens wait"},
        {"fcntl-F_NOTIFY", SYS(fcntl, 0, F_NOTIFY, 0), REFUSED(EPERM), REACHED(ENOTDIR),
         .why = "watches directories"},
};

const struct group probe_kernel =
        GROUP(kernel, "the kernel's surface: calls that only an attack makes");
