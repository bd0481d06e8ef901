"""A small model file with attention, for tests of programs: seeded noise, so it finds things everywhere.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import random
import struct

MAPS = (12, 6, 3)  # cells a side, finest first


def attention_model(folder, name, attention, nms=None):
    """A file with a StairNet on a narrow MobileNetV1 at 96x96, CBAM's gates before its heads and seeded noise as
    weights; `attention` and `nms` are those of its document."""
    trunk = (16, 32, 32, 64, 64, *[128] * 6, 256, 256)  # a quarter of the paper's
    noise, tensors, classes, width = random.Random(7), {}, 4, 16

    def fill(key, *shape, spread=None):
        count, fan_in = 1, 1
        for dimension in shape:
            count *= dimension
        for dimension in shape[1:]:
            fan_in *= dimension
        spread = (2 / fan_in) ** 0.5 if spread is None else spread
        tensors[key] = (shape, struct.pack(f"<{count}f", *(noise.gauss(0, spread) for _ in range(count))))

    def layer(key, *shape):
        fill(key + ".weight", *shape)
        fill(key + ".bias", shape[0], spread=0.1)

    layer("base_net.0.0", 8, 3, 3, 3)
    channels = 8
    for block, wider in enumerate(trunk, 1):
        layer(f"base_net.{block}.0", channels, 1, 3, 3)
        layer(f"base_net.{block}.3", wider, channels, 1, 1)
        channels = wider
    for level, source in enumerate((64, 128, 256)):
        layer(f"topdown.proj_layers.{2 - level}.conv", width, source, 1, 1)
        layer(f"att.{level}.ChannelGate.mlp.1", 4, width)
        layer(f"att.{level}.ChannelGate.mlp.3", width, 4)
        fill(f"att.{level}.SpatialGate.spatial.conv.weight", 1, 2, 7, 7)
        for part, value in (("weight", 1), ("bias", 0.5), ("running_mean", 0.1), ("running_var", 2)):
            tensors[f"att.{level}.SpatialGate.spatial.bn.{part}"] = ((1,), struct.pack("<f", value))
        layer(f"loc.{level}", 2 * 4, width, 3, 3)
        layer(f"conf.{level}", 2 * classes, width, 3, 3)

    document = {
        "version": 1, "name": name,
        "network": {"detector": "stairnet", "backbone": "mobilenet_v1", "width": 0.25, "levels": 3,
                    "sources": ["base_net.5.3", "base_net.11.3", "base_net.13.3"], "upsample": "nearest",
                    "attention": attention},
        "input": {"width": 96, "height": 96, "channels": "rgb", "mean": [127] * 3, "scale": [1 / 128] * 3},
        "anchors": {"maps": [[side, side] for side in MAPS], "min_sizes": [16, 32, 64], "max_sizes": [32, 64, 90]},
        "output": {"classes": ["background", "cat", "dog", "horse"], "score": "softmax"},
        "nms": nms}
    header, data = {"__metadata__": {"cbamdetect": json.dumps(document)}}, b""
    for key, (shape, values) in tensors.items():
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path = os.path.join(folder, name + ".safetensors")
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    return path
