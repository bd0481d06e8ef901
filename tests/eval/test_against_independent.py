#!/usr/bin/env python3
"""The arithmetic of cbam-eval against independent.py, on made-up sets that are full of what is easily got wrong: equal
scores, overlaps of exactly one half, several detections of one object, difficult objects, classes without any.

    test_against_independent.py EVALUATE-LISTS

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import random
import sys
import tempfile

sys.dont_write_bytecode = True

from devkits import same, write_devkit
from common import expect_ok, run
from independent import evaluate
from tap import Tap

EVALUATE_LISTS = sys.argv[1]
ROUNDS = 40
THRESHOLD = 0.5
CLASSES = ("cat", "dog", "a bird", "only difficult", "never found")


def random_box(noise, fractional):
    """Small whole numbers, so that overlaps of exactly 0.5 and equal overlaps are common; or quarters, which doubles hold
    as exactly as the twin's fractions."""
    x, y = noise.randint(1, 12), noise.randint(1, 12)
    box = x, y, x + noise.randint(0, 7), y + noise.randint(0, 7)
    return tuple(side + noise.choice((0, 0.25, 0.5, 0.75)) * (i > 1) for i, side in enumerate(box)) \
        if fractional else box


def nudged(noise, box):
    """A box near another one."""
    x0, y0, x1, y1 = (side + noise.choice((0, 0, 0, -1, 1)) for side in box)
    return x0, y0, max(x0, x1), max(y0, y1)


def make_picture(noise, fractional):
    """(objects, detections)"""
    objects, found = [], []
    for _ in range(noise.choice((0, 0, 1, 2, 5))):
        name = noise.choice(CLASSES)
        objects.append((name, random_box(noise, fractional),
                        True if name == "only difficult" else noise.choice((None, False, False, True))))
    for name, box, _ in objects:
        found += [(name, nudged(noise, box)) for _ in range(noise.choice((0, 1, 1, 2)))]
    found += [(noise.choice(CLASSES), random_box(noise, fractional)) for _ in range(noise.randint(0, 4))]
    return objects, [(name, noise.choice((0.9, 0.7, 0.5, 0.3, round(noise.random(), 3))), box) for name, box in found
                     if name != "never found"]


def make_set(folder, noise, prefix=""):
    """Writes a devkit; returns the lines of its detections."""
    pictures, lines, fractional = {}, [], noise.random() < 0.3
    for number in range(noise.randint(1, 25)):
        objects, found = make_picture(noise, fractional)
        pictures[f"{number:03}"] = objects
        lines += ["\t".join((f"{prefix}{number:03}", name, repr(score), *map(str, box))) + "\n"
                  for name, score, box in found]
    # Each class occurs, so that detections have one.
    pictures["last"] = [(name, (1, 1, 4, 4), name == "only difficult") for name in CLASSES]
    write_devkit(folder, "val", pictures)
    return lines


def compare(folder, roots, lines):
    detections = os.path.join(folder, "detections.txt")
    with open(detections, "w", encoding="utf-8") as file:
        file.write("".join(lines))
    ours = json.loads(expect_ok(run(EVALUATE_LISTS, "val", detections, *roots)).stdout)
    theirs = evaluate("val", detections, roots, THRESHOLD)
    if theirs["best_f1"] is None:  # nothing right anywhere
        assert ours["best_f1"]["f1"] == 0, ours["best_f1"]
        del theirs["best_f1"]
    same(ours, theirs, "result")
    low, high = ours["interval"]
    assert 0 <= low <= high <= 1, ours["interval"]
    assert theirs["map_11point"] is not None
    return theirs


def main():
    tap, middling = Tap(), 0
    for seed in range(ROUNDS):
        noise = random.Random(seed)
        with tap.point(f"made-up set {seed}"), tempfile.TemporaryDirectory() as folder:
            root = os.path.join(folder, "VOC")
            result = compare(folder, [root], make_set(root, noise))
            middling += 0.01 < result["map_11point"] < 0.99
    with tap.point("two folders together"), tempfile.TemporaryDirectory() as folder:
        noise, roots = random.Random(99), [os.path.join(folder, name) for name in ("VOC1", "VOC2")]
        compare(folder, roots, [line for root in roots for line in
                                make_set(root, noise, os.path.basename(root) + "/")])
    with tap.point("no detection at all"), tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "VOC")
        make_set(root, random.Random(5))
        result = compare(folder, [root], [])
        assert result["map_11point"] == 0
    with tap.point("the sets were not trivial"):
        assert middling > ROUNDS / 2, middling
    tap.done()


if __name__ == "__main__":
    main()
