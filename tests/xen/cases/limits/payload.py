#!/usr/bin/python3 -ISucimport os,sys;exec(os.read(os.open(sys.argv[1],0),99999))
# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker in QEMU's place: [qemu] path names this file, and the guest's name says what it does:
attack-ACTION.ACTION...; an action may end in a number. Directly, as root: payload.py control DISK DOMID ACTION...

What it saw goes into the first image of the command line, where it cannot be limited: lines of "ACTION KEY=VALUE ...".
Seconds and counts keep even an unconfined run from hurting the machine that runs it. The first line is what it is because
Python would open its script with an ioctl that QEMU's filter refuses."""
import _thread
import errno
import mmap
import os
import re
import resource
import socket
import struct
import sys
import time

MIB = 1 << 20
SECONDS = 6
page = bytearray(65536)


class Report:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR)
        self.text = ""

    def say(self, action, **values):
        self.text += action + "".join(f" {k}={v}" for k, v in values.items()) + "\n"
        os.pwrite(self.fd, self.text.encode().ljust(4096, b"\0"), 0)


def name_of(e):
    return errno.errorcode.get(e.errno, e.errno)


def until_refused(most, attempt):
    """How many attempts succeed, and what the first that does not says."""
    for n in range(most):
        try:
            attempt()
        except OSError as e:
            return n, name_of(e)
        except RuntimeError:  # what _thread makes of EAGAIN
            return n, "EAGAIN"
    return most, "ok"


def forks(report, most):
    def fork():
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        children.append(pid)

    children = []
    n, why = until_refused(most, fork)
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    report.say("forks", n=n, why=why)


def threads(report, most):
    # Asleep until all are there: a thousand wakeups a second would keep the emulated CPU from making more.
    def sleeper():
        with gate:
            pass

    gate = _thread.allocate_lock()
    gate.acquire()
    _thread.stack_size(65536)
    n, why = until_refused(most, lambda: _thread.start_new_thread(sleeper, ()))
    report.say("threads", n=n, why=why)
    gate.release()
    time.sleep(1)


def memory(report, mib):
    kept = []
    for i in range(mib // 16):
        area = mmap.mmap(-1, 16 * MIB)
        for at in range(0, 16 * MIB, 4096):
            area[at] = 1
        kept.append(area)
        if i % 4 == 3:
            report.say("memory", mib=(i + 1) * 16)
    report.say("memory", held=mib)


def fds(report, most):
    kept = []
    n, why = until_refused(most, lambda: kept.append(os.dup(0)))
    for fd in kept:
        os.close(fd)
    report.say("fds", n=n, why=why)


def grow(report, mib):
    size = os.fstat(report.fd).st_size
    results = []
    for attempt in (lambda: os.pwrite(report.fd, b"x", size + mib * MIB), lambda: os.ftruncate(report.fd, size + mib * MIB),
                    lambda: os.posix_fallocate(report.fd, size, mib * MIB)):
        try:
            attempt()
            results.append("ok")
        except OSError as e:
            results.append(name_of(e))
    report.say("grow", write=results[0], truncate=results[1], allocate=results[2], mib=(os.fstat(report.fd).st_size - size) // MIB)


def log(report, mib):
    line = b"x" * 127 + b"\n"
    end, total, longest = time.monotonic() + SECONDS, 0, 0.0
    while time.monotonic() < end and total < mib * MIB:
        start = time.monotonic()
        total += os.write(2, line * 512)
        longest = max(longest, time.monotonic() - start)
    report.say("log", mib=total // MIB, longest_ms=int(longest * 1000))
    time.sleep(3)
    os.write(2, b"after the flood\n")


def xenstore_connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect("/run/xenstored/socket")
    return s


def xenstore_write(s, domid):
    body = f"/local/domain/0/device-model/{domid}/state\0running".encode()
    s.sendall(struct.pack("IIII", 11, 1, 0, len(body)) + body)
    header = b""
    while len(header) < 16:
        header += s.recv(16 - len(header))
    kind, _, _, length = struct.unpack("IIII", header)
    while length:
        length -= len(s.recv(length))
    return kind == 11


def xenstore(report, domid):
    s = xenstore_connect()
    end, n = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        n += xenstore_write(s, domid)
    report.say("xenstore", writes=n, seconds=SECONDS)


def storm(report, most):
    def open_and_connect():
        while time.monotonic() < end:
            try:
                os.open("/none/such", os.O_RDONLY)
            except OSError:
                pass
            try:
                s.connect("/run/elsewhere")
            except OSError as e:
                refused[name_of(e)] = refused.get(name_of(e), 0) + 1
            counts[0] += 2

    s = socket.socket(socket.AF_UNIX)
    end, counts, refused = time.monotonic() + SECONDS, [0], {}
    for _ in range(most):
        _thread.start_new_thread(open_and_connect, ())
    time.sleep(SECONDS + 1)
    report.say("storm", calls=counts[0], refused="+".join(refused))


def spin(report, most):
    end = time.monotonic() + SECONDS
    for _ in range(most):
        _thread.start_new_thread(lambda: [None for _ in iter(lambda: time.monotonic() < end, False)], ())
    time.sleep(SECONDS + 1)
    report.say("spin", cpu=round(sum(os.times()[:2]), 1))


DEFAULTS = {"forks": 200, "threads": 2000, "memory": 8192, "fds": 4000, "grow": 8, "log": 4096, "storm": 4, "spin": 4}


def run(report, domid, actions):
    for action in actions:
        name, number = re.fullmatch(r"([a-z]+)(\d*)", action).groups()
        if name == "xenstore":
            xenstore(report, domid)
        else:
            globals()[name](report, int(number or DEFAULTS[name]))
    report.say("end")


def main():
    del sys.argv[0]
    if sys.argv[1] == "control":
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
        run(Report(sys.argv[2]), sys.argv[3], sys.argv[4:])
        return
    argv = " ".join(sys.argv)
    domid = re.search(r"-xen-domid (\d+)", argv).group(1)
    actions = re.search(r"-name (?:guest=)?attack-([a-z0-9.]+)", argv).group(1).split(".")
    report = Report(re.search(r"file=(/[^, ]+)", argv).group(1))
    report.say("start")
    print("first words", flush=True)
    run(report, domid, actions)
    time.sleep(300)


main()
