#!/usr/bin/env python3
"""Training of boxes whose sides are distributions: what is asked of every cell, what a teacher may say, and processes
that train together.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np
import torch

import boxes
from depthwise import DepthwiseConv
from backbones import ShuffleUnit
from network import Network
from quality import Answers, QualityLoss, giou
from recipes import shufflenet, with_size
from start import is_kin, start_from_kin
from team import Broken, Team

torch.manual_seed(1)
tap = Tap()

CLASSES = ["cat", "cow", "horse"]
CAT, COW, HORSE = range(3)
BINS = 8


def small():
    """A recipe with one level of 4x4 cells, each with a box of unit 1/4."""
    recipe = with_size(shufflenet(), 128)
    document = recipe.document
    document["network"]["levels"] = 1
    document["anchors"] = {"maps": [[4, 4]], "steps": [32], "min_sizes": [160], "aspect_ratios": [[]]}
    document["output"]["classes"] = CLASSES
    return recipe


def target(*rows):
    """What place_boxes() gives of (label, difficult, x1, y1, x2, y2), or of soft targets (label, score, ...)."""
    sharp, soft = ([row for row in rows if isinstance(row[1], kind)] for kind in (bool, float))
    return tuple(part for some, dtype in ((sharp, torch.bool), (soft, torch.float32)) for part in (
        torch.tensor([row[2:] for row in some], dtype=torch.float32).view(-1, 4),
        torch.tensor([row[0] for row in some], dtype=torch.long), torch.tensor([row[1] for row in some], dtype=dtype)))


def sides_of(anchors, unit, box):
    """Logits [N, 4, BINS] that say a box, as far as bins reach, from every cell."""
    true = torch.cat((anchors[:, :2] - box[:2], box[2:] - anchors[:, :2]), 1) / unit
    return -200 * (torch.arange(BINS) - true.clamp(0, BINS - 1)[..., None]).abs()


recipe = small()
anchors = boxes.anchors_of(recipe.document)
loss = QualityLoss(recipe.document, anchors)
object_box = torch.tensor([0.25, 0.25, 0.75, 0.75])  # the four cells in the middle; their points are its quarters' middles

with tap.point("boxes of distributions, by hand"):
    logits = torch.full((1, 16, 4, BINS), -1e4)
    logits[:, :, :, 1] = logits[:, :, :, 2] = 0  # 1.5 units to all sides
    found = boxes.decode_distribution(logits.flatten(2), anchors, [0.1, 0.1, 0.2, 0.2])
    assert torch.allclose(found[0, 0], torch.tensor([0.125 - 0.375, 0.125 - 0.375, 0.5, 0.5])), found[0, 0]
    assert torch.allclose(boxes.decode_for(recipe.document)(logits.flatten(2), anchors), found)

with tap.point("overlaps and their generalisation, by hand"):
    a, b = torch.tensor([[0, 0, 0.4, 0.4], [0, 0, 0.2, 0.2]]), torch.tensor([[0.2, 0, 0.6, 0.4], [0.8, 0.8, 1, 1]])
    overlap, gain = giou(a, b)
    assert torch.allclose(overlap, torch.tensor([1 / 3, 0.0]), atol=1e-5)
    assert torch.allclose(gain, torch.tensor([1 / 3, -0.92]), atol=1e-5), gain

with tap.point("the cells that answer for an object lie in it, and say it best"):
    laid = object_box.expand(16, 4)
    one = target((CAT, False, *object_box.tolist()))
    inside = loss.centres_inside(one[0])
    place, which = loss.assign(one[0], one[1], inside, torch.full((16, 3), 0.1), laid)
    assert place.tolist() == [5, 6, 9, 10] and which.tolist() == [0] * 4
    poor = laid.clone()
    poor[5:7] = torch.tensor([0.0, 0.0, 0.3, 0.3])  # these do not find it
    place, _ = loss.assign(one[0], one[1], inside, torch.full((16, 3), 0.1), poor)
    assert place.tolist() == [9, 10], place

with tap.point("an object between the cells' points has the nearest"):
    tiny = target((CAT, False, 0.30, 0.30, 0.34, 0.34))
    assert loss.centres_inside(tiny[0])[0].nonzero()[:, 0].tolist() == [5]

with tap.point("annotations outweigh a teacher"):
    scores = torch.full((1, 16, 3), 0.0)
    scores[0, 5] = torch.tensor([0.0, 0.9, 0.3])   # a cow on the horse
    scores[0, 1] = torch.tensor([0.0, 0.3, 0.3])   # the same, said by a cell beside it
    scores[0, 0] = torch.tensor([0.8, 0.1, 0.0])   # a cat that nobody annotated, a doubtful cow
    sides = sides_of(anchors, loss.units[0, 0], object_box)[None]
    sides[0, 0] = sides_of(anchors, loss.units[0, 0], torch.tensor([0.0, 0.0, 0.2, 0.2]))[0]
    batch = [target((HORSE, False, *object_box.tolist()), (CAT, True, 0.75, 0.75, 1, 1))]
    answers = Answers(scores, sides, [])
    laid = loss.decode(sides.flatten(2), anchors)
    wanted, weights, place, truth, labels = loss.targets(batch, torch.full((1, 16, 3), 0.1), laid, answers)
    assert place.tolist() == [5, 6, 9, 10] and labels.tolist() == [HORSE] * 4 and torch.equal(truth[0], object_box)
    assert wanted[0, [5, 1], COW].tolist() == [0, 0] and weights[0, [5, 1], COW].tolist() == [1, 1]
    assert abs(wanted[0, 1, HORSE] - 0.15) < 1e-6
    assert weights[0, 0, CAT] == 0 and weights[0, 0, COW] == 1 and abs(wanted[0, 0, COW] - 0.05) < 1e-6
    assert weights[0, 15, CAT] == 0 and weights[0, 15, COW] == 1

with tap.point("soft targets are asked of the cells that would answer for them"):
    laid = object_box.expand(1, 16, 4)
    batch = [target((CAT, 0.3, *object_box.tolist()), (COW, False, *object_box.tolist()))]
    wanted, weights, place, truth, labels = loss.targets(batch, torch.full((1, 16, 3), 0.1), laid, None)
    assert place.tolist() == [5, 6, 9, 10] and labels.tolist() == [COW] * 4
    assert wanted[0, :, CAT].nonzero()[:, 0].tolist() == [], wanted[0, :, CAT]  # there is a cow
    batch = [target((CAT, 0.3, *object_box.tolist()))]
    wanted, weights, place, truth, labels = loss.targets(batch, torch.full((1, 16, 3), 0.1), laid, None)
    assert len(place) == 0 and wanted[0, :, CAT].nonzero()[:, 0].tolist() == [5, 6, 9, 10] and weights.min() == 1

with tap.point("what is right costs little, what is wrong much, and without a teacher too"):
    costs = []
    network = type("Heads", (), {"per_cell": [1]})()
    for right in (True, False):
        conf = torch.full((16, 3), -8.0)
        place = [5, 6, 9, 10]
        conf[place, CAT if right else COW] = 8.0
        sides = sides_of(anchors, loss.units[0, 0], object_box if right else torch.tensor([0.0, 0.0, 0.5, 0.5]))
        level = type("Level", (), {})()
        level.conf, level.loc = (x.reshape(4, 4, -1).permute(2, 0, 1)[None] for x in (conf, sides.flatten(1)))
        terms = loss(network, [level], [target((CAT, False, *object_box.tolist()))])
        costs.append(terms)
    assert costs[0]["scores"] < 0.01 < 1 < costs[1]["scores"], costs
    assert costs[0]["boxes"] < 0.5 * costs[1]["boxes"], costs

with tap.point("a batch without objects"):
    terms = loss(network, [level], [target()])
    assert all(torch.isfinite(term) for term in terms.values()) and terms["boxes"] == 0

with tap.point("the gradient of a 5x5 depthwise convolution in windows is PyTorch's own"):
    for kernel, stride in ((5, 1), (5, 2), (7, 1)):
        conv, x = DepthwiseConv(6, kernel, stride), torch.randn(2, 6, 13, 11, requires_grad=True)
        plain = torch.nn.Conv2d.forward(conv, x)
        wanted = torch.autograd.grad(plain, (x, conv.weight, conv.bias), torch.ones_like(plain) * 0.5, retain_graph=True)
        with torch.autocast("cpu", torch.bfloat16):
            quick = conv(x)
        found = torch.autograd.grad(quick, (x, conv.weight, conv.bias), torch.ones_like(quick) * 0.5)
        for a, b in zip(found, wanted):
            assert (a - b).norm() < 0.02 * b.norm(), (kernel, stride, float((a - b).norm() / b.norm()))

with tap.point("channels of a ShuffleNetV2 unit's two branches take turns"):
    unit = ShuffleUnit("bias", 1e-5, torch.relu, 8, 8, 1).eval()
    x = torch.randn(1, 8, 5, 5)
    y = unit(x)
    assert torch.equal(y[:, ::2], x[:, :4]) and torch.equal(y[:, 1::2], unit.branch2(x[:, 4:]))

with tap.point("a network begins with what another without attention says, of its own classes"):
    with torch.no_grad():
        other = small()
        other.document["output"]["classes"] = ["dog", "horse", "cat", "cow"]
        del other.document["network"]["attention"]
        first, ours = Network(other.document, other.form), Network(recipe.document, recipe.form)
        assert is_kin(recipe.document, other.document)
        start_from_kin(ours, other.document, first.tensors(), [2, 3, 1])
        x = torch.randn(1, 3, 128, 128)
        a, b = first(x)[0], ours(x)[0]
        assert torch.allclose(a.conf[:, [2, 3, 1]], b.conf, atol=0.05 * float(a.conf.std())), (a.conf - 0).std()
        assert torch.allclose(a.loc, b.loc, atol=0.05 * float(a.loc.std()))

with tap.point("processes average their gradients, and decide together"):
    parameters = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2, 2)), torch.nn.Parameter(torch.zeros(1))]
    team = Team(3, parameters)
    means = []

    def work():
        for step in range(4):
            for parameter in parameters[:2]:
                parameter.grad = torch.full_like(parameter, float(team.rank + step))
            team.average(parameters)
            means.append([float(p.grad.mean()) for p in parameters[:2]])
            if team.decide(step == 2):
                break

    team.start(work)
    work()
    team.end()
    assert means == [[1, 1], [2, 2], [3, 3]] and parameters[2].grad is None, means
    assert [team.share(range(7)), len(team.children)] == [range(0, 7, 3), 0]

with tap.point("a process that fails ends the others"):
    team = Team(2, parameters)

    def fail():
        if team.rank > 0:
            team.fail()
            return
        team.average(parameters)

    team.start(fail)
    try:
        fail()
        raise AssertionError("no error")
    except Broken as error:
        assert "ended" in str(error), error
    team.end()

with tap.point("a process that is killed ends the others too"):
    team = Team(2, parameters)

    def die():
        if team.rank > 0:
            os.kill(os.getpid(), signal.SIGKILL)
        team.average(parameters)

    team.start(die)
    try:
        die()
        raise AssertionError("no error")
    except Broken as error:
        assert "ended" in str(error), error
    team.end()

tap.done()
