"""Pictures in folders of classes for the tests of classifiers, and what the programs say of them.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os

from common import expect_ok, json_lines, run


def write_classes(folder, pictures, names):
    """[(picture, label)] as PNGs in the folders of their classes. Returns their paths."""
    paths = []
    for number, (pixels, label) in enumerate(pictures):
        os.makedirs(os.path.join(folder, names[label]), exist_ok=True)
        paths.append(os.path.join(folder, names[label], f"{number:06}.png"))
        pixels.save(paths[-1])
    return paths


def said_by_engine(cbam_run, model, paths):
    """[{class: score}] of all classes, as cbam-run has them."""
    options = ("-j", "--precision", "fp32", "-n", "0", "-t", "0")
    lines = json_lines(expect_ok(run(cbam_run, "-m", model, *options, *paths)).stdout)
    return [{found["label"]: found["score"] for found in line["classes"]} for line in lines]
