#!/usr/bin/env python3
"""Makes a folder like the published coco-ssd-mobilenet, with seeded noise as weights and classes of its own.

    fake_source.py FOLDER

So the programs can be tested where no trained weights are.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

# Output channels of the pointwise convs 1..13, at TensorFlow's multiplier of 0.75.
TRUNK = (48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768)
STRIDE_TWO = (2, 4, 6, 12)
EXTRAS = ((192, 384), (96, 192), (96, 192), (48, 96))
MAPS = (19, 10, 5, 3, 2, 1)
CLASSES = 91


def layer_list():
    """(name, op, kernel, stride, input channels, output channels, has ReLU6), in running order."""
    layers, c = [("MobilenetV1/MobilenetV1/Conv2d_0", "CONV", 3, 2, 3, 24, True)], 24
    sources = []
    for block, out in enumerate(TRUNK, 1):
        name = f"MobilenetV1/MobilenetV1/Conv2d_{block}_"
        layers.append((name + "depthwise", "DWCONV", 3, 2 if block in STRIDE_TWO else 1, c, c, True))
        layers.append((name + "pointwise", "CONV", 1, 1, c, out, True))
        c = out
        if block in (11, 13):
            sources.append(c)
    for index, (narrow, out) in enumerate(EXTRAS, 2):
        name = "MobilenetV1/Conv2d_13_pointwise_"
        layers.append((f"{name}1_Conv2d_{index}_1x1_{narrow}", "CONV", 1, 1, c, narrow, True))
        layers.append((f"{name}2_Conv2d_{index}_3x3_s2_{out}", "CONV", 3, 2, narrow, out, True))
        c = out
        sources.append(c)
    for level, c in enumerate(sources):
        anchors = 3 if level == 0 else 6
        layers.append((f"BoxPredictor_{level}/BoxEncodingPredictor", "CONV", 1, 1, c, 4 * anchors, False))
        layers.append((f"BoxPredictor_{level}/ClassPredictor", "CONV", 1, 1, c, CLASSES * anchors, False))
    return layers


def make_arrays(layers):
    """Weights that keep the spread of what passes through them (He's), and anchors on a grid."""
    noise, arrays, described = np.random.default_rng(1), {}, []
    for name, op, kernel, stride, inputs, outputs, relu6 in layers:
        shape = (1, kernel, kernel, outputs) if op == "DWCONV" else (outputs, kernel, kernel, inputs)
        fan_in = kernel * kernel * (1 if op == "DWCONV" else inputs)
        arrays[name + "/w"] = (noise.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        arrays[name + "/b"] = (0.1 * noise.standard_normal(outputs)).astype(np.float32)
        described.append({"name": name, "op": op, "shape": list(shape), "stride": stride, "pad": "SAME (TF)",
                          "relu6": relu6})
    arrays["anchors_yxhw"] = np.array([[(y + 0.5) / side, (x + 0.5) / side, 1 / (a + 1), 1 / (side + a)]
                                       for level, side in enumerate(MAPS) for y in range(side) for x in range(side)
                                       for a in range(3 if level == 0 else 6)], np.float32)
    return arrays, described


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    arrays, layers = make_arrays(layer_list())
    np.savez(os.path.join(folder, "weights_float32.npz"), **arrays)
    with open(os.path.join(folder, "layers.json"), "w", encoding="utf-8") as file:
        json.dump(layers, file)
    with open(os.path.join(folder, "labelmap.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{'???' if number % 10 == 3 else f'thing {number}'}\n" for number in range(1, CLASSES))


if __name__ == "__main__":
    main()
