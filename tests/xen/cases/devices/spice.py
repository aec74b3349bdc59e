#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""spice.py HOST PORT CHANNEL...: a SPICE client without a window. Opens the main channel, then the given ones, "display" at
least, as its session's, prints which were let in, and waits for something to draw. The wire is in spice-protocol's
protocol.h and enums.h."""
import hashlib
import os
import socket
import struct
import sys

MAIN_INIT = 103
DISPLAY_INIT = 101
CHANNELS = {"main": 1, "display": 2, "inputs": 3, "cursor": 4, "playback": 5}
HEADER = struct.Struct("<4sIII")  # magic, major, minor, size
MESSAGE = struct.Struct("<QHII")  # serial, type, size, list of others
KEY_LENGTH = 162  # SubjectPublicKeyInfo of a 1024 bit RSA key


def receive(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def mask(seed, size):
    blocks = (hashlib.sha1(seed + struct.pack(">I", i)).digest() for i in range(size // 20 + 1))
    return b"".join(blocks)[:size]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def ticket(key):
    """An empty password as RSAES-OAEP wants it (RFC 8017, 7.1.1); the key ends with its modulus and 65537."""
    modulus = int.from_bytes(key[-133:-5], "big")
    data = hashlib.sha1().digest() + bytes(128 - 2 * 20 - 2 - 1) + b"\1\0"
    seed = os.urandom(20)
    data = xor(data, mask(seed, len(data)))
    block = b"\0" + xor(seed, mask(data, 20)) + data
    return pow(int.from_bytes(block, "big"), 65537, modulus).to_bytes(128, "big")


def channel(address, kind, session):
    sock = socket.create_connection(address, timeout=20)
    sock.sendall(HEADER.pack(b"REDQ", 2, 2, 18) + struct.pack("<IBBIII", session, CHANNELS[kind], 0, 0, 0, 18))
    _, _, _, size = HEADER.unpack(receive(sock, HEADER.size))
    reply = receive(sock, size)
    error = struct.unpack_from("<I", reply)[0]
    if error == 0:
        sock.sendall(ticket(reply[4 : 4 + KEY_LENGTH]))
        error = struct.unpack("<I", receive(sock, 4))[0]
    if error:
        raise ConnectionError(f"refused: {error}")
    return sock


def session_of(sock):
    while True:
        _, kind, size, _ = MESSAGE.unpack(receive(sock, MESSAGE.size))
        body = receive(sock, size)
        if kind == MAIN_INIT:
            return struct.unpack_from("<I", body)[0]


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    main_channel = channel(address, "main", 0)
    session = session_of(main_channel)
    print("main: ok")
    opened = {kind: channel(address, kind, session) for kind in sys.argv[3:]}
    print("\n".join(f"{kind}: ok" for kind in opened))
    # Sizes of two caches.
    opened["display"].sendall(MESSAGE.pack(1, DISPLAY_INIT, 14, 0) + struct.pack("<BqBi", 1, 1 << 20, 1, 1 << 20))
    receive(opened["display"], MESSAGE.size)
    print("drawn")


main()
