#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qmp.py SOCKET COMMAND [JSON-ARGUMENTS]: one QMP command; prints what it returns, or fails with its error."""
import json
import socket
import sys


def main():
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(sys.argv[1])
    stream = sock.makefile("rw")
    json.loads(stream.readline())
    commands = [{"execute": "qmp_capabilities"}, {"execute": sys.argv[2]}]
    if len(sys.argv) > 3:
        commands[1]["arguments"] = json.loads(sys.argv[3])
    for command in commands:
        stream.write(json.dumps(command) + "\r\n")
        stream.flush()
        while True:
            answer = json.loads(stream.readline())
            if "return" in answer or "error" in answer:
                break
        if "error" in answer:
            sys.exit(answer["error"]["desc"])
    print(json.dumps(answer["return"]))


main()
