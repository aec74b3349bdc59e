#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""elf.py CODE [MIB]: a static program of these machine instructions (hex) for QEMU's place, on standard output, with so much
zeroed memory at 0x10000000. It needs nothing of what the filter refuses."""
import struct
import sys

BASE, BSS = 0x400000, 0x10000000
HEADERS = 64 + 2 * 56


def segment(flags, address, in_file, in_memory):  # a PT_LOAD
    return struct.pack("<IIQQQQQQ", 1, flags, 0, address, address, in_file, in_memory, 4096)


def main():
    code = bytes.fromhex(sys.argv[1])
    memory = (int(sys.argv[2]) if len(sys.argv) > 2 else 1) << 20
    size = HEADERS + len(code)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 2, 64, 0, 0)  # ET_EXEC, EM_X86_64
    sys.stdout.buffer.write(ident + header + segment(5, BASE, size, size) + segment(6, BSS, 0, memory) + code)


main()
