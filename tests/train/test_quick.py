#!/usr/bin/env python3
"""train --quick: the whole recipe, from drawn pictures to a model file that the engine measures as PyTorch does.

    test_quick.py CBAM-EVAL

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from common import expect_ok, run
from devkits import write_devkit
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import shapes
from modelfile import network_of, read_model
from recipes import classes_of
from score import anchors_for, average_precision, detect, normaliser, summary

CBAM_EVAL = sys.argv[1]
TRAIN = os.path.join(setting.TRAIN, "train")
SHIPPED = os.path.join(setting.ROOT, "tests", "models", "shapes.safetensors")
COUNT = 100
tap = Tap()


def use_one_processor():
    """Two threads that have to share with other tests take longer than one."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def write_pictures(folder, pictures):
    """The pictures as a VOCdevkit's year, without loss."""
    objects = {}
    for number, picture in enumerate(pictures):
        w, h = picture.pixels.size
        objects[f"{number:06}"] = [
            (shapes.NAMES[label], (x1 * w + 1, y1 * h + 1, x2 * w, y2 * h), False)
            for (x1, y1, x2, y2), label in zip(picture.boxes.tolist(), picture.labels.tolist())]
    write_devkit(folder, "test", objects)
    for name, picture in zip(objects, pictures):
        picture.pixels.save(os.path.join(folder, "JPEGImages", name + ".jpg"), format="PNG")


def by_pytorch(path, pictures):
    document, tensors = read_model(path)
    found = detect(network_of(document, tensors).eval(), document, anchors_for(document, tensors), pictures,
                   normaliser(document), half=False)
    return summary(average_precision(found, pictures, len(classes_of(document)[0])))


def by_engine(path, folder):
    answer = json.loads(expect_ok(run(CBAM_EVAL, "--model", path, "--json", folder)).stdout)
    return 100 * answer["map_area"], 100 * answer["map_11point"]


with tempfile.TemporaryDirectory() as work:
    pictures = shapes.draw_set(COUNT, 77)
    devkit = os.path.join(work, "devkit")
    write_pictures(devkit, pictures)
    trained = os.path.join(work, "model.safetensors")

    with tap.point("the recipe runs through"):
        expect_ok(run(TRAIN, "--quick", "--out", work, timeout=540, preexec_fn=use_one_processor))
        assert os.path.getsize(trained) <= 300_000

    for title, path in (("what it made", trained), ("what it made before, which the tests use", SHIPPED)):
        with tap.point(f"{title}: finds shapes"):
            area, points = by_engine(path, devkit)
            print(f"# {points:.1f} % 11-point, {area:.1f} % area")
            assert area > 60, area

        with tap.point(f"{title}: PyTorch and the engine agree within 0.3 points"):
            own = by_pytorch(path, pictures)
            print(f"# PyTorch: {own[1]:.1f} % 11-point, {own[0]:.1f} % area")
            assert abs(own[0] - area) < 0.3 and abs(own[1] - points) < 0.3

    with tap.point("its document says where it comes from"):
        provenance = read_model(trained)[0]["provenance"]
        assert all(provenance[key] for key in ("data", "recipe", "metrics", "license", "source")), provenance

tap.done()
