#!/usr/bin/python3
"""journal.py SOCKET FILE: writes each record of the journal's native protocol as one line, NAME=value separated by blanks."""
import os, socket, struct, sys

s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w", errors="replace") as out:
    while True:
        record, fields = s.recv(65536), []
        while record:
            line, _, record = record.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                (n,) = struct.unpack_from("<Q", record)
                value, record = record[8:8 + n], record[8 + n + 1:]
            fields.append(f"{name.decode().removeprefix('QEMU_DEPRIV_')}={value.decode(errors='replace')}")
        print(" ".join(fields), end=" \n", file=out, flush=True)
