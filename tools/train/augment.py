"""SSD's augmentation: a random part of the picture or the picture on a larger canvas, mirrored, in other colours; and
mosaics of four.

Liu et al., SSD (2016), section 2.2, and its code (ssd_pascal.py): the numbers here are its own unless a recipe says
otherwise. Mosaics: Bochkovskiy et al., YOLOv4 (2020), section 3.3. Everything geometric is one affine warp of each
picture and everything about colours one 3x4 matrix, because on two CPU cores this is paid for in training steps.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

MIN_OVERLAPS = (None, 0.1, 0.3, 0.5, 0.7, 0.9, 0.0)  # None = the whole picture
TRIALS = 50
SMALLEST = 0.004             # side of a box that can be learned, in parts of the input's
MIDDLE = (0.4, 0.6)          # where the four of a mosaic meet, in parts of its sides
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass
class Augmentation:
    expand: float = 0.5          # how often the picture is put on a larger canvas
    largest: float = 4.0         # ... whose sides are up to so many times the picture's
    smallest: float = 0.3        # sides of a crop, as parts of the picture's
    colours: float = 0.5         # how often each of brightness, contrast, saturation and hue changes
    mirror: float = 0.5
    mosaic: float = 0.0          # how often three other pictures share the canvas


def warp(pixels, window, width, height, mirror, fill):
    """The part `window` (x1, y1, x2, y2 in fractions, may reach outside) as [height, width, 3] bytes, bilinear."""
    x1, y1, x2, y2 = window
    scale_x, scale_y = (x2 - x1) * pixels.width / width, (y2 - y1) * pixels.height / height
    matrix = (scale_x, 0, x1 * pixels.width, 0, scale_y, y1 * pixels.height)
    if mirror:
        matrix = (-scale_x, 0, x2 * pixels.width, 0, scale_y, y1 * pixels.height)
    small = pixels.transform((width, height), Image.AFFINE, matrix, Image.BILINEAR, fillcolor=fill)
    return torch.from_numpy(np.asarray(small).copy())


def choose_window(boxes, settings, chance):
    """A window of the picture, or a canvas around it."""
    x = y = 0.0
    canvas = 1.0
    if chance.random() < settings.expand:
        canvas = chance.uniform(1, settings.largest)
        x, y = -chance.uniform(0, canvas - 1), -chance.uniform(0, canvas - 1)
    whole = np.array([x, y, x + canvas, y + canvas])
    least = MIN_OVERLAPS[chance.integers(len(MIN_OVERLAPS))]
    if least is None or len(boxes) == 0:
        return whole
    windows = random_windows(x, y, canvas, settings.smallest, chance)
    fitting = overlaps_enough(windows, boxes, least)
    return windows[fitting.argmax()] if fitting.any() else whole


def random_windows(x, y, canvas, smallest, chance):
    """[TRIALS, 4]: parts of the canvas of all sizes, half to twice as wide as high."""
    scale = chance.uniform(smallest, 1, TRIALS)
    root = np.sqrt(chance.uniform(np.maximum(0.5, scale * scale), np.minimum(2, 1 / (scale * scale))))
    size = canvas * scale[:, None] * np.stack([root, 1 / root], 1)
    corner = np.array([x, y]) + chance.random((TRIALS, 2)) * (canvas - size)
    return np.concatenate([corner, corner + size], 1)


def overlaps_enough(windows, boxes, least):
    """In which windows a box has its centre and overlaps the window by at least so much."""
    windows = windows[:, None]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres > windows[..., :2]) & (centres < windows[..., 2:])).all(2)
    both = (np.minimum(boxes[:, 2:], windows[..., 2:]) - np.maximum(boxes[:, :2], windows[..., :2])).clip(0).prod(2)
    area, window_area = (boxes[:, 2:] - boxes[:, :2]).prod(1), (windows[..., 2:] - windows[..., :2]).prod(2)
    return (inside & (both >= least * (area + window_area - both))).any(1)


def place(boxes, window, mirror):
    """(boxes as the window shows them, which of them it shows). Those whose centres lie outside are gone."""
    low, size = torch.tensor(window[:2]).float(), torch.tensor(window[2:] - window[:2]).float()
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    moved = ((boxes - low.repeat(2)) / size.repeat(2)).clamp(0, 1)
    if mirror:
        moved = torch.stack((1 - moved[:, 2], moved[:, 1], 1 - moved[:, 0], moved[:, 3]), 1)
    shown = ((centres > low) & (centres < low + size)).all(1) & ((moved[:, 2:] - moved[:, :2]) > SMALLEST).all(1)
    return moved[shown], shown


def place_boxes(picture, window, mirror):
    """(boxes, labels, difficult; boxes, labels, scores of soft targets) as the window shows them."""
    boxes, shown = place(picture.boxes, window, mirror)
    target = (boxes, picture.labels[shown], picture.difficult[shown])
    soft = picture.soft or (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
    boxes, shown = place(soft[0], window, mirror)
    return (*target, boxes, soft[1][shown], soft[2][shown])


def colour_matrix(settings, chance):
    """[3, 4]: brightness (last column), contrast, saturation and hue of one picture, together."""
    matrix, shift = np.eye(3), np.zeros(3)
    if chance.random() < settings.colours:
        shift += chance.uniform(-32, 32)
    if chance.random() < settings.colours:
        factor = chance.uniform(0.5, 1.5)
        matrix, shift = matrix * factor, shift * factor
    if chance.random() < settings.colours:
        factor = chance.uniform(0.5, 1.5)
        mix = factor * np.eye(3) + (1 - factor) * LUMA
        matrix, shift = mix @ matrix, mix @ shift
    if chance.random() < settings.colours:
        turn = hue_rotation(math.radians(chance.uniform(-18, 18)))
        matrix, shift = turn @ matrix, turn @ shift
    return torch.tensor(np.concatenate([matrix, shift[:, None]], 1), dtype=torch.float32)


def hue_rotation(angle):
    """A turn about the grey axis, by Rodrigues' formula."""
    k = np.full(3, 1 / math.sqrt(3))
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(k, k)


