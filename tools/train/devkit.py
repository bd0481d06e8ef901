"""Pictures with boxes in the layout of a VOCdevkit year: JPEGImages, Annotations, ImageSets/Main.

Several folders make one set, each written as FOLDER:SPLIT. In some of them only some classes may have been boxed; what
else is in those pictures is then no background (see teach.py).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from text_file import read_names, read_rules


class DataError(Exception):
    """A data set that cannot be used, in one sentence."""


@dataclass
class Picture:
    """One picture and its boxes, corners in fractions of its size."""

    name: str
    pixels: Image.Image
    boxes: torch.Tensor      # [G, 4] x1, y1, x2, y2
    labels: torch.Tensor     # [G], indices into the list of classes
    difficult: torch.Tensor  # [G], bool
    boxed: set = field(default=None)  # classes that were boxed here; None = all
    others: list = field(default_factory=list)  # names of objects that are none of the classes


def read_set(spec, classes, partial=(), progress=None):
    """The pictures of FOLDER:SPLIT. `partial` is a list of (prefix of a picture's name, classes that are boxed)."""
    folder, _, split = spec.rpartition(":")
    if not folder:
        raise DataError(f"'{spec}': expected FOLDER:SPLIT")
    listing = os.path.join(folder, "ImageSets", "Main", split + ".txt")
    try:
        names = [line.split()[0] for line in read_names(listing) if line]
    except OSError as error:
        raise DataError(f"'{listing}': {error.strerror}") from error
    if not names:
        raise DataError(f"'{listing}': expected names of pictures, found none")
    pictures = []
    for name in names:
        picture = read_picture(folder, name, classes)
        for prefix, boxed in partial:
            if name.startswith(prefix):
                picture.boxed = boxed
        pictures.append(picture)
        if progress:
            progress(len(pictures), len(names))
    return pictures


def read_picture(folder, name, classes):
    path = os.path.join(folder, "Annotations", name + ".xml")
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise DataError(f"'{path}': {error}") from error
    with Image.open(os.path.join(folder, "JPEGImages", name + ".jpg")) as file:
        pixels = file.convert("RGB")
    rows, labels, difficult, others = [], [], [], []
    for thing in root.iter("object"):
        label = thing.findtext("name", "").strip()
        if label not in classes:
            others.append(label)
            continue
        box = thing.find("bndbox")
        x1, y1, x2, y2 = (float(box.findtext(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
        # 1-based corners, both of them inside the box.
        row = [(x1 - 1) / pixels.width, (y1 - 1) / pixels.height, x2 / pixels.width, y2 / pixels.height]
        if row[2] <= row[0] or row[3] <= row[1]:
            raise DataError(f"'{path}': {label}: a box without an area")
        rows.append(row)
        labels.append(classes.index(label))
        difficult.append(thing.findtext("difficult", "0").strip() == "1")
    return Picture(f"{os.path.basename(os.path.normpath(folder))}/{name}", pixels,
                   torch.tensor(rows, dtype=torch.float32).reshape(-1, 4).clamp(0, 1),
                   torch.tensor(labels, dtype=torch.long), torch.tensor(difficult, dtype=torch.bool),
                   others=others)


def read_partial(path, classes):
    """Lines `prefix = class, class`: in pictures whose names begin so, only these classes were boxed."""
    rules = []
    for number, line in read_rules(path):
        prefix, equals, names = line.partition("=")
        boxed = {name.strip() for name in names.split(",")}
        if not equals or not prefix.strip() or not boxed <= set(classes):
            raise DataError(f"'{path}' line {number}: expected PREFIX = CLASS, CLASS with the classes "
                            f"{', '.join(classes)}; found '{line}'")
        rules.append((prefix.strip(), {classes.index(name) for name in boxed}))
    return rules


def repeat_factors(pictures, n_classes, share=0.05):
    """How often a pass shows each picture: sqrt (share / how many pictures have its rarest class), at least once.

    Gupta, Dollar, Girshick: LVIS (2019), section on repeat factor sampling.
    """
    having = np.zeros(n_classes)
    for picture in pictures:
        having[picture.labels[~picture.difficult].unique()] += 1
    factor = np.maximum(1, np.sqrt(share * len(pictures) / np.maximum(having, 1)))
    return np.array([max((factor[label] for label in picture.labels[~picture.difficult].tolist()), default=1.0)
                     for picture in pictures])


def order_of_pass(factors, seed, number):
    """The pictures of pass `number`, shuffled: as often as their factors say, fractions by chance."""
    chance = np.random.default_rng((seed, 1, number))
    times = np.floor(factors + chance.random(len(factors))).astype(int)
    order = np.repeat(np.arange(len(factors)), times)
    chance.shuffle(order)
    return order
