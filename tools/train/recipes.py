"""What can be trained, by name: the eight detectors of the CBAM paper's VOC table under the names of the engine's
presets, the default model, the one before it with its ablations, and a small one for tests. A recipe is a document
(models/README.md, section 3), the form of the tensors, and how it is trained.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy
from dataclasses import replace

from augment import Augmentation
from class_recipes import CLASSIFIERS, with_picture_size
from form import Form, Gate, Neck
from recipe import Recipe
from shared import labels
from small_recipes import SMALL

VOC = list(labels.VOC)


def paper(name, detector, backbone, attention):
    """A row of the table. Its numbers are those of compute/presets/presets.c; a test compares the two."""
    vgg = backbone == "vgg16"
    document = {
        "version": 1,
        "name": name,
        "network": {"detector": detector, "backbone": backbone, "attention": {"kind": attention}},
        "input": {"width": 300, "height": 300, "channels": "bgr", "scale": [1, 1, 1],
                  "mean": [104, 117, 123] if vgg else [103.94, 116.78, 123.68]},
        "anchors": {
            "maps": [[n, n] for n in ((38, 19, 10, 5, 3, 1) if vgg else (19, 10, 5, 3, 2, 1))],
            "steps": [8, 16, 32, 64, 100, 300] if vgg else [16, 32, 64, 100, 150, 300],
            "min_sizes": [30, 60, 111, 162, 213, 264] if vgg else [45, 90, 135, 180, 225, 270],
            "max_sizes": [60, 111, 162, 213, 264, 315] if vgg else [90, 135, 180, 225, 270, 315],
            "aspect_ratios": [[2, 3], [2, 3], [2, 3], [2, 3], [2], [2]],
            "clip": "cxcywh",
        },
        "output": {"classes": ["background", *VOC], "score": "softmax", "variances": [0.1, 0.1, 0.2, 0.2]},
        "nms": {"profile": "caffe"},
    }
    neck = Neck(256, "bn", "full bn", "3x3 bn") if vgg else Neck(128, "", "depthwise", "1x1 bn")
    form = Form("bn", 3 if vgg else 1, neck if detector == "stairnet" else None, Gate(reduction=16))
    return Recipe(document, form, passes=240)


SIZE = 352  # shows more of small things than 300; a multiple of 32, so that the first three maps are exact parts
CELLS = (44, 22, 11, 6, 3, 2, 1)
# Sides of the anchors in parts of the input. On the finer levels they are, in pixels, about those of TensorFlow's SSD of
# 300x300 pixels (0.2 ... 0.95 on six maps) and a map before it, whose weights start the training.
SCALES = (0.08, 0.175, 0.31, 0.45, 0.61, 0.78, 0.95, 1.05)


def mobilenet(attention="cbam", detector="stairnet", name="stairnet-cbam-mobilenet-voc"):
    """MobileNetV1 of three quarters of the width with levels from stride 8 on. Its neck starts as a factor of an SSD's
    heads (start.py), which needs twice as many channels as directions and no batch norm."""
    levels = range(len(CELLS)) if detector == "stairnet" else range(1, len(CELLS))
    document = {
        "version": 1,
        "name": name,
        "description": "The twenty classes of Pascal VOC",
        "network": {
            "detector": detector, "backbone": "mobilenet_v1", "width": 0.75, "activation": "relu6", "padding": "same",
            "levels": len(levels),
            "sources": ["base_net.5.3", "base_net.11.3", "base_net.13.3", "extras.0.2", "extras.1.2", "extras.2.2",
                        "extras.3.2"][levels[0]:],
            "attention": {"kind": attention},
        },
        "input": {"width": SIZE, "height": SIZE, "channels": "rgb", "mean": [128, 128, 128], "scale": [1 / 128] * 3},
        "anchors": {
            "maps": [[CELLS[l]] * 2 for l in levels],
            "min_sizes": [round(SCALES[l] * SIZE, 2) for l in levels],
            "max_sizes": [round(SCALES[l + 1] * SIZE, 2) for l in levels],
            "aspect_ratios": [[2, 3] for _ in levels],
        },
        "output": {"classes": VOC, "score": "sigmoid", "variances": [0.1, 0.1, 0.2, 0.2]},
        "nms": {"profile": "caffe"},
    }
    neck = Neck(192, "bias", "depthwise bias", "separable bias") if detector == "stairnet" else None
    form = Form("bias", 1, neck, Gate(reduction=16, mlp="bias", spatial="bias"))
    supervised = 0.5 if attention == "cbam" else 0.0
    return Recipe(document, form, loss="focal", frozen=7, attend=supervised, attend_rate=10, distil=0.5,
                  augmentation=Augmentation(expand=0.35, largest=2.5))


def shufflenet(name="stairnet-cbam-shufflenet-voc"):
    """ShuffleNetV2 of one and a half times the width with the levels of NanoDet-Plus, whose weights it starts from: its
    neck's reductions are the laterals, its heads' separable convolutions the posts (converter/dialects/nanodet.py)."""
    steps, size = (8, 16, 32, 64), SIZE
    document = {
        "version": 1,
        "name": name,
        "description": "The twenty classes of Pascal VOC",
        "network": {
            "detector": "stairnet", "backbone": "shufflenet_v2", "width": 1.5, "activation": "leaky_relu", "slope": 0.1,
            "post_activation": "leaky_relu", "levels": len(steps), "attention": {"kind": "cbam"},
        },
        "input": {"width": size, "height": size, "channels": "bgr", "mean": [103.53, 116.28, 123.675],
                  "scale": [1 / 57.375, 1 / 57.12, 1 / 58.395]},
        "anchors": {
            "maps": [[-(-size // step)] * 2 for step in steps], "steps": list(steps), "offset": 0,
            "min_sizes": [5 * step for step in steps], "aspect_ratios": [[] for _ in steps],
        },
        "output": {"classes": VOC, "score": "sigmoid", "boxes": "distribution", "bins": 8,
                   "variances": [0.1, 0.1, 0.2, 0.2]},
        "nms": {"profile": "caffe"},
    }
    neck = Neck(128, "bias", "depthwise bias", "separable 5x5 bias", posts=2)
    form = Form("bias", 1, neck, Gate(reduction=16, mlp="bias", spatial="bias"))
    return Recipe(document, form, loss="quality", passes=16, rate=1e-3, frozen=15, still=0.25, warm_up=100, decay=0.02,
                  average=0.998, attend=0.3, attend_rate=5, distil=1.0, mimic=0.5,
                  augmentation=Augmentation(expand=0.3, largest=2.0, smallest=0.4))


def quick():
    """A detector of drawn shapes (shapes.py) for the tests of the engine and the element."""
    size, cells = 96, (24, 12, 6, 3)
    document = {
        "version": 1,
        "name": "shapes",
        "description": "Discs, squares, triangles and rings as tools/train/shapes.py draws them; for tests",
        "network": {
            "detector": "stairnet", "backbone": "mobilenet_v1", "width": 0.125, "levels": 4,
            "sources": ["base_net.3.3", "base_net.5.3", "base_net.9.3", "base_net.13.3"],  # shallow ones learn fast
            "attention": {"kind": "cbam"},
        },
        "input": {"width": size, "height": size, "channels": "rgb", "mean": [128, 128, 128], "scale": [1 / 64] * 3},
        "anchors": {
            "maps": [[n, n] for n in cells],
            "min_sizes": [13, 20, 30, 44], "max_sizes": [20, 30, 44, 64],
            "aspect_ratios": [[2]] * 4,
        },
        "output": {"classes": ["background", "disc", "square", "triangle", "ring"], "score": "softmax"},
        "nms": {"profile": "caffe"},
    }
    form = Form("bn", 1, Neck(32, "bn", "depthwise bn", "separable bn"), Gate(reduction=8))
    return Recipe(document, form, passes=10, batch=16, rate=5e-3, trunk_rate=5e-3, warm_up=50, average=0.99,
                  attend=1.0, attend_rate=20, augmentation=Augmentation(expand=0, smallest=0.7, colours=0.2))


DETECTORS = {
    **{name: (lambda row=(name, *row): paper(*row)) for name, *row in (
        ("ssd-vgg16", "ssd", "vgg16", "none"),
        ("stairnet-vgg16", "stairnet", "vgg16", "none"),
        ("stairnet-se-vgg16", "stairnet", "vgg16", "se"),
        ("stairnet-cbam-vgg16", "stairnet", "vgg16", "cbam"),
        ("ssd-mobilenet", "ssd", "mobilenet_v1", "none"),
        ("stairnet-mobilenet", "stairnet", "mobilenet_v1", "none"),
        ("stairnet-se-mobilenet", "stairnet", "mobilenet_v1", "se"),
        ("stairnet-cbam-mobilenet", "stairnet", "mobilenet_v1", "cbam"),
    )},
    "default": shufflenet,
    "shufflenet": shufflenet,
    "default-mobilenet": mobilenet,
    "default-mobilenet-ssd": lambda: mobilenet("none", "ssd", "ssd-mobilenet-voc"),
    "default-mobilenet-stairnet": lambda: mobilenet("none", name="stairnet-mobilenet-voc"),
    "default-mobilenet-se": lambda: mobilenet("se", name="stairnet-se-mobilenet-voc"),
    "quick": quick,
    **SMALL,
}
RECIPES = {**DETECTORS, **CLASSIFIERS}


def with_classes(recipe, classes):
    """The same for other classes."""
    recipe = replace(recipe, document=copy.deepcopy(recipe.document))
    output = recipe.document["output"]
    is_detector = recipe.document.get("task") != "classify"
    output["classes"] = ["background", *classes] if is_detector and output["score"] == "softmax" else list(classes)
    return recipe


def with_size(recipe, size):
    """The same for an input of other width and height, where the recipe's maps follow from their steps."""
    recipe = replace(recipe, document=copy.deepcopy(recipe.document))
    document = recipe.document
    if document.get("task") == "classify":
        return with_picture_size(recipe, size)
    if document["output"].get("boxes") != "distribution":
        raise ValueError(f"the anchors of {document['name']} are for {document['input']['width']} pixels: expected no "
                         f"--size, found {size}")
    document["input"]["width"] = document["input"]["height"] = size
    document["anchors"]["maps"] = [[-(-size // step)] * 2 for step in document["anchors"]["steps"]]
    return recipe


def classes_of(document):
    """The classes that are objects, and the row of the first of them among the scores."""
    classes = document["output"]["classes"]
    first = int(classes[0] == "background")
    return classes[first:], first
