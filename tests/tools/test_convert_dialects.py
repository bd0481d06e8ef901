#!/usr/bin/env python3
"""tools/convert, dialect by dialect: with the converted file cbam-run finds what the checkpoint's own network finds, as
dialect_models.py has it.

    test_convert_dialects.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from common import expect_ok, run, write_png
from tap import Tap, skip_all
from test_convert import convert

try:
    import torch
except ImportError:
    skip_all("no PyTorch (on Debian: apt-get install python3-torch)")

from dialect_models import BUILDERS, select, settle

CBAM_RUN = os.path.abspath(sys.argv[1])
CANDIDATES = 500     # scores above the threshold that is chosen for a test
SCORE_ERROR = 1e-4   # ours and PyTorch's are each up to 1e-5 away from double precision, and 0.0004 pixels
BOX_ERROR = 0.01     # pixels


def read_png(path, size):
    """The pixels of one of write_png's pictures: eight bits, RGB, no filter."""
    with open(path, "rb") as file:
        content = file.read()
    begin = content.index(b"IDAT")
    length = int.from_bytes(content[begin - 4:begin], "big")
    rows = np.frombuffer(zlib.decompress(content[begin + 4:begin + 4 + length]), np.uint8).reshape(size, 1 + 3 * size)
    return rows[:, 1:].reshape(size, size, 3)


def choose_threshold(scores, reported):
    """Halfway between two scores, with so many above it."""
    ranked = np.sort(scores[:, reported].ravel())[::-1]
    return float(ranked[CANDIDATES - 1:CANDIDATES + 1].mean())


def expected_detections(model, boxes, scores, classes):
    """(threshold, [(score, name, x, y, width, height)], names of doubtful classes, score above which all is certain)"""
    unnamed = [k for k, name in enumerate(classes) if name == "???"]
    reported = [k for k in range(1, len(classes)) if k not in unnamed]
    threshold = choose_threshold(scores, reported)
    found, doubtful = select(model, boxes, scores, threshold, unnamed)
    floor = threshold + SCORE_ERROR
    if len(found) == model.rules.keep:  # cut: what a doubtful class has more or less moves the end of the list
        floor = found[-1 - 5 * len(doubtful)][0] + SCORE_ERROR
    listed = [(score, classes[label], box[0], box[1], box[2] - box[0], box[3] - box[1]) for score, label, box in found]
    return threshold, [item for item in listed if item[4] > 0 and item[5] > 0], {classes[k] for k in doubtful}, floor


def is_same(expected, found):
    score, label, *box = expected
    return (label == found["label"] and abs(score - found["score"]) < SCORE_ERROR
            and all(abs(a - found[key]) < BOX_ERROR for a, key in zip(box, ("x", "y", "width", "height"))))


def check_detections(expected, doubtful, floor, found):
    """Each of the one list is in the other, as far as they are beyond doubt."""
    assert len([item for item in expected if item[1] not in doubtful and item[0] > floor]) > 50
    for item in expected:
        if item[1] not in doubtful and item[0] > floor:
            matches = [other for other in found if is_same(item, other)]
            assert matches, f"not found: {item}"
            found.remove(matches[0])
    more = [item for item in found if item["label"] not in doubtful and item["score"] > floor + SCORE_ERROR]
    assert not more, f"found as well: {more[:3]}"


def as_it_is(state):
    return state


# As the projects' training scripts save it.
WRAPPED = {
    "ssd.pytorch": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "lufficc": lambda state: {"model": state, "optimizer": {"state": {0: torch.zeros(3)}}, "iteration": 7},
    "rfbnet": lambda state: {"net": state},
    "stairnet": lambda state: {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
}


def check_anchors(document, rules):
    """The generator's numbers, of which a few boxes may not tell the last one."""
    anchors = document["anchors"]
    assert anchors["maps"] == [[side, side] for side in rules.maps[:len(rules.boxes)]], anchors
    assert anchors["steps"] == list(rules.steps[:len(rules.boxes)]), anchors
    assert anchors["min_sizes"] == list(rules.sizes[:len(rules.boxes)]), anchors
    assert anchors["max_sizes"] == list(rules.sizes[1:len(rules.boxes) + 1]), anchors
    assert [2 + 2 * len(ratios) for ratios in anchors["aspect_ratios"]] == list(rules.boxes), anchors


# By the first word of a model's name: whose rules for overlap, and how many boxes.
PROFILES = {"ssd.pytorch": "ssd.pytorch", "rfbnet": "rfbnet", "rfbnet-mobilenet": "rfbnet", "lufficc": "lufficc",
            "torchvision": "torchvision", "qfgaohao": "qfgaohao", "stairnet": "ssd.pytorch"}


def check_dialect(folder, name):
    model = BUILDERS[name]()
    picture = write_png(os.path.join(folder, "picture.png"), model.rules.size, model.rules.size)
    boxes, scores = settle(model, read_png(picture, model.rules.size))
    source, out = os.path.join(folder, "m.pth"), os.path.join(folder, "m.safetensors")
    if name == "stairnet, five levels":  # training passes the sixth convolution by, and its batch norm counts nothing
        model.topdown.extra_layers[5].bn.reset_running_stats()
    torch.save(WRAPPED.get(name, as_it_is)(model.state_dict()), source)
    document, _, _ = convert(source, out)
    check_anchors(document, model.rules)
    assert document["nms"] == {"profile": PROFILES[name.split()[0].rstrip(",")]}
    threshold, expected, doubtful, floor = expected_detections(model, boxes, scores, document["output"]["classes"])
    process = expect_ok(run(CBAM_RUN, "--model", out, "--json", "--precision", "fp32",
                            "--threshold", f"{threshold:.9f}", picture))
    check_detections(expected, doubtful, floor, json.loads(process.stdout)["detections"])
    return out


# What torchvision itself says of its network; the CBAM paper's 32.0 and 32.1 million.
PARAMETERS = {"torchvision": 35641826, "stairnet": 32005600, "stairnet with CBAM": 32056984}


def check_parameters(out, count):
    assert json.loads(expect_ok(run(CBAM_RUN, "--describe", out, "--json")).stdout)["parameters"] == count


def test_dialects(tap, folder):
    for name in BUILDERS:
        with tap.point(f"{name}: detections"):
            out = check_dialect(folder, name)
            if name in PARAMETERS:
                check_parameters(out, PARAMETERS[name])


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_dialects(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
