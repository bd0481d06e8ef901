#!/usr/bin/env python3
"""tools/convert on MobileNetV2: torchvision's checkpoints.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from tap import Tap
from test_convert import check_refusal, convert, tensor
from test_convert_resnet import check_classifier, save, without

# Channels that torchvision's mobilenet_v2(width_mult=...) has: stem, rows of the paper's table, last.
CHANNELS = {1: (32, 16, 24, 32, 64, 96, 160, 320, 1280), 0.5: (16, 8, 16, 16, 32, 48, 80, 160, 1280),
            1.4: (48, 24, 32, 48, 88, 136, 224, 448, 1792), 0.1: (8, 8, 8, 8, 8, 16, 16, 32, 1280)}
BLOCKS = (1, 2, 3, 4, 3, 3, 1)


class Checkpoint(dict):
    """{name: array} of a classifier, every number another."""

    def __init__(self, channels):
        super().__init__()
        self.rng = np.random.default_rng(5)
        stem, *rows, last = channels
        self.conv("features.0.0", "features.0.1", stem, 3, 3)
        inputs, number = stem, 0
        for outputs, blocks in zip(rows, BLOCKS):
            for _ in range(blocks):
                number += 1
                place, inner, step = f"features.{number}.conv", inputs * (6 if number > 1 else 1), 0
                if number > 1:
                    self.conv(f"{place}.0.0", f"{place}.0.1", inner, inputs, 1)
                    step = 1
                self.conv(f"{place}.{step}.0", f"{place}.{step}.1", inner, 1, 3)
                self.conv(f"{place}.{step + 1}", f"{place}.{step + 2}", outputs, inner, 1)
                inputs = outputs
        self.conv("features.18.0", "features.18.1", last, inputs, 1)
        self.fill("classifier.1.weight", 10, last)
        self.fill("classifier.1.bias", 10)

    def fill(self, name, *shape):
        self[name] = self.rng.random(shape, np.float32)

    def conv(self, name, norm, outputs, inputs, kernel):
        self.fill(f"{name}.weight", outputs, inputs, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.fill(f"{norm}.{part}", outputs)
        self[f"{norm}.num_batches_tracked"] = np.array(3)


def test_classifiers(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    for width, channels in CHANNELS.items():
        with tap.point(f"a classifier of width {width:g}"):
            net = Checkpoint(channels)
            document, tensors, _ = convert(save(folder, net), out)
            expected = {key.replace("classifier.1.", "fc."): array for key, array in net.items()
                        if "num_batches" not in key}
            assert tensors.keys() == expected.keys(), set(tensors) ^ set(expected)
            assert all((tensor(tensors, key) == array).all() for key, array in expected.items())
            assert document["network"] == {"backbone": "mobilenet_v2", "width": width, "activation": "relu6"}, document
            assert document["name"] == f"mobilenet-v2-x{width:g}", document
            check_classifier(document)
    with tap.point("without its linear layer it is a trunk"):
        document, tensors, _ = convert(save(folder, without(Checkpoint(CHANNELS[0.1]), "classifier.")), out)
        assert "task" not in document and "fc.weight" not in tensors, document


def test_refusals(tap, folder):
    net, channels = Checkpoint(CHANNELS[0.1]), list(CHANNELS[0.1])
    channels[4] = 24
    for label, arrays, words in (
            ("a row of other channels", Checkpoint(channels), ("MobileNetV2's channels at a width of 0.1, 0.25", "24")),
            ("a batch norm that is not there", without(net, "features.9.conv.1.1."), ("features.9.conv.1.0.bias",)),
            ("a block that is not there", without(net, "features.9."), ("no tensor 'features.9.conv.2.weight'",)),
            ("a tensor too many", {**net, "features.19.0.weight": np.ones(3, np.float32)},
             ("features.19.0.weight", "no part"))):
        with tap.point(f"refused: {label}"):
            check_refusal(folder, save(folder, arrays), *words)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_classifiers(tap, folder)
        test_refusals(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
