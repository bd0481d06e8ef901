"""MobileNetV2's trunk (Sandler et al. 2018, arXiv 1801.04381) as torchvision saves it, of any width: a trunk to start
training from, and no detector yet. Its names are ours.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.layers import Layers
from shared.faults import DataError

STEM, LAST, DIVISOR = 32, 1280, 8
ROWS = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))  # widening, channels, blocks
# Those that have weights somewhere, the paper's among them; a file's channels tell which it is.
WIDTHS = (1, 0.75, 0.5, 0.35, 0.25, 0.1, 1.3, 1.4, 1.1, 1.2, 2)


def round_channels(channels):
    """To the nearest multiple of 8 that is not a tenth less."""
    nearest = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest + DIVISOR if nearest < 0.9 * channels else nearest


def depths_of(width):
    """The channels of everything between the widenings, in order."""
    rows = [round_channels(channels * width) for _, channels, blocks in ROWS for _ in range(blocks)]
    return [round_channels(STEM * width), *rows, round_channels(LAST * max(1, width))]


def detect_mobilenet_v2(source):
    return all(f"features.{name}.weight" in source.tensors for name in ("0.0", "1.conv.0.0", "17.conv.2"))


def find_width(layers, name):
    names = ["0.0", "1.conv.1", *(f"{block}.conv.2" for block in range(2, 18)), "18.0"]
    found = [layers.shape(f"features.{convolution}.weight", 4)[0] for convolution in names]
    for width in WIDTHS:
        if depths_of(width) == found:
            return width
    raise DataError(f"'{name}': expected MobileNetV2's channels at a width of {', '.join(map(str, sorted(WIDTHS)))}, "
                    f"found {', '.join(map(str, found))}")


def convert_mobilenet_v2(source):
    layers = Layers(source)
    width = find_width(layers, source.base)
    depths = depths_of(width)
    layers.conv("features.0.0", depths[0], 3, 3, "features.0.1")
    widenings = [widening for widening, _, blocks in ROWS for _ in range(blocks)]
    for block, (widening, inputs, outputs) in enumerate(zip(widenings, depths, depths[1:]), 1):
        take_block(layers, f"features.{block}.conv", widening, inputs, outputs)
    layers.conv("features.18.0", depths[-1], depths[-2], 1, "features.18.1")
    layers.drop("classifier.")
    return layers.finish(), {
        "version": 1,
        "name": f"mobilenet-v2-x{width:g}",
        "description": "MobileNetV2's trunk, to start training from; no detector yet",
        "network": {"backbone": "mobilenet_v2", "width": width, "activation": "relu6"},
        "input": TORCHVISION,
        "provenance": {"recipe": "the trunk as torchvision has it; converted by tools/convert", "source": source.base},
    }


def take_block(layers, name, widening, inputs, outputs):
    """1x1 (but in the one that does not widen), depthwise 3x3, 1x1."""
    inner, number = widening * inputs, 0
    if widening > 1:
        layers.conv(f"{name}.0.0", inner, inputs, 1, f"{name}.0.1")
        number = 1
    layers.conv(f"{name}.{number}.0", inner, 1, 3, f"{name}.{number}.1")
    layers.conv(f"{name}.{number + 1}", outputs, inner, 1, f"{name}.{number + 2}")
