#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qmp-probe.py DEVICE-MODEL DOMID: libxl's question to a device model (facts: libxl_dm.c, device_model_probe...).

Listens on /var/run/xen/qmp-libxl-DOMID, starts DEVICE-MODEL as libxl does, asks for its command-line options, says quit.
Prints what it saw: options, time to the answer, who the process was, which Xen nodes it held, whether accept() on the listener
waits, whether the socket stays."""
import json
import os
import socket
import subprocess
import sys
import time


def ask(stream, command):
    stream.write(json.dumps({"execute": command}) + "\r\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "return" in answer:
            return answer["return"]


def describe(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp:")):
                print(*line.split())
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    print("xen", *sorted(link for link in links if "/xen/" in link))


def main():
    model, domid = sys.argv[1:]
    path = f"/var/run/xen/qmp-libxl-{domid}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    os.set_inheritable(listener.fileno(), True)
    start = time.monotonic()
    child = subprocess.Popen(
        [model, "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", "none,accel=xen",
         "-chardev", f"socket,id=libxl-cmd,fd={listener.fileno()},server=on,wait=off",
         "-mon", "chardev=libxl-cmd,mode=control"], close_fds=False)
    try:
        talk(child, path, start)
        print("listener", "waits" if os.get_blocking(listener.fileno()) else "does not wait")
    finally:
        child.kill()
        child.wait()
        print("socket", "stays" if os.path.exists(path) else "was removed")
        if os.path.exists(path):
            os.unlink(path)


def talk(child, path, start):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(path)
    stream = client.makefile("rw")
    json.loads(stream.readline())
    ask(stream, "qmp_capabilities")
    options = sorted(option["option"] for option in ask(stream, "query-command-line-options"))
    print("ms", round((time.monotonic() - start) * 1000))
    print("options", *options)
    describe(child.pid)
    ask(stream, "quit")
    print("exit", child.wait(20))


main()
