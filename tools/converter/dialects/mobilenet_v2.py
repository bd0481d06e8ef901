"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) of any width: torchvision's, a classifier, or without its linear
layer a trunk to start training from, whose names are ours; and qfgaohao/pytorch-ssd's mb2-ssd-lite.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.dialects.mobilenet_v1 import EXTRAS, MAPS, QFGAOHAO, QFGAOHAO_SIZES, STEPS
from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.document import anchors_of, classifier_of, document_of, input_of
from converter.layers import Layers
from shared.faults import DataError

STEM, LAST, DIVISOR = 32, 1280, 8
ROWS = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))  # widening, channels, blocks
# Those that have weights somewhere, the paper's among them; a file's channels tell which it is.
WIDTHS = (1, 0.75, 0.5, 0.35, 0.25, 0.1, 1.3, 1.4, 1.1, 1.2, 2)


def round_channels(channels, divisor=DIVISOR):
    """To the nearest multiple that is not a tenth less."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


def depths_of(width):
    """The channels of everything between the widenings, in order."""
    rows = [round_channels(channels * width) for _, channels, blocks in ROWS for _ in range(blocks)]
    return [round_channels(STEM * width), *rows, round_channels(LAST * max(1, width))]


def find_width(layers, name):
    names = ["0.0", "1.conv.1", *(f"{block}.conv.2" for block in range(2, 18)), "18.0"]
    found = [layers.shape(f"features.{convolution}.weight", 4)[0] for convolution in names]
    for width in WIDTHS:
        if depths_of(width) == found:
            return width
    raise DataError(f"'{name}': expected MobileNetV2's channels at a width of {', '.join(map(str, sorted(WIDTHS)))}, "
                    f"found {', '.join(map(str, found))}")


def take_trunk(layers, name):
    """Returns its width and the channels between its widenings."""
    width = find_width(layers, name)
    depths = depths_of(width)
    layers.conv("features.0.0", depths[0], 3, 3, "features.0.1")
    widenings = [widening for widening, _, blocks in ROWS for _ in range(blocks)]
    for block, (widening, inputs, outputs) in enumerate(zip(widenings, depths, depths[1:]), 1):
        take_block(layers, f"features.{block}.conv", widening * inputs, inputs, outputs, widening > 1)
    layers.conv("features.18.0", depths[-1], depths[-2], 1, "features.18.1")
    return width, depths


def take_block(layers, name, inner, inputs, outputs, widens=True):
    """1x1 (but in the one that does not widen), depthwise 3x3, 1x1."""
    number = 0
    if widens:
        layers.conv(f"{name}.0.0", inner, inputs, 1, f"{name}.0.1")
        number = 1
    layers.conv(f"{name}.{number}.0", inner, 1, 3, f"{name}.{number}.1")
    layers.conv(f"{name}.{number + 1}", outputs, inner, 1, f"{name}.{number + 2}")


# ---- torchvision ----------------------------------------------------------------------------------------------------


def detect_torchvision(source):
    return all(f"features.{name}.weight" in source.tensors for name in ("0.0", "1.conv.0.0", "17.conv.2"))


def convert_torchvision(source):
    layers = Layers(source, [("fc.", "classifier.1.")])
    width, depths = take_trunk(layers, source.base)
    document = {
        "version": 1,
        "name": f"mobilenet-v2-x{width:g}",
        "description": "MobileNetV2's trunk, to start training from; no detector yet",
        "network": {"backbone": "mobilenet_v2", "width": width, "activation": "relu6"},
        "input": TORCHVISION,
        "provenance": {"recipe": "as torchvision has it; converted by tools/convert", "source": source.base},
    }
    if layers.has("fc.weight"):
        document = classifier_of(layers, document, depths[-1])
    return layers.finish(), document


# ---- qfgaohao -------------------------------------------------------------------------------------------------------

# Theirs number the layers of a block in a row, activations included.
WIDENING = (("0.0", 0), ("0.1", 1), ("1.0", 3), ("1.1", 4), ("2", 6), ("3", 7))
PLAIN = (("0.0", 0), ("0.1", 1), ("1", 3), ("2", 4))
LITE = (
    *((f"features.{block}.conv.{ours}.", f"base_net.{block}.conv.{theirs}.")
      for block in range(1, 18) for ours, theirs in (WIDENING if block > 1 else PLAIN)),
    *((f"features.{block}.", f"base_net.{block}.") for block in (0, 18)),
    *((f"extras.{extra}.conv.{ours}.", f"extras.{extra}.conv.{theirs}.")
      for extra in range(EXTRAS) for ours, theirs in WIDENING),
    *QFGAOHAO,
)
SOURCE_BLOCK = 14  # whose widened map has heads


def detect_qfgaohao(source):
    return all(f"{name}.weight" in source.tensors for name in ("base_net.1.conv.0", "classification_headers.0.0"))


def convert_qfgaohao(source):
    layers = Layers(source, LITE)
    width, depths = take_trunk(layers, source.base)
    sources = [layers.shape(f"features.{SOURCE_BLOCK}.conv.0.0.weight", 4)[0], depths[-1]]
    for extra in range(EXTRAS):
        place = f"extras.{extra}.conv"
        inner, outputs = (layers.shape(f"{place}.{name}.weight", 4)[0] for name in ("0.0", "2"))
        take_block(layers, place, inner, sources[-1], outputs)
        sources.append(outputs)
    boxes, classes = layers.heads(sources)
    network = {"detector": "ssd", "backbone": "mobilenet_v2", "width": width, "activation": "relu6",
               "levels": len(sources), "attention": layers.attention(sources)}
    document = document_of(source, "ssdlite300-mobilenet-v2", "qfgaohao/pytorch-ssd", classes, network,
                           input_of(300, "rgb", (127, 127, 127), 1 / 128),
                           anchors_of(MAPS, STEPS, QFGAOHAO_SIZES[:-1], QFGAOHAO_SIZES[1:], boxes, "cxcywh"), "qfgaohao")
    return layers.finish(), document
