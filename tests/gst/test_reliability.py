#!/usr/bin/env python3
"""docs/reliability.md names tests that keep its promises: all of them are there, and run.

    test_reliability.py SOURCES

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

from tap import Tap

ROOT = sys.argv[1]

NAMED = re.compile(r"`(tests/[\w./-]+?)(?:::(\w+))?`")
# How a test is defined, and how it is added to those that run.
KINDS = (
    (r"^GST_START_TEST \({}\)$", r"\btcase_add_(?:loop_)?test \(tests, {}\b"),  # of Check
    (r"^{} \(void\)$", r"\bg_test_add_func \(\"[^\"]*\", {}\)"),  # of GLib
)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def rows():
    """The cells of each row of the table."""
    lines = [line for line in read("docs/reliability.md").splitlines() if line.startswith("| **")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def runs(text, name):
    return any(all(re.search(pattern.format(re.escape(name)), text, re.MULTILINE) for pattern in kind)
               for kind in KINDS)


def check_row(cells):
    assert len(cells) == 3, f"{len(cells)} cells"
    named = NAMED.findall(cells[2])
    assert named, "no test is named"
    for path, name in named:
        assert os.path.isfile(os.path.join(ROOT, path)), f"no file {path}"
        meson = read(os.path.join(os.path.dirname(path), "meson.build"))
        stem = os.path.splitext(os.path.basename(path))[0].removeprefix("test-")
        assert f"'{stem}'" in meson or f"'{os.path.basename(path)}'" in meson, f"{path} is not built"
        assert not name or runs(read(path), name), f"no test {name} in {path}"
    unread = NAMED.sub("", cells[2]).strip(" ,")
    assert not unread, f"not a test: {unread}"


def main():
    tap = Tap()
    table = rows()
    with tap.point("the table has its rows"):
        assert len(table) >= 16, len(table)
    for cells in table:
        with tap.point(cells[0].strip("* ").split("**")[0]):
            check_row(cells)
    tap.done()


if __name__ == "__main__":
    main()
