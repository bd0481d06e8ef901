#!/usr/bin/env python3
"""Real pictures and real weights: what is known to be there is found where it is.

    test_pictures.py CBAM-RUN

The weights are those of the published COCO SSD-MobileNet in CBAM_TEST_DATA; everything is skipped without it.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))

from common import CONVERT, expect_ok, json_lines, run, test_data
from tap import Skip, Tap, skip_all

CBAM_RUN = sys.argv[1]

# Published detections are of the quantised network; float arithmetic moves them this far (expected.json says so).
SCORE_SLACK, BOX_SLACK = 0.05, 8
# The engine against numpy in float32 on the same pixels: rounding alone. An order of magnitude above what was seen.
TWIN_SCORE_SLACK, TWIN_BOX_SLACK = 0.002, 0.5

# (picture, label, where it is: x0, y0, x1, y1 in pixels, read off the picture). A finding of that label with an IoU of
# one half or more counts.
KNOWN = (
    ("fish-bike.jpg", "person", (200, 5, 345, 165)),
    ("fish-bike.jpg", "bicycle", (120, 150, 456, 310)),
    ("zidane.jpg", "person", (745, 40, 1160, 715)),
    ("zidane.jpg", "person", (120, 195, 700, 715)),
    ("dog_bike_car.jpg", "dog", (130, 215, 320, 540)),
    ("dog_bike_car.jpg", "bicycle", (125, 120, 570, 425)),
    ("dog_bike_car.jpg", "car", (465, 75, 690, 172)),
    ("example.jpg", "person", (50, 240, 420, 1190)),
)


def corners(found):
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def clip(box, width, height):
    return (max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height))


def iou(a, b):
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    overlap = max(across, 0) * max(down, 0)
    return overlap / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap)


def is_same(found, other, score_slack, box_slack, size):
    return (found["label"] == other["label"] and abs(found["score"] - other["score"]) <= score_slack
            and all(abs(p - q) <= box_slack for p, q in zip(corners(found), clip(corners(other), *size))))


def match_all(found, expected, score_slack, box_slack, size):
    """Pairs every expected detection with one of its own; the rest of what was found is returned."""
    rest = list(found)
    for other in expected:
        fitting = [one for one in rest if is_same(one, other, score_slack, box_slack, size)]
        assert fitting, f"nothing like {other} among {found}"
        rest.remove(fitting[0])
    return rest


def detect(model, picture, *options):
    line, = json_lines(expect_ok(run(CBAM_RUN, "--model", model, "--json", *options, picture)).stdout)
    return line


def check_published(folder, model):
    """The four published detections, and nothing else above one half."""
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)["detections"]
    line = detect(model, os.path.join(folder, "cats_and_dogs.jpg"), "--threshold", "0.4")
    rest = match_all(line["detections"], expected, SCORE_SLACK, BOX_SLACK, (line["width"], line["height"]))
    surplus = [found for found in rest if found["score"] > 0.5]
    assert not surplus, f"found besides what is there: {surplus}"


def check_known(model, path, label, box):
    found = [one for one in detect(model, path)["detections"] if one["label"] == label]
    best = max((iou(corners(one), box) for one in found), default=0)
    assert best >= 0.5, f"no {label} at {box}, overlap {best:.2f} at best among {found}"


def check_twin(folder, model, path):
    """The same detections as the independent numpy network gives on the same pixels."""
    process = run(os.path.join(HERE, "reference_coco_ssd.py"), folder, path)
    if process.returncode != 0:
        raise Skip("the reference cannot decode pictures here (no python3-gi, no djpeg)")
    (twin,), ours = json_lines(process.stdout), detect(model, path)
    size = ours["width"], ours["height"]
    # Detections near the threshold may fall on either side of it.
    for these, those in ((ours, twin), (twin, ours)):
        sure = [one for one in these["detections"] if one["score"] > 0.5 + TWIN_SCORE_SLACK]
        match_all(those["detections"], sure, TWIN_SCORE_SLACK, TWIN_BOX_SLACK, size)


def main():
    data = test_data()
    if data is None:
        skip_all("CBAM_TEST_DATA names no folder")
    folder = os.path.join(data, "coco-ssd-mobilenet")
    pictures = os.path.join(data, "pictures")
    tap = Tap()
    with tempfile.TemporaryDirectory() as work:
        model = os.path.join(work, "m.safetensors")
        expect_ok(run(CONVERT, folder, model))
        with tap.point("cats_and_dogs.jpg: the published detections"):
            check_published(folder, model)
        for name, label, box in KNOWN:
            with tap.point(f"{name}: {label} near {box[0]},{box[1]}"):
                check_known(model, os.path.join(pictures, name), label, box)
        for path in [os.path.join(folder, "cats_and_dogs.jpg")] + sorted(
                {os.path.join(pictures, name) for name, _, _ in KNOWN}):
            with tap.point(f"{os.path.basename(path)}: as numpy finds it"):
                check_twin(folder, model, path)
    tap.done()


if __name__ == "__main__":
    main()
