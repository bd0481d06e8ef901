"""Pictures drawn here: discs, squares, triangles and rings on noisy grounds, with their boxes. A set that anyone has.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from devkit import Picture

NAMES = ("disc", "square", "triangle", "ring")
SIZE = (160, 120)


def colour(chance):
    return tuple(int(x) for x in chance.integers(0, 256, 3))


def unlike(mean, chance):
    """A colour that is seen on a ground of that mean."""
    while True:
        fill = colour(chance)
        if np.abs(np.array(fill) - mean).sum() >= 120:
            return fill


def ground(chance):
    """A blotchy background: few random pixels, enlarged."""
    small = chance.integers(0, 256, (5, 6, 3)) * 0.35 + chance.integers(40, 200, 3) * 0.65
    return Image.fromarray(small.astype(np.uint8)).resize(SIZE, Image.BICUBIC)


def outline(name, box):
    x1, y1, x2, y2 = box
    return [((x1 + x2) / 2, y1), (x2, y2), (x1, y2)] if name == "triangle" else box


def draw_shape(pen, name, box, fill):
    if name == "disc":
        pen.ellipse(box, fill=fill)
    elif name == "ring":
        pen.ellipse(box, outline=fill, width=max(3, int((box[2] - box[0]) * 0.18)))
    elif name == "square":
        pen.rectangle(box, fill=fill)
    else:
        pen.polygon(outline(name, box), fill=fill)


def draw_picture(number, seed):
    chance = np.random.default_rng((seed, 3, number))
    picture = ground(chance)
    mean = np.asarray(picture).mean((0, 1))
    pen, boxes, labels = ImageDraw.Draw(picture), [], []
    for _ in range(int(chance.integers(1, 4))):
        side = chance.uniform(22, 72)
        height = side * chance.uniform(0.8, 1.25)
        x, y = chance.uniform(0, SIZE[0] - side), chance.uniform(0, SIZE[1] - height)
        box = np.round([x, y, x + side, y + height])
        if any(np.all(np.minimum(box[2:], other[2:]) > np.maximum(box[:2], other[:2]) - 4) for other in boxes):
            continue
        fill = unlike(mean, chance)
        label = int(chance.integers(len(NAMES)))
        draw_shape(pen, NAMES[label], tuple(box), fill)
        boxes.append(box)
        labels.append(label)
    picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.8)))
    rows = np.array(boxes) + [0, 0, 1, 1]
    return Picture(f"shapes/{number}", picture, torch.tensor(rows / (SIZE * 2), dtype=torch.float32).clamp(0, 1),
                   torch.tensor(labels), torch.zeros(len(labels), dtype=torch.bool))


def draw_one(number, seed):
    """(a picture with one shape in its middle or near it, which one): a classifier's."""
    chance = np.random.default_rng((seed, 4, number))
    picture = ground(chance)
    mean = np.asarray(picture).mean((0, 1))
    side = chance.uniform(30, 72)
    height = side * chance.uniform(0.8, 1.25)
    x, y = SIZE[0] / 2 + chance.uniform(-12, 12) - side / 2, chance.uniform(10, SIZE[1] - 10 - height)
    label, box = int(chance.integers(len(NAMES))), tuple(np.round([x, y, x + side, y + height]))
    draw_shape(ImageDraw.Draw(picture), NAMES[label], box, unlike(mean, chance))
    return picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.8))), label


def draw_set(count, seed):
    return [draw_picture(number, seed) for number in range(count)]
