"""MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244) as torchvision saves it: the classifier, without its linear
layers a trunk to start training from; and the detector ssdlite320_mobilenet_v3_large.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.dialects.mobilenet_v2 import round_channels
from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.document import anchors_of, classifier_of, document_of
from converter.layers import Layers
from shared.faults import DataError

STEM, HIDDEN = 16, 1280
# kernel, hidden, channels, squeezes
ROWS = ((3, 16, 16, False), (3, 64, 24, False), (3, 72, 24, False), (5, 72, 40, True), (5, 120, 40, True),
        (5, 120, 40, True), (3, 240, 80, False), (3, 200, 80, False), (3, 184, 80, False), (3, 184, 80, False),
        (3, 480, 112, True), (3, 672, 112, True), (5, 672, 160, True), (5, 960, 160, True), (5, 960, 160, True))
TAIL = 12  # the row from which on SSDLite's are half as wide
LAST = 6   # the last convolution's channels by those before
EPSILON = 1e-3


def squeezed(channels):
    return round_channels(channels / 4)


def take_trunk(layers, halves):
    """Returns the channels of what heads look at: the widened map before the last stride, and the end."""
    layers.conv("features.0.0", STEM, 3, 3, "features.0.1")
    inputs, widened = STEM, None
    for row, (kernel, hidden, outputs, squeezes) in enumerate(ROWS):
        hidden, outputs = hidden // (1 + (halves and row > TAIL)), outputs // (1 + (halves and row >= TAIL))
        place, number = f"features.{row + 1}.block", 0
        if hidden != inputs:
            layers.conv(f"{place}.0.0", hidden, inputs, 1, f"{place}.0.1")
            number = 1
        layers.conv(f"{place}.{number}.0", hidden, 1, kernel, f"{place}.{number}.1")
        if squeezes:
            number += 1
            layers.conv(f"{place}.{number}.fc1", squeezed(hidden), hidden, 1)
            layers.conv(f"{place}.{number}.fc2", hidden, squeezed(hidden), 1)
        layers.conv(f"{place}.{number + 1}.0", outputs, hidden, 1, f"{place}.{number + 1}.1")
        inputs, widened = outputs, hidden if row == TAIL else widened
    layers.conv("features.16.0", LAST * inputs, inputs, 1, "features.16.1")
    return widened, LAST * inputs


# ---- The classifier -------------------------------------------------------------------------------------------------


def detect_classifier(source):
    return all(f"features.{name}.weight" in source.tensors for name in ("1.block.0.0", "4.block.2.fc1", "16.0"))


def convert_classifier(source):
    layers = Layers(source, [("hidden.", "classifier.0."), ("fc.", "classifier.3.")])
    _, end = take_trunk(layers, False)
    document = {
        "version": 1,
        "name": "mobilenet-v3",
        "description": "MobileNetV3-Large's trunk, to start training from; no detector yet",
        "network": {"backbone": "mobilenet_v3", "bn_eps": EPSILON},
        "input": TORCHVISION,
        "provenance": {"recipe": "as torchvision has it; converted by tools/convert", "source": source.base},
    }
    if layers.has("fc.weight"):
        layers.take("hidden.weight", HIDDEN, end)
        layers.take("hidden.bias", HIDDEN)
        document = classifier_of(layers, document, HIDDEN)
    return layers.finish(), document


# ---- SSDLite --------------------------------------------------------------------------------------------------------

# Theirs cut the trunk in two where heads look at it: within a block, whose parts keep their numbers.
SSDLITE = (
    ("features.13.block.0.", "backbone.features.0.13."),
    *((f"features.13.block.{part}.", f"backbone.features.1.0.{part}.") for part in (1, 2, 3)),
    *((f"features.{block}.", f"backbone.features.1.{block - 13}.") for block in (14, 15, 16)),
    ("features.", "backbone.features.0."),
    ("extras.", "backbone.extra."),
    *((f"{ours}.{level}.{part}.", f"head.{theirs}_head.module_list.{level}.{theirs_part}.")
      for ours, theirs in (("loc", "regression"), ("conf", "classification")) for level in range(6)
      for part, theirs_part in (("0", "0.0"), ("1", "0.1"), ("3", "1"))),
)
SIZE, MAPS, EXTRAS = 320, (20, 10, 5, 3, 2, 1), 4
SCALES = [0.2 + 0.15 * level for level in range(6)] + [1]  # sides of the anchors in parts of the input
POST = {"profile": "torchvision", "iou": 0.55, "top_k": 300, "keep": 300}


def detect_ssdlite(source):
    return all(f"{name}.weight" in source.tensors for name in (
        "backbone.features.0.13.0", "backbone.features.1.0.2.fc1", "head.classification_head.module_list.0.1"))


def convert_ssdlite(source):
    layers = Layers(source, SSDLITE)
    halves = layers.shape("features.16.0.weight", 4)[1] != ROWS[-1][2]
    depths = list(take_trunk(layers, halves))
    for extra in range(EXTRAS):
        place = f"extras.{extra}"
        outputs, inner = layers.shape(f"{place}.2.0.weight", 4)[:2]
        layers.conv(f"{place}.0.0", inner, depths[-1], 1, f"{place}.0.1")
        layers.conv(f"{place}.1.0", inner, 1, 3, f"{place}.1.1")
        layers.conv(f"{place}.2.0", outputs, inner, 1, f"{place}.2.1")
        depths.append(outputs)
    boxes, classes = layers.heads(depths)
    network = {"detector": "ssd", "backbone": "mobilenet_v3", "activation": "relu6", "bn_eps": EPSILON,
               "levels": len(depths), "attention": {"kind": "none"}}
    picture = {"width": SIZE, "height": SIZE, "channels": "rgb", "mean": [127.5] * 3, "scale": [1 / 127.5] * 3,
               "resize": "stretch"}
    sizes = [round(SIZE * scale, 4) for scale in SCALES]
    anchors = anchors_of(MAPS, [SIZE / side for side in MAPS], sizes[:-1], sizes[1:], boxes, "wh")
    if len(set(boxes)) > 1:
        raise DataError(f"'{source.base}': expected as many boxes per cell on every level, found {boxes}")
    document = document_of(source, "ssdlite320-mobilenet-v3", "torchvision", classes, network, picture, anchors,
                           "torchvision")
    return layers.finish(), {**document, "nms": POST}
