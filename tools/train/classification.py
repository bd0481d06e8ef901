"""What tools/train/train does for a classifier where a detector wants something else: its pictures, what it starts
from, how well it does.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy
import time
from dataclasses import replace

import torch

import class_folders
from accuracy import accuracy, scores_of
from attention import Cbam
from backbones import ResidualBlock
from class_folders import ClassPicture
from crops import middle, reduced
from progress import counter
from recipes import classes_of
from shapes import draw_one
from start import GATES, class_columns, copy_shared, fold_norms

QUICK = 2000, 400  # pictures that are drawn, to learn from and to measure with
LOOKS = 4          # how often it is measured, the end included
SHUT = 0.01, 0.1   # of attention at the start: of what its last layer, and its batch norm, would say


def read_sets(arguments, recipe, say):
    """(pictures to learn from, pictures to measure with): those as the network will be shown them, these in parts that
    are chosen again and again."""
    spec, classes = recipe.document["input"], classes_of(recipe.document)[0]
    if arguments.quick:
        return [[draw(number, arguments.seed + later, lambda pixels: make(pixels, spec)) for number in range(count)]
                for later, (make, count) in enumerate(zip((reduced, middle), QUICK))]
    sets = []
    for specs, make in ((arguments.data, reduced), (arguments.val, middle)):
        sets.append(class_folders.read_sets(specs, classes, lambda pixels, make=make: make(pixels, spec), say))
    class_folders.check_pictures(*sets[0], classes, arguments.data, each=True)
    if arguments.val:
        class_folders.check_pictures(*sets[1], classes, arguments.val, each=False)
    return [pictures for pictures, _ in sets]


def draw(number, seed, make):
    pixels, label = draw_one(number, seed)
    return ClassPicture(f"shape/{number}", label, kept=make(pixels))


# ---- The start ----


def adopt(recipe, document):
    """The recipe with what a start on the same trunk was trained with: padding, pixels and so on, of which no tensor
    tells."""
    recipe = replace(recipe, document=copy.deepcopy(recipe.document))
    ours, theirs = recipe.document["network"], document["network"]
    if ours["backbone"] != theirs.get("backbone"):
        return recipe
    for key in ("padding", "activation", "slope", "bn_eps", "stride_place"):
        ours.pop(key, None)
        if theirs.get(key) is not None:
            ours[key] = theirs[key]
    if "channels" in document.get("input", {}):
        recipe.document["input"].update({"mean": [0] * 3, "scale": [1] * 3,
                                         **{key: document["input"][key] for key in ("channels", "mean", "scale")
                                            if document["input"].get(key) is not None}})
    return recipe


def begin(network, recipe, model, rename, path, say):
    """Gives a new network what it can have of a model: the trunk, and of the last layer the classes that both know."""
    document, classes = model[0], recipe.document["output"]["classes"]
    tensors = fold_norms(network, model[1], document["network"].get("bn_eps", 1e-5))
    last = {name: tensors.pop(name) for name in ("fc.weight", "fc.bias") if name in tensors}
    copied, count = copy_shared(network, tensors)
    if copied == 0:
        raise ValueError(f"'{path}' has no tensor of this network's names and shapes")
    known = take_classes(network.fc, last, class_columns(document, classes, rename)) if last else 0
    if not any("Gate." in name for name in tensors):
        shut_gates(network)
    say(f"started from {path}: {copied} of {count - 2} tensors fit, and {known} of {len(classes)} classes are "
        "known")


@torch.no_grad()
def take_classes(layer, last, columns):
    """Copies the rows of classes that the other's linear layer has; `columns` are their places there, or None. Returns
    how many."""
    known = [(row, column) for row, column in enumerate(columns) if column is not None]
    if not known or last["fc.weight"].shape[1] != layer.in_features:
        return 0
    rows, columns = map(list, zip(*known))
    layer.weight[rows] = last["fc.weight"][columns]
    layer.bias[rows] = last["fc.bias"][columns]
    return len(rows)


@torch.no_grad()
def shut_gates(network):
    """CBAM in the blocks of a ResNet that had none: nearly constant, and the batch norms before it make up for that, so
    that the network says what it said. What is a gate's part moves from there."""
    for block in network.backbone.modules():
        gate = getattr(block, "cbam", None) if isinstance(block, ResidualBlock) else None
        if not isinstance(gate, Cbam) or not gate.ChannelGate or not gate.SpatialGate:
            continue
        for name, tensor in gate.named_parameters():
            if name.endswith("mlp.3.weight"):
                tensor.mul_(SHUT[0])
            elif name.endswith("spatial.bn.weight"):
                tensor.mul_(SHUT[1])
            elif name.endswith(("mlp.3.bias", "spatial.bn.bias")):
                tensor.zero_()
        norm = getattr(block, f"bn{len(block.steps)}")
        norm.weight.div_(GATES["cbam"])
        norm.bias.div_(GATES["cbam"])


# ---- How well it does ----


def run(session, network, recipe, pictures, minutes, say):
    """Session.run () that says on the way how well the averaged weights do."""
    began = time.monotonic()
    for end in [session.steps * look // LOOKS for look in range(1, LOOKS)] + [session.steps]:
        left = minutes and minutes - (time.monotonic() - began) / 60
        if session.step >= end < session.steps:
            continue
        if left is not None and left <= 0:
            return
        session.run(end, left)
        if end <= session.step < session.steps:
            session.average.swap(network)
            measure(network, recipe, pictures, session.half, say, f"step {session.step}, averaged weights")
            session.average.swap(network)


def measure(network, recipe, pictures, half, say, title):
    scores = scores_of(network.eval(), recipe.document, pictures, half, counter("measuring"))
    figures = accuracy(scores, [picture.label for picture in pictures])
    said = ", ".join(f"{name} {100 * figures[key]:.1f} %" for name, key in
                     (("top-1", "top1"), ("top-5", "top5"), ("mean of classes", "mean_top1")) if key in figures)
    say(f"{title}: {said}, {len(pictures)} pictures")
    return {**{key: round(figures[key], 4) for key in ("top1", "top5") if key in figures}, "pictures": len(pictures)}
