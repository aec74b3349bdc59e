#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""getfd.py SOCKET NAME PATH|packet [MODE]: gives a running QEMU an fd over QMP (getfd), as only its toolstack can."""
import json
import os
import socket
import sys

sock = socket.socket(socket.AF_UNIX)
sock.settimeout(20)
sock.connect(sys.argv[1])
stream = sock.makefile("r")
stream.readline()
if sys.argv[3] == "packet":
    fd = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).detach()
else:
    fd = os.open(sys.argv[3], os.O_RDWR if sys.argv[4:] == ["rw"] else os.O_RDONLY)


def command(name, fds=(), **arguments):
    socket.send_fds(sock, [json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n"], fds)
    while True:
        answer = json.loads(stream.readline())
        if "return" in answer or "error" in answer:
            break
    if "error" in answer:
        sys.exit(answer["error"]["desc"])


command("qmp_capabilities")
command("getfd", [fd], fdname=sys.argv[2])
