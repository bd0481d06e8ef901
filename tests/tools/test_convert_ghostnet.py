#!/usr/bin/env python3
"""tools/convert on GhostNet, as its authors and timm name it.

    test_convert_ghostnet.py CBAM-RUN

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
# stage, number, kernel, input, hidden, channels, channels that squeeze, stride
BLOCKS = ((0, 0, 3, 16, 16, 16, 0, 1), (1, 0, 3, 16, 48, 24, 0, 2), (2, 0, 3, 24, 72, 24, 0, 1),
          (3, 0, 5, 24, 72, 40, 20, 2), (4, 0, 5, 40, 120, 40, 32, 1), (5, 0, 3, 40, 240, 80, 0, 2),
          (6, 0, 3, 80, 200, 80, 0, 1), (6, 1, 3, 80, 184, 80, 0, 1), (6, 2, 3, 80, 184, 80, 0, 1),
          (6, 3, 3, 80, 480, 112, 120, 1), (6, 4, 3, 112, 672, 112, 168, 1), (7, 0, 5, 112, 672, 160, 168, 2),
          (8, 0, 5, 160, 960, 160, 0, 1), (8, 1, 5, 160, 960, 160, 240, 1), (8, 2, 5, 160, 960, 160, 0, 1),
          (8, 3, 5, 160, 960, 160, 240, 1))
# The same times 0.5, channels to multiples of four.
HALVES = ((0, 0, 3, 8, 8, 8, 0, 1), (1, 0, 3, 8, 24, 12, 0, 2), (2, 0, 3, 12, 36, 12, 0, 1),
          (3, 0, 5, 12, 36, 20, 12, 2), (4, 0, 5, 20, 60, 20, 16, 1), (5, 0, 3, 20, 120, 40, 0, 2),
          (6, 0, 3, 40, 100, 40, 0, 1), (6, 1, 3, 40, 92, 40, 0, 1), (6, 2, 3, 40, 92, 40, 0, 1),
          (6, 3, 3, 40, 240, 56, 60, 1), (6, 4, 3, 56, 336, 56, 84, 1), (7, 0, 5, 56, 336, 80, 84, 2),
          (8, 0, 5, 80, 480, 80, 0, 1), (8, 1, 5, 80, 480, 80, 120, 1), (8, 2, 5, 80, 480, 80, 0, 1),
          (8, 3, 5, 80, 480, 80, 120, 1))
PARAMETERS = 5182508


class Checkpoint(dict):
    """{name: array} as the authors name it, every number another."""

    def __init__(self, blocks, last, classes=10):
        super().__init__()
        self.rng = np.random.default_rng(5)
        self.conv("conv_stem", "bn1", blocks[0][3], 3, 3)
        for stage, number, kernel, inputs, hidden, outputs, squeezed, stride in blocks:
            name = f"blocks.{stage}.{number}"
            self.ghost(f"{name}.ghost1", inputs, hidden)
            if stride == 2:
                self.conv(f"{name}.conv_dw", f"{name}.bn_dw", hidden, 1, kernel)
            if squeezed:
                self.linear(f"{name}.se.conv_reduce", squeezed, hidden, 1, 1)
                self.linear(f"{name}.se.conv_expand", hidden, squeezed, 1, 1)
            self.ghost(f"{name}.ghost2", hidden, outputs)
            if stride == 2 or inputs != outputs:
                self.conv(f"{name}.shortcut.0", f"{name}.shortcut.1", inputs, 1, kernel)
                self.conv(f"{name}.shortcut.2", f"{name}.shortcut.3", outputs, inputs, 1)
        self.conv("blocks.9.0.conv", "blocks.9.0.bn1", last, blocks[-1][5], 1)
        self.linear("conv_head", 1280, last, 1, 1)
        self.linear("classifier", classes, 1280)

    def fill(self, name, *shape):
        self[name] = self.rng.random(shape, np.float32)

    def linear(self, name, *shape):
        self.fill(f"{name}.weight", *shape)
        self.fill(f"{name}.bias", shape[0])

    def conv(self, name, norm, outputs, inputs, kernel):
        self.fill(f"{name}.weight", outputs, inputs, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.fill(f"{norm}.{part}", outputs)

    def ghost(self, name, inputs, outputs):
        self.conv(f"{name}.primary_conv.0", f"{name}.primary_conv.1", outputs // 2, inputs, 1)
        self.conv(f"{name}.cheap_operation.0", f"{name}.cheap_operation.1", outputs // 2, 1, 3)


def ours(name):
    return name.replace("conv_head.", "hidden.").replace("classifier.", "fc.")


def count_parameters(path):
    return json.loads(expect_ok(run(CBAM_RUN, "--describe", path, "--json")).stdout)["parameters"]


def check(net, document, tensors):
    assert tensors.keys() == set(map(ours, net)), set(tensors) ^ set(map(ours, net))
    assert all((tensor(tensors, ours(name)).ravel() == array.ravel()).all() for name, array in net.items())
    check_classifier(document, len(net["classifier.bias"]))
    assert tensor(tensors, "hidden.weight").ndim == 2


def test_classifiers(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    with tap.point("the classifier"):
        net = Checkpoint(BLOCKS, 960, 1000)
        document, tensors, _ = convert(save(folder, net), out)
        check(net, document, tensors)
        assert document["network"] == {"backbone": "ghostnet"} and document["name"] == "ghostnet", document
        assert count_parameters(out) == PARAMETERS, count_parameters(out)
    with tap.point("half as wide"):
        net = Checkpoint(HALVES, 480)
        document, tensors, _ = convert(save(folder, net), out)
        check(net, document, tensors)
        assert document["network"]["width"] == 0.5 and document["name"] == "ghostnet-x0.5", document
        assert count_parameters(out) == sum(array.size for name, array in net.items() if "running" not in name)
    with tap.point("without its last layers it is a trunk"):
        document, tensors, _ = convert(save(folder, without(without(net, "conv_head."), "classifier.")), out)
        assert "task" not in document and "hidden.weight" not in tensors, document


def test_refusals(tap, folder):
    net = Checkpoint(HALVES, 480)
    for label, arrays, words in (
            ("a block that is not there", without(net, "blocks.6.3."), ("blocks.6.3.ghost1.primary_conv.0.weight",)),
            ("another width in one place", {**net, "conv_stem.weight": np.ones((16, 3, 3, 3), np.float32)},
             ("conv_stem.weight", "[8, 3, 3, 3]", "[16, 3, 3, 3]")),
            ("a tensor too many", {**net, "blocks.6.5.conv_dw.weight": np.ones(3, np.float32)},
             ("blocks.6.5.conv_dw.weight", "no part"))):
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