def view(picture, width, height, settings, fill, chance):
    """(bytes [height, width, 3], what place_boxes() gives): a part of one picture, or more than it, mirrored or not."""
    mirror = chance.random() < settings.mirror
    window = choose_window(picture.boxes[~picture.difficult].numpy(), settings, chance)
    pixels = warp(picture.pixels, window, width, height, mirror, fill)
    return (pixels, *place_boxes(picture, window, mirror))


def mosaic(pictures, width, height, settings, fill, chance):
    """The same of four pictures that meet somewhere near the middle."""
    settings = replace(settings, expand=0)  # they are small enough
    middle_x, middle_y = (round(side * chance.uniform(*MIDDLE)) for side in (width, height))
    pixels, parts = torch.empty(height, width, 3, dtype=torch.uint8), []
    tiles = [(x, y) for y in ((0, middle_y), (middle_y, height)) for x in ((0, middle_x), (middle_x, width))]
    for picture, ((left, right), (top, bottom)) in zip(pictures, tiles):
        tile, *target = view(picture, right - left, bottom - top, settings, fill, chance)
        pixels[top:bottom, left:right] = tile
        corner, size = torch.tensor([left, top] * 2), torch.tensor([right - left, bottom - top] * 2)
        for boxes in (0, 3):
            target[boxes] = (corner + target[boxes] * size) / torch.tensor([width, height] * 2)
        parts.append(target)
    return (pixels, *(torch.cat(part) for part in zip(*parts)))


def augment(pictures, width, height, settings, fill, chance):
    """(bytes [height, width, 3], colour matrix, what place_boxes() gives) of one picture or a mosaic of four."""
    several = len(pictures) > 1
    pixels, *target = mosaic(pictures, width, height, settings, fill, chance) if several else \
        view(pictures[0], width, height, settings, fill, chance)
    return (pixels, colour_matrix(settings, chance), *target)
