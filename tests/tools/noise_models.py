"""Small model files with seeded noise as weights, for tests of programs: a detector with attention, which finds things
everywhere, and a classifier.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import random
import struct

MAPS = (12, 6, 3)  # cells a side of the detector's levels, finest first
SIDE = 96
TRUNK = (16, 32, 32, 64, 64, *[128] * 6, 256, 256)  # MobileNetV1's channels, a quarter of the paper's
INPUT = {"width": SIDE, "height": SIDE, "channels": "rgb", "mean": [127] * 3, "scale": [1 / 128] * 3}


class Tensors:
    """Named tensors of noise."""

    def __init__(self):
        self.noise, self.values = random.Random(7), {}

    def add(self, key, shape, values):
        self.values[key] = (shape, struct.pack(f"<{len(values)}f", *values))

    def fill(self, key, *shape, spread=None):
        count, fan_in = 1, 1
        for dimension in shape:
            count *= dimension
        for dimension in shape[1:]:
            fan_in *= dimension
        spread = (2 / fan_in) ** 0.5 if spread is None else spread
        self.add(key, shape, [self.noise.gauss(0, spread) for _ in range(count)])

    def layer(self, key, *shape):
        self.fill(key + ".weight", *shape)
        self.fill(key + ".bias", shape[0], spread=0.1)

    def trunk(self):
        self.layer("base_net.0.0", 8, 3, 3, 3)
        channels = 8
        for block, wider in enumerate(TRUNK, 1):
            self.layer(f"base_net.{block}.0", channels, 1, 3, 3)
            self.layer(f"base_net.{block}.3", wider, channels, 1, 1)
            channels = wider

    def write(self, folder, document):
        """Returns the path of the file, which is called as the model is."""
        header, data = {"__metadata__": {"cbamdetect": json.dumps(document)}}, b""
        for key, (shape, values) in self.values.items():
            header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
            data += values
        text = json.dumps(header).encode()
        path = os.path.join(folder, document["name"] + ".safetensors")
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + data)
        return path


def attention_model(folder, name, attention, nms=None):
    """A file with a StairNet on a narrow MobileNetV1, CBAM's gates before its heads; `attention` and `nms` are those of
    its document."""
    tensors, classes, width = Tensors(), 4, 16
    tensors.trunk()
    for level, source in enumerate((64, 128, 256)):
        tensors.layer(f"topdown.proj_layers.{2 - level}.conv", width, source, 1, 1)
        tensors.layer(f"att.{level}.ChannelGate.mlp.1", 4, width)
        tensors.layer(f"att.{level}.ChannelGate.mlp.3", width, 4)
        tensors.fill(f"att.{level}.SpatialGate.spatial.conv.weight", 1, 2, 7, 7)
        for part, value in (("weight", 1), ("bias", 0.5), ("running_mean", 0.1), ("running_var", 2)):
            tensors.add(f"att.{level}.SpatialGate.spatial.bn.{part}", (1,), [value])
        tensors.layer(f"loc.{level}", 2 * 4, width, 3, 3)
        tensors.layer(f"conf.{level}", 2 * classes, width, 3, 3)
    return tensors.write(folder, {
        "version": 1, "name": name,
        "network": {"detector": "stairnet", "backbone": "mobilenet_v1", "width": 0.25, "levels": 3,
                    "sources": ["base_net.5.3", "base_net.11.3", "base_net.13.3"], "upsample": "nearest",
                    "attention": attention},
        "input": INPUT,
        "anchors": {"maps": [[side, side] for side in MAPS], "min_sizes": [16, 32, 64], "max_sizes": [32, 64, 90]},
        "output": {"classes": ["background", "cat", "dog", "horse"], "score": "softmax"},
        "nms": nms})


def classifier_model(folder, name, labels):
    """A file with a narrow MobileNetV1 that tells `labels` apart."""
    tensors = Tensors()
    tensors.trunk()
    tensors.fill("fc.weight", len(labels), TRUNK[-1], spread=1)
    tensors.fill("fc.bias", len(labels), spread=0.1)
    return tensors.write(folder, {
        "version": 1, "task": "classify", "name": name,
        "network": {"backbone": "mobilenet_v1", "width": 0.25},
        "input": INPUT, "output": {"classes": labels, "score": "softmax"}})
