#!/usr/bin/env python3
"""The trainer reads what the programs read: the same pixels of every kind of file, the same answer to damaged ones, the
same objects of the same annotations.

    test_readers.py READERS

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from shared.need import have
from tap import Skip, Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np

import devkit
from annotations import CASES, HEIGHT, WIDTH
from picture import read_picture
from picture_files import BROKEN, WHOLE
from shared.faults import DataError

READERS, = sys.argv[1:]
CLASSES = sorted({thing[0] for case in CASES if isinstance(case.expected, list) for thing in case.expected})


def by_programs(path):
    """The pixels, or the error's text."""
    output = subprocess.run([READERS, "pictures", path], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    head, _, pixels = output.partition(b"\n")
    if not head.startswith(b"ok "):
        return head.decode()
    _, width, height = head.split()
    return np.frombuffer(pixels, np.uint8).reshape(int(height), int(width), 3)


def by_trainer(path):
    try:
        return np.asarray(read_picture(path))
    except DataError as error:
        return str(error)


def write(folder, content):
    path = os.path.join(folder, "file")
    with open(path, "wb") as file:
        file.write(content)
    return path


def check_whole(content, expected):
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, content)
        theirs, ours = by_programs(path), by_trainer(path)
    if content[8:12] == b"WEBP" and isinstance(theirs, str) and "recognize" in theirs:
        raise Skip("gdk-pixbuf has no reader of WebP here")
    assert not isinstance(theirs, str), theirs
    assert not isinstance(ours, str), ours
    assert theirs.shape == ours.shape, (theirs.shape, ours.shape)
    assert (theirs == ours).all(), f"they differ by up to {np.abs(theirs.astype(int) - ours).max()}"
    if expected is not None:
        assert ours.shape == expected.shape and (ours == expected).all(), np.abs(ours.astype(int) - expected).max()


def check_broken(content):
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, content)
        for found in (by_programs(path), by_trainer(path)):
            assert isinstance(found, str), "it was read"
            assert path in found, found


def by_read_set(folder, notes):
    """[(class, box in VOC's pixels, difficult)] of the first picture, or the error's text."""
    try:
        picture, = devkit.read_set(folder + ":test", CLASSES, say=notes.append)
    except DataError as error:
        return str(error)
    assert picture.pixels.size == (WIDTH, HEIGHT) and picture.pixels.mode == "RGB"
    boxes = picture.boxes.numpy() * np.array([WIDTH, HEIGHT] * 2) + [1, 1, 0, 0]
    return [(CLASSES[label], box, difficult)
            for label, box, difficult in zip(picture.labels.tolist(), boxes, picture.difficult.tolist())]


def check_annotation(case, notes):
    with tempfile.TemporaryDirectory() as folder:
        found = by_read_set(case.write(os.path.join(folder, "devkit")), notes)
    if isinstance(case.expected, tuple):
        assert isinstance(found, str), f"read {found}"
        for word in case.expected:
            assert word in found, f"no {word} in {found}"
        return
    assert isinstance(found, list) and len(found) == len(case.expected), found
    for (name, box, difficult), (label, wanted, is_hard) in zip(found, case.expected):
        assert name == label and difficult == is_hard and np.abs(box - wanted).max() < 1e-4, found


tap = Tap()
for name, (content, expected) in WHOLE.items():
    with tap.point(name):
        check_whole(content, expected)
for name, content in BROKEN.items():
    with tap.point("broken: " + name):
        check_broken(content)
for case in CASES:
    with tap.point("annotation: " + case.name):
        check_annotation(case, [])
with tap.point("<filename> that names another picture is noted"):
    noted = {case.name for case in CASES if check_annotation(case, notes := []) or notes}
    assert noted == {"the list's name before <filename>"}, noted
tap.done()
