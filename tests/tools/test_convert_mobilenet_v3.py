#!/usr/bin/env python3
"""tools/convert on MobileNetV3-Large: torchvision's classifier and its ssdlite320_mobilenet_v3_large.

    test_convert_mobilenet_v3.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from common import expect_ok, run
from tap import Tap
from test_convert import check_refusal, convert, tensor
from test_convert_resnet import check_classifier, save, without

CBAM_RUN = sys.argv[1]
# kernel, hidden, channels, channels that squeeze
ROWS = ((3, 16, 16, 0), (3, 64, 24, 0), (3, 72, 24, 0), (5, 72, 40, 24), (5, 120, 40, 32), (5, 120, 40, 32),
        (3, 240, 80, 0), (3, 200, 80, 0), (3, 184, 80, 0), (3, 184, 80, 0), (3, 480, 112, 120), (3, 672, 112, 168),
        (5, 672, 160, 168), (5, 960, 160, 240), (5, 960, 160, 240))
HALVES = ROWS[:12] + ((5, 672, 80, 168), (5, 480, 80, 120), (5, 480, 80, 120))
PARAMETERS = {"classifier": 5483032, "ssdlite": 3440060}  # as torchvision's documentation has them


class Checkpoint(dict):
    """{name: array} as torchvision names a trunk, every number another."""

    def __init__(self, rows):
        super().__init__()
        self.rng = np.random.default_rng(4)
        self.conv("features.0", 16, 3, 3)
        inputs = 16
        for number, (kernel, hidden, outputs, squeezed) in enumerate(rows, 1):
            place, part = f"features.{number}.block", 0
            if hidden != inputs:
                self.conv(f"{place}.0", hidden, inputs, 1)
                part = 1
            self.conv(f"{place}.{part}", hidden, 1, kernel)
            if squeezed:
                part += 1
                self.linear(f"{place}.{part}.fc1", squeezed, hidden, 1, 1)
                self.linear(f"{place}.{part}.fc2", hidden, squeezed, 1, 1)
            self.conv(f"{place}.{part + 1}", outputs, hidden, 1)
            inputs = outputs
        self.conv("features.16", 6 * inputs, inputs, 1)

    def fill(self, name, *shape):
        self[name] = self.rng.random(shape, np.float32)

    def linear(self, name, *shape):
        self.fill(f"{name}.weight", *shape)
        self.fill(f"{name}.bias", shape[0])

    def conv(self, name, outputs, inputs, kernel):
        self.fill(f"{name}.0.weight", outputs, inputs, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.fill(f"{name}.1.{part}", outputs)


def classifier(classes=1000):
    net = Checkpoint(ROWS)
    net.linear("classifier.0", 1280, 960)
    net.linear("classifier.3", classes, 1280)
    return net


def ssdlite():
    """With the names that slicing the trunk gives it."""
    net = Checkpoint(HALVES)
    inputs = 480
    for extra, outputs in enumerate((512, 256, 256, 128)):
        net.conv(f"extra.{extra}.0", outputs // 2, inputs, 1)
        net.conv(f"extra.{extra}.1", outputs // 2, 1, 3)
        net.conv(f"extra.{extra}.2", outputs, outputs // 2, 1)
        inputs = outputs
    for level, depth in enumerate((672, 480, 512, 256, 256, 128)):
        for head, rows in (("classification", 6 * 91), ("regression", 6 * 4)):
            net.conv(f"head.{head}_head.module_list.{level}.0", depth, 1, 3)
            net.linear(f"head.{head}_head.module_list.{level}.1", rows, depth, 1, 1)

    def theirs(name):
        if name.startswith("head."):
            return name
        if name.startswith("extra."):
            return "backbone." + name
        _, number, *rest = name.split(".")
        if int(number) < 13:
            return "backbone.features.0." + ".".join([number, *rest])
        if number == "13":  # whose first part ends the first half
            return "backbone.features." + ("0.13." if rest[1] == "0" else f"1.0.{rest[1]}.") + ".".join(rest[2:])
        return f"backbone.features.1.{int(number) - 13}." + ".".join(rest)

    return {theirs(name): array for name, array in net.items()}


def count_parameters(path):
    return json.loads(expect_ok(run(CBAM_RUN, "--describe", path, "--json")).stdout)["parameters"]


def test_classifier(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    with tap.point("the classifier"):
        net = classifier()
        document, tensors, _ = convert(save(folder, net), out)
        names = {key: key.replace("classifier.0.", "hidden.").replace("classifier.3.", "fc.") for key in net}
        assert tensors.keys() == set(names.values()), set(tensors) ^ set(names.values())
        assert all((tensor(tensors, names[key]) == array).all() for key, array in net.items())
        assert document["network"] == {"backbone": "mobilenet_v3", "bn_eps": 1e-3}, document
        check_classifier(document, 1000)
        assert count_parameters(out) == PARAMETERS["classifier"]
    with tap.point("without its linear layers it is a trunk"):
        document, tensors, _ = convert(save(folder, Checkpoint(ROWS)), out)
        assert "task" not in document and "hidden.weight" not in tensors, document


def test_ssdlite(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    net = ssdlite()
    with tap.point("ssdlite320_mobilenet_v3_large"):
        document, tensors, _ = convert(save(folder, net), out)
        assert len(tensors) == len(net), (len(tensors), len(net))
        for ours, theirs in (("features.12.block.0.0", "backbone.features.0.12.block.0.0"),
                             ("features.13.block.0.0", "backbone.features.0.13.0"),
                             ("features.13.block.2.fc1", "backbone.features.1.0.2.fc1"),
                             ("features.14.block.1.0", "backbone.features.1.1.block.1.0"),
                             ("features.16.0", "backbone.features.1.3.0"), ("extras.2.1.0", "backbone.extra.2.1.0"),
                             ("conf.3.0", "head.classification_head.module_list.3.0.0"),
                             ("loc.5.3", "head.regression_head.module_list.5.1")):
            assert (tensor(tensors, f"{ours}.weight") == net[f"{theirs}.weight"]).all(), ours
        assert document["input"]["mean"] == [127.5] * 3 and document["input"]["width"] == 320, document
        assert document["anchors"]["min_sizes"] == [64, 112, 160, 208, 256, 304], document["anchors"]
        assert document["anchors"]["max_sizes"][-1] == 320 and document["anchors"]["clip"] == "wh", document["anchors"]
        assert len(document["output"]["classes"]) == 91 and document["nms"]["iou"] == 0.55, document
        assert count_parameters(out) == PARAMETERS["ssdlite"]
    more = {**net, "backbone.features.1.4.0.weight": np.ones(3, np.float32)}
    for label, arrays, words in (
            ("a block that is not there", without(net, "backbone.features.1.2."),
             ("backbone.features.1.2.block.0.0.weight",)),
            ("a tensor too many", more, ("backbone.features.1.4.0.weight", "no part"))):
        with tap.point(f"refused: {label}"):
            check_refusal(folder, save(folder, arrays), *words)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_classifier(tap, folder)
        test_ssdlite(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
