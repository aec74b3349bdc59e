#!/usr/bin/python3
"""measure.py ROUNDS NAME...: creates (paused) and destroys NAME.cfg in turn; times, and ratios within a round."""
import subprocess, sys, time
from statistics import median

rounds, names = int(sys.argv[1]), sys.argv[2:]


def timed(*argv):
    start = time.perf_counter()
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    took = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)}: {done.stdout}")
    return took


def settle():
    """Nothing of one guest runs during the next one's creation."""
    end = time.monotonic() + 10
    while subprocess.run(["pgrep", "-f", "^(monitor|xsfilter) [0-9]+|^broker$|qemu-system-i386"],
                         stdout=subprocess.DEVNULL).returncode == 0:
        if time.monotonic() > end:
            sys.exit("processes of a destroyed guest live on")
        time.sleep(0.05)
    time.sleep(0.3)


seen = {name: [] for name in names}
for i in range(rounds):
    k = i % len(names)
    for name in names[k:] + names[:k]:
        create = timed("xl", "create", "-p", f"{name}.cfg")
        destroy = timed("xl", "destroy", name)
        settle()
        seen[name].append((create, destroy, create + destroy))

for k, what in enumerate(("create", "destroy", "create and destroy")):
    for name in names:
        times = [t[k] for t in seen[name]]
        print(f"| create | {what}, {name} | {median(times) * 1e3:.0f} ms ({min(times) * 1e3:.0f} to {max(times) * 1e3:.0f}) |")
    for ours, theirs in (("qemu-depriv", "stock"), ("qemu-depriv-restrict", "stock"),
                         ("qemu-depriv", "stock-restrict"), ("qemu-depriv-restrict", "stock-restrict")):
        if theirs in seen:
            ratio = median(a[k] / b[k] for a, b in zip(seen[ours], seen[theirs]))
            print(f"| create | {what}, {ours} / {theirs} | **{ratio:.3f}** |")
