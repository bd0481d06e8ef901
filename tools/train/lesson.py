"""Lessons: what detectors found in pictures, written down once, and what a training makes of it.

A file of lessons is text, compressed by gzip or not, with an object of JSON a line for each picture:

    {"file": "VOC2007/000012", "passes": [{"model": "m.safetensors", "mirror": false, "window": [0, 0, 1, 1]}],
     "boxes": [["car", 0.83, 0.31, 0.19, 0.7, 0.53], ...]}

`file` is what devkit.Picture calls `name`: the set's folder and the picture. `passes` says how it was looked at, each
time through a window of the picture, in fractions of its sides, that may reach outside. A box is a label, a score and
the corners x0, y0, x1, y1 in fractions of the picture.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import gzip
import json
import zlib
from collections import Counter

import numpy as np
import torch

from boxes import overlaps
from checks import counted, listed
from shared.faults import DataError

COMPRESSED = b"\x1f\x8b"  # how gzip begins
SAME = 0.5       # overlap of two boxes that are about the same place
SURE = 0.5       # score that makes an object of a class that was not boxed,
DOUBTFUL = 0.3   # ... and that makes the place neither an object nor background
MISSED = 0.4     # score from which people who boxed everything have probably missed an object
SHARE = 0.5      # of a score that people contradict by having boxed nothing there
LEAST = 0.08     # score of the weakest soft target,
MOST = 32        # ... and how many boxes a picture learns from, the strongest
THIN = 0.01      # of the picture; a box with a smaller side is no lesson


# ---- Files ----------------------------------------------------------------------------------------------------------


def lesson_line(file, passes, boxes):
    """A line for [(label, score, x0, y0, x1, y1)], rounded to what pictures are drawn with."""
    rounded = [[label, round(float(score), 4), *(round(float(corner), 5) for corner in corners)]
               for label, score, *corners in boxes]
    whole = [row for row in rounded if row[4] > row[2] and row[5] > row[3]]
    return json.dumps({"file": file, "passes": passes, "boxes": whole}, separators=(",", ":")) + "\n"


def read_lessons(path, classes, rename=None):
    """{file: float32 array of rows class, score, x0, y0, x1, y1}, the strongest first, of the labels that are classes or
    that `rename` calls so. A DataError names the file, and the line where there is one."""
    columns, lessons, others = {name: at for at, name in enumerate(classes)}, {}, Counter()
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            file, labels, numbers = parse_lesson(line)
        except ValueError as error:
            raise DataError(f"'{path}' line {number}: {error}") from error
        if file in lessons:
            raise DataError(f"'{path}' line {number}: expected every picture once, found '{file}' again")
        labels = [rename.get(label, label) for label in labels] if rename else labels
        columns_of = np.array([columns.get(label, -1) for label in labels], dtype=int)
        others.update(label for label in labels if label not in columns)
        rows = np.column_stack((columns_of, numbers)).astype(np.float32)[columns_of >= 0]
        lessons[file] = rows[np.argsort(-rows[:, 1], kind="stable")]
    if not lessons:
        raise DataError(f"'{path}': expected lessons, a line for each picture, found none")
    if others and not any(len(rows) for rows in lessons.values()):
        raise DataError(f"'{path}': expected boxes of any of the classes {listed(list(classes))}, found {counted(others)}")
    return lessons


def text_of(path):
    """All of a file, whether compressed or not."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        return (gzip.decompress(content) if content.startswith(COMPRESSED) else content).decode()
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"'{path}': expected a whole file of gzip's, found one that is cut short or damaged") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}': expected lessons, text in UTF-8, found the byte {error.object[error.start]:#04x}") \
            from error


def parse_lesson(line):
    """(file, labels, [N, 5] scores and corners) of a line. A ValueError says what is wrong."""
    lesson = json.loads(line)
    if not isinstance(lesson, dict) or not isinstance(lesson.get("file"), str) or \
            not isinstance(lesson.get("boxes"), list):
        raise ValueError(f"expected an object with \"file\" and \"boxes\", found {line[:60]}")
    for box in lesson["boxes"]:
        if not isinstance(box, list) or len(box) != 6 or not isinstance(box[0], str) or \
                not all(isinstance(value, (int, float)) for value in box[1:]):
            raise ValueError(f"expected boxes [LABEL, SCORE, X0, Y0, X1, Y1], found {json.dumps(box)[:60]}")
    numbers = np.array([box[1:] for box in lesson["boxes"]], dtype=float).reshape(-1, 5)
    right = ((numbers >= 0) & (numbers <= 1)).all(1) & (numbers[:, 3:] > numbers[:, 1:3]).all(1)
    if not right.all():
        raise ValueError("expected a score and corners from 0 to 1, and an area between these, found "
                         f"{json.dumps(lesson['boxes'][int(right.argmin())])}")
    return lesson["file"], [box[0] for box in lesson["boxes"]], numbers


