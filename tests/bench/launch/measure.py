#!/usr/bin/python3
"""measure.py LAUNCHER PAYLOAD CMDLINE-FILE ROUNDS: times three ways to start PAYLOAD, one after the other in each round.

PAYLOAD prints its arguments and ends: its end says that it was exec'd.
"""
import os, re, socket, sys, time
from statistics import median

launcher, payload, cmdline, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
ROLES = {"monitor", "broker", "xsfilter"}

# The QMP socket that libxl leaves to its device model.
qmp = socket.socket(socket.AF_UNIX)
qmp.bind("qmp")
qmp.listen(1)
qmp.set_inheritable(True)
args = [re.sub(r"\bfd=\d+", f"fd={qmp.fileno()}", a) for a in open(cmdline).read().split("\0")[1:-1]]

ways = {
    "qemu-depriv": [launcher, *args],
    "bwrap": ["/usr/bin/bwrap", "--unshare-all", "--cap-drop", "ALL", "--clearenv", "--ro-bind", "/usr", "/usr",
              "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
              "--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache", "--dir", "/tmp", "--dir", "/run",
              "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom", payload, *args],
    "bare": [payload, *args],
}


def roles():
    """How many helpers of a launch there are, their starter included."""
    n = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f:
                n += f.read().strip() in ROLES
        except OSError:
            pass
    return n


def settle():
    """Until the helpers have ended, so that nothing of one start runs during the next; returns when."""
    start = time.perf_counter()
    while roles():
        if time.perf_counter() - start > 10:
            sys.exit("the helpers do not end")
        time.sleep(0.002)
    end = time.perf_counter()
    time.sleep(0.02)
    return end


def once(argv):
    """Seconds to the payload's exit."""
    r, w = os.pipe()
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, {"PATH": "/usr/bin"}, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1), (os.POSIX_SPAWN_DUP2, w, 2)])
    os.close(w)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - start
    # What a confined payload says comes through the broker, soon after.
    said = b""
    while chunk := os.read(r, 65536):
        said += chunk
    os.close(r)
    if status != 0 or args[0].encode() not in said:
        sys.exit(f"{argv[0]}: status {status}, said {said!r}")
    return took


names = list(ways)
seen = {name: [] for name in names}
gone = []
for i in range(rounds + 3):
    for name in names[i % 3:] + names[:i % 3]:
        start = time.perf_counter()
        took = once(ways[name])
        end = settle()
        if i >= 3:  # the first rounds warm caches
            seen[name].append(took)
            if name == "qemu-depriv":
                gone.append(end - start)

for name in names:
    times = sorted(seen[name])
    print(f"| launch | exec to payload's exit, {name} | {median(times) * 1e3:.2f} ms"
          f" (p10 {times[len(times) // 10] * 1e3:.2f}, p90 {times[len(times) * 9 // 10] * 1e3:.2f}) |")
for other in ("bwrap", "bare"):
    ratio = median(a / b for a, b in zip(seen["qemu-depriv"], seen[other]))
    print(f"| launch | exec to payload's exit, qemu-depriv / {other} | **{ratio:.2f}** |")
print(f"| launch | exec until the helpers are gone again, qemu-depriv | {median(gone) * 1e3:.2f} ms |")
