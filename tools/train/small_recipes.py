"""Detectors on trunks that were trained on ImageNet, for classes of one's own: StairNet and CBAM on ResNet-18 and on
EfficientNet-lite0, with ShuffleNetV2's levels, heads and losses. A classifier's file is what they start from.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from augment import Augmentation
from class_recipes import efficientnet_lite0, resnet18_cbam
from form import Form, Gate, Neck
from recipe import Recipe
from shared import labels

SIZE, STEPS = 320, (8, 16, 32, 64)


def small(name, network, picture, sources, frozen):
    """`network` and `picture` are what a classifier's document says of its trunk and of pixels."""
    document = {
        "version": 1,
        "name": name,
        "description": "The twenty classes of Pascal VOC",
        "network": {**network, "detector": "stairnet", "levels": len(STEPS), "sources": sources,
                    "attention": {"kind": "cbam"}},
        "input": {"width": SIZE, "height": SIZE, **{key: picture[key] for key in ("channels", "mean", "scale")}},
        "anchors": {
            "maps": [[-(-SIZE // step)] * 2 for step in STEPS], "steps": list(STEPS),
            "min_sizes": [5 * step for step in STEPS], "aspect_ratios": [[] for _ in STEPS],
        },
        "output": {"classes": list(labels.VOC), "score": "sigmoid", "boxes": "distribution", "bins": 8,
                   "variances": [0.1, 0.1, 0.2, 0.2]},
        "nms": {"profile": "caffe"},
    }
    form = Form("bn", 1, Neck(128, "bn", "depthwise bn", "separable bn", posts=2), Gate(reduction=16))
    return Recipe(document, form, loss="quality", passes=30, rate=1e-3, trunk_rate=2e-4, frozen=frozen, still=0.1,
                  warm_up=100, decay=0.02, average=0.998, attend=0.3, attend_rate=5,
                  augmentation=Augmentation(expand=0.3, largest=2.0, smallest=0.4))


def small_resnet18():
    """The stem and the first stage stay as they are: their gradients cost most, and change least."""
    document = resnet18_cbam().document
    return small("stairnet-cbam-resnet18-voc", {"backbone": "resnet", "depth": 18}, document["input"],
                 ["layer2", "layer3", "layer4", "extras.0.3"], frozen=5)


def small_efficientnet_lite0():
    document = efficientnet_lite0().document
    return small("stairnet-cbam-efficientnet-lite0-voc", document["network"], document["input"],
                 ["_blocks.4", "_blocks.10", "_conv_head", "extras.0.conv.2"], frozen=1)


SMALL = {"small-resnet18": small_resnet18, "small-efficientnet-lite0": small_efficientnet_lite0}
