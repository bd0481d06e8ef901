"""What a classifier sees of a picture: its middle, as the model file says and the engine does it; and in training any
part of it, mirrored or not, in other colours.

Szegedy et al., Going Deeper with Convolutions (2015), section 6: parts of all sizes, not much wider than high. Pixels
are resized as the model file says, by PIL, whose filters are the engine's.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from augment import colour_matrix

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
TRIALS = 10
LARGEST = 1.25  # times the input's side: so long is the shorter side of a picture that is kept to learn from
ALMOST = 1e-6   # 7/8 and the like may be a little less than they are


@dataclass
class Crops:
    smallest: float = 0.08       # area of a part, in parts of the picture's
    narrowest: float = 0.75      # its width by its height; at most the inverse
    colours: float = 0.5         # how often each of brightness, contrast, saturation and hue changes
    mirror: float = 0.5


def reduced(pixels, spec):
    """The picture no larger than is of use for learning."""
    scale = LARGEST * max(spec["width"], spec["height"]) / min(pixels.size)
    if scale >= 1:
        return pixels
    return pixels.resize([max(1, round(side * scale)) for side in pixels.size], FILTERS[spec["filter"]])


def middle(pixels, spec):
    """What the network is shown of a picture when it is used: a picture of the input's size."""
    size, kind = (spec["width"], spec["height"]), FILTERS[spec["filter"]]
    shortest = min(pixels.size)
    if "shorter" in spec["crop"]:  # as torchvision: resized, then cut
        whole = pixels.resize([spec["crop"]["shorter"] * side // shortest for side in pixels.size], kind)
        left, top = (round((there - here) / 2) for there, here in zip(whole.size, size))
        return whole.crop((left, top, left + size[0], top + size[1]))
    cut = max(1, math.floor(spec["crop"]["fraction"] * shortest + ALMOST))  # as TensorFlow: cut, then resized
    part = [cut * side / min(size) for side in size]
    corner = [math.floor((there - here + 1) / 2) for there, here in zip(pixels.size, part)]
    return pixels.resize(size, kind, (*corner, corner[0] + part[0], corner[1] + part[1]))


def choose_part(size, settings, chance):
    """(left, top, right, bottom) in pixels: a part of the area and the shape that chance has it; where none fits, the
    largest square in the middle."""
    width, height = size
    for _ in range(TRIALS):
        area = width * height * chance.uniform(settings.smallest, 1)
        shape = math.exp(chance.uniform(math.log(settings.narrowest), -math.log(settings.narrowest)))
        wide, high = math.sqrt(area * shape), math.sqrt(area / shape)
        if wide <= width and high <= height:
            left, top = chance.uniform(0, width - wide), chance.uniform(0, height - high)
            return left, top, left + wide, top + high
    left, top = ((side - min(size)) / 2 for side in size)
    return left, top, left + min(size), top + min(size)


def augment(picture, spec, settings, chance):
    """(bytes [height, width, 3], colour matrix, the picture's class)"""
    pixels = picture.pixels
    mirror = chance.random() < settings.mirror
    part = choose_part(pixels.size, settings, chance)
    seen = np.asarray(pixels.resize((spec["width"], spec["height"]), FILTERS[spec["filter"]], part))
    seen = seen[:, ::-1] if mirror else seen
    return torch.from_numpy(seen.copy()), colour_matrix(settings, chance), picture.label
