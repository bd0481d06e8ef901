#!/usr/bin/env python3
"""cbam-eval as a user meets it: tables, JSON, plots, maps of labels, errors; its figures against independent.py, and
those of attention against the maps that cbam-run prints. Needs a Vulkan device, but no trained weights; with
CBAM_TEST_DATA a few real pictures are evaluated too.

    test_cbam_eval.py CBAM-EVAL CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import random
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True

from devkits import same, write_devkit
from noise_models import MAPS, attention_model
from common import CONVERT, TOOLS, check_one_error, expect_ok, json_lines, run, test_data, write_png
from independent import evaluate, read_detections
from tap import Skip, Tap

CBAM_EVAL, CBAM_RUN = sys.argv[1:]
SIZES = {"one": (96, 96), "two": (120, 60), "three": (50, 90), "four": (33, 31)}
PHOTO = os.path.join(TOOLS, "..", "models", "stairnet-cbam-shufflenet-voc", "dog.jpg")
COCO_TO_VOC = os.path.join(TOOLS, "..", "models", "coco-to-voc.txt")
REAL_PICTURES = 25
WEIGHT_SLACK = 1e-4  # cbam-run prints weights to four digits


def cbam_eval(*arguments, **options):
    return run(CBAM_EVAL, *arguments, **options)


def write_pictures(folder):
    """PNGs, whatever they are called: readers of pictures go by the content."""
    for name, (width, height) in SIZES.items():
        write_png(os.path.join(folder, "JPEGImages", name + ".jpg"), width, height)


def make_root(folder, model):
    """A set whose boxes lie on what the model finds and around it, so that its figures are neither 0 nor 1."""
    noise = random.Random(3)
    root = write_devkit(os.path.join(folder, "VOCdevkit", "VOC1"), "test",
                        {name: [("cat", (1, 1, 9, 9), False)] for name in SIZES})
    write_pictures(root)
    detections = os.path.join(folder, "first.txt")
    expect_ok(cbam_eval("-m", model, "--map", write(folder, "all.txt", "dog = cat\nhorse = cat\n"), "--detections",
                        detections, root))
    objects = {name: [] for name in SIZES}
    for _, picture, box in read_detections(detections)["cat"][:60]:
        corners = [min(max(round(float(side) + noise.choice((0, 0, 1, -1)), 1), 1), end)
                   for side, end in zip(box, 2 * SIZES[picture])]
        if noise.random() < 0.5 and corners[0] <= corners[2] and corners[1] <= corners[3]:
            objects[picture].append((noise.choice(("cat", "dog", "horse")), corners, noise.random() < 0.2))
    objects["four"] = []
    return write_devkit(root, "test", objects)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def evaluated(*arguments):
    """(the JSON object, standard error)"""
    process = expect_ok(cbam_eval("--json", *arguments))
    result, = json_lines(process.stdout)
    return result, process.stderr


def test_figures(tap, folder, model, root):
    detections = os.path.join(folder, "detections.txt")
    with tap.point("the independent twin agrees"):
        result, _ = evaluated("-m", model, "--detections", detections, root)
        theirs = evaluate("test", detections, [root], 0.5)
        same(result, theirs, "result")
        assert 0.05 < result["map_11point"] < 0.95, result["map_11point"]
        assert result["model"] == "whole" and result["split"] == "test" and result["pictures"] == 4, result
        assert result["interval"][0] <= result["map_11point"] <= result["interval"][1], result["interval"]
        assert result["threshold"] == 0.5 and result["seconds_per_picture"] > 0, result
    with tap.point("boxes in VOC's pixels"):
        line, = json_lines(expect_ok(run(CBAM_RUN, "--precision", "fp32", "-m", model, "-j", "-t", "0.01",
                                         "--nms-iou", "0.45", "-n", "200",
                                         os.path.join(root, "JPEGImages", "two.jpg"))).stdout)
        ours = [(row[0], label, [float(side) for side in row[2]]) for label, rows in read_detections(detections).items()
                for row in rows if row[1] == "two"]
        theirs = [(one["score"], one["label"], [one["x"] + 1, one["y"] + 1, one["x"] + one["width"],
                                                one["y"] + one["height"]]) for one in line["detections"]]
        assert ours and len(ours) == len(theirs), (len(ours), len(theirs))
        for a, b in zip(sorted(ours), sorted(theirs)):
            assert a[1] == b[1] and abs(a[0] - b[0]) < 1e-5, (a, b)
            assert all(abs(p - q) < 1e-3 for p, q in zip(a[2], b[2])), (a, b)
    with tap.point("the same again"):
        texts = [json.loads(cbam_eval("-m", model, "--json", root).stdout) for _ in range(2)]
        for text in texts:
            del text["seconds_per_picture"]
        assert texts[0] == texts[1]
    with tap.point("the table"):
        text = expect_ok(cbam_eval("--model", model, root)).stdout
        for word in ("cat", "dog", "horse", "mean", "11-point", "95 % interval", "best F1", "time per picture",
                     f"{100 * result['map_11point']:.1f} %"):
            assert word in text, f"no {word} in {text}"
    with tap.point("the evaluation's settings, whatever the file says"):
        other = attention_model(folder, "other", {"kind": "cbam"},
                                {"profile": "rfbnet", "threshold": 0.9, "iou": 0.9, "across": 0.3, "top_k": 2, "keep": 3})
        others = os.path.join(folder, "other-detections.txt")
        changed, _ = evaluated("-m", other, "--detections", others, root)
        assert read_detections(others) == read_detections(detections)
        assert changed["threshold"] == 0.9, changed
        same(changed, {key: result[key] for key in ("map_11point", "map_area", "map_50_95", "interval")}, "changed")
    with tap.point("--nms-across"):
        fewer = os.path.join(folder, "fewer.txt")
        across, _ = evaluated("-m", other, "--nms-across", "0.3", "--detections", fewer, root)
        same(across, evaluate("test", fewer, [root], 0.9), "across")
        counts = [sum(map(len, read_detections(path).values())) for path in (fewer, detections)]
        assert 0 < counts[0] < counts[1], counts
        assert across["nms_across"] == 0.3 and changed["nms_across"] == result["nms_across"] == 1, across
        table = expect_ok(cbam_eval("-m", model, "--nms-across", "0.3", root)).stdout
        assert "another class by more than 0.30" in table and "another class" not in text, table


def test_roots(tap, folder, model, root):
    second = os.path.join(folder, "VOCdevkit", "VOC2")
    if not os.path.isdir(second):
        shutil.copytree(root, second)
    alone, _ = evaluated("-m", model, root)
    detections = os.path.join(folder, "both.txt")
    with tap.point("several folders"):
        both, _ = evaluated("-m", model, "--detections", detections, root, second)
        same(both, evaluate("test", detections, [root, second], 0.5), "both")
        assert both["pictures"] == 2 * alone["pictures"]
    with tap.point("a folder of folders"):
        parent, _ = evaluated("-m", model, os.path.dirname(root))
        assert parent["pictures"] == both["pictures"] and parent["map_area"] == both["map_area"]
    with tap.point("a folder twice"):
        check_one_error(cbam_eval("-m", model, root, root + "/"), "twice")


def test_other_names(tap, folder, model, root):
    alone, _ = evaluated("-m", model, root)
    copy = shutil.copytree(root, os.path.join(folder, "other-names"))
    for name, kind in (("one", "jpeg"), ("two", "PNG")):
        os.rename(os.path.join(copy, "JPEGImages", name + ".jpg"), os.path.join(copy, "JPEGImages", f"{name}.{kind}"))
    with tap.point("pictures of other kinds"):
        same(evaluated("-m", model, copy)[0], {"map_area": alone["map_area"], "pictures": 4}, "other kinds")
    with tap.point("<filename> that names another picture"):
        path = os.path.join(copy, "Annotations", "two.xml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        write(os.path.dirname(path), "two.xml", text.replace("<annotation>", "<annotation><filename>3.jpg</filename>"))
        result, error = evaluated("-m", model, copy)
        same(result, {"map_area": alone["map_area"]}, "renamed")
        assert "1 of 4" in error and "two.xml" in error and "3.jpg" in error and "two.PNG" in error, error


def test_map(tap, folder, model, root):
    with tap.point("several labels of one meaning, one of none"):
        names = write(folder, "names.txt", "# a comment\n dog = cat # another\n\nhorse =\n")
        detections = os.path.join(folder, "mapped.txt")
        result, error = evaluated("-m", model, "--map", names, "--detections", detections, root)
        found = read_detections(detections)
        assert set(found) == {"cat"}, set(found)
        same(result, evaluate("test", detections, [root], 0.5), "mapped")
        assert "'dog'" in error and "'horse'" in error and "'cat'" not in error, error
        for entry in result["classes"]:
            assert entry["name"] == "cat" or entry["ap_11point"] == 0, entry
    for name, text, words in (
            ("an unknown label in a map", "cow = cat\n", ("line 1", "'cow'", "cat, dog, horse")),
            ("a label twice", "cat = cat\ncat = dog\n", ("line 2", "'cat'")),
            ("a line without =", "# first\ncat dog\n", ("line 2", "'cat dog'")),
            ("nothing in common", "cat =\ndog =\nhorse = sheep\n", ("cat, dog, horse", "--map"))):
        with tap.point(name):
            check_one_error(cbam_eval("-m", model, "--map", write(folder, "bad.txt", text), root), *words)
    with tap.point("a map that is missing"):
        check_one_error(cbam_eval("-m", model, "--map", os.path.join(folder, "no.txt"), root), "no.txt")


def test_plots(tap, folder, model, root):
    with tap.point("--plots"):
        plots = os.path.join(folder, "plots", "here")
        expect_ok(cbam_eval("-m", model, "--json", "--plots", plots, root))
        assert sorted(os.listdir(plots)) == ["class-cat.svg", "class-dog.svg", "class-horse.svg", "overview.svg"]
        for name in os.listdir(plots):
            picture = ElementTree.parse(os.path.join(plots, name)).getroot()
            assert picture.tag.endswith("svg") and len(list(picture.iter())) > 50, name
    with tap.point("plots that cannot be written"):
        blocked = write(folder, "blocked", "")
        check_one_error(cbam_eval("-m", model, "--plots", os.path.join(blocked, "x"), root), "blocked")


def check_auc(area, cells, slack):
    """The share of pairs of an inside and an outside cell in which the inside one is larger: at least of those where it
    surely is, at most of those where it may be."""
    inside, outside = ([value for value, where in cells if where == kind] for kind in ("in", "out"))
    pairs = len(inside) * len(outside)
    least = sum(a > b + slack for a in inside for b in outside) / pairs
    most = sum(a > b - slack for a in inside for b in outside) / pairs
    assert least - 1e-6 <= area <= most + 1e-6 and most - least < 0.2, (least, area, most)


def cells_of(entry, objects):
    """(weight, where) of each cell of a level that cbam-run printed."""
    x0, y0, width, height = entry["over"]
    for row, values in enumerate(entry["spatial"]):
        for column, value in enumerate(values):
            x, y = x0 + (column + 0.5) * width / entry["width"], y0 + (row + 0.5) * height / entry["height"]
            hits = [difficult for box, difficult in objects
                    if box[0] - 1 <= x < box[2] and box[1] - 1 <= y < box[3]]
            yield value, "in" if False in hits else "ignored" if hits else "out"


def objects_of(root, name):
    objects = ElementTree.parse(os.path.join(root, "Annotations", name + ".xml")).getroot().findall("object")
    return [([float(one.find("bndbox").findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax")],
             one.findtext("difficult") == "1") for one in objects]


def check_level(entry, maps, marked):
    """One level of "attention" against what cbam-run says of each picture."""
    pooled = [list(cells_of(one, objects)) for one, objects in zip(maps, marked)]
    mean = [sum(cells[i][0] for cells in pooled) / len(pooled) for i in range(len(pooled[0]))]
    cells = [cell for one in pooled for cell in one]
    less_mean = [(value - mean[i], where) for one in pooled for i, (value, where) in enumerate(one)]
    assert entry["inside"] == sum(where == "in" for _, where in cells) > 0, entry
    assert entry["outside"] == sum(where == "out" for _, where in cells) > 0, entry
    check_auc(entry["auc"], cells, WEIGHT_SLACK)
    check_auc(entry["auc_less_mean"], less_mean, 2 * WEIGHT_SLACK)
    side = entry["width"]
    ring = [i for i in range(len(mean)) if not (0 < i % side < side - 1 and 0 < i // side < entry["height"] - 1)]
    inner = [i for i in range(len(mean)) if i not in ring]
    assert abs(entry["border"] - sum(mean[i] for i in ring) / len(ring)) < 1e-4, entry
    assert abs(entry["inner"] - sum(mean[i] for i in inner) / len(inner)) < 1e-4, entry


def test_attention(tap, folder, model, root):
    with tap.point("--attention against cbam-run's maps"):
        result, _ = evaluated("-m", model, "--attention", root)
        paths = [os.path.join(root, "JPEGImages", name + ".jpg") for name in SIZES]
        lines = json_lines(expect_ok(run(CBAM_RUN, "--precision", "fp32", "-m", model, "-j", "--attention", "mean",
                                         *paths)).stdout)
        assert [(entry["level"], entry["width"], entry["height"]) for entry in result["attention"]] \
            == [(level, side, side) for level, side in enumerate(MAPS)], result["attention"]
        for level, entry in enumerate(result["attention"]):
            check_level(entry, [line["attention"][level] for line in lines], [objects_of(root, name) for name in SIZES])
    with tap.point("--attention changes nothing else"):
        plain, _ = evaluated("-m", model, root)
        same(result, {key: value for key, value in plain.items() if key != "seconds_per_picture"}, "with attention")
        assert "attention" not in plain
    with tap.point("--attention as a table"):
        text = expect_ok(cbam_eval("-m", model, "--attention", root)).stdout
        assert "ROC" in text and "12x12" in text, text
    with tap.point("--attention without a spatial part"):
        half = attention_model(folder, "half", {"kind": "cbam", "spatial": False})
        check_one_error(cbam_eval("-m", half, "--attention", root), "--attention", "half")


def cut(path):
    """Leaves the first half of a file."""
    os.truncate(path, os.path.getsize(path) // 2)


def broken(folder, root, name, change):
    """A copy of the set with something wrong in it."""
    copy = os.path.join(folder, "broken-" + name)
    shutil.copytree(root, copy)
    change(copy)
    return copy


def test_wrong_sets(tap, folder, model, root):
    def annotate(text):
        return lambda copy: write(os.path.join(copy, "Annotations"), "two.xml", text)

    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
    for name, change, words in (
            ("no split file", lambda copy: os.unlink(os.path.join(copy, "ImageSets", "Main", "test.txt")),
             ("test.txt",)),
            ("no annotation", lambda copy: os.unlink(os.path.join(copy, "Annotations", "two.xml")), ("two.xml",)),
            ("no picture", lambda copy: os.unlink(os.path.join(copy, "JPEGImages", "two.jpg")), ("two.jpg",)),
            ("no picture's content", lambda copy: write(os.path.join(copy, "JPEGImages"), "two.jpg", "text"),
             ("two.jpg",)),
            ("an empty split", lambda copy: write(os.path.join(copy, "ImageSets", "Main"), "test.txt", "\n"),
             ("test.txt",)),
            ("a picture twice", lambda copy: write(os.path.join(copy, "ImageSets", "Main"), "test.txt", "one\none\n"),
             ("'one'", "twice")),
            ("broken XML", annotate("<annotation><object></annotation>"), ("two.xml", "line 1")),
            ("XML cut off", annotate("<annotation><object>"), ("two.xml",)),
            ("another document", annotate("<html></html>"), ("two.xml", "<annotation>", "<html>")),
            ("no name", annotate(f"<annotation>\n<object>{box}</object></annotation>"),
             ("two.xml", "line 2", "<name>")),
            ("half a picture", lambda copy: cut(os.path.join(copy, "JPEGImages", "two.jpg")), ("two.jpg",)),
            ("half a JPEG", lambda copy: cut(shutil.copy(PHOTO, os.path.join(copy, "JPEGImages", "two.jpg"))),
             ("two.jpg", "cut short")),
            ("another size", annotate("<annotation><size><width>60</width><height>120</height></size></annotation>"),
             ("two.xml", "two.jpg", "size", "120x60", "60x120", "swapped")),
            ("a box outside", annotate("<annotation><object><name>cat</name>" + box.replace(">5", ">125")
                                       .replace(">1<", ">121<") + "</object></annotation>"),
             ("two.xml", "two.jpg", "120x60", "121"))):
        with tap.point(name):
            copy = broken(folder, root, name.replace(" ", "-"), change)
            check_one_error(cbam_eval("-m", model, copy), *words)
    with tap.point("no folder"):
        check_one_error(cbam_eval("-m", model, os.path.join(folder, "nowhere")), "nowhere")
    with tap.point("no such split"):
        check_one_error(cbam_eval("-m", model, "--split", "never", root), "never.txt")
    with tap.point("no object anywhere"):
        empty = write_devkit(os.path.join(folder, "empty"), "test", {name: [] for name in SIZES})
        check_one_error(cbam_eval("-m", model, empty), "objects", "'test'")


def test_options(tap, folder, root):
    with tap.point("--help"):
        text = expect_ok(cbam_eval("--help")).stdout
        for option in ("--model", "--device", "--split", "--map", "--nms-across", "--json", "--attention", "--plots",
                       "--detections", "--version"):
            assert option in text, f"{option} is not in the help"
    with tap.point("--version"):
        assert expect_ok(cbam_eval("--version")).stdout.startswith("cbam-eval ")
    with tap.point("missing model"):
        check_one_error(cbam_eval("-m", os.path.join(folder, "no.safetensors"), root), "no.safetensors")
    with tap.point("unknown device"):
        check_one_error(cbam_eval("-m", "m", "--device", "abacus 2000", root), "abacus 2000")
    for name, arguments, word in (("no folder named", ["-m", "m"], "FOLDER"),
                                  ("a split that is a path", ["-m", "m", "--split", "../test", root], "--split"),
                                  ("overlap above 1", ["-m", "m", "--nms-across", "1.1", root], "--nms-across"),
                                  ("unknown option", ["-m", "m", "--splits", root], "--splits")):
        with tap.point(name):
            check_one_error(cbam_eval(*arguments), word, status=2)


def check_real(folder):
    """A trained model on real pictures: figures as the twin has them, and not bad ones."""
    data = test_data()
    if data is None or not os.path.isdir(os.path.join(data, "detection", "VOC2007")):
        raise Skip("CBAM_TEST_DATA names no folder with detection/VOC2007")
    source = os.path.join(data, "detection", "VOC2007")
    root, model = os.path.join(folder, "real"), os.path.join(folder, "coco.safetensors")
    expect_ok(run(CONVERT, os.path.join(data, "coco-ssd-mobilenet"), model))
    with open(os.path.join(source, "ImageSets", "Main", "val.txt"), encoding="utf-8") as file:
        names = file.read().split()
    os.makedirs(os.path.join(root, "ImageSets", "Main"))
    write(os.path.join(root, "ImageSets", "Main"), "few.txt", "\n".join(names[::len(names) // REAL_PICTURES]) + "\n")
    for part in ("JPEGImages", "Annotations"):
        os.symlink(os.path.join(source, part), os.path.join(root, part))
    detections = os.path.join(folder, "real.txt")
    result, _ = evaluated("-m", model, "--split", "few", "--map", COCO_TO_VOC, "--detections", detections, root)
    same(result, evaluate("few", detections, [root], 0.5), "real")
    assert result["map_11point"] > 0.4, result["map_11point"]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        model = attention_model(folder, "whole", {"kind": "cbam"})
        root = make_root(folder, model)
        test_options(tap, folder, root)
        test_figures(tap, folder, model, root)
        test_roots(tap, folder, model, root)
        test_other_names(tap, folder, model, root)
        test_map(tap, folder, model, root)
        test_plots(tap, folder, model, root)
        test_attention(tap, folder, model, root)
        test_wrong_sets(tap, folder, model, root)
        with tap.point("real pictures: the independent twin agrees"):
            check_real(folder)
    tap.done()


if __name__ == "__main__":
    main()
