#!/usr/bin/env python3
"""The table of annotations, read by what cbam-eval reads with.

    test_annotations.py READERS

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True

from annotations import CASES
from common import expect_ok, run
from tap import Tap

READERS, = sys.argv[1:]


def read(folder):
    """[(class, box, difficult)] of all pictures, or the error's text."""
    objects = []
    for line in expect_ok(run(READERS, "devkit", "test", folder)).stdout.splitlines():
        if line.startswith("error "):
            return line
        kind, *fields = line.split("\t")
        if kind == "object":
            objects.append((fields[0], tuple(float(side) for side in fields[1:5]), fields[5] == "1"))
    return objects


def check(case, found):
    if isinstance(case.expected, tuple):
        assert isinstance(found, str), f"read {found}"
        for word in case.expected:
            assert word in found, f"no {word} in {found}"
    elif case.expected:
        assert found == case.expected, found
    else:  # cbam-eval wants objects in a set, which is not the annotation's fault
        assert isinstance(found, str) and "expected objects" in found, found


def main():
    tap = Tap()
    for case in CASES:
        with tap.point(case.name), tempfile.TemporaryDirectory() as folder:
            check(case, read(case.write(os.path.join(folder, "devkit"))))
    tap.done()


if __name__ == "__main__":
    main()
