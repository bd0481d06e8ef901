"""Detectors that look at pictures in several ways: the whole picture, its mirror image, with its proportions kept.

A look is a window of the picture, in fractions of its sides, that may reach outside, and whether it is mirrored. What a
detector finds comes back in fractions of the picture.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch

from modelfile import network_of, read_model
from ncnn_detector import NcnnDetector
from recipes import classes_of
from score import anchors_for, detect, normaliser, resized
from shared.faults import DataError

WHOLE = (0.0, 0.0, 1.0, 1.0)


def whole(size, input_size):
    """The picture stretched to the input: as the element and cbam-eval do it."""
    return WHOLE


def letterbox(size, input_size):
    """The picture in its proportions in the middle of the input, whole pixels of it."""
    scale = min(there / here for here, there in zip(size, input_size))
    window = [0.0] * 4
    for axis, (here, there) in enumerate(zip(size, input_size)):
        shown = max(1, round(here * scale))
        before = (there - shown) // 2
        window[axis], window[axis + 2] = -before / shown, (there - before) / shown
    return tuple(window)


# NAME: (window of (size of the picture, size of the input), mirrored)
LOOKS = {
    "whole": (whole, False),
    "mirror": (whole, True),
    "letterbox": (letterbox, False),
    "letterbox-mirror": (letterbox, True),
}


@dataclass(frozen=True)
class Look:
    window: tuple
    mirror: bool


def look_of(name, size, input_size):
    window, mirror = LOOKS[name]
    return Look(window(size, input_size), mirror)


def view_of(pixels, look, input_size, fill):
    """What a look shows: floats [height, width, 3] of the input's size, `fill` outside of the picture."""
    width, height = input_size
    x0, y0, x1, y1 = look.window
    left, top = round(-x0 / (x1 - x0) * width), round(-y0 / (y1 - y0) * height)
    right, bottom = round((1 - x0) / (x1 - x0) * width), round((1 - y0) / (y1 - y0) * height)
    if (left, top, right, bottom) == (0, 0, width, height):
        view = resized(pixels, width, height)[0]
    else:
        view = torch.tensor(fill, dtype=torch.float32).expand(height, width, 3).clone()
        view[top:bottom, left:right] = resized(pixels, right - left, bottom - top)[0]
    return view.flip(1) if look.mirror else view


def to_picture(rows, look):
    """Rows (class, score, corners) of a view, in fractions of the picture; what lies outside of it is gone."""
    rows = np.array(rows, dtype=float).reshape(-1, 6)
    if look.mirror:
        rows[:, [2, 4]] = 1 - rows[:, [4, 2]]
    corner, size = np.array(look.window[:2] * 2), np.subtract(look.window[2:], look.window[:2])
    rows[:, 2:] = (corner + rows[:, 2:] * np.tile(size, 2)).clip(0, 1)
    return rows[(rows[:, 4:] > rows[:, 2:4]).all(1)]


class ModelDetector:
    """A model file of ours, as NcnnDetector is one of ncnn's."""

    def __init__(self, path, half=True, device="cpu"):
        self.document, tensors = read_model(path)
        try:
            network = network_of(self.document, tensors)
        except DataError as error:
            raise DataError(f"'{path}': {error}") from error
        spec = self.document["input"]
        self.path, self.half, self.size = path, half, (spec["width"], spec["height"])
        self.labels = tuple(classes_of(self.document)[0])
        mean = [float(value) for value in spec.get("mean", [0, 0, 0])]
        self.fill = tuple(mean if spec["channels"] == "rgb" else mean[::-1])
        self.network = network.to(device, memory_format=torch.channels_last).eval()
        self.anchors, self.normalise = anchors_for(self.document, tensors), normaliser(self.document)

    def __call__(self, views, least):
        pictures = [SimpleNamespace(pixels=view.numpy()) for view in views]
        found = detect(self.network, self.document, self.anchors, pictures, self.normalise, half=self.half, threshold=least)
        rows = [[] for _ in views]
        for number, *row in found:
            rows[number].append(row)
        return [np.array(some, dtype=float).reshape(-1, 6) for some in rows]


def open_detector(path, side=416, half=True, device="cpu"):
    """Of a model file of ours, or of a .param of ncnn's with its .bin beside it, which is given `side` pixels."""
    if os.path.splitext(path)[1] == ".param":
        return NcnnDetector(path, side, half, device)
    return ModelDetector(path, half, device)
