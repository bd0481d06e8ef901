"""Pictures sorted by what they show, a folder for each class: what tools/eval/class-folders.c reads for cbam-eval.

A set is FOLDER, or FOLDER:SPLIT for the folder SPLIT within it, as cbam-eval --split has it.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
from collections import Counter
from dataclasses import dataclass

import numpy as np
from PIL import Image

from checks import RESERVED, counted, listed, nearest
from devkit import KINDS, parse_folder
from fail import printable
from picture import read_picture
from progress import counter
from shared.faults import DataError

ROOM = 2 << 30  # bytes of pictures that are kept; more of them are read again whenever they are shown
MOST = 1024     # classes of a model file


@dataclass
class ClassPicture:
    name: str
    label: int
    path: str = ""
    times: float = 1.0          # it is shown in a pass
    make: object = None         # what is kept of the file's pixels
    kept: Image.Image = None

    @property
    def pixels(self):
        return self.kept or self.make(read_picture(self.path))


# ---- What is there ----


def entries(folder):
    """The names in it but those that begin with a point, in the order of their bytes."""
    return sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=os.fsencode)


def list_classes(folder):
    names = [name for name in entries(folder) if os.path.isdir(os.path.join(folder, name))]
    if not names:
        raise DataError(f"'{printable(folder)}': expected a folder for each class, found none")
    return names


def list_pictures(folder, name):
    within = os.path.join(folder, name)
    found = []
    for entry in entries(within):
        path = os.path.join(within, entry)
        if os.path.isdir(path):
            raise DataError(f"'{printable(within)}': expected the pictures of a class, found the folder "
                            f"'{printable(entry)}'; FOLDER:SPLIT names a folder of classes within")
        if "." in entry and entry.rpartition(".")[2].lower() in KINDS:
            found.append(path)
    if not found:
        raise DataError(f"'{printable(within)}': expected pictures of the class, found none")
    return found


def find_classes(specs):
    """The names of all folders of classes in the sets, in the order of their bytes."""
    names = sorted({name for spec in specs for name in list_classes(parse_folder(spec)[0])}, key=os.fsencode)
    for name in names:
        if printable(name) != name:
            raise DataError(f"{', '.join(specs)}: expected names of classes in UTF-8, found the folder "
                            f"'{printable(name)}'")
        if name in RESERVED:
            raise DataError(f"{', '.join(specs)}: expected folders of classes, found one called '{name}', which is "
                            "what model files call what is never reported; give it another name")
    return names


# ---- Sets ----


def read_sets(specs, classes, make, say=print):
    """(pictures, how many of which other classes were left out). Every file is read, so that one that is damaged is
    known of before the first step; `make` makes of its pixels what is kept."""
    pictures, others, room = [], Counter(), ROOM
    for spec in specs:
        folder, times = parse_folder(spec)
        found = [(name, path) for name in list_classes(folder) for path in list_pictures(folder, name)]
        known = [one for one in found if one[0] in classes]
        others.update(printable(name) for name, _ in found if name not in classes)
        progress = counter(f"reading {spec}")
        for number, (name, path) in enumerate(known, 1):
            pixels = make(read_picture(path))
            room -= 3 * pixels.width * pixels.height
            pictures.append(ClassPicture(os.path.relpath(path, folder), classes.index(name), path, times, make,
                                         pixels if room >= 0 else None))
            progress(number, len(known))
        say(f"{spec}: {len(known)} pictures of {len({name for name, _ in known})} classes")
    if others:
        say(f"{', '.join(specs)}: none of the classes, and left out: {counted(others)}")
    return pictures, others


def check_classes(classes):
    """That a model file may have them."""
    if not 2 <= len(classes) <= MOST:
        raise ValueError(f"expected 2 to {MOST} classes to tell apart, found {len(classes)}: {listed(classes)}")


def check_pictures(pictures, others, classes, specs, each):
    """That there are pictures of every class if `each`, else of any."""
    found = Counter(picture.label for picture in pictures)
    missing = [name for label, name in enumerate(classes) if not found[label]]
    if not missing or found and not each:
        return
    guesses = [f"'{nearest(name, others)}' for '{name}'" for name in missing if nearest(name, others)]
    was = f"none of {listed(missing) if found else 'them'}" + (f", but {counted(others)}" if others else "")
    raise ValueError(f"{', '.join(specs)}: expected a folder for {'each' if found else 'any'} of the classes "
                     f"{listed(classes)}; found {was}" + (f" (is it {listed(guesses)}?)" if guesses else ""))


def repeat_factors(pictures, n_classes):
    """How often a pass shows each picture: the root of how many a class has on average by how many its own has, at
    least once; so many times as its set is to be shown."""
    having = np.bincount([picture.label for picture in pictures], minlength=n_classes)
    factor = np.maximum(1, np.sqrt(len(pictures) / n_classes / np.maximum(having, 1)))
    return np.array([factor[picture.label] * picture.times for picture in pictures])
