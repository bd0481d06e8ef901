"""Pictures with boxes in the layout of a VOCdevkit year: JPEGImages, Annotations, ImageSets/Main.

Several folders make one set, each written as FOLDER:SPLIT. In some of them only some classes may have been boxed; what
else is in those pictures is then no background (see teach.py).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from annotation import read_annotation
from picture import read_picture
from shared.faults import DataError
from shared.text_file import read_names, read_rules

# What pictures may be called behind the last point, in any case: of several of one name, the first in this order.
KINDS = ("jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm")


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
    times: float = 1.0  # it is shown in a pass
    # What lessons say (lesson.teach), if there are any:
    heard: torch.Tensor = None   # [G], their score for each object
    taught: torch.Tensor = None  # [G], bool: added by them
    soft: tuple = None           # boxes [n, 4], labels [n], scores [n]


def parse_spec(spec):
    """(FOLDER:SPLIT, how often a pass shows its pictures) of FOLDER:SPLIT[@TIMES]."""
    before, at, times = spec.rpartition("@")
    try:
        return (before, float(times)) if at and ":" in before else (spec, 1.0)
    except ValueError:
        return spec, 1.0


def parse_folder(spec):
    """(the folder with a folder for each class, how often a pass shows its pictures) of FOLDER[:SPLIT][@TIMES]."""
    path, times = spec, 1.0
    before, at, after = spec.rpartition("@")
    if at and not os.path.isdir(spec):
        try:
            path, times = before, float(after)
        except ValueError:
            pass
    folder, colon, split = path.rpartition(":")
    if colon and folder and split and not os.path.isdir(path):
        path = os.path.join(folder, split)
    return path, times


def read_set(spec, classes, partial=(), progress=None, say=print):
    """The pictures of FOLDER:SPLIT. `partial` is a list of (prefix of a picture's name, classes that are boxed)."""
    folder, _, split = spec.rpartition(":")
    if not folder:
        raise DataError(f"'{spec}': expected FOLDER:SPLIT")
    listing = os.path.join(folder, "ImageSets", "Main", split + ".txt")
    names, listings, renamed = list_names(folder, listing), {}, []
    pictures = []
    for name in names:
        picture = read_one(folder, name, classes, listings, renamed)
        for prefix, boxed in partial:
            if name.startswith(prefix):
                picture.boxed = boxed
        pictures.append(picture)
        if progress:
            progress(len(pictures), len(names))
    if renamed:
        first = os.fsencode(renamed[0]).decode("utf-8", "replace")
        say(f"{spec}: {len(renamed)} of {len(names)} annotations name another picture, the first is {first}")
    return pictures


def list_names(folder, listing):
    """The pictures that a split's list names, in bytes that need not be UTF-8: as the file system has them."""
    try:
        lines = [line for line in read_names(listing) if line]
    except OSError as error:
        raise DataError(f"'{listing}': {error.strerror}") from error
    names = [name_in(line, folder) for line in lines]
    if not names:
        raise DataError(f"'{listing}': expected names of pictures, found none")
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise DataError(f"'{listing}': expected every picture once, found '{twice}' twice")
    return names


def annotation_path(folder, name):
    return os.path.join(folder, "Annotations", name + ".xml")


def name_of(folder, name):
    """What Picture.name is, wherever the folder lies."""
    return f"{os.path.basename(os.path.normpath(folder))}/{name}"


def name_in(line, folder):
    """All of it, blanks too, or what stands before the 1, 0 or -1 that the splits of a class have."""
    if os.path.exists(annotation_path(folder, line)):
        return line
    return re.sub(r"\s+(-?1|0)$", "", line)


def find_picture(folder, name, filename, listings):
    """Where a picture is: by the split's name for it, as VOC has it or in other kinds of file, else by what its
    annotation says. If it is nowhere, where VOC has it."""
    usual = os.path.join(folder, "JPEGImages", name + ".jpg")
    if os.path.exists(usual):
        return usual
    within, stem = os.path.dirname(usual), os.path.basename(name)
    if within not in listings:
        listings[within] = sorted(os.listdir(os.fsencode(within))) if os.path.isdir(within) else []
    found = []
    for entry in listings[within]:
        start, _, kind = os.fsdecode(entry).rpartition(".")
        if start == stem and kind.lower() in KINDS:
            found.append((KINDS.index(kind.lower()), entry))
    if found:
        return os.path.join(within, os.fsdecode(min(found)[1]))
    said = os.path.join(folder, "JPEGImages", filename)
    return said if os.path.isfile(said) else usual


def is_other_picture(filename, path):
    """Whether <filename> names another picture than the one that was taken: not the same up to the kind."""
    name = os.path.splitext(os.path.basename(path))[0]
    return bool(filename) and name not in (filename, filename.rpartition(".")[0])


def fit(annotation, path, size, picture):
    """Compares an annotation with its picture: <size> must be that, and boxes must lie on it."""
    width, height = size
    if any(said not in (0, is_) for said, is_ in zip(annotation.size, size)):
        swapped = ", swapped: boxes belong on the upright picture" if annotation.size == (height, width) else ""
        raise DataError(f"'{path}': expected the size of the picture '{picture}', {width}x{height}, found a <size> of "
                        f"{annotation.size[0]:g}x{annotation.size[1]:g}{swapped} (where the boxes are right, take "
                        f"<size> out)")
    for thing in annotation.objects:
        x1, y1, x2, y2 = thing.box
        if x2 <= 0 or y2 <= 0 or x1 - 1 >= width or y1 - 1 >= height:
            raise DataError(f"'{path}': expected boxes inside of the picture '{picture}', {width}x{height}, found "
                            f"'{thing.name}' from {x1:g}, {y1:g} to {x2:g}, {y2:g}")


def read_one(folder, name, classes, listings, renamed):
    path = annotation_path(folder, name)
    annotation = read_annotation(path)
    picture = find_picture(folder, name, annotation.filename, listings)
    if is_other_picture(annotation.filename, picture):
        renamed.append(f"'{path}': <filename> is '{annotation.filename}', taken was '{picture}'")
    pixels = read_picture(picture)
    fit(annotation, path, pixels.size, picture)
    rows, labels, difficult, others = [], [], [], []
    for thing in annotation.objects:
        if thing.name not in classes:
            others.append(thing.name)
            continue
        # 1-based corners, both of them inside the box.
        x1, y1, x2, y2 = thing.box
        rows.append([(x1 - 1) / pixels.width, (y1 - 1) / pixels.height, x2 / pixels.width, y2 / pixels.height])
        labels.append(classes.index(thing.name))
        difficult.append(thing.difficult)
    return Picture(name_of(folder, name), pixels,
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


def repeat_factors(pictures, n_classes, share=0.05, favours=None):
    """How often a pass shows each picture: sqrt (share / how many pictures have its rarest class), at least once; so
    many times as its set is to be shown, and as the most favoured of its classes is, {class: times}.

    Gupta, Dollar, Girshick: LVIS (2019), section on repeat factor sampling.
    """
    having = np.zeros(n_classes)
    for picture in pictures:
        having[picture.labels[~picture.difficult].unique()] += 1
    factor = np.maximum(1, np.sqrt(share * len(pictures) / np.maximum(having, 1)))
    favour = [(favours or {}).get(label, 1.0) for label in range(n_classes)]
    labels = [picture.labels[~picture.difficult].tolist() for picture in pictures]
    return np.array([max((factor[label] for label in its), default=1.0) * max((favour[label] for label in its), default=1.0)
                     * picture.times for picture, its in zip(pictures, labels)])


def order_of_pass(factors, seed, number):
    """The pictures of pass `number`, shuffled: as often as their factors say, fractions by chance."""
    chance = np.random.default_rng((seed, 1, number))
    times = np.floor(factors + chance.random(len(factors))).astype(int)
    order = np.repeat(np.arange(len(factors)), times)
    chance.shuffle(order)
    return order
