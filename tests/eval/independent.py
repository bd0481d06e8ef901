#!/usr/bin/env python3
"""What cbam-eval should say, computed from its raw detections and the annotations by other means: VOC's definition in
plain Python, with fractions where cbam-eval has doubles, and no shortcut.

    independent.py SPLIT DETECTIONS DEVKIT...

prints one JSON object with the same keys, as far as they follow from the detections.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

IOUS = [Fraction(n, 20) for n in range(10, 20)]  # 0.5, 0.55 ... 0.95


def read_objects(split, folders):
    """{(picture, class): [(box, difficult)]}, the pictures' names, the classes' names."""
    objects, pictures, classes = {}, [], set()
    for folder in folders:
        with open(os.path.join(folder, "ImageSets", "Main", split + ".txt"), encoding="utf-8") as file:
            names = [line.split()[0] for line in file if line.strip()]
        for name in names:
            picture = name if len(folders) == 1 else os.path.basename(os.path.normpath(folder)) + "/" + name
            pictures.append(picture)
            tree = ElementTree.parse(os.path.join(folder, "Annotations", name + ".xml"))
            for element in tree.getroot().findall("object"):
                label = element.findtext("name").strip()
                box = [Fraction(element.find("bndbox").findtext(side).strip()) for side in
                       ("xmin", "ymin", "xmax", "ymax")]
                difficult = (element.findtext("difficult") or "0").strip() == "1"
                objects.setdefault((picture, label), []).append((box, difficult))
                classes.add(label)
    return objects, pictures, sorted(classes)


def read_detections(path):
    """{class: [(score, picture, box)]} by falling score, equal ones in the file's order."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            picture, label, score, *box = line.rstrip("\n").split("\t")
            found.setdefault(label, []).append((float(score), picture, [Fraction(side) for side in box]))
    return {label: sorted(rows, key=lambda row: -row[0]) for label, rows in found.items()}


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return Fraction(0)
    both = width * height
    return both / ((a[2] - a[0] + 1) * (a[3] - a[1] + 1) + (b[2] - b[0] + 1) * (b[3] - b[1] + 1) - both)


def best_object(box, candidates):
    """(its index, the overlap); the first of equal ones; (None, 0) where nothing overlaps."""
    overlaps = [iou(box, candidate) for candidate, _ in candidates]
    most = max(overlaps, default=Fraction(0))
    return (overlaps.index(most), most) if most > 0 else (None, most)


def judge(matched, objects, label, least):
    """A letter per detection, of which the picture and what best_object() says are given: right, wrong, neither."""
    taken, letters = set(), []
    for picture, index, most in matched:
        candidates = objects.get((picture, label), [])
        if index is None or most < least:
            letters.append("w")
        elif candidates[index][1]:
            letters.append("n")
        elif (picture, index) in taken:
            letters.append("w")
        else:
            taken.add((picture, index))
            letters.append("r")
    return letters


def curve(letters, n_objects):
    """(recall, precision) after each detection that counts."""
    points, right, wrong = [], 0, 0
    for letter in letters:
        right, wrong = right + (letter == "r"), wrong + (letter == "w")
        if letter != "n":
            points.append((Fraction(right, n_objects), Fraction(right, right + wrong)))
    return points


def eleven_points(points):
    return sum(max((p for r, p in points if r >= Fraction(n, 10)), default=Fraction(0)) for n in range(11)) / 11


def area(points):
    """As VOC's devkit of 2010 and later has it: sentinels, a monotone envelope, the area of its steps."""
    recalls = [Fraction(0)] + [r for r, _ in points] + [Fraction(1)]
    precisions = [Fraction(0)] + [p for _, p in points] + [Fraction(0)]
    for i in range(len(precisions) - 2, -1, -1):
        precisions[i] = max(precisions[i], precisions[i + 1])
    return sum((recalls[i] - recalls[i - 1]) * precisions[i] for i in range(1, len(recalls)))


def share(part, whole):
    return float(Fraction(part, whole)) if whole else None


def best_f1(judged, n_objects):
    """The best over all thresholds between two neighbouring scores, all classes together."""
    rows = sorted(((score, letter) for scores, letters in judged for score, letter in zip(scores, letters)),
                  key=lambda row: -row[0])
    best, best_exact, right, wrong = None, None, 0, 0
    for i, (score, letter) in enumerate(rows):
        right, wrong = right + (letter == "r"), wrong + (letter == "w")
        after = rows[i + 1][0] if i + 1 < len(rows) else 0.0
        if after == score:
            continue
        f1 = Fraction(2 * right, right + wrong + n_objects)
        if f1 > 0 and (best is None or f1 > best_exact):
            best_exact = f1
            best = float(f1), (score + after) / 2, share(right, right + wrong), share(right, n_objects)
    return best


def evaluate(split, detections_path, folders, threshold):
    objects, pictures, classes = read_objects(split, folders)
    found = read_detections(detections_path)
    result, judged, total = [], [], 0
    for label in classes:
        rows = found.get(label, [])
        n_objects = sum(not difficult for (_, name), boxes in objects.items() if name == label
                        for _, difficult in boxes)
        matched = [(picture, *best_object(box, objects.get((picture, label), []))) for _, picture, box in rows]
        letters = {least: judge(matched, objects, label, least) for least in IOUS}
        judged.append(([row[0] for row in rows], letters[IOUS[0]]))
        total += n_objects
        shown = [letter for row, letter in zip(rows, letters[IOUS[0]]) if row[0] > threshold]
        entry = {"name": label, "objects": n_objects, "ap_11point": None, "ap_area": None, "ap_50_95": None,
                 "precision": share(shown.count("r"), len(shown) - shown.count("n")),
                 "recall": share(shown.count("r"), n_objects)}
        if n_objects:
            curves = [curve(letters[least], n_objects) for least in IOUS]
            areas = [area(points) for points in curves]
            entry.update(ap_11point=float(eleven_points(curves[0])), ap_area=float(areas[0]),
                         ap_50_95=float(sum(areas) / len(areas)))
        result.append(entry)
    measured = [entry for entry in result if entry["objects"]]
    means = {"map_" + key: sum(entry["ap_" + key] for entry in measured) / len(measured) if measured else None
             for key in ("11point", "area", "50_95")}
    f1 = best_f1(judged, total) if total else None
    return {"pictures": len(pictures), "classes": result, **means,
            "best_f1": dict(zip(("f1", "threshold", "precision", "recall"), f1)) if f1 else None}


def main():
    split, detections, *folders = sys.argv[1:]
    print(json.dumps(evaluate(split, detections, folders, 0.5), indent=1))


if __name__ == "__main__":
    main()
