"""GhostNet (Han et al. 2020, arXiv 1911.11907) of any width, a classifier: huawei-noah/ghostnet's, whose names are ours but for
its last layers, and timm's ghostnet_*, which has the same; without the last ones a trunk to start training from.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.dialects.mobilenet_v2 import round_channels
from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.document import classifier_of
from converter.layers import Layers
from shared.faults import DataError

STEM, LAST, HIDDEN, DIVISOR = 16, 960, 1280, 4
# of each stage: (kernel, hidden, channels, squeezes, stride) of each block
STAGES = (
    ((3, 16, 16, False, 1),), ((3, 48, 24, False, 2),), ((3, 72, 24, False, 1),), ((5, 72, 40, True, 2),),
    ((5, 120, 40, True, 1),), ((3, 240, 80, False, 2),),
    ((3, 200, 80, False, 1), (3, 184, 80, False, 1), (3, 184, 80, False, 1), (3, 480, 112, True, 1),
     (3, 672, 112, True, 1)),
    ((5, 672, 160, True, 2),),
    ((5, 960, 160, False, 1), (5, 960, 160, True, 1), (5, 960, 160, False, 1), (5, 960, 160, True, 1)),
)
END = "blocks.9.0.conv"


def take_ghost(layers, place, inputs, outputs):
    half = outputs // 2
    layers.conv(f"{place}.primary_conv.0", half, inputs, 1, f"{place}.primary_conv.1")
    layers.conv(f"{place}.cheap_operation.0", half, 1, 3, f"{place}.cheap_operation.1")


def take_block(layers, place, inputs, hidden, outputs, row):
    kernel, _, _, squeezes, stride = row
    take_ghost(layers, f"{place}.ghost1", inputs, hidden)
    if stride > 1:
        layers.conv(f"{place}.conv_dw", hidden, 1, kernel, f"{place}.bn_dw")
    if squeezes:
        squeezed = round_channels(hidden / 4, DIVISOR)
        layers.conv(f"{place}.se.conv_reduce", squeezed, hidden, 1)
        layers.conv(f"{place}.se.conv_expand", hidden, squeezed, 1)
    take_ghost(layers, f"{place}.ghost2", hidden, outputs)
    if stride > 1 or inputs != outputs:
        layers.conv(f"{place}.shortcut.0", inputs, 1, kernel, f"{place}.shortcut.1")
        layers.conv(f"{place}.shortcut.2", outputs, inputs, 1, f"{place}.shortcut.3")


def take_trunk(layers, width):
    """Returns the channels that it ends in."""
    def channels(wanted):
        return round_channels(wanted * width, DIVISOR)

    inputs = channels(STEM)
    layers.conv("conv_stem", inputs, 3, 3, "bn1")
    for stage, rows in enumerate(STAGES):
        for block, row in enumerate(rows):
            outputs = channels(row[2])
            take_block(layers, f"blocks.{stage}.{block}", inputs, channels(row[1]), outputs, row)
            inputs = outputs
    layers.conv(END, channels(LAST), inputs, 1, "blocks.9.0.bn1")
    return channels(LAST)


def take_hidden(layers, end):
    """A 1x1 convolution there, on the mean."""
    layers.take("hidden.weight", HIDDEN, end, 1, 1)
    layers.tensors["hidden.weight"] = layers.tensors["hidden.weight"].reshape(HIDDEN, end)
    layers.take("hidden.bias", HIDDEN)


def detect_ghostnet(source):
    return all(f"{name}.weight" in source.tensors
               for name in ("conv_stem", "blocks.0.0.ghost1.primary_conv.0", "blocks.1.0.conv_dw", END))


def convert_ghostnet(source):
    layers = Layers(source, [("hidden.", "conv_head."), ("fc.", "classifier.")])
    width = layers.shape(f"{END}.weight", 4)[0] / LAST
    if not 0.1 <= width <= 4:
        raise DataError(f"'{source.base}': expected {LAST} channels times the width in '{END}.weight', found "
                        f"{width * LAST:g}")
    end = take_trunk(layers, width)
    document = {
        "version": 1,
        "name": "ghostnet" + (f"-x{width:g}" if width != 1 else ""),
        "description": "GhostNet's trunk, to start training from; no detector yet",
        "network": {"backbone": "ghostnet", **({"width": width} if width != 1 else {})},
        "input": TORCHVISION,
        "provenance": {"recipe": "as huawei-noah/ghostnet has it; converted by tools/convert", "source": source.base},
    }
    if layers.has("fc.weight"):
        take_hidden(layers, end)
        document = classifier_of(layers, document, HIDDEN)
    return layers.finish(), document