# ---- What is made of them -------------------------------------------------------------------------------------------


def teach(pictures, lessons, share=SHARE):
    """Adds to pictures what `lessons`, {name: rows} as read_lessons() gives them, say about them.

    People's boxes stay, and are right where a lesson contradicts them. `heard` [G] becomes the lesson's best score for
    each object, of a box of its class that overlaps it by SAME at least: 0 where there is none. What else a lesson says
    depends on whether the class was boxed in the picture (Picture.boxed):

    * Boxed, a box that overlaps no object of its class by SAME. From the score MISSED on, and where it overlaps no object
      of any class by SAME, an object was probably missed: it becomes a difficult object, which is neither learned nor
      background. Where it overlaps one of another class, people have said what that is: nothing is learned. Else people
      say that it is not there: a soft target of `share` of its score.
    * Not boxed. From the score SURE on it becomes an object; from DOUBTFUL on a difficult one; else a soft target of its
      score.

    Objects that were added stand behind people's in boxes, labels, difficult and heard, and `taught` [G] is true for
    them: who learns class by class leaves out a difficult one that is taught for its class alone, since that is all that
    the lesson doubts. Soft targets are in `soft` = (boxes [n, 4], labels [n], scores [n]): what the scores of anchors at
    that place should be instead of 0, where nothing stronger is told. They are no objects and have no boxes to learn.

    Every picture has the fields afterwards, empty where there is no lesson. Returns a Counter: "pictures" with lessons,
    "heard" objects, "objects" and "difficult" ones that were added, "soft" targets.
    """
    tally = Counter()
    for picture in pictures:
        picture.heard = torch.zeros(len(picture.labels))
        picture.taught = torch.zeros(len(picture.labels), dtype=torch.bool)
        picture.soft = (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
        rows = lessons.get(picture.name)
        if rows is not None:
            teach_one(picture, torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32)), share, tally)
    if pictures and not tally["pictures"]:
        found = f"of '{next(iter(lessons))}' and others" if lessons else "none"
        raise DataError(f"expected lessons of pictures like '{pictures[0].name}', found {found}")
    return tally


def teach_one(picture, rows, share, tally):
    """The same of one picture and its rows, the strongest first."""
    rows = rows[(rows[:, 1] >= LEAST) & ((rows[:, 4:] - rows[:, 2:4]) >= THIN).all(1)][:MOST]
    labels, scores, boxes = rows[:, 0].long(), rows[:, 1], rows[:, 2:]
    near = overlaps(boxes, picture.boxes) >= SAME
    same = near & (labels[:, None] == picture.labels)
    if len(picture.labels):
        picture.heard = (same * scores[:, None]).max(0).values if len(rows) else picture.heard
    boxed = torch.tensor([picture.boxed is None or label in picture.boxed for label in labels.tolist()], dtype=torch.bool)
    free = ~same.any(1)  # of an object that is known
    missed = boxed & free & ~near.any(1) & (scores >= MISSED)
    sure = ~boxed & free & (scores >= SURE)
    doubtful = ~boxed & free & (scores >= DOUBTFUL) & ~sure
    named_otherwise = boxed & near.any(1)
    soft = free & ~missed & ~sure & ~doubtful & ~named_otherwise
    added = sure | missed | doubtful
    tally.update(pictures=1, heard=int((picture.heard > 0).sum()), objects=int(sure.sum()),
                 difficult=int((missed | doubtful).sum()), soft=int(soft.sum()))
    picture.boxes = torch.cat((picture.boxes, boxes[added]))
    picture.labels = torch.cat((picture.labels, labels[added]))
    picture.difficult = torch.cat((picture.difficult, ~sure[added]))
    picture.heard = torch.cat((picture.heard, scores[added]))
    picture.taught = torch.cat((picture.taught, torch.ones(int(added.sum()), dtype=torch.bool)))
    picture.soft = (boxes[soft], labels[soft], scores[soft] * torch.where(boxed[soft], share, 1.0))
