"""Small VOC devkits for tests: folders, annotations and lists from Python values.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "tools"))


def annotation(objects):
    """The XML of [(class, (xmin, ymin, xmax, ymax), difficult)]; difficult None leaves the element out. Every object
    has a part, as some of VOC's have, that a reader must not take for the object."""
    text = ["<annotation>\n<object_count>3</object_count>"]
    for name, box, difficult in objects:
        corners = "".join(f"<{side}>{value}</{side}>" for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
        text.append(f"<object>\n <name>{name}</name><pose>Left</pose>"
                    + (f"<difficult>{int(difficult)}</difficult>" if difficult is not None else "")
                    + f"\n <bndbox>{corners}</bndbox>"
                    + "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
                      "</part></object>")
    return "\n".join(text) + "\n</annotation>\n"


def write_devkit(folder, split, pictures):
    """`pictures`: {name: objects}, in the split's order. JPEGImages stays empty."""
    for part in ("JPEGImages", "Annotations", os.path.join("ImageSets", "Main")):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    with open(os.path.join(folder, "ImageSets", "Main", split + ".txt"), "w", encoding="utf-8") as file:
        file.write("".join(f"{name}\n" for name in pictures))
    for name, objects in pictures.items():
        with open(os.path.join(folder, "Annotations", name + ".xml"), "w", encoding="utf-8") as file:
            file.write(annotation(objects))
    return folder


def same(ours, theirs, where, slack=2e-6):
    """Asserts that what `theirs` has, `ours` has too; numbers up to the digits that are printed."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            assert key in ours, f"no {where}.{key}"
            same(ours[key], value, f"{where}.{key}", slack)
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), f"{where}: {len(ours)} instead of {len(theirs)}"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            same(a, b, f"{where}[{i}]", slack)
    elif isinstance(theirs, float):
        assert ours is not None and math.isclose(ours, theirs, rel_tol=slack, abs_tol=slack), \
            f"{where}: {ours} instead of {theirs}"
    else:
        assert ours == theirs, f"{where}: {ours} instead of {theirs}"
