"""What can be known before the first step: whether options, sets and classes go together and make a model that works.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import difflib
import math
import os
from collections import Counter

import torch

from class_recipes import CLASSIFIERS
from devkit import parse_folder, parse_spec
from shared.text_file import read_lines

# (option, from, to, whether the first is left out); all are finite.
NUMBERS = (
    ("passes", 0, math.inf, True), ("minutes", 0, math.inf, True), ("batch", 1, 2 ** 16, False),
    ("rate", 0, math.inf, True), ("trunk_rate", 0, math.inf, False), ("attend", 0, math.inf, False),
    ("distil", 0, math.inf, False), ("mosaic", 0, 1, False), ("threshold", 0, 1, False),
    ("mimic", 0, math.inf, False), ("still", 0, 1, False), ("size", 32, 4096, False), ("processes", 1, 256, False),
    ("seed", 0, 2 ** 63 - 1, False), ("loaders", 0, 1024, False),
)
ALONE = ("data", "val", "partial", "classes", "teacher", "lessons", "map", "favour")  # what --quick has no use for
DRAWN = ("quick", "quick-classifier")  # recipes that it has
OF_BOXES = ("partial", "teacher", "lessons", "attend", "distil", "mimic", "mosaic", "favour")  # what a classifier has no use for
RESERVED = ("background", "???")  # what a model file calls scores that are no objects
SHOWN = 12  # names in a message


def check_options(arguments):
    """Raises a ValueError that names the option."""
    for name, low, high, is_open in NUMBERS:
        check_number(f"--{name.replace('_', '-')}", getattr(arguments, name), low, high, is_open)
    classifies = arguments.recipe in CLASSIFIERS
    if arguments.quick:
        extra = [f"--{name}" for name in ALONE if getattr(arguments, name)]
        if extra:
            raise ValueError(f"--quick draws its own pictures, and has no use for {', '.join(extra)}")
        if arguments.recipe not in DRAWN:
            raise ValueError(f"--quick trains one of {', '.join(DRAWN)}: found --recipe {arguments.recipe}")
    elif not arguments.data:
        raise ValueError("expected --data FOLDER, with a folder of pictures for each class in it" if classifies else
                         "expected --data FOLDER:SPLIT (or --quick)")
    extra = [f"--{name}" for name in OF_BOXES if getattr(arguments, name) not in (None, [])] if classifies else ()
    if extra:
        raise ValueError(f"--recipe {arguments.recipe} trains a classifier, which has no use for {', '.join(extra)}")
    if arguments.map and not (arguments.start or arguments.teacher or arguments.lessons):
        raise ValueError("--map is about the labels of --start, --teacher or --lessons: expected one of these")
    for option in ("distil", "mimic"):
        if getattr(arguments, option) and not arguments.teacher:
            raise ValueError(f"--{option} wants answers of a --teacher: expected one")
    is_dense = bool(arguments.teacher) and arguments.teacher.endswith(".param")
    if arguments.partial and not arguments.lessons and (is_dense or not arguments.teacher):
        raise ValueError("--partial wants to know what else is in the pictures: expected --lessons, or a --teacher that is "
                         "a model file")
    paths = [(option, getattr(arguments, option)) for option in ("start", "teacher", "map", "partial")]
    for option, path in paths + [("lessons", path) for path in arguments.lessons]:
        if path and not os.path.isfile(path):
            raise ValueError(f"--{option}: expected a file, found {'a folder' if os.path.isdir(path) else 'none'} at "
                             f"'{path}'")
    for option in ("data", "val"):
        for spec in getattr(arguments, option):
            (check_folder if classifies else check_set)(f"--{option}", spec, counted=option == "data")
    try:
        torch.empty(0, device=arguments.device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device {arguments.device}: {str(error).splitlines()[0]}") from error


def check_number(option, value, low, high, is_open):
    if value is None or (low < value if is_open else low <= value) and value <= high and value < math.inf:
        return
    limits = f"more than {low}" if is_open else f"{low} or more" if high > 2 ** 32 else f"{low} to {high}"
    raise ValueError(f"{option}: expected {limits}, found {value}")


def check_set(option, spec, counted=False):
    """That FOLDER:SPLIT is there, and may be shown so many times a pass."""
    path, times = parse_spec(spec) if counted else (spec, 1)
    check_number(f"{option} {spec}: times", times, 0, 1000, True)
    folder, _, split = path.rpartition(":")
    if not folder or not split:
        raise ValueError(f"{option} {spec}: expected FOLDER:SPLIT")
    if not os.path.isdir(folder):
        raise ValueError(f"{option} {spec}: expected the folder of a VOC devkit (JPEGImages, Annotations, ImageSets), "
                         f"found no folder '{folder}'")


def check_folder(option, spec, counted):
    """The same of a classifier's FOLDER or FOLDER:SPLIT."""
    path, times = parse_folder(spec)
    check_number(f"{option} {spec}: times", times, 0, 1000, True)
    if times != 1 and not counted:
        raise ValueError(f"{option} {spec}: expected a set that is measured with once, found one with @")
    if not os.path.isdir(path):
        raise ValueError(f"{option} {spec}: expected a folder with a folder of pictures for each class, found no "
                         f"folder '{path}'")


