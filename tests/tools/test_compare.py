#!/usr/bin/env python3
"""tools/compare.py: the interval it gives, and builds whose speed is known. What cbam-bench --step does is tested beside
its other options.

    test_compare.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import importlib.util
import json
import math
import os
import sys
import tempfile

sys.dont_write_bytecode = True

from common import TOOLS, expect_ok, run
from tap import Tap

COMPARE = os.path.join(TOOLS, "compare.py")


def load():
    spec = importlib.util.spec_from_file_location("compare", COMPARE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_interval(interval):
    """A sign test's: of n values the k-th from either end, by tables of the binomial distribution."""
    for n, k in ((6, 1), (8, 1), (9, 2), (15, 4), (20, 6), (30, 10)):
        assert interval(range(n, 0, -1)) == (k, n + 1 - k), (n, interval(range(n, 0, -1)))


# A cbam-bench whose frames take as long as the file beside it says, and longer each time; every fourth is starved.
FAKE_BENCH = """#!/usr/bin/env python3
import os, sys
if sys.argv[1] != "--step" or sys.argv[2] == "no.safetensors":
    sys.exit("cbam-bench: no.safetensors: No such file or directory")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ms")) as file:
    ms = float(file.read())
print("ready fake", flush=True)
for i, line in enumerate(sys.stdin):
    print(f"{ms * (1 + i):.4f}" + (" starved" if i % 4 == 3 else ""), flush=True)
"""


def make_build(folder, name, ms):
    tools = os.path.join(folder, name, "tools")
    os.makedirs(tools)
    for file_name, text in (("cbam-bench", FAKE_BENCH), ("ms", str(ms))):
        with open(os.path.join(tools, file_name), "w", encoding="ascii") as file:
            file.write(text)
    os.chmod(os.path.join(tools, "cbam-bench"), 0o755)
    return os.path.join(folder, name)


def check_row(row):
    assert len(row["ratios"]) == row["pairs"] == 6 and row["frames"] == 8 and row["starved"] == 12, row
    for key, value in (("ratio", 1.1), ("low", 1.1), ("high", 1.1), ("old_ms", 40), ("new_ms", 44)):
        assert math.isclose(row[key], value, rel_tol=1e-3), (key, row)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        old, new = make_build(folder, "old", 10), make_build(folder, "new", 11)
        with tap.point("the interval"):
            check_interval(load().interval)
        with tap.point("a build that takes a tenth longer"):
            process = run(COMPARE, "--json", "--pairs", "6", "--frames", "8", old, new, "any")
            row, = json.loads(expect_ok(process).stdout)
            check_row(row)
        for label, status, said, *arguments in (
                ("too few pairs", 2, "--pairs", "--pairs", "5", old, new, "any"),
                ("a folder that is no build", 1, "nowhere", "nowhere", new, "any"),
                ("a missing model", 1, "cbam-bench", old, new, "no.safetensors")):
            with tap.point(label):
                process = run(COMPARE, *arguments)
                assert process.returncode == status and said in process.stderr, process
                assert "Traceback" not in process.stderr, process
    tap.done()


if __name__ == "__main__":
    main()
