#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py matrix|summary BOOKWORM-DIR TRIXIE-DIR: Markdown from the results of the case next to this file."""
import json
import os
import sys

COLUMNS = [("bookworm", "root", "root"), ("bookworm", "restricted", "dm_restrict"), ("bookworm", "place", "qemu-depriv"),
           ("bookworm", "inside", "in a live QEMU"), ("trixie", "root", "root"), ("trixie", "place", "qemu-depriv"),
           ("trixie", "inside", "in a live QEMU")]


def load(dirs):
    columns = []
    for suite, name, title in COLUMNS:
        path = os.path.join(dirs[suite], name + ".json")
        with open(path, encoding="utf-8") as file:
            rows = {(a["group"], a["name"]): a for a in json.load(file)["attempts"]}
        columns.append((suite, name, title, rows))
    return columns


def unconfined(name):
    return name in ("root", "restricted")


def cell(name, attempt):
    """What happened, in a word or two."""
    outcome = attempt["outcome"]
    if attempt["verdict"] == "left out":
        return "–"
    if outcome == "nothing to try it on":
        return "void"
    if attempt["withstand"]:
        if outcome == "went through":
            return "serves"
        return "no broker" if unconfined(name) else f"**{outcome}**"
    if attempt["through"] and outcome == "went through":
        return "**through**"
    if attempt["through"]:
        return f"reached, {outcome}"
    if not unconfined(name) and attempt["verdict"] == "escaped":
        return f"**escaped** {outcome}"
    return outcome if unconfined(name) or attempt["verdict"] == "refused" else f"{outcome}, void"


def print_matrix(columns, versions):
    print("# What each confinement lets through\n")
    print("Made by `tests/xen/probe-matrix` on the emulated Xen; `qemu-depriv-probe(8)` explains the groups. "
          f"bookworm: {versions['bookworm']}. trixie: {versions['trixie']}.\n")
    print("`through`: it did what it is for. `reached`: the call, which has wrong arguments so that it does no harm, came "
          "to the kernel's or Xen's own code, which then refused the arguments; with right ones that code decides, and its "
          "bugs count. Otherwise the errno of a refusal, or `killed`. `void`: root in dom0 does not get further either. "
          "`–`: would harm the guest. `serves`: nothing to refuse; what is asked still answers. "
          "Stock dm_restrict does not start QEMU 10 (trixie).\n")
    head = [f"{suite}: {title}" for suite, _, title, _ in columns]
    group = None
    for key, first in columns[0][3].items():
        if key[0] != group:
            group = key[0]
            print(f"\n## {group}\n\n| attempt | why | " + " | ".join(head) + " |")
            print("|---" * (len(head) + 2) + "|")
        cells = [cell(name, rows[key]) for _, name, _, rows in columns]
        print(f"| {key[1]} | {first['why']} | " + " | ".join(cells) + " |")


def print_summary(columns, _versions):
    """Attempts that go through + those that reach, by group; without the column that is the same from inside."""
    columns = [column for column in columns if column[1] != "inside"]
    groups = list(dict.fromkeys(key[0] for key in columns[0][3]))
    print("| group | attempts | " + " | ".join(f"{suite}: {title}" for suite, _, title, _ in columns) + " |")
    print("|---" * (len(columns) + 2) + "|")
    for group in groups + ["all"]:
        cells = []
        for _, name, _, rows in columns:
            mine = [a for key, a in rows.items() if group in (key[0], "all") and not a["withstand"]]
            tried = [a for a in mine if a["verdict"] != "left out"]
            if unconfined(name):
                through = sum(a["outcome"] == "went through" for a in tried)
                cells.append(f"{through} + {sum(a['through'] for a in tried) - through}")
            else:
                n = sum(a["verdict"] == "escaped" for a in tried)
                cells.append(f"{n}" if len(tried) == len(mine) else f"{n} of {len(tried)}")
        n = sum(1 for key, a in columns[0][3].items() if group in (key[0], "all") and not a["withstand"])
        print(f"| {group} | {n} | " + " | ".join(cells) + " |")


def main():
    dirs = {"bookworm": sys.argv[2], "trixie": sys.argv[3]}
    versions = {}
    for suite, path in dirs.items():
        with open(os.path.join(path, "versions"), encoding="utf-8") as file:
            versions[suite] = file.read().strip()
    {"matrix": print_matrix, "summary": print_summary}[sys.argv[1]](load(dirs), versions)


main()
