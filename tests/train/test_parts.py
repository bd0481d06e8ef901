#!/usr/bin/env python3
"""The parts of tools/train, each against cases worked out by hand or against another implementation.

    test_parts.py TEST-GOLDEN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from common import expect_ok, run
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np
import torch
from PIL import Image

import boxes
import detect as witness
import devkit
import score
import start
from augment import Augmentation, augment, choose_window, colour_matrix, hue_rotation, place_boxes, warp
from cases import all_cases
from checks import parse_favours
from loss import Loss, attention_loss, cells_inside
from make_golden import read_document
from modelfile import make_network, network_of, read_model, write_model
from network import Network
from recipes import DETECTORS, RECIPES, VOC, quick, with_classes
from session import Session, freeze
from shared.faults import DataError
from shapes import draw_set

TEST_GOLDEN = sys.argv[1]
torch.manual_seed(1)
tap = Tap()


def picture(rows, labels, difficult=None, size=(100, 100)):
    flags = torch.tensor(difficult or [False] * len(labels), dtype=torch.bool)
    return devkit.Picture("p", Image.new("RGB", size, (9, 9, 9)), torch.tensor(rows, dtype=torch.float32).view(-1, 4),
                          torch.tensor(labels, dtype=torch.long), flags)


def near(a, b, by=1e-5):
    return np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).max() <= by


# ---- Boxes ----

with tap.point("anchors are the engine's witness's, of every recipe"):
    for name, make in DETECTORS.items():
        document = make().document
        assert near(boxes.anchors_of(document), witness.anchors(document), 1e-6), name

with tap.point("the recipes of the paper's table are the engine's presets"):
    for name in DETECTORS:
        if name not in ("quick", "shufflenet") and not name.startswith(("default", "small")):
            assert RECIPES[name]().document == read_document(TEST_GOLDEN, name), name

with tap.point("the classifiers that are presets have their networks, and see what they see"):
    for name in ("resnet18-cbam", "efficientnet-lite0"):
        ours, theirs = RECIPES[name]().document, read_document(TEST_GOLDEN, name)
        assert ours["network"] == theirs["network"] and ours["task"] == theirs["task"], name
        assert ours["input"] == {"rounding": "u8", **theirs["input"]}, name

with tap.point("decode undoes encode"):
    anchors = torch.rand(50, 4) * 0.5 + 0.1
    corners = boxes.to_corners(torch.rand(50, 4) * 0.5 + 0.2)
    back = boxes.decode(boxes.encode(corners, anchors, [0.1, 0.1, 0.2, 0.2]), anchors, [0.1, 0.1, 0.2, 0.2])
    assert near(back, corners)

with tap.point("overlap of two boxes, by hand"):
    a, b = torch.tensor([[0, 0, 0.4, 0.4]]), torch.tensor([[0.2, 0, 0.6, 0.4], [0.5, 0.5, 1, 1]])
    assert near(boxes.overlaps(a, b), [[1 / 3, 0]])

with tap.point("matching: the best anchor always, others from 0.5, difficult ones are left out"):
    corners = torch.tensor([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.3], [0.6, 0.6, 0.7, 0.7], [0.5, 0, 1, 0.5], [0, 0.6, 0.1, 1]])
    objects = torch.tensor([[0, 0, 0.5, 0.5], [0.6, 0.6, 1, 1], [0.5, 0, 1, 0.45]])
    answer = boxes.match(objects, torch.tensor([False, False, True]), corners)
    assert answer.tolist() == [0, 0, 1, -2, -1], answer

# ---- Pictures ----

with tap.point("a warp of the whole picture at its own size is the picture"):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    assert (warp(noise, (0, 0, 1, 1), 30, 20, False, (0, 0, 0)).numpy() == np.asarray(noise)).all()
    assert (warp(noise, (0, 0, 1, 1), 30, 20, True, (0, 0, 0)).numpy() == np.asarray(noise)[:, ::-1]).all()

with tap.point("boxes go where their pixels go"):
    chance = np.random.default_rng(3)
    for _ in range(50):
        x, y = chance.uniform(0.1, 0.6, 2)
        p = picture([[x, y, x + 0.3, y + 0.3]], [0], size=(200, 200))
        p.pixels.paste((250, 250, 250), [round(200 * v) for v in (x, y, x + 0.3, y + 0.3)])
        window, mirror = choose_window(p.boxes.numpy(), Augmentation(), chance), chance.random() < 0.5
        moved = place_boxes(p, window, mirror)[0]
        bright = warp(p.pixels, window, 200, 200, mirror, (9, 9, 9))[:, :, 0] > 128
        if len(moved):
            rows, columns = bright.any(1).nonzero()[:, 0] / 200, bright.any(0).nonzero()[:, 0] / 200
            seen = [columns.min(), rows.min(), columns.max() + 1 / 200, rows.max() + 1 / 200]
            assert near(moved[0], seen, 0.02), (window, mirror, moved, seen)

with tap.point("an augmented picture has its size, and boxes inside it"):
    chance = np.random.default_rng(5)
    for p in draw_set(30, 5):
        pixels, colours, placed, labels, difficult, *_ = augment([p], 96, 64, Augmentation(), (128, 128, 128), chance)
        assert pixels.shape == (64, 96, 3) and pixels.dtype == torch.uint8 and colours.shape == (3, 4)
        assert len(placed) == len(labels) == len(difficult)
        assert len(placed) == 0 or (placed.min() >= 0 and placed.max() <= 1 and (placed[:, 2:] > placed[:, :2]).all())

with tap.point("a mosaic shows four pictures side by side, with each one's boxes where its pixels went"):
    chance = np.random.default_rng(6)
    tints = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10)]
    shown = set()
    for _ in range(50):
        four = []
        for k, tint in enumerate(tints):
            x, y = chance.uniform(0.1, 0.4, 2)
            four.append(picture([[x, y, x + 0.5, y + 0.5]], [k], size=(200, 200)))
            four[-1].pixels.paste(tint, [round(200 * v) for v in (x, y, x + 0.5, y + 0.5)])
        pixels, colours, placed, labels, difficult, *_ = augment(four, 240, 160, Augmentation(colours=0, mosaic=1),
                                                             (128, 128, 128), chance)
        assert pixels.shape == (160, 240, 3) and len(placed) == len(labels) == len(difficult)
        for box, label in zip(placed, labels.tolist()):
            like = ((pixels.int() - torch.tensor(tints[label])).abs().amax(2) < 100)
            rows, columns = like.any(1).nonzero()[:, 0] / 160, like.any(0).nonzero()[:, 0] / 240
            seen = [columns.min(), rows.min(), columns.max() + 1 / 240, rows.max() + 1 / 160]
            assert near(box, seen, 0.02), (label, box, seen)
            shown.add(label)
    assert shown == {0, 1, 2, 3}, shown

with tap.point("without chance, colours stay as they are, and grey stays grey under any hue"):
    assert near(colour_matrix(Augmentation(colours=0), np.random.default_rng(1)), np.eye(3, 4))
    assert near(hue_rotation(0.3) @ [77, 77, 77], [77, 77, 77], 1e-9)

with tap.point("rare classes are shown more often"):
    many = [picture([[0, 0, 1, 1]], [0]) for _ in range(99)] + [picture([[0, 0, 1, 1]], [1])]
    factors = devkit.repeat_factors(many, 2, share=0.25)
    assert near(factors[:99], 1) and near(factors[99], 5)
    order = devkit.order_of_pass(factors, 7, 0)
    assert (order == 99).sum() == 5 and len(order) == 104 and set(order) == set(range(100))
    assert (order == devkit.order_of_pass(factors, 7, 0)).all() and (order != devkit.order_of_pass(factors, 7, 1)).any()

with tap.point("pictures of favoured classes are shown so many times more often, by the most favoured of them"):
    some = [picture([[0, 0, 1, 1]], [0]), picture([[0, 0, 1, 1]] * 2, [1, 2]), picture([[0, 0, 1, 1]], [2])]
    usual = devkit.repeat_factors(some, 3)
    assert near(devkit.repeat_factors(some, 3, favours={1: 3.0, 2: 0.5}) / usual, [1, 3, 0.5])
    assert parse_favours("ant=2, bee = 0.5", ["ant", "bee"]) == {0: 2.0, 1: 0.5} and parse_favours(None, ["ant"]) == {}
    for text in ("ant", "gnu=2", "ant=0", "ant=-1", "ant=nan", "ant=often", "ant=2,,bee=3", "=2"):
        try:
            parse_favours(text, ["ant", "bee"])
            raise AssertionError(text)
        except ValueError as error:
            assert "--favour" in str(error) and "ant, bee" in str(error), error

with tap.point("a devkit's faults are named"):
    with tempfile.TemporaryDirectory() as folder:
        for spec, words in (("nowhere", "FOLDER:SPLIT"), (folder + ":train", "train.txt")):
            try:
                devkit.read_set(spec, VOC)
                raise AssertionError("no error")
            except DataError as error:
                assert words in str(error), error
        rules = os.path.join(folder, "partial.txt")
        with open(rules, "w", encoding="utf-8") as file:
            file.write("# only ships\nships_ = boat\n")
        assert devkit.read_partial(rules, VOC) == [("ships_", {VOC.index("boat")})]
        with open(rules, "a", encoding="utf-8") as file:
            file.write("x = boot\n")
        try:
            devkit.read_partial(rules, VOC)
            raise AssertionError("no error")
        except DataError as error:
            assert "line 3" in str(error) and "boot" in str(error), error

# ---- Average precision ----

with tap.point("average precision, by hand"):
    two = [picture([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], [0, 0]), picture([[0, 0, 0.5, 0.5]], [0])]
    found = [(0, 0, 0.9, 0, 0, 0.5, 0.5), (0, 0, 0.8, 0, 0, 0.5, 0.5),  # right, and the same again: wrong
             (1, 0, 0.7, 0, 0, 0.5, 0.5), (1, 0, 0.6, 0.6, 0.6, 1, 1)]  # right, wrong; one is never found
    (objects, area, points), = score.average_precision(found, two, 1).values()
    assert objects == 3
    assert near(area, (1 + 2 / 3) / 3) and near(points, (4 * 1 + 3 * 2 / 3) / 11)

with tap.point("difficult objects count for nothing"):
    one = [picture([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], [0, 0], [False, True])]
    found = [(0, 0, 0.9, 0.5, 0.5, 1, 1), (0, 0, 0.8, 0, 0, 0.5, 0.5)]
    assert score.average_precision(found, one, 2) == {0: (1, 1.0, 1.0)}

with tap.point("suppression keeps the stronger of two"):
    b = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.45], [0.5, 0.5, 1, 1]])
    assert score.suppress(b, np.array([0.5, 0.9, 0.1])).tolist() == [1, 2]

# ---- Losses ----

with tap.point("where the heads say what is there the loss is small, elsewhere large"):
    recipe = quick()
    network = Network(recipe.document, recipe.form)
    loss = Loss(recipe.document, boxes.anchors_of(recipe.document), "multibox")
    target = (torch.tensor([[0.1, 0.1, 0.5, 0.6]]), torch.tensor([2]), torch.tensor([False]))
    kinds, positive, offsets = loss.targets([target])
    levels, at = [], 0
    level = type("Level", (), {})
    for per_cell, (rows, columns) in zip(network.per_cell, network.maps):
        n = per_cell * rows * columns
        conf, loc = torch.zeros(n, 5), torch.zeros(n, 4)
        conf[:, 0] = 10
        for place, row in zip(positive[1].tolist(), offsets):
            if at <= place < at + n:
                conf[place - at, 0], conf[place - at, 3], loc[place - at] = 0, 10, row
        one = level()
        one.conf, one.loc = (x.view(rows, columns, -1).permute(2, 0, 1)[None] for x in (conf, loc))
        levels.append(one)
        at += n
    assert sum(loss(network, levels, [target]).values()) < 0.01
    for one in levels:
        one.conf = -one.conf
    assert loss(network, levels, [target])["scores"] > 5

with tap.point("the inside of boxes, cell by cell"):
    inside, hard = cells_inside(torch.tensor([[0, 0, 0.5, 0.5], [0, 0, 1, 0.5]]), None, torch.tensor([False, True]), 2, 4)
    assert inside.tolist() == [[True, True, False, False], [False] * 4]
    assert hard.tolist() == [[False, False, True, True], [False] * 4]

with tap.point("attention that is right costs less than attention that is constant"):
    one = type("Level", (), {})()
    target = (torch.tensor([[0, 0, 0.5, 0.5]]), torch.tensor([0]), torch.tensor([False]))
    inside = cells_inside(*target, 8, 8)[0].float()
    costs = []
    for one.spatial in (inside[None, None] * 0.8 + 0.1, torch.full((1, 1, 8, 8), 0.5), 0.9 - inside[None, None] * 0.8):
        costs.append(float(attention_loss([one], [target])))
    assert costs[0] < costs[1] < costs[2] and near(costs[1], np.log(2))

# ---- Networks ----

with tap.point("a model file comes back as it was written"):
    recipe = quick()
    network = Network(recipe.document, recipe.form).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.safetensors")
        write_model(path, recipe.document, network.tensors(), half=False)
        document, tensors = read_model(path)
        again = network_of(document, tensors)
    x = torch.randn(1, 3, 96, 96)
    assert document == recipe.document
    for a, b in zip(network(x), again(x)):
        assert torch.equal(a.conf, b.conf) and torch.equal(a.loc, b.loc)

with tap.point("a network's form is read off its tensors"):
    for name, document, form in all_cases():
        network = make_network(document, form)
        again = network_of(document, network.tensors()).tensors()
        assert {key: tensor.shape for key, tensor in network.tensors().items()} == \
            {key: tensor.shape for key, tensor in again.items()}, name

with tap.point("numbers that half precision cannot hold are refused by their tensor's name"):
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_model(os.path.join(folder, "m.safetensors"), {}, {"conf.0.bias": torch.tensor([1.0, 1e6])})
            raise AssertionError("no error")
        except ValueError as error:
            assert "conf.0.bias" in str(error) and "float16" in str(error), error
        assert os.listdir(folder) == []

with tap.point("every recipe starts from numbers"):
    for name, make in DETECTORS.items():
        recipe = make()
        network = Network(recipe.document, recipe.form)
        for tensor_name, tensor in network.tensors().items():
            assert torch.isfinite(tensor).all(), (name, tensor_name)
        scale = network.tensors().get("L2Norm.weight")
        assert scale is None or (scale == 20).all(), name

with tap.point("a StairNet made of an SSD's heads says what the SSD says"):
    recipes = [RECIPES[name]() for name in ("default-mobilenet-ssd", "default-mobilenet")]
    for recipe in recipes:
        recipe.document["network"]["width"] = 0.25
    ssd, stairs = (Network(recipe.document, recipe.form) for recipe in recipes)
    for parameter in ssd.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter)
    anchors = boxes.anchors_of(recipes[0].document)
    pictures = draw_set(24, 9)
    start.start_from_ssd(stairs, recipes[1].document, recipes[0].document, ssd.tensors(), anchors,
                         list(range(20)), pictures)
    side = recipes[1].document["input"]["width"]
    x = score.normaliser(recipes[1].document)(warp(pictures[0].pixels, (0, 0, 1, 1), side, side, False, (0, 0, 0))[None])
    with torch.no_grad():
        for wanted, level in zip(ssd(x), stairs(x)[1:]):
            for name in ("conf", "loc"):
                a, b = getattr(wanted, name), getattr(level, name)
                # 96 directions of up to 144 are kept, and these weights are noise.
                assert (a - b).norm() < 0.05 * a.norm() + 1e-3, (name, a.shape, float((a - b).norm() / a.norm()))

with tap.point("frozen convolutions do not move, others do"):
    recipe = quick()
    network = Network(recipe.document, recipe.form).train()
    freeze(network, 3)
    flags = [p.requires_grad for m in network.backbone.modules() if isinstance(m, torch.nn.Conv2d) for p in m.parameters()]
    assert flags[:3] == [False] * 3 and all(flags[3:]), flags

with tap.point("a training that was stopped goes on as if it had not been"):
    ends = []
    for stops in ((6,), (2, 3, 6)):
        with tempfile.TemporaryDirectory() as folder:
            for stop in stops:
                torch.manual_seed(4)
                recipe = quick()
                recipe.passes, recipe.batch = 2, 8
                recipe.augmentation.mosaic = 0.5
                session = Session(recipe, Network(recipe.document, recipe.form), draw_set(24, 3), np.ones(24), folder,
                                  half=False, say=lambda text: None)
                assert session.resume() == (stop != stops[0])
                session.run(until=stop)
            ends.append(copy.deepcopy(session.average.tensors))
    assert all(torch.equal(a, b) for a, b in zip(ends[0].values(), ends[1].values()))

with tap.point("a checkpoint of another training is refused"):
    with tempfile.TemporaryDirectory() as folder:
        for rate in (1e-3, 2e-3):
            recipe = quick()
            recipe.rate = rate
            session = Session(recipe, Network(recipe.document, recipe.form), draw_set(4, 3), np.ones(4), folder,
                              say=lambda text: None)
            try:
                session.resume()
                assert rate == 1e-3
                session.save()
            except ValueError as error:
                assert rate == 2e-3 and "recipe" in str(error), error

with tap.point("other classes: as many scores as they are, and the background where there is one"):
    for name, count in (("default", 3), ("stairnet-cbam-mobilenet", 4)):
        recipe = with_classes(RECIPES[name](), ["a", "b", "c"])
        assert len(recipe.document["output"]["classes"]) == count
        assert RECIPES[name]().document["output"]["classes"] != recipe.document["output"]["classes"]

# ---- Averaging ----

with tap.point("tools/train/average: means by share, and where they come from"):
    average = os.path.join(setting.TRAIN, "average")
    with tempfile.TemporaryDirectory() as folder:
        a, b, mean = (os.path.join(folder, name) for name in ("a.safetensors", "b.safetensors", "mean.safetensors"))
        recipe = quick()
        tensors = Network(recipe.document, recipe.form).tensors()
        write_model(a, recipe.document, {name: torch.full_like(tensor, 1) for name, tensor in tensors.items()})
        write_model(b, recipe.document, {name: torch.full_like(tensor, 5) for name, tensor in tensors.items()})
        expect_ok(run(average, mean, a + ":3", b + ":1"))
        document, tensors = read_model(mean)
        assert all((tensor == 2).all() for tensor in tensors.values())
        assert document["provenance"]["recipe"] == "Averaged: a.safetensors:3, b.safetensors:1.", document["provenance"]

with tap.point("tools/train/average: networks that differ, and shares that are none, are refused"):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{n}.safetensors") for n in (4, 2)]
        for path, n in zip(paths, (4, 2)):
            recipe = with_classes(quick(), VOC[:n])
            write_model(path, recipe.document, Network(recipe.document, recipe.form).tensors())
        mean = os.path.join(folder, "mean.safetensors")
        refused = run(average, mean, *(path + ":1" for path in paths))
        assert refused.returncode != 0 and "another shape" in refused.stderr, refused.stderr
        refused = run(average, mean, paths[0] + ":0")
        assert refused.returncode != 0 and "share above 0" in refused.stderr, refused.stderr
        assert not os.path.exists(mean)

tap.done()
