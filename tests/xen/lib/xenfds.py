#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tries each Xen handle that a live process holds: xenfds.py PID DOMID [OTHER].

Takes a copy of each of PID's fds of /dev/xen/* (pidfd_getfd shares the open file description, hence its restriction)
and tries on it what a device model of DOMID needs and what it must never be able to do; OTHER is a foreign domain
(default 0). Prints one line an attempt: FD NODE ATTEMPT RESULT, where RESULT is "ok" or an errno's name.
With PID "self" it tries freshly opened, unrestricted handles: the control."""
import ctypes
import errno
import mmap
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
SYS_pidfd_getfd = 438
# drivers/xen/privcmd.h, evtchn.h: _IOC(_IOC_NONE, type, nr, size)
HYPERCALL, MMAPBATCH_V2, DM_OP, MMAP_RESOURCE = 0x305000, 0x205004, 0x105005, 0x205007
BIND_VIRQ, BIND_INTERDOMAIN, BIND_UNBOUND, UNBIND = 0x44500, 0x84501, 0x44502, 0x44503
XEN_VERSION, VIRQ_CON_RING = 17, 8


def ioctl(fd, request, arg):
    if libc.ioctl(fd, ctypes.c_ulong(request), arg) < 0:
        raise OSError(ctypes.get_errno(), "")


def raw_hypercall(fd, _own, _other):
    ioctl(fd, HYPERCALL, struct.pack("6Q", XEN_VERSION, 0, 0, 0, 0, 0))


def dm_op(fd, domid):
    ioctl(fd, DM_OP, struct.pack("HHIQ", domid, 0, 0, 0))


def map_page(fd, domid, gfn):
    """Maps one page of domid; a page that is not there is Xen's refusal, not the kernel's: it counts as reached."""
    page = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    gfns, errs = (ctypes.c_uint64 * 1)(gfn), (ctypes.c_int * 1)()
    request = struct.pack("IHxxQQQ", 1, domid, address, ctypes.addressof(gfns), ctypes.addressof(errs))
    ioctl(fd, MMAPBATCH_V2, request)
    if errs[0]:
        raise OSError(-errs[0], "")


def bind_virq(fd, _own, _other):
    ioctl(fd, BIND_VIRQ, struct.pack("I", VIRQ_CON_RING))


def bind_unbound(fd, own, _other):
    ioctl(fd, BIND_UNBOUND, struct.pack("I", own))


def bind_interdomain(fd, _own, other):
    # No such port: EINVAL from Xen says that the kernel let it pass.
    ioctl(fd, BIND_INTERDOMAIN, struct.pack("II", other, 4000))


ATTEMPTS = {
    "/dev/xen/privcmd": [
        ("raw-hypercall", raw_hypercall),
        ("dm-op-other", lambda fd, own, other: dm_op(fd, other)),
        ("map-other", lambda fd, own, other: map_page(fd, other, 0x100)),
        ("dm-op-own", lambda fd, own, other: dm_op(fd, own)),
        ("map-own", lambda fd, own, other: map_page(fd, own, 0x100)),
    ],
    "/dev/xen/evtchn": [
        ("bind-virq", bind_virq),
        ("bind-unbound", bind_unbound),
        ("bind-other", bind_interdomain),
        ("bind-own", lambda fd, own, other: bind_interdomain(fd, own, own)),
    ],
}


def attempts(label, fd, node, own, other):
    for name, attempt in ATTEMPTS[node]:
        try:
            attempt(fd, own, other)
            result = "ok"
        except OSError as e:
            result = errno.errorcode[e.errno]
        print(label, node, name, result)


def main():
    own = int(sys.argv[2])
    other = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if sys.argv[1] == "self":
        for node in ATTEMPTS:
            attempts("self", os.open(node, os.O_RDWR | os.O_CLOEXEC), node, own, other)
        return
    pid = int(sys.argv[1])
    pidfd = os.pidfd_open(pid)
    for fd in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
        node = os.readlink(f"/proc/{pid}/fd/{fd}")
        if node in ATTEMPTS:
            copy = libc.syscall(SYS_pidfd_getfd, pidfd, fd, 0)
            if copy < 0:
                raise OSError(ctypes.get_errno(), f"pidfd_getfd {fd}")
            attempts(fd, copy, node, own, other)
            os.close(copy)


main()
