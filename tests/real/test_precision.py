#!/usr/bin/env python3
"""The model that ships finds the same objects in another precision as in fp32, on a device that has both.

    test_precision.py CBAM-RUN PRECISION DEVICE MODEL PICTURE...

DEVICE may be empty: the first there is. Pictures of CBAM_TEST_DATA are looked at besides.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))

from common import expect_ok, json_lines, run
from tap import Tap, skip_all

CBAM_RUN, PRECISION, DEVICE, MODEL, *PICTURES = sys.argv[1:]
SLACK = {"bf16": 0.03, "fp16": 0.005}[PRECISION]  # of a score; and how much of two boxes may not be shared
PICTURES += sorted(glob.glob(os.path.join(os.environ.get("CBAM_TEST_DATA", "/nowhere"), "pictures", "*.jpg")))


def detect(precision, threshold=None):
    limit = ["--threshold", str(threshold)] if threshold else []
    return run(CBAM_RUN, *(["--device", DEVICE] if DEVICE else []), "--precision", precision, "--json", *limit, "-m", MODEL, *PICTURES)


def overlap(a, b):
    across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    both = max(across, 0) * max(down, 0)
    return both / (a["width"] * a["height"] + b["width"] * b["height"] - both)


def is_among(one, others):
    return any(one["label"] == other["label"] and abs(one["score"] - other["score"]) <= SLACK
               and overlap(one, other) >= 1 - 2 * SLACK for other in others)


attempt = detect(PRECISION)
if attempt.returncode != 0 and "expected one of" in attempt.stderr:
    skip_all(f"this device does not compute in {PRECISION}")
expect_ok(attempt)

tap = Tap()
exact, rounded = json_lines(detect("fp32").stdout), json_lines(attempt.stdout)
# What is seen well is to be seen by the other at all: with less of a score it may be just below the threshold.
lowered = {precision: json_lines(detect(precision, 0.4).stdout) for precision in ("fp32", PRECISION)}
for picture, ours, theirs, low, lower in zip(PICTURES, exact, rounded, lowered[PRECISION], lowered["fp32"]):
    name = os.path.basename(picture)
    with tap.point(f"{name}: what fp32 finds, {PRECISION} does"):
        for one in ours["detections"]:
            assert is_among(one, low["detections"]), (one, low["detections"])
    with tap.point(f"{name}: what {PRECISION} finds, fp32 does"):
        for one in theirs["detections"]:
            assert is_among(one, lower["detections"]), (one, lower["detections"])
tap.done()
