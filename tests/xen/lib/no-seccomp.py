#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""no-seccomp.py COMMAND...: runs it where seccomp(2) fails with EINVAL, as on a kernel without it."""
import ctypes
import errno
import os
import struct
import sys

SYS_seccomp, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 317, 22, 2
LOAD_NR, JUMP_EQ, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000

program = b"".join(struct.pack("HBBI", *i) for i in (
    (LOAD_NR, 0, 0, 0), (JUMP_EQ, 0, 1, SYS_seccomp), (RETURN, 0, 0, ERRNO | errno.EINVAL), (RETURN, 0, 0, ALLOW)))
code = ctypes.create_string_buffer(program)
fprog = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0) < 0:
    sys.exit("cannot set the filter: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
