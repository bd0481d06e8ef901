#!/usr/bin/env python3
"""tools/compare.py: the interval it gives, and a build against itself.

    test_compare.py CBAM-BENCH

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import importlib.util
import json
import math
import os
import sys
import tempfile

sys.dont_write_bytecode = True

from common import TOOLS, expect_ok, fake_model, run
from tap import Skip, Tap

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
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


def check_row(row):
    assert row["low"] <= row["ratio"] <= row["high"] and len(row["ratios"]) == row["pairs"] == 6, row
    assert math.isclose(row["ratio"], 1, rel_tol=0.5), row  # noise is no matter of a test; swapped units would be


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        model = fake_model(folder)
        with tap.point("the interval"):
            check_interval(load().interval)
        with tap.point("a build against itself"):
            process = run(COMPARE, "--json", "--pairs", "6", "--frames", "3", BUILD, BUILD, model)
            if "something else takes them" in process.stderr:
                raise Skip("the machine is busy")
            row, = json.loads(expect_ok(process).stdout)
            check_row(row)
        for label, status, said, *arguments in (
                ("too few pairs", 2, "--pairs", "--pairs", "5", BUILD, BUILD, model),
                ("a folder that is no build", 1, "nowhere", "nowhere", BUILD, model),
                ("a missing model", 1, "no.safetensors", BUILD, BUILD, "no.safetensors")):
            with tap.point(label):
                process = run(COMPARE, *arguments)
                assert process.returncode == status and said in process.stderr, process
                assert "Traceback" not in process.stderr, process
    tap.done()


if __name__ == "__main__":
    main()
