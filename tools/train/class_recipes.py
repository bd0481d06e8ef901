"""The classifiers that can be trained, by name: the CBAM paper's ResNet-18, EfficientNet-lite0 for classes of one's
own, and a small one for tests.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from crops import Crops
from form import Form, Gate
from recipe import Recipe
from shapes import NAMES

# torchvision's, which Jongchan/attention-module's evaluation has too.
TORCHVISION = {"channels": "rgb", "mean": [123.675, 116.28, 103.53],
               "scale": [0.0171247538, 0.0175070028, 0.0174291939]}


def classifier(name, description, network, picture, classes=()):
    return {
        "version": 1,
        "task": "classify",
        "name": name,
        "description": description,
        "network": network,
        "input": {"resize": "crop", "rounding": "u8", **picture},
        "output": {"classes": list(classes), "score": "softmax"},
    }


def resnet18_cbam():
    """A row of the paper's table 5, with its augmentation."""
    document = classifier(
        "resnet18-cbam", "What a picture shows",
        {"backbone": "resnet", "depth": 18, "attention": {"kind": "cbam"}},
        {"width": 224, "height": 224, **TORCHVISION, "filter": "bilinear", "crop": {"shorter": 256}})
    return Recipe(document, Form(gate=Gate(reduction=16)), loss="classes", passes=90, batch=64, rate=1e-3,
                  trunk_rate=2e-4, warm_up=500, decay=0.05, average=0.999, augmentation=Crops())


def efficientnet_lite0():
    """As tools/convert has it. Few pictures are enough where it starts from ImageNet's weights, and large parts of them
    show what they are."""
    document = classifier(
        "efficientnet-lite0", "What a picture shows",
        {"backbone": "efficientnet_lite0", "activation": "relu6", "padding": "same", "bn_eps": 1e-3},
        {"width": 224, "height": 224, "channels": "rgb", "mean": [127] * 3, "scale": [1 / 128] * 3, "filter": "bicubic",
         "crop": {"fraction": 0.875}})
    return Recipe(document, Form(), loss="classes", passes=20, batch=32, rate=2e-3, trunk_rate=2e-4, still=0.1,
                  warm_up=20, decay=0.02, average=0.998, augmentation=Crops(smallest=0.25, colours=0.3))


def quick_classifier():
    """Of drawn shapes (shapes.py), for tests: the paper's ResNet-18 an eighth as wide."""
    document = classifier(
        "shape", "A disc, a square, a triangle or a ring as tools/train/shapes.py draws them; for tests",
        {"backbone": "resnet", "depth": 18, "width": 0.125, "attention": {"kind": "cbam"}},
        {"width": 64, "height": 64, "channels": "rgb", "mean": [128] * 3, "scale": [1 / 64] * 3, "filter": "bilinear",
         "crop": {"shorter": 72}}, NAMES)
    return Recipe(document, Form(gate=Gate(reduction=4)), loss="classes", passes=8, batch=32, rate=4e-3,
                  trunk_rate=4e-3, warm_up=30, average=0.98, augmentation=Crops(smallest=0.5, colours=0.2))


CLASSIFIERS = {
    "resnet18-cbam": resnet18_cbam,
    "efficientnet-lite0": efficientnet_lite0,
    "quick-classifier": quick_classifier,
}


def with_picture_size(recipe, size):
    """The same for an input of other width and height, which sees the same part of pictures; `recipe` is changed."""
    spec = recipe.document["input"]
    if "shorter" in spec["crop"]:
        spec["crop"]["shorter"] = round(spec["crop"]["shorter"] * size / spec["width"])
    spec["width"] = spec["height"] = size
    return recipe
