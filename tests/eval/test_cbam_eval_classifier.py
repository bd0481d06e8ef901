#!/usr/bin/env python3
"""cbam-eval of a classifier as a user meets it: figures against what cbam-run says of the same pictures, table, JSON,
maps of labels, the folders of ImageNet, errors. Needs a Vulkan device, but no trained weights.

    test_cbam_eval_classifier.py CBAM-EVAL CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

from devkits import same, write_devkit
from common import TOOLS, check_one_error, expect_ok, json_lines, run, write_png
from noise_models import classifier_model
from tap import Tap

CBAM_EVAL, CBAM_RUN = sys.argv[1:]
MODELS = os.path.join(TOOLS, "..", "models")
IMAGENET_FOLDERS = os.path.join(MODELS, "imagenet-folders.txt")
LABELS = ["ant", "bee", "cat, small", "dog", "élan", "fox", "gnu", "hen"]
SIZES = ((96, 96), (120, 60), (50, 90), (33, 31), (200, 100), (64, 128), (300, 20))
RANKS = (0, 4, 5, 0, 1, 7, 2)  # which place of its picture's answer is the right one


def cbam_eval(*arguments, **options):
    return run(CBAM_EVAL, *arguments, **options)


def evaluated(*arguments):
    """(the JSON object, standard error)"""
    process = expect_ok(cbam_eval("--json", *arguments))
    result, = json_lines(process.stdout)
    return result, process.stderr


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def answers(model, paths):
    """The labels that cbam-run gives each picture, best first."""
    lines = json_lines(expect_ok(run(CBAM_RUN, "-m", model, "-j", "-n", "0", "-t", "0", *paths)).stdout)
    return [[found["label"] for found in line["classes"]] for line in lines]


def make_set(folder, model):
    """(the set, {picture: (its folder, the answer)}): each picture in the folder of one of its answers."""
    root, pictures = os.path.join(folder, "set"), {}
    for i, (size, rank) in enumerate(zip(SIZES, RANKS)):
        path = write_png(os.path.join(folder, f"{i}.PNG"), *size)
        answer, = answers(model, [path])
        assert sorted(answer) == sorted(LABELS), answer
        os.makedirs(os.path.join(root, answer[rank]), exist_ok=True)
        shutil.move(path, os.path.join(root, answer[rank], f"{i}.PNG"))
        pictures[f"{i}.PNG"] = answer[rank], answer
    write(root, "README.txt", "not a class")
    for name in ("notes.txt", ".hidden.png"):
        write(os.path.join(root, next(iter(pictures.values()))[0]), name, "not a picture")
    return root, pictures


def expected(pictures, meaning=lambda label: label):
    """What cbam-eval should say of {picture: (its folder, the answer)}."""
    classes = []
    for name in sorted({folder for folder, _ in pictures.values()}):
        ours = [[meaning(label) for label in answer] for folder, answer in pictures.values() if folder == name]
        classes.append({"name": name, "pictures": len(ours), "top1": sum(one[0] == name for one in ours) / len(ours),
                        "top5": sum(name in one[:5] for one in ours) / len(ours)})
    return {"pictures": len(pictures), "classes": classes,
            "top1": sum(one["top1"] * one["pictures"] for one in classes) / len(pictures),
            "top5": sum(one["top5"] * one["pictures"] for one in classes) / len(pictures),
            "mean_top1": sum(one["top1"] for one in classes) / len(classes)}


def test_figures(tap, folder, model, root, pictures):
    found = os.path.join(folder, "found.txt")
    with tap.point("as cbam-run answers"):
        result, error = evaluated("-m", model, "--detections", found, root)
        same(result, expected(pictures), "result")
        assert result["model"] == "whole" and result["split"] is None and result["seconds_per_picture"] > 0, result
        assert 0 < result["interval"][0] < result["top1"] < result["interval"][1] < 1, result
        assert 0 < result["top1"] < result["top5"] < 1, result
        assert error == "", error
    with tap.point("what a class is taken for"):
        for one in result["classes"]:
            wrong = [answer[0] for name, answer in pictures.values() if one["name"] == name != answer[0]]
            most = max(map(wrong.count, wrong), default=0)
            assert one["taken_for_times"] == most, (one, wrong)
            assert one["taken_for"] in [label for label in wrong if wrong.count(label) == most] or most == 0, one
            assert most > 0 or one["taken_for"] is None, one
    with tap.point("--detections of a classifier"):
        with open(found, encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        assert len(rows) == 5 * len(pictures), len(rows)
        for name, (label, answer) in pictures.items():
            ours = [row for row in rows if row[0] == f"{label}/{name}"]
            assert [row[1] for row in ours] == answer[:5], (ours, answer)
            assert all(1 > float(a[2]) >= float(b[2]) > 0 for a, b in zip(ours, ours[1:])), ours
    with tap.point("the table of a classifier"):
        text = expect_ok(cbam_eval("-m", model, root)).stdout
        for word in (*(one["name"] for one in result["classes"]), f"top-1 accuracy {100 * result['top1']:.1f} %",
                     f"top-5 accuracy {100 * result['top5']:.1f} %", "95 % interval", "taken for", "mean of classes",
                     f"on {len(pictures)} pictures"):
            assert word in text, f"no {word} in {text}"
    with tap.point("--split is a folder"):
        os.makedirs(os.path.join(folder, "parent"))
        shutil.copytree(root, os.path.join(folder, "parent", "val"))
        split, _ = evaluated("-m", model, "--split", "val", os.path.join(folder, "parent"))
        same(split, dict(expected(pictures), split="val"), "split")
    with tap.point("several folders of classes"):
        both, _ = evaluated("-m", model, "--detections", found, root, os.path.join(folder, "parent", "val"))
        same(both, {"top1": result["top1"], "top5": result["top5"], "pictures": 2 * len(pictures)}, "both")
        with open(found, encoding="utf-8") as file:
            assert {line.split("/")[0] for line in file} == {"set", "val"}
    with tap.point("several folders with a split"):
        shutil.copytree(os.path.join(folder, "parent"), os.path.join(folder, "other"))
        expect_ok(cbam_eval("-m", model, "--split", "val", "--detections", found, os.path.join(folder, "parent"),
                            os.path.join(folder, "other")))
        with open(found, encoding="utf-8") as file:
            assert {line.split("/")[0] for line in file} == {"parent", "other"}
    with tap.point("a folder's name that is not UTF-8"):
        odd = os.path.join(os.fsencode(folder), b"odd")
        shutil.copytree(os.fsencode(root), odd)
        os.makedirs(os.path.join(odd, b"caf\xe9"))
        write_png(os.path.join(odd, b"caf\xe9", b"1.png"), 40, 40)
        text = expect_ok(cbam_eval("-m", model, odd.decode())).stdout
        assert f"on {len(pictures) + 1} pictures" in text and "caf\ufffd" in text, text


def test_few_labels(tap, folder, root):
    with tap.point("five labels, of which the set has some"):
        few = classifier_model(folder, "few", [*LABELS[:4], "other"])
        result, error = evaluated("-m", few, root)
        missing = [one["name"] for one in result["classes"] if one["name"] not in LABELS[:4]]
        assert missing and all(f"'{name}'" in error for name in missing), (missing, error)
        assert result["top5"] is None and all(one["top5"] is None for one in result["classes"]), result
        assert all(one["top1"] == 0 for one in result["classes"] if one["name"] in missing), result
        assert "top-5 accuracy" not in cbam_eval("-m", few, root).stdout
    with tap.point("a background is never answered"):
        six = classifier_model(folder, "six", ["background", *LABELS[:4], "other"])
        os.makedirs(os.path.join(folder, "with-background", "background"))
        for name in os.listdir(root):
            if os.path.isdir(os.path.join(root, name)):
                shutil.copytree(os.path.join(root, name), os.path.join(folder, "with-background", name))
        write_png(os.path.join(folder, "with-background", "background", "1.png"), 40, 40)
        result, error = evaluated("-m", six, os.path.join(folder, "with-background"))
        assert "'background'" in error and result["top5"] is None, (error, result)


def test_map(tap, folder, model, pictures):
    with tap.point("folders of other names, several labels of one meaning, one of none"):
        names = {label: "n1" if label in LABELS[:2] else f"m {label}" for label in LABELS}
        moved = os.path.join(folder, "moved")
        for name, (label, _) in pictures.items():
            os.makedirs(os.path.join(moved, names[label]), exist_ok=True)
            shutil.copy(os.path.join(folder, "set", label, name), os.path.join(moved, names[label], name))
        lines = dict(names)
        nothing = next(answer[0] for label, answer in pictures.values() if label == answer[0])
        lines[nothing] = ""
        text = "".join(f"{label} = {name}\n" for label, name in lines.items())
        result, _ = evaluated("-m", model, "--map", write(folder, "names.txt", text), moved)
        renamed = {name: (names[label], answer) for name, (label, answer) in pictures.items()}
        same(result, expected(renamed, lambda label: lines[label]), "mapped")
        assert result["top1"] < expected(renamed, lambda label: names[label])["top1"], result
    with tap.point("the folders of ImageNet"):
        with open(IMAGENET_FOLDERS, encoding="utf-8") as file:
            pairs = [line.rstrip("\n").split(" = ") for line in file if not line.startswith("#")]
        with open(os.path.join(MODELS, "imagenet.txt"), encoding="utf-8") as file:
            labels = file.read().splitlines()
        assert [label for label, _ in pairs] == labels and len(labels) == 1000
        synsets = [synset for _, synset in pairs]
        assert synsets == sorted(set(synsets)), "not in the order of the classes"  # which is that of the synsets
        thousand = classifier_model(folder, "thousand", labels)
        picture = write_png(os.path.join(folder, "one.png"), 80, 80)
        (best, *_), = answers(thousand, [picture])
        val = os.path.join(folder, "imagenet", "val", dict(pairs)[best])
        os.makedirs(val)
        shutil.move(picture, os.path.join(val, "ILSVRC2012_val_00000293.png"))
        result, _ = evaluated("-m", thousand, "--split", "val", "--map", IMAGENET_FOLDERS,
                              os.path.join(folder, "imagenet"))
        assert result["top1"] == 1 and result["classes"][0]["name"] == dict(pairs)[best], result


def test_errors(tap, folder, model, root):
    empty, nested, broken = (os.path.join(folder, name) for name in ("empty", "nested", "broken"))
    os.makedirs(os.path.join(empty, "ant"))
    shutil.copytree(root, os.path.join(nested, "val"))
    shutil.copytree(root, broken)
    a_class = sorted(one for one in os.listdir(root) if os.path.isdir(os.path.join(root, one)))[0]
    write(os.path.join(broken, a_class), "zz.jpg", "text")
    devkit = write_devkit(os.path.join(folder, "VOC"), "test", {"one": []})
    for name, arguments, words in (
            ("no folder", [os.path.join(folder, "nowhere")], ("nowhere",)),
            ("a class without pictures", [empty], ("ant", "expected pictures")),
            ("folders of folders of classes", [nested], ("val", "found the folder", "--split")),
            ("a folder without classes", [os.path.join(root, a_class)], ("a folder for each class",)),
            ("a devkit", [devkit], ("VOC", "expected")),
            ("a folder twice", [root, root + "/"], ("twice",)),
            ("no such split", ["--split", "never", root], ("never",)),
            ("a picture that is none", [broken], ("zz.jpg",)),
            ("nothing in common", ["--map", write(folder, "none.txt", "".join(f"{one} =\n" for one in LABELS)), root],
             ("--map",)),
            ("--attention", ["--attention", root], ("--attention", "detect", "classify")),
            ("--plots", ["--plots", os.path.join(folder, "plots"), root], ("--plots", "detect", "classify")),
            ("--nms-across", ["--nms-across", "0.5", root], ("--nms-across", "detect", "classify")),
            ("a file that cannot be written", ["--detections", os.path.join(folder, "no", "where.txt"), root],
             ("where.txt",))):
        with tap.point(name + " for a classifier"):
            check_one_error(cbam_eval("-m", model, *arguments), *words)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        model = classifier_model(folder, "whole", LABELS)
        root, pictures = make_set(folder, model)
        test_figures(tap, folder, model, root, pictures)
        test_few_labels(tap, folder, root)
        test_map(tap, folder, model, pictures)
        test_errors(tap, folder, model, root)
    tap.done()


if __name__ == "__main__":
    main()
