#!/usr/bin/env python3
"""Lessons: how detectors look at pictures, how what they find is fused, the files, and what a training makes of them.

    test_lessons.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from common import check_one_error, expect_ok, run
from devkits import write_devkit
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np
import torch
from PIL import Image

import devkit
import lesson
import looks
from fusion import fuse, suppress
from ncnn_detector import COCO, NcnnDetector
from ncnn_files import Ncnn, plain, tagged
from shapes import draw_set
from shared.faults import DataError

LESSONS = os.path.join(setting.TRAIN, "lessons")
SHAPES = os.path.join(setting.ROOT, "tests", "models", "shapes.safetensors")
tap = Tap()


def refused(words, function, *arguments):
    try:
        function(*arguments)
    except (DataError, ValueError) as error:
        for word in words:
            assert word in str(error), f"no {word} in {error}"
    else:
        raise AssertionError("no error")


# ---- Fusion ---------------------------------------------------------------------------------------------------------


def overlap_of(a, b):
    both = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def slow_suppress(rows, overlap):
    kept = []
    for row in sorted(rows, key=lambda row: -row[1]):
        if not any(other[0] == row[0] and overlap_of(other[2:], row[2:]) > overlap for other in kept):
            kept.append(row)
    return kept


def slow_fuse(all_looks, overlap, least):
    """Clusters as lists, everything about them worked out anew each time."""
    clusters = []

    def mean(members):
        whole = sum(row[1] for _, row in members)
        return [sum(row[1] * row[at] for _, row in members) / whole for at in range(2, 6)]

    rows = [(look, row) for look, some in enumerate(all_looks) for row in some if row[1] >= least]
    for look, row in sorted(rows, key=lambda pair: -pair[1][1]):
        near = [(overlap_of(mean(members), row[2:]), members) for members in clusters if members[0][1][0] == row[0]]
        best = max(near, key=lambda pair: pair[0], default=(0, None))
        if best[0] > overlap:
            best[1].append((look, row))
        else:
            clusters.append([(look, row)])
    fused = []
    for members in clusters:
        heard = [max([row[1] for own, row in members if own == look], default=0) for look in range(len(all_looks))]
        fused.append([members[0][1][0], sum(heard) / len(all_looks), *mean(members)])
    return sorted(fused, key=lambda row: -row[1])


def noise(chance, count):
    """Rows around a few places, so that many overlap."""
    centres = np.array([[0.3, 0.3], [0.6, 0.5], [0.5, 0.8]])[chance.integers(0, 3, count)]
    centres = centres + chance.normal(0, 0.04, (count, 2))
    half = chance.uniform(0.1, 0.2, (count, 2))
    return np.column_stack((chance.integers(0, 3, count), chance.random(count), centres - half, centres + half))


with tap.point("suppression and fusion are their slow twins"):
    chance = np.random.default_rng(4)
    for count in (0, 1, 5, 40):
        some = [noise(chance, count) for _ in range(3)]
        assert np.allclose(suppress(some[0], 0.4), np.array(slow_suppress(some[0], 0.4)).reshape(-1, 6))
        assert np.allclose(fuse(some, overlap=0.5, least=0.2), np.array(slow_fuse(some, 0.5, 0.2)).reshape(-1, 6))

with tap.point("fusion by hand: corners by scores, a score that only one look of three gives, one of a look's own"):
    first = [[7, 0.9, 0.1, 0.1, 0.5, 0.5], [7, 0.3, 0.1, 0.1, 0.5, 0.4], [1, 0.6, 0, 0, 1, 1]]
    second = [[7, 0.3, 0.1, 0.1, 0.5, 0.6], [7, 0.005, 0.8, 0.8, 1, 1]]
    expected = [[7, 0.4, 0.1, 0.1, 0.5, 0.5], [1, 0.2, 0, 0, 1, 1]]
    assert np.allclose(fuse([first, second, []]), expected), fuse([first, second, []])
    assert np.allclose(fuse([first, second, []], {7: 3, 1: 1})[0], [1, 0.6, 0, 0, 1, 1])

# ---- Looks ----------------------------------------------------------------------------------------------------------

with tap.point("every look: a box goes where its pixels go, and comes back"):
    for size in ((200, 100), (60, 150), (64, 64)):
        pixels = Image.new("RGB", size, (9, 9, 9))
        x0, y0, x1, y1 = (round(part * side) for part, side in zip((0.2, 0.3, 0.6, 0.8), size * 2))
        pixels.paste((250, 250, 250), (x0, y0, x1, y1))
        box = np.array([x0, y0, x1, y1]) / (size * 2)
        for name in looks.LOOKS:
            look = looks.look_of(name, size, (96, 96))
            view = looks.view_of(pixels, look, (96, 96), (30.0, 60.0, 90.0))
            assert view.shape == (96, 96, 3)
            bright = view[:, :, 0] > 128
            rows, columns = bright.any(1).nonzero()[:, 0] / 96, bright.any(0).nonzero()[:, 0] / 96
            seen = [[3, 0.5, columns.min(), rows.min(), columns.max() + 1 / 96, rows.max() + 1 / 96]]
            back = looks.to_picture(seen, look)[0]
            assert np.abs(back[2:] - box).max() < 0.03 and back[:2].tolist() == [3, 0.5], (size, name, back, box)
            outside = (view - torch.tensor([30.0, 60.0, 90.0])).abs().amax(2) < 1e-3
            share = 1 - min(size) / max(size) if name.startswith("letterbox") else 0
            assert abs(outside.float().mean() - share) < 0.02, (size, name, outside.float().mean())

with tap.point("what lies outside of the picture is gone, what reaches over its edge is cut"):
    look = looks.Look((-0.5, 0.0, 1.5, 1.0), False)
    rows = looks.to_picture([[0, 0.9, 0, 0, 0.2, 1], [0, 0.8, 0.2, 0.5, 0.5, 1]], look)
    assert np.allclose(rows, [[0, 0.8, 0, 0.5, 0.5, 1]]), rows

# ---- Detectors of ncnn's --------------------------------------------------------------------------------------------


def write_detector(folder, kind, side=64):
    """A graph with the kind's outputs: class 2 is where a pixel of an input's channel is bright, and says sides of 1, 2,
    3 and 0 steps to left, top, right and bottom."""
    net = Ncnn()
    blob = net.input("data")
    bins = np.zeros((4, 4))
    bins[np.arange(4), [1, 2, 3, 0]] = 60
    for level in range(4):
        step, weight = 8 << level, np.zeros((80, 3, 8 << level, 8 << level))
        weight[2, :, step // 2, step // 2] = 1
        score = net.add("Convolution", f"s{level}", [blob], [f"s{level}"], f"0=80 1={step} 3={step} 5=1 6={weight.size} 9=4",
                        tagged(weight), plain(np.full(80, -5 - level)))
        sides = net.add("Convolution", f"d{level}", [blob], [f"d{level}"], f"0=16 1={step} 3={step} 5=1 6={48 * step ** 2}",
                        tagged(np.zeros((16, 3, step, step))), plain(bins))
        if kind == "NanoDet-Plus":
            net.add("ReLU", f"t{level}", [score], [f"cls{step}"])
            net.add("Permute", f"u{level}", [sides], [f"dis{step}"], "0=3")
            continue
        for name, what, channels, number in (("v", score, 80, level), ("w", sides, 16, level + 4)):
            net.add("Reshape", f"{name}r{level}", [what], [f"{name}{level}"], f"0=-1 1={channels}")
            net.add("Permute", f"{name}p{level}", [f"{name}{level}"], [f"save_infer_model/scale_{number}.tmp_1"], "0=1")
    return net.write(folder, kind)


with tempfile.TemporaryDirectory() as folder:
    for kind, aside in (("NanoDet-Plus", 0), ("PicoDet", 0.5)):
        with tap.point(f"{kind}: its outputs are found, and its boxes are where its cells and bins say"):
            detector = NcnnDetector(write_detector(folder, kind), 64, half=False)
            view = torch.zeros(64, 64, 3) + torch.tensor([123.675, 116.28, 103.53])
            view[4 + 8 * 5, 4 + 8 * 4] = 700  # row 5, column 4 of the finest level
            view[8 + 16 * 1, 8 + 16 * 1] = 600  # row and column 1 of the next
            (rows, nothing), (halves, _) = (NcnnDetector(detector.path, 64, half)([view, view * 0], 0.5)
                                            for half in (False, True))
            assert len(rows) == 2 and len(nothing) == 0 and {COCO[int(label)] for label in rows[:, 0]} == {"car"}, rows
            for row, step, column, line in ((rows[0], 8, 4, 5), (rows[1], 16, 1, 1)):
                x, y = step * (column + aside), step * (line + aside)
                expected = np.array([x - step, y - 2 * step, x + 3 * step, y]).clip(0, 64)
                assert np.allclose(row[2:] * 64, expected, atol=1e-3), (row[2:] * 64, expected)
            assert np.allclose(halves, rows, atol=0.02), halves

    with tap.point("a graph of another kind, and a side that does not fit, are refused"):
        net = Ncnn()
        net.add("ReLU", "r", [net.input("data")], ["out"])
        refused(("other.param", "NanoDet-Plus", "out"), NcnnDetector, net.write(folder, "other"))
        refused(("32", "100"), NcnnDetector, os.path.join(folder, "PicoDet.param"), 100)

# ---- Files ----------------------------------------------------------------------------------------------------------

GOOD = {"file": "a/1", "passes": [], "boxes": [["cat", 0.25, 0, 0, 0.5, 0.5], ["couch", 0.5, 0.1, 0.2, 0.3, 0.4]]}

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "l.jsonl")

    def write(*lines, compress=False):
        content = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines).encode()
        with open(path, "wb") as file:
            file.write(gzip.compress(content) if compress else content)
        return path

    with tap.point("a file is read, compressed or not, with other names for its labels"):
        for compress in (False, True):
            write(GOOD, "\n", {"file": "a/2", "boxes": []}, compress=compress)
            found = lesson.read_lessons(path, ["sofa", "cat"], {"couch": "sofa"})
            assert found.keys() == {"a/1", "a/2"} and found["a/2"].shape == (0, 6)
            assert np.allclose(found["a/1"], [[0, 0.5, 0.1, 0.2, 0.3, 0.4], [1, 0.25, 0, 0, 0.5, 0.5]]), found
            assert lesson.read_lessons(path, ["cat"])["a/1"].shape == (1, 6)

    with tap.point("a line that was written is read; boxes without an area are left out"):
        line = lesson.lesson_line("a/é", [], [("chat", 0.1234567, 0, 0, 1, 1), ("chat", 0.5, 0.1, 0.1, 0.1000001, 1)])
        found = lesson.read_lessons(write(line), ["chat"])["a/é"]
        assert np.allclose(found, [[0, 0.1235, 0, 0, 1, 1]]), found

    with tap.point("what is wrong with a file is said with its line"):
        for lines, words in (
                ((GOOD, GOOD), ("line 2", "a/1", "again")), ((GOOD, "{\n"), ("line 2",)), (("[]\n",), ("line 1", "file")),
                (({"file": "x"},), ("boxes",)), (({**GOOD, "boxes": [["cat", 1]]},), ("LABEL", "cat")),
                (({**GOOD, "boxes": [["cat", 1.5, 0, 0, 1, 1]]},), ("0 to 1", "1.5")),
                (({**GOOD, "boxes": [["cat", 1, 0.5, 0, 0.5, 1]]},), ("area",)),
                (({**GOOD, "boxes": [["cat", "1", 0, 0, 1, 1]]},), ("LABEL",)), (("\n",), ("none",))):
            refused((path, *words), lesson.read_lessons, write(*lines), ["cat"])
        refused((path, "dog", "cat (1)", "couch (1)"), lesson.read_lessons, write(GOOD), ["dog"])
        content = open(write(GOOD, compress=True), "rb").read()
        with open(path, "wb") as file:
            file.write(content[:-9])
        refused((path, "cut short"), lesson.read_lessons, path, ["cat"])
        with open(path, "wb") as file:
            file.write(b"\xff")
        refused((path, "0xff"), lesson.read_lessons, path, ["cat"])

# ---- What is made of them -------------------------------------------------------------------------------------------

A, B, C = [0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0, 0.6, 0.3, 0.9]


def picture(rows, labels, difficult, boxed=None):
    return devkit.Picture("s/p", Image.new("RGB", (9, 9)), torch.tensor(rows).float().view(-1, 4), torch.tensor(labels).long(),
                          torch.tensor(difficult).bool(), boxed)


def taught(rows, boxed=None):
    """A picture with class 0 at A and a difficult one of class 1 at B, after a lesson."""
    p = picture([A, B], [0, 1], [False, True], boxed)
    tally = lesson.teach([p], {"s/p": np.array(rows, dtype=float).reshape(-1, 6)})
    return p, tally


def added(p):
    return [(label, flag, round(score, 3)) for label, flag, score, own in
            zip(p.labels.tolist(), p.difficult.tolist(), p.heard.tolist(), p.taught.tolist()) if own]


with tap.point("a lesson that agrees is heard, and adds nothing"):
    p, tally = taught([[0, 0.7, *A], [0, 0.3, 0, 0, 0.4, 0.35], [1, 0.6, *B]])
    assert np.allclose(p.heard, [0.7, 0.6]) and not p.taught.any() and len(p.soft[0]) == 0, p
    assert tally == {"pictures": 1, "heard": 2, "objects": 0, "difficult": 0, "soft": 0}, tally

# class, score, box -> what is added (class, difficult, score), and soft targets (class, score)
for label, boxed, row, expected, soft in (
        ("boxed, where nothing is, strong: missed", None, [2, 0.4, *C], [(2, True, 0.4)], []),
        ("boxed, where nothing is, weak: half of it", None, [2, 0.38, *C], [], [(2, 0.19)]),
        ("boxed, strong, at another class's object: people know better", None, [2, 0.8, *A], [], []),
        ("boxed, weak, at another class's object: people know better", None, [2, 0.2, *A], [], []),
        ("boxed, strong, beside its own object: missed", None, [0, 0.6, 0, 0, 0.4, 0.15], [(0, True, 0.6)], []),
        ("boxed, too weak for anything", None, [2, 0.07, *C], [], []),
        ("not boxed, sure: an object", {0, 1}, [2, 0.5, *C], [(2, False, 0.5)], []),
        ("not boxed, sure, at another class's object: an object", {0, 1}, [2, 0.5, *A], [(2, False, 0.5)], []),
        ("not boxed, doubtful", {0, 1}, [2, 0.3, *C], [(2, True, 0.3)], []),
        ("not boxed, weak: all of it", {0, 1}, [2, 0.25, *C], [], [(2, 0.25)]),
        ("boxed, in a picture where others are not", {0, 1}, [0, 0.25, *C], [], [(0, 0.125)]),
        ("thin", None, [2, 0.9, 0.5, 0.5, 0.505, 0.9], [], [])):
    with tap.point(f"a lesson about a class {label}"):
        p, tally = taught([row], boxed)
        assert added(p) == expected, added(p)
        found = [(k, round(s, 3)) for k, s in zip(p.soft[1].tolist(), p.soft[2].tolist())]
        assert found == soft and p.soft[0].shape == (len(soft), 4), found
        assert p.boxes.shape == (2 + len(expected), 4) and p.heard[:2].tolist() == [0, 0]

with tap.point("pictures without lessons, and without objects; lessons of other pictures are refused"):
    empty, other = picture([], [], []), picture([A], [0], [False])
    other.name = "s/q"
    assert lesson.teach([empty, other], {"s/p": np.array([[0, 0.9, *A]])})["pictures"] == 1
    assert added(empty) == [(0, True, 0.9)] and other.heard.tolist() == [0] and other.soft[0].shape == (0, 4)
    refused(("s/p", "t/1"), lesson.teach, [empty], {"t/1": np.zeros((0, 6))})

# ---- The program ----------------------------------------------------------------------------------------------------


def make_set(folder, count):
    pictures = draw_set(count, 8)
    write_devkit(folder, "train", {f"{number:02}": [] for number in range(count)})
    for number, one in enumerate(pictures):
        one.pixels.save(os.path.join(folder, "JPEGImages", f"{number:02}.jpg"), format="PNG")
    os.unlink(os.path.join(folder, "Annotations", "03.xml"))  # nobody has looked at it yet
    return pictures


with tempfile.TemporaryDirectory() as folder:
    kit, out = os.path.join(folder, "drawn"), os.path.join(folder, "l.jsonl.gz")
    pictures = make_set(kit, 20)
    base = (LESSONS, "--data", kit + ":train", "--float32", "--device", "cpu")
    call = (*base, "--model", SHAPES + ":whole,mirror", "--out", out)
    names = list(looks.ModelDetector(SHAPES).labels)

    with tap.point("it finds the drawn shapes, and says how it looked"):
        said = expect_ok(run(*call)).stdout
        found = lesson.read_lessons(out, names)
        assert said.startswith(f"{out}: 20 pictures, ") and len(found) == 20, said
        right = sum(any(row[0] == label and row[1] > 0.3 and overlap_of(row[2:], box.tolist()) > 0.5 for row in rows)
                    for one, rows in zip(pictures, found.values()) for box, label in zip(one.boxes, one.labels.tolist()))
        count = sum(len(one.labels) for one in pictures)
        assert right > 0.7 * count, f"{right} of {count}"
        with gzip.open(out, "rt") as file:
            first = json.loads(file.readline())
        assert first["file"] == "drawn/00", first
        assert first["passes"] == [{"model": "shapes.safetensors", "mirror": mirror, "window": [0.0, 0.0, 1.0, 1.0]}
                                   for mirror in (False, True)], first["passes"]
        assert sorted(os.listdir(folder)) == ["drawn", "l.jsonl.gz"]

    with tap.point("parts together are the whole; a map, classes and a least score count"):
        rows = {}
        for part in ("1/2", "2/2"):
            expect_ok(run(*call[:-1], out + part[0], "--part", part, "--least", "0.3", "--classes", names[0]))
            rows.update(lesson.read_lessons(out + part[0], names))
        assert rows.keys() == found.keys()
        for file, some in rows.items():
            whole = found[file]
            assert np.allclose(some, whole[(whole[:, 0] == 0) & (whole[:, 1] >= 0.3)], atol=2e-4), file
        rules = os.path.join(folder, "map.txt")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(f"{names[0]} = thing\n")
        expect_ok(run(*call[:-1], out + "3", "--map", rules, "--classes", "thing"))
        assert sum(map(len, lesson.read_lessons(out + "3", ["thing"]).values())) > 3

    with tap.point("what was stopped goes on, also behind half a line; with other options it is refused"):
        draft = out + "4.draft"
        expect_ok(run(*call[:-1], out + "5"))
        with open(out + "5", encoding="utf-8") as file:
            lines = file.read().splitlines(keepends=True)
        process = subprocess.Popen([*call[:-1], out + "4"], stderr=subprocess.PIPE, text=True)
        while not os.path.exists(draft) or os.path.getsize(draft) < 4000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate()
        if os.path.exists(draft):  # else it was faster
            with open(draft, encoding="utf-8") as file:
                head = file.readline()
            with open(draft, "w", encoding="utf-8") as file:
                file.write(head + "".join(lines[:7]) + lines[7][:30])
            check_one_error(run(*call[:-1], out + "4", "--least", "0.2"), draft, "others")
            process = expect_ok(run(*call[:-1], out + "4"))
            assert "behind 7 of 20" in process.stderr, process.stderr
        with open(out + "4", encoding="utf-8") as file:
            assert [json.loads(line)["file"] for line in file] == [json.loads(line)["file"] for line in lines]
        assert not os.path.exists(draft)

    for label, options, words in (
            ("an unknown pass", ("--passes", "half"), ("half", "letterbox")),
            ("a pass twice", ("--passes", "whole,whole"), ("once",)),
            ("a part of none", ("--part", "3/2"), ("--part", "3/2")),
            ("no such model", ("--model", "none.param"), ("none.param",)),
            ("a class that none has", ("--classes", "unicorn"), ("unicorn",)),
            ("the same pictures twice", ("--data", kit + ":train"), ("once", "drawn/00")),
            ("no such set", ("--data", "nowhere:train"), ("nowhere",))):
        with tap.point(f"one error: {label}"):
            check_one_error(run(*base, "--model", SHAPES, "--out", out + "6", *options), *words)
            assert not os.path.exists(out + "6") and not os.path.exists(out + "6.draft")

tap.done()
