#!/usr/bin/env python3
"""Training of classifiers, part by part: folders of pictures, what is seen of them, the loss, what a start gives, and
what is said where something cannot work.

    test_classifiers.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy
import json
import math
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from class_files import write_classes
from common import check_one_error, expect_ok, run
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np
import torch
from PIL import Image

import class_folders
import classification
import crops
import shapes
from accuracy import accuracy
from calling import call
from class_folders import ClassPicture
from class_recipes import CLASSIFIERS, efficientnet_lite0, quick_classifier, resnet18_cbam
from classifier import Classified, Classifier
from devkit import parse_folder
from loss import ClassLoss
from modelfile import read_model, write_model
from provenance import read_metrics
from recipes import quick, with_classes, with_size
from session import Session, parameter_groups
from shared.faults import DataError

torch.manual_seed(1)
tap = Tap()
SMALL = ("--recipe", "quick-classifier", "--passes", "1", "--batch", "2")
NOTHING = {"say": lambda text: None}


def near(a, b, tolerance=1e-5):
    return np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=0, atol=tolerance)


def noise(width, height, seed=1):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def smooth(width, height, seed=1):
    return noise(6, 5, seed).resize((width, height), Image.BICUBIC)


def make_set(folder, *classes, count=2):
    """A folder for each class with so many drawn pictures; what a class is called says nothing of what they show."""
    return write_classes(folder, [(shapes.draw_one(number, 1)[0], label) for label in range(len(classes))
                                  for number in range(count)], classes)


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def refused(kind, function, *words):
    try:
        function()
    except kind as error:
        for word in words:
            assert word in str(error), f"no {word} in {error}"
        return
    raise AssertionError("no error")


# ---- Folders ----

with tempfile.TemporaryDirectory() as folder:
    make_set(os.path.join(folder, "train"), "élan", "ant", count=2)
    write(os.path.join(folder, "train", "ant", "notes.txt"), b"no picture")
    write(os.path.join(folder, "train", "ant", ".hidden.png"), b"no picture")
    write(os.path.join(folder, "train", "README"), b"no class")
    smooth(40, 30).save(os.path.join(folder, "train", "ant", "0.JPG"))
    spec, same = folder + ":train", lambda pixels: pixels

    with tap.point("FOLDER, FOLDER:SPLIT, @TIMES"):
        train = os.path.join(folder, "train")
        assert parse_folder(train) == parse_folder(spec) == (train, 1) and parse_folder(spec + "@2.5") == (train, 2.5)
        os.mkdir(os.path.join(folder, "odd:name@2"))
        assert parse_folder(folder + "/odd:name@2") == (folder + "/odd:name@2", 1)

    with tap.point("classes are folders, pictures what is called so, in the order of their bytes"):
        classes = class_folders.find_classes([spec])
        pictures, others = class_folders.read_sets([spec + "@3"], classes, same, **NOTHING)
        assert classes == ["ant", "élan"] and not others
        names = [os.path.basename(picture.path) for picture in pictures]
        assert names == ["0.JPG", "000002.png", "000003.png", "000000.png", "000001.png"], names
        assert [picture.label for picture in pictures] == [0, 0, 0, 1, 1] and pictures[0].times == 3
        assert pictures[0].pixels.size == (40, 30) and pictures[1].name == "ant/000002.png"

    with tap.point("what finds no room is read again, and is the same"):
        room, class_folders.ROOM = class_folders.ROOM, 3 * 40 * 30
        again = class_folders.read_sets([spec], classes, same, **NOTHING)[0]
        class_folders.ROOM = room
        assert [picture.kept is not None for picture in again] == [True] + [False] * 4
        assert all(a.pixels.tobytes() == b.pixels.tobytes() for a, b in zip(pictures, again))

    with tap.point("of other classes it is said how many were left out"):
        said = []
        pictures, others = class_folders.read_sets([spec], ["élan"], same, said.append)
        assert [picture.label for picture in pictures] == [0, 0] and others == {"ant": 3}, pictures
        assert "ant (3)" in said[-1], said

    with tap.point("folders that are none"):
        nested, empty, odd = (os.path.join(folder, name) for name in ("nested", "empty", "odd"))
        make_set(os.path.join(nested, "val"), "ant")
        os.makedirs(os.path.join(empty, "ant"))
        os.makedirs(os.path.join(os.fsencode(odd), b"caf\xe9"))
        make_set(os.path.join(folder, "grey"), "ant", "background")
        broken = write(os.path.join(folder, "train", "ant", "zz.png"), b"text")
        for place, words in ((nested, ("val", "found the folder 'ant'", "FOLDER:SPLIT")),
                             (empty, ("ant", "expected pictures of the class")),
                             (os.path.join(nested, "val", "ant"), ("a folder for each class",)), (spec, ("zz.png",))):
            refused(DataError, lambda: class_folders.read_sets([place], class_folders.find_classes([place]), same,
                                                               **NOTHING), *words)
        refused(DataError, lambda: class_folders.find_classes([odd]), "UTF-8", "caf\ufffd")
        refused(DataError, lambda: class_folders.find_classes([folder + ":grey"]), "'background'", "another name")
        os.unlink(broken)

with tap.point("rare classes are shown more often"):
    many = [ClassPicture("", label) for label in [0] * 90 + [1] * 10] + [ClassPicture("", 2, times=2)]
    factors = class_folders.repeat_factors(many, 3)
    assert near(factors[:90], 1) and near(factors[90:100], math.sqrt(101 / 30))
    assert near(factors[100], 2 * math.sqrt(101 / 3))

# ---- What is seen ----

SPEC = {"width": 40, "height": 40, "filter": "bilinear", "crop": {"shorter": 48}}

with tap.point("the middle of a picture, resized and then cut"):
    for size, whole, corner in (((96, 96), (48, 48), (4, 4)), ((60, 101), (48, 80), (4, 20)),
                                ((48, 50), (48, 50), (4, 5))):
        pixels = smooth(*size)
        wanted = pixels.resize(whole, Image.BILINEAR).crop((*corner, corner[0] + 40, corner[1] + 40))
        assert crops.middle(pixels, SPEC).tobytes() == wanted.tobytes(), size

with tap.point("the middle of a picture, cut and then resized"):
    spec = {**SPEC, "crop": {"fraction": 0.875}}
    for size, corner in (((80, 80), (5, 5)), ((80, 101), (5, 16)), ((90, 80), (10, 5))):
        pixels = smooth(*size)
        wanted = pixels.resize((40, 40), Image.BILINEAR, (*corner, corner[0] + 70, corner[1] + 70))
        assert crops.middle(pixels, spec).tobytes() == wanted.tobytes(), size

with tap.point("what is kept to learn from is no larger than is of use"):
    assert crops.reduced(smooth(100, 200), SPEC).size == (50, 100)
    assert crops.reduced(smooth(300, 150), SPEC).size == (100, 50)
    assert crops.reduced(smooth(50, 70), SPEC).size == (50, 70)

with tap.point("parts lie in the picture, of all sizes that are asked for, and of no odd shape"):
    chance, areas = np.random.default_rng(2), []
    for size in ((200, 100), (90, 120)) * 200:
        left, top, right, bottom = crops.choose_part(size, crops.Crops(smallest=0.2), chance)
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        assert 0.7499 < (right - left) / (bottom - top) < 1.3334
        areas.append((right - left) * (bottom - top) / (size[0] * size[1]))
    assert 0.2 <= min(areas) < 0.25 and max(areas) > 0.6, (min(areas), max(areas))

with tap.point("where no part fits it is the square in the middle"):
    assert crops.choose_part((300, 10), crops.Crops(smallest=0.9), np.random.default_rng(1)) == (145, 0, 155, 10)

with tap.point("an augmented picture shows its part, mirrored half of the times"):
    picture, mirrored = ClassPicture("", 3, kept=smooth(80, 60)), []
    for number in range(40):
        seen, colours, label = crops.augment(picture, SPEC, crops.Crops(colours=0), np.random.default_rng(number))
        chance = np.random.default_rng(number)
        chance.random()
        part = crops.choose_part((80, 60), crops.Crops(), chance)
        plain = np.asarray(picture.kept.resize((40, 40), Image.BILINEAR, part))
        mirrored.append((seen.numpy() != plain).any())
        assert not mirrored[-1] or (seen.numpy() == plain[:, ::-1]).all()
        assert label == 3 and near(colours, np.eye(3, 4)) and seen.dtype == torch.uint8
    assert 10 < sum(mirrored) < 30, sum(mirrored)

# ---- Loss, accuracy, recipes ----

with tap.point("the loss: cross entropy with a tenth shared out, by hand"):
    scores = torch.tensor([[2.0, 0, -1], [0, 1, 0]])
    logs = torch.log_softmax(scores, 1)
    wanted = -(0.9 * (logs[0, 0] + logs[1, 2]) + 0.1 / 3 * logs.sum()) / 2
    assert near(ClassLoss()(None, Classified(None, scores, []), [(0,), (2,)])["classes"], wanted)

with tap.point("accuracy, by hand"):
    scores = torch.eye(6)[[0, 1, 2, 5, 5, 5]] + torch.linspace(0.06, 0.01, 6)
    assert {k: round(v, 4) for k, v in accuracy(scores, [0, 1, 3, 4, 4, 5]).items()} == \
        {"top1": 0.5, "mean_top1": 0.6, "top5": 0.6667}
    assert "top5" not in accuracy(scores[:, :5], [0] * 6)

with tap.point("another size sees the same part"):
    a, b = (with_size(recipe(), 320).document["input"] for recipe in (resnet18_cbam, efficientnet_lite0))
    assert (a["width"], a["height"], a["crop"]) == (320, 320, {"shorter": 366}) and b["crop"] == {"fraction": 0.875}
    assert resnet18_cbam().document["input"]["width"] == 224

with tap.point("classes of its own: no background before them"):
    assert with_classes(resnet18_cbam(), ["a", "b"]).document["output"]["classes"] == ["a", "b"]

# ---- The start ----


def narrow(attention, classes):
    recipe = with_classes(quick_classifier(), classes)
    if not attention:
        recipe.document["network"].pop("attention")
    return recipe, Classifier(recipe.document, recipe.form)


with tap.point("of another classifier's last layer those classes are taken that both know"):
    theirs, old = narrow(True, ["couch", "cat", "dog"])
    ours, new = narrow(True, ["dog", "gnu", "sofa"])
    before, said = new.fc.weight.detach().clone(), []
    classification.begin(new, ours, (theirs.document, old.tensors()), {"couch": "sofa"}, "m", said.append)
    assert torch.equal(new.fc.weight[[0, 2]], old.fc.weight[[2, 0]])
    assert torch.equal(new.fc.bias[[0, 2]], old.fc.bias[[2, 0]])
    assert torch.equal(new.fc.weight[1], before[1])
    assert torch.equal(new.backbone.layer4[1].cbam.ChannelGate.mlp(torch.ones(1, 64)),
                       old.backbone.layer4[1].cbam.ChannelGate.mlp(torch.ones(1, 64)))
    assert "2 of 3 classes are known" in said[0], said

with tap.point("attention that a start has not says nothing at first"):
    theirs, old = narrow(False, ["cat", "dog"])
    ours, new = narrow(True, ["cat", "dog"])
    for module in old.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
    classification.begin(new, ours, (theirs.document, old.tensors()), {}, "m", lambda text: None)
    x = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        a, b = old.eval()(x).features, new.eval()(x).features
    assert (a - b).norm() < 0.15 * a.norm(), float((a - b).norm() / a.norm())

with tap.point("a start's padding, epsilon and pixels are taken over, from the same trunk only"):
    start = copy.deepcopy(efficientnet_lite0().document)
    start["network"].update({"bn_eps": 1e-5, "padding": None})
    start["input"].update({"mean": [1, 2, 3], "channels": "bgr"})
    document = classification.adopt(efficientnet_lite0(), start).document
    assert document["network"] == {"backbone": "efficientnet_lite0", "activation": "relu6", "bn_eps": 1e-5}
    assert document["input"] == {**efficientnet_lite0().document["input"], "mean": [1, 2, 3], "channels": "bgr"}
    assert classification.adopt(resnet18_cbam(), start) == resnet18_cbam()

with tap.point("attention in a trunk learns as what is new"):
    recipe, network = narrow(True, ["a", "b"])
    recipe.rate, recipe.trunk_rate = 1, 0.25
    rates = {id(parameter): group["full_rate"] for group in parameter_groups(network, recipe)
             for parameter in group["params"]}
    for name, parameter in network.named_parameters():
        assert rates[id(parameter)] == (0.25 if name.startswith("backbone.") and ".cbam." not in name else 1), name

# ---- Trainings ----

with tap.point("a training that was stopped goes on as if it had not been"):
    drawn = [classification.draw(number, 3, lambda pixels: pixels) for number in range(24)]
    ends = []
    for stops in ((6,), (2, 3, 6)):
        with tempfile.TemporaryDirectory() as folder:
            for stop in stops:
                torch.manual_seed(4)
                recipe = quick_classifier()
                recipe.passes, recipe.batch = 2, 8
                session = Session(recipe, Classifier(recipe.document, recipe.form), drawn, np.ones(24), folder,
                                  half=False, **NOTHING)
                assert session.resume() == (stop != stops[0])
                session.run(until=stop)
            ends.append(copy.deepcopy(session.average.tensors))
    assert all(torch.equal(a, b) for a, b in zip(ends[0].values(), ends[1].values()))

with tempfile.TemporaryDirectory() as folder:
    make_set(os.path.join(folder, "train"), "ant", "bee", "gnu", count=2)
    make_set(os.path.join(folder, "val"), "ant", "bee", "yak", count=1)
    out, path = os.path.join(folder, "out"), os.path.join(folder, "out", "model.safetensors")
    # Which numbers are the faster ones is measured, and may come out differently the next time.
    usual = (*SMALL, "--float32", "--data", folder + ":train", "--val", folder + ":val")

    with tap.point("from folders to a model file that says where it comes from"):
        said, printed = call(*usual, "--out", out, "--threshold", "0.2", "--name", "beasts", "--size", "32")
        assert said is None, said
        looks = [line.split("  ")[1] for line in printed.splitlines() if "top-1" in line]
        assert [look.split(",")[0] for look in looks] == ["step 1", "step 2", "step 3"], looks
        document, tensors = read_model(path, or_classifier=True)
        assert document["task"] == "classify" and document["name"] == "beasts" and document["input"]["width"] == 32
        assert document["output"] == {"classes": ["ant", "bee", "gnu"], "score": "softmax", "threshold": 0.2}
        metrics = document["provenance"]["metrics"]
        assert metrics.keys() == {"set", "top1", "pictures"} and metrics["pictures"] == 2, metrics
        assert f"{folder}:val: none of the classes, and left out: yak (1)" in printed, printed
        assert len(tensors["fc.bias"]) == 3 and "layer1.0.cbam.SpatialGate.spatial.bn.running_mean" in tensors

    with tap.point("that it was measured on the way changes nothing"):
        said, printed = call(*usual[:-2], "--out", os.path.join(folder, "unseen"), "--size", "32")
        again = read_model(os.path.join(folder, "unseen", "model.safetensors"), or_classifier=True)[1]
        assert said is None and "top-1" not in printed and all(torch.equal(again[name], tensors[name]) for name in tensors)

    with tap.point("it is a start for other classes, and for another size"):
        said, printed = call(*usual, "--classes", "bee,ant", "--start", path, "--out", os.path.join(folder, "second"))
        assert said is None and "2 of 2 classes are known" in printed, printed
        assert read_model(os.path.join(folder, "second", "model.safetensors"), or_classifier=True)[0]["output"][
            "classes"] == ["bee", "ant"]

    with tap.point("tools/train/average: classifiers, too"):
        mean = os.path.join(folder, "mean.safetensors")
        expect_ok(run(os.path.join(setting.TRAIN, "average"), mean, path + ":1", path + ":3"))
        document, again = read_model(mean, or_classifier=True)
        assert document["output"]["classes"] == ["ant", "bee", "gnu"]
        assert near(again["fc.weight"], tensors["fc.weight"], 1e-3)

    with tap.point("tools/train/describe: a classifier's figures"):
        result = write(os.path.join(folder, "result.json"), json.dumps(
            {"model": "m", "split": None, "pictures": 9, "top1": 0.51239, "top5": None, "mean_top1": 0.5}).encode())
        assert read_metrics(result, "flowers") == {"set": "flowers", "pictures": 9, "top1": 0.5124}
        printed = json.loads(expect_ok(run(os.path.join(setting.TRAIN, "describe"), path, "--metrics", result)).stdout)
        assert printed["metrics"] == {"set": "unknown", "pictures": 9, "top1": 0.5124}, printed

    # ---- What cannot work ----

    detector = os.path.join(folder, "detector.safetensors")
    write_model(detector, quick().document, {"odd.weight": torch.ones(1)})
    odd = os.path.join(folder, "odd.safetensors")
    write_model(odd, resnet18_cbam().document, {"odd.weight": torch.ones(1)})
    make_set(os.path.join(folder, "capital"), "Ant", "bees")
    make_set(os.path.join(folder, "one"), "ant")
    on_good = ("--data", folder + ":train")
    for number, (label, options, words) in enumerate((
            ("no data", (), ("--data FOLDER",)),
            ("no folder", ("--data", folder + ":never"), ("never", "no folder")),
            ("no folder to measure with", (*on_good, "--val", "nowhere"), ("--val nowhere", "no folder")),
            ("a folder to measure with twice", (*on_good, "--val", folder + ":val@2"), ("--val", "@")),
            ("0 times", ("--data", folder + ":train@0"), ("times", "more than 0")),
            ("no folders of classes", ("--data", folder + ":train/ant"), ("a folder for each class",)),
            ("one class", ("--data", folder + ":one"), ("2 to 1024 classes", "found 1: ant")),
            ("a class that has no folder", (*on_good, "--classes", "ant,gnus"), ("none of gnus", "'gnu' for 'gnus'")),
            ("capital letters", ("--data", folder + ":capital", "--classes", "ant,bee"),
             ("none of them", "Ant (2)", "'Ant' for 'ant'", "'bees' for 'bee'")),
            ("nothing to measure", (*on_good, "--val", folder + ":capital"), ("capital", "none of them", "Ant (2)")),
            ("a start without a tensor that fits", (*on_good, "--start", odd), (odd, "no tensor")),
            ("--mosaic", (*on_good, "--mosaic", "0.5"), ("classifier", "--mosaic")),
            ("--attend and --mimic", (*on_good, "--attend", "0", "--mimic", "0"), ("classifier", "--attend, --mimic")),
            ("--teacher and --partial", (*on_good, "--teacher", detector, "--partial", detector),
             ("--partial, --teacher",)),
            ("--lessons", (*on_good, "--lessons", detector), ("classifier", "--lessons")),
            ("--quick of another recipe", ("--quick", "--recipe", "resnet18-cbam"),
             ("quick-classifier", "resnet18-cbam")),
            ("--quick with --classes", ("--quick", "--classes", "a,b"), ("--quick", "--classes")))):
        with tap.point(f"one sentence before the first step: {label}"):
            place = os.path.join(folder, f"out-{number}")
            said, printed = call(*(() if "--quick" in options else SMALL), *options, "--out", place)
            assert said and said.startswith("train: ") and "\n" not in said and "Traceback" not in printed, said
            for word in words:
                assert word in said, f"no {word} in {said}"
            assert not os.path.isdir(place) or os.listdir(place) in ([], ["log.txt"]), os.listdir(place)

    with tap.point("a checkpoint of other classes is refused"):
        said, _ = call(*usual, "--out", out, "--classes", "ant,bee")
        assert "its recipe differs" in said, said

    with tap.point("tools/train/average: a classifier and a detector are one error"):
        average = os.path.join(setting.TRAIN, "average")
        check_one_error(run(average, mean, path + ":1", detector + ":1"), detector, "loc.0")

with tap.point("every classifier begins with numbers"):
    for name, make in CLASSIFIERS.items():
        recipe = with_classes(make(), ["a", "b"])
        assert recipe.loss == "classes" and recipe.document["task"] == "classify", name
        tensors = Classifier(recipe.document, recipe.form).tensors()
        assert all(torch.isfinite(tensor).all() for tensor in tensors.values()), name

tap.done()
