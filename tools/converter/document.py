"""The document of models/README.md, section 3: what all converted checkpoints say alike, and the names of classes.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os

from shared.faults import DataError
from shared.labels import COCO, VOC
from shared.text_file import read_lines

COCO_UNUSED_IDS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # of COCO's ids 1 to 90


def coco_by_id():
    """COCO's names by their published ids; "???" where an id was never given to anything."""
    names = iter(COCO)
    return ["???" if number in COCO_UNUSED_IDS else next(names) for number in range(1, 91)]


# By the number of classes with the background: what the data set was called, and its names.
KNOWN_CLASSES = {21: ("voc", list(VOC)), 81: ("coco", list(COCO)), 91: ("coco", coco_by_id())}


def data_set(count):
    """ "voc", "coco", or None where so many classes are neither's."""
    return KNOWN_CLASSES.get(count, (None, None))[0]


def class_names(count):
    return ["background"] + KNOWN_CLASSES.get(count, (None, [f"class_{k}" for k in range(1, count)]))[1]


IMAGENET = os.path.join(os.path.dirname(__file__), "..", "..", "models", "imagenet.txt")


def image_classes(count):
    """A classifier's: ImageNet's thousand, in the order of their synsets, which TensorFlow puts a background before."""
    if count not in (1000, 1001):
        return [f"class_{k}" for k in range(count)]
    return ["background"] * (count - 1000) + [line for line in read_lines(IMAGENET) if line]


def classifier_of(layers, document, depth, size=224, crop=None):
    """What is known of a trunk, as the classifier that it is with a linear layer `fc` behind `depth` channels. Pictures are
    cut as in the evaluation on ImageNet: 224 of 256 pixels, resized as PIL does."""
    count = layers.shape("fc.weight", 2)[0]
    layers.take("fc.weight", count, depth)
    layers.take("fc.bias", count)
    return {**document, "task": "classify", "description": "What a picture shows",
            "input": {"width": size, "height": size, "filter": "bilinear", "rounding": "u8", **document["input"],
                      "resize": "crop", "crop": crop or {"shorter": 256}},
            "output": {"classes": image_classes(count), "score": "softmax"}}


# An OpenCV port resizes bytes; `mean` and `scale` are in the order of `channels`.
def input_of(size, channels, mean, scale=1, rounding="u8"):
    return {"width": size, "height": size, "channels": channels, "mean": list(mean), "scale": [scale] * 3,
            "resize": "stretch", "rounding": rounding}


def anchors_of(maps, steps, min_sizes, max_sizes, boxes, clip):
    """SSD's generator; how many boxes a cell has tells its aspect ratios."""
    ratios = {4: [2], 6: [2, 3]}
    for level, each in enumerate(boxes):
        if each not in ratios:
            raise DataError(f"level {level} has {each} boxes per cell by its loc weights, and SSD has 4 or 6")
    return {"maps": [[side, side] for side in maps], "steps": list(steps), "min_sizes": list(min_sizes),
            "max_sizes": list(max_sizes), "aspect_ratios": [ratios[each] for each in boxes], "clip": clip}


def document_of(source, name, project, classes, network, picture, anchors, profile):
    """`name` lacks what the network was trained on and its attention; `project` says whose dialect it is, for people;
    `picture` is the document's "input"."""
    attention = network["attention"]["kind"]
    parts = [name, data_set(classes), attention if attention != "none" else None]
    return {
        "version": 1,
        "name": "-".join(part for part in parts if part),
        "network": network,
        "input": picture,
        "anchors": anchors,
        "output": {"classes": class_names(classes), "score": "softmax", "variances": [0.1, 0.1, 0.2, 0.2]},
        "nms": {"profile": profile},
        "provenance": {"recipe": f"as {project} does it; converted by tools/convert", "source": source.base},
    }


def lay_over(document, changes):
    """A copy of the document with the changes in it, object by object."""
    if not isinstance(document, dict) or not isinstance(changes, dict):
        return changes
    return {**document, **{key: lay_over(document.get(key), value) for key, value in changes.items()}}


def set_channels(document, channels):
    """Says that the first convolution expects its channels in that order; mean and scale are turned round with it."""
    given = document["input"]
    if given.get("channels") != channels:
        given["channels"] = channels
        for key in ("mean", "scale"):
            if given.get(key):
                given[key] = given[key][::-1]


def set_labels(document, path):
    """Names the classes by a file's lines: one per class, a background first or left out."""
    try:
        lines = read_lines(path)
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror}") from error
    except ValueError as error:
        raise DataError(str(error)) from error
    while lines and not lines[-1]:
        lines.pop()
    if "" in lines:
        raise DataError(f"'{path}': line {lines.index('') + 1} is empty")
    classes = document["output"].get("classes") or ()
    background = classes[:1] if list(classes[:1]) == ["background"] else []
    count = len(classes) - len(background)
    if background and len(lines) == count + 1 and lines[0].strip("_").lower() == "background":
        lines.pop(0)
    if len(lines) != count:
        too = f" (or {count + 1}, the first one background)" if background else ""
        raise DataError(f"'{path}': expected {count} names{too}, found {len(lines)}")
    document["output"]["classes"] = [*background, *lines]