def parse_classes(text):
    """The names of --classes: with commas between, or @FILE with a name a line, in which commas are nothing special."""
    if text.startswith("@"):
        names = read_lines(text[1:])
        while names and not names[-1]:
            names.pop()
    else:
        names = [name.strip() for name in text.split(",")]
    if not names:
        raise ValueError(f"--classes {text}: expected names of classes, found none")
    for name in names:
        if not name:
            raise ValueError(f"--classes {text}: expected a name before and behind every "
                             f"{'end of a line' if text.startswith('@') else 'comma'}, found none")
        if names.count(name) > 1:
            raise ValueError(f"--classes {text}: expected every class once, found '{name}' again")
        if name in RESERVED:
            raise ValueError(f"--classes {text}: expected classes of objects, found '{name}', which model files call "
                             "what is none")
    return names


def parse_favours(text, classes):
    """{number of a class: times} of CLASS=TIMES,CLASS=TIMES."""
    favours = {}
    for part in text.split(",") if text else ():
        name, equals, times = (word.strip() for word in part.rpartition("="))
        try:
            number = float(times)
        except ValueError:
            number = math.nan
        if not equals or name not in classes or not 0 < number <= 1000:
            raise ValueError(f"--favour: expected CLASS=TIMES with a class of {listed(list(classes))} and more than 0, "
                             f"at most 1000; found '{part.strip()}'")
        favours[classes.index(name)] = number
    return favours


# ---- Classes against sets ----


def check_objects(pictures, classes, specs, each):
    """That there are objects to learn, or to measure with: of every class if `each`, else of any."""
    found = Counter(label for picture in pictures for label in picture.labels[~picture.difficult].tolist())
    others = Counter(name for picture in pictures for name in picture.others)
    missing = [name for at, name in enumerate(classes) if not found[at]]
    if not missing or found and not each:
        return
    there = Counter({classes[label]: count for label, count in found.items()}) + others
    guesses = [f"'{nearest(name, others)}' for '{name}'" for name in missing if nearest(name, others)]
    was = "no objects at all (difficult ones do not count)" if not there else \
        f"none of {listed(missing) if found else 'them'}, but {counted(there)}"
    raise ValueError(f"{', '.join(specs)}: expected objects of {'each' if found else 'any'} of the classes "
                     f"{listed(classes)}; found {was}" + (f" (is it {listed(guesses)}?)" if guesses else ""))


def left_out(pictures, classes):
    """What of the sets is none of the classes, in words; None if it is nothing."""
    others = Counter(name for picture in pictures for name in picture.others)
    if not others:
        return None
    same = [f"'{name}' is nearly '{near}'" for name in others for near in classes if folded(name) == folded(near)]
    return f"none of the classes, and taken for background: {counted(others)}" + \
        (f"; beware: {listed(same)}" if same else "")


def folded(name):
    """Without what people write differently."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def nearest(name, others):
    """The most like it of other names, or None."""
    by_letters = {folded(other): other for other in others}
    near = difflib.get_close_matches(folded(name), by_letters, 1, 0.7)
    return by_letters[near[0]] if near else None


def counted(names):
    """Names with how often they occur, most of them first."""
    return listed([f"{name} ({count})" for name, count in names.most_common()])


def listed(names):
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
