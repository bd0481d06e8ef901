#!/usr/bin/env python3
"""What the layers of the source tree keep to, one point per rule. Who includes whom is looked at by tools/rooms.py.

    test_layering.py SOURCES LIBRARY

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

from tap import Skip, Tap

ROOT, LIBRARY = sys.argv[1:]

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
DECLARATION = re.compile(r"^CBAM_API\b[^;(]*?(\w+)\s*\(", re.MULTILINE)


def sources(*folders):
    """(path from the root, text) of all C files below `folders`; there must be some."""
    found = []
    for folder in folders:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith((".c", ".h", ".h.in")):
                    path = os.path.join(place, name)
                    with open(path, encoding="utf-8") as file:
                        found.append((os.path.relpath(path, ROOT), file.read()))
        assert any(path.startswith(folder + os.sep) for path, _ in found), f"no sources in {folder}/"
    return sorted(found)


def code(text):
    """`text` with comments and strings blanked, line by line as before."""
    return COMMENT_OR_STRING.sub(lambda match: "\n" * match.group().count("\n") or " ", text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def matches(pattern, path, text):
    """Where `pattern` stands in the code of one file."""
    text = code(text)
    return [f"{path}:{line_of(text, match.start())}: {match.group().strip()}" for match in pattern.finditer(text)]


def expect_none(found):
    assert not found, "\n" + "\n".join(found)


def check_recipes():
    found = []
    recipes = [(path, text) for path, text in sources("compute/nets") if re.search(r"\bCbamNet\b", code(text))]
    assert len(recipes) > 8, recipes
    for path, text in recipes:
        found += matches(re.compile(r"\bGError\b|\bg_(set|propagate|prefix)_error\w*"), path, text)
    expect_none(found)


def exported_symbols():
    if LIBRARY.endswith(".a"):
        raise Skip("a static library hides nothing")
    nm = shutil.which("nm")
    if nm is None:
        raise Skip("no nm")
    lines = subprocess.run([nm, "-D", "--defined-only", LIBRARY], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    names = {line.split()[-1].split("@")[0] for line in lines}
    return {name for name in names if not name.startswith("_")}  # those are the compiler's


def check_exports():
    declared = {name for _, text in sources("include") for name in DECLARATION.findall(code(text))}
    assert declared, "no declaration marked CBAM_API"
    exported = exported_symbols()
    expect_none([f"declared, but not exported: {name}" for name in sorted(declared - exported)]
                + [f"exported, but not declared: {name}" for name in sorted(exported - declared)]
                + [f"not of our prefix: {name}" for name in sorted(exported) if not name.startswith("cbam_")])


def main():
    tap = Tap()
    for name, check in (
            ("recipes have no GError", check_recipes),
            ("what is exported is what is declared", check_exports)):
        with tap.point(name):
            check()
    tap.done()


if __name__ == "__main__":
    main()
