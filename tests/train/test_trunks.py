#!/usr/bin/env python3
"""The recipes on ResNet-18 and EfficientNet-lite0, classifiers and detectors: each makes steps from a start, and what
it writes says in the engine what it says in PyTorch.

    test_trunks.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from class_files import said_by_engine, write_classes
from common import expect_ok, json_lines, run
from devkits import write_devkit
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np
import torch
from PIL import Image, ImageEnhance

import shapes
from accuracy import scores_of
from calling import call
from class_folders import ClassPicture
from crops import middle
from modelfile import make_network, network_of, read_model, write_model
from recipes import RECIPES, with_classes
from score import anchors_for, detect, normaliser

CBAM_RUN, = sys.argv[1:]
CLASSIFIERS, DETECTORS = ("resnet18-cbam", "efficientnet-lite0"), ("small-resnet18", "small-efficientnet-lite0")
SIZES = (160, 120), (297, 331), (500, 301), (240, 240)
STEPS = "--passes", "2", "--batch", "4", "--float32"
SLACK = 0.01  # of a score
torch.manual_seed(1)
tap = Tap()


def spread(path, layers, logits, means, centre):
    """Writes the file anew with last layers whose logits lie about `centre` instead of their means, and far from it:
    after some steps all scores are much the same."""
    document, tensors = read_model(path, or_classifier=True)
    gain = 2 / float((logits - means).std())
    for name in (name for name in tensors if name.startswith(layers)):
        tensors[name] = gain * (tensors[name] if name.endswith("weight") else tensors[name] - means)
        tensors[name] += centre if name.endswith("bias") else 0
    write_model(path, document, tensors)


@torch.no_grad()
def outputs(path, pictures, see):
    """What the network in a file gives of pictures as `see(pixels, input)` shows them."""
    document, tensors = read_model(path, or_classifier=True)
    pixels = torch.from_numpy(np.stack([np.asarray(see(pixels, document["input"])) for pixels in pictures]))
    return network_of(document, tensors)(normaliser(document)(pixels))


def start_file(folder, name):
    """A plain classifier on the recipe's trunk, of three classes, whose batch norms have seen pictures."""
    recipe = with_classes(RECIPES["resnet18-cbam" if "resnet" in name else "efficientnet-lite0"](), ["a", "b", "c"])
    recipe.document["network"].pop("attention", None)
    network = make_network(recipe.document, recipe.form).train()
    for _ in range(30):
        network(torch.randn(4, 3, 64, 64))
    path = os.path.join(folder, "start.safetensors")
    write_model(path, recipe.document, network.tensors())
    return path


def stretched(pixels, spec):
    return pixels.resize((spec["width"], spec["height"]), Image.BILINEAR)


def boxes_by_engine(path, pictures):
    """[[(label, score)]] of each picture's, the strongest first."""
    found = expect_ok(run(CBAM_RUN, "-m", path, "-j", "--precision", "fp32", "-t", "0.05", *pictures))
    answers = json_lines(found.stdout)
    return [[(box["label"], box["score"]) for box in answer["detections"]] for answer in answers]


with tempfile.TemporaryDirectory() as folder:
    drawn = [(ImageEnhance.Brightness(shapes.draw_one(number, 5)[0].resize(size)).enhance(light), number % 2)
             for number, (size, light) in enumerate(zip(SIZES, (1, 0.1, 2, 0.4)))]
    paths = write_classes(os.path.join(folder, "set"), drawn, ["one", "two"])
    for name in CLASSIFIERS:
        out = os.path.join(folder, name)
        path = os.path.join(out, "model.safetensors")
        with tap.point(f"{name}: makes steps from a start, and writes a file"):
            said, printed = call("--recipe", name, "--data", os.path.join(folder, "set"), *STEPS,
                                 "--start", start_file(folder, name), "--out", out)
            assert said is None and "classes are known" in printed, said or printed

        with tap.point(f"{name}: the engine gives the same scores"):
            scores = outputs(path, [pixels for pixels, _ in drawn], middle).scores
            spread(path, "fc", scores, scores.mean(0), 0)
            document, tensors = read_model(path, or_classifier=True)
            rows = scores_of(network_of(document, tensors), document,
                             [ClassPicture("", 0, kept=middle(pixels, document["input"])) for pixels, _ in drawn])
            answers = said_by_engine(CBAM_RUN, path, paths)
            worst = max(abs(answer[label] - float(row[k])) for answer, row in zip(answers, rows)
                        for k, label in enumerate(("one", "two")))
            print(f"# scores of 'one': {np.round(rows[:, 0].tolist(), 3)}, largest difference {worst:.4f}")
            assert worst < SLACK and rows[:, 0].max() - rows[:, 0].min() > 5 * SLACK, (worst, rows)

    devkit, boxed = os.path.join(folder, "devkit"), shapes.draw_set(8, 7)
    objects = {f"{number}": [
        (shapes.NAMES[label], (160 * x1 + 1, 120 * y1 + 1, 160 * x2, 120 * y2), False)
        for (x1, y1, x2, y2), label in zip(picture.boxes.tolist(), picture.labels.tolist())]
        for number, picture in enumerate(boxed)}
    write_devkit(devkit, "train", objects)
    paths = [os.path.join(devkit, "JPEGImages", f"{number}.png") for number in range(len(boxed))]
    for picture, where in zip(boxed, paths):
        picture.pixels.save(where)
    for name in DETECTORS:
        out = os.path.join(folder, name)
        path = os.path.join(out, "model.safetensors")
        with tap.point(f"{name}: makes steps from a classifier, and writes a file"):
            said, printed = call("--recipe", name, "--data", devkit + ":train", "--classes", ",".join(shapes.NAMES),
                                 "--size", "160", *STEPS, "--start", start_file(folder, name), "--out", out)
            assert said is None and "tensors fit" in printed, said or printed

        with tap.point(f"{name}: the engine finds the same"):
            levels = outputs(path, [picture.pixels for picture in boxed], stretched)
            logits = torch.cat([level.conf.flatten() for level in levels])
            spread(path, "conf.", logits, logits.mean(), -5)
            document, tensors = read_model(path)
            found = detect(network_of(document, tensors), document, anchors_for(document), boxed, normaliser(document),
                           half=False, threshold=0.05)
            count = 0
            for number, engines in enumerate(boxes_by_engine(path, paths)):
                ours = [(shapes.NAMES[row[1]], row[2]) for row in found if row[0] == number]
                count += len(ours)
                # Of two of nearly the same score either may go.
                assert abs(len(ours) - len(engines)) <= 3, (len(ours), len(engines))
                assert all(abs(a - b) < SLACK for (_, a), (_, b) in zip(ours, engines)), (ours, engines)
                assert sum(a == b for (a, _), (b, _) in zip(ours, engines)) >= len(ours) - 6, (ours, engines)
            print(f"# {count} boxes, the best {ours[0]} of PyTorch's and {engines[0]} of the engine's")
            assert count > 20 * len(boxed) and ours[0][1] > 0.2, (count, ours)

tap.done()
