"""NanoDet-Plus on ShuffleNetV2 (RangiLyu/nanodet), from ncnn's files: a StairNet to start training from.

What a StairNet can use is taken: the trunk as it is, the 1x1 reductions as laterals, the branch of the coarsest map as
an extra, and the heads' separable blocks and last rows. NanoDet's own neck, the Ghost-PAN between reductions and heads,
is not: sums of bilinear steps up stand in for it, which the heads were not trained on. Its batch norms were folded
before it was published.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np

from converter.dialects.shufflenet_v2 import NANODET, STAGES, width_of
from converter.graph import Graph
from shared.faults import DataError
from shared.labels import COCO

STRIDES = (8, 16, 32, 64)
KERNELS = (3, 5)    # of separable convolutions outside the trunk
SIDES = 4           # left, top, right, bottom, as its head has them (nanodet/model/head/gfl_head.py)
CELLS = 5           # an anchor's width: with the variances 0.2 the unit of a distance is a cell, as it is there
SIZE, SIZES = 352, (64, 8192)  # of the input unless said otherwise, and what can be said
STEP_UP = 0.5 * np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])  # half of what bilinear interpolation makes of the coarser map

DESCRIPTION = ("NanoDet-Plus's trunk, laterals and heads in a StairNet without attention, to start training from: "
               "steps up stand in for its Ghost-PAN. Its distances count from the corner of a cell (anchors.offset 0)")


def detect_nanodet(source):
    return bool(source.layers)


def convert_nanodet(source):
    net = Reader(source)
    maps = take_trunk(net)
    width = width_of(source.base, [2 * len(net.tensors[f"stage{stage}.0.branch1.2.weight"]) for stage, _ in STAGES])
    laterals = [net.after(blob, lambda node: node.is_conv(1) and node not in net.taken, "a 1x1 reduction")
                for blob in maps]
    take_extra(net, laterals[-1])
    classes, bins = take_neck(net, laterals, find_heads(net))
    return net.tensors, document_of(source, width, net.slope, classes, bins)


class Reader:
    """A graph, what has been taken of it, and the tensors that it became."""

    def __init__(self, source):
        self.graph = Graph(source.base, source.layers, "NanoDet-Plus")
        self.after = self.graph.after
        self.tensors, self.taken, self.slope = {}, [], None

    def take(self, name, node, activated=True):
        """A convolution under our name; the first one's activation is everyone's."""
        if self.slope is None and node.slope is not None:
            self.slope = node.slope
        expected = self.slope if activated else None
        if node.slope != expected:
            raise DataError(f"layer '{node.layer.name}' of '{self.graph.name}' ({name}): expected "
                            f"{said(expected)}, found {said(node.slope)}")
        self.taken.append(node)
        self.put(name, node.weight, node.layer.weights.get("bias", np.zeros(len(node.weight), np.float32)))
        return node.output

    def put(self, name, weight, bias):
        self.tensors[f"{name}.weight"] = np.ascontiguousarray(weight, np.float32)
        self.tensors[f"{name}.bias"] = np.ascontiguousarray(bias, np.float32)


def said(slope):
    return "no activation" if slope is None else "ReLU" if slope == 0 else f"leaky ReLU of {slope:g}"


# ---- ShuffleNetV2 ---------------------------------------------------------------------------------------------------


def take_trunk(net):
    """Returns the blobs of the maps that the neck takes, fine to coarse."""
    picture = net.graph.one(net.graph.nodes, lambda node: node.kind == "Input", "one picture")
    stem = net.after(picture.output, lambda node: node.is_conv(3, 2), "a 3x3 convolution of stride 2")
    x, ends = net.take("conv1.0", stem), []
    x = net.after(x, lambda node: (node.kind, node.param(0, 0), node.param(1, 0), node.param(2, 1), node.param(3, 0))
                  == ("Pooling", 0, 3, 2, 1), "a max pooling 3x3 of stride 2").output
    for stage, units in STAGES:
        x = take_first_unit(net, f"stage{stage}.0", x)
        for unit in range(1, units):
            x = take_unit(net, f"stage{stage}.{unit}", x)
        ends.append(x)
    return ends


def take_branch(net, name, first, stride):
    """1x1, depthwise, 1x1."""
    x = net.take(f"{name}.0", first)
    x = net.take(f"{name}.3", net.after(x, lambda node: node.is_depthwise((3,), stride), "a depthwise 3x3"), False)
    return net.take(f"{name}.5", net.after(x, lambda node: node.is_conv(1), "a 1x1 convolution"))


def take_first_unit(net, name, x):
    def leads_to_depthwise(node):
        users = net.graph.users.get(node.output, [])
        return node.is_conv(1) and len(users) == 1 and users[0].is_depthwise((3,), 2)

    depthwise = net.after(x, lambda node: node.is_depthwise((3,), 2), "a depthwise 3x3 of stride 2")
    a = net.take(f"{name}.branch1.0", depthwise, False)
    a = net.take(f"{name}.branch1.2", net.after(a, lambda node: node.is_conv(1), "a 1x1 convolution"))
    first = net.after(x, leads_to_depthwise, "a 1x1 convolution before a depthwise 3x3 of stride 2")
    return shuffled(net, a, take_branch(net, f"{name}.branch2", first, 2))


def take_unit(net, name, x):
    halves = net.after(x, lambda node: node.kind == "Slice" and len(node.outputs) == 2 and node.param(1, 0) == 0
                       and len(set(node.param(0, []))) == 1, "a cut into halves")
    a, b = halves.outputs
    first = net.after(b, lambda node: node.is_conv(1), "a 1x1 convolution")
    return shuffled(net, a, take_branch(net, f"{name}.branch2", first, 1))


def shuffled(net, a, b):
    """The two halves one after the other, then shuffled in two groups."""
    both = net.after(b, lambda node: node.kind == "Concat" and node.inputs == [a, b] and node.param(0, 0) == 0,
                     f"it behind blob '{a}'")
    return net.after(both.output, lambda node: node.kind == "ShuffleChannel" and node.param(0, 1) == 2
                     and not node.param(1, 0), "a shuffle of two groups").output


# ---- Neck and heads -------------------------------------------------------------------------------------------------


def take_extra(net, reduction):
    """The coarsest map's branch, which begins at the reduction that is also a lateral."""
    x = net.take("extras.0.0", reduction)
    x = net.take("extras.0.2", net.after(x, lambda node: node.is_depthwise(KERNELS, 2),
                                         "a depthwise convolution of stride 2"))
    net.take("extras.0.4", net.after(x, lambda node: node.is_conv(1), "a 1x1 convolution"))


def find_heads(net):
    """[(separable blocks in their order, the last 1x1, number of classes)], fine to coarse."""
    found = {}
    for node in net.graph.nodes:
        users = net.graph.users.get(node.output, [])
        if not (node.is_conv(1) and len(users) == 1 and users[0].kind == "Slice" and len(users[0].outputs) == 2):
            continue
        scores = net.graph.users.get(users[0].output, [])
        if len(scores) == 1 and scores[0].kind == "Sigmoid":
            found[net.graph.steps[node.output]] = blocks_before(net, node), node, (users[0].param(0, []) or [0])[0]
    if tuple(sorted(found)) != STRIDES:
        raise DataError(f"'{net.graph.name}': expected 1x1 convolutions cut into scores with a sigmoid and distances, "
                        f"at strides {listed(STRIDES)}, found them at {listed(sorted(found)) or 'none'}")
    return [found[stride] for stride in STRIDES]


def listed(numbers):
    return ", ".join(f"{number:g}" for number in numbers)


def blocks_before(net, node):
    """Of depthwise and 1x1 convolutions, back to where maps were summed."""
    blocks = []
    while True:
        pointwise = net.graph.makers[node.inputs[0]]
        if not pointwise.is_conv(1) or pointwise.slope is None:
            return blocks
        depthwise = net.graph.makers[pointwise.inputs[0]]
        if not depthwise.is_depthwise(KERNELS, 1) or depthwise.slope is None:
            return blocks
        blocks.insert(0, (depthwise, pointwise))
        node = depthwise


def take_neck(net, laterals, heads):
    """StairNet's lists, which begin at the coarsest map. Returns the number of classes and of bins."""
    coarsest, channels = len(heads) - 1, len(laterals[0].weight)
    eye = np.eye(channels)[:, :, None, None]
    net.put("topdown.proj_layers.0.conv", eye, np.zeros(channels))
    for j, lateral in enumerate(reversed(laterals), 1):
        net.take(f"topdown.proj_layers.{j}.conv", lateral)
        check_depth(net, lateral, channels)
    for j in range(coarsest):
        net.put(f"topdown.topdown_layers.{j}.upsample", np.broadcast_to(STEP_UP, (channels, 1, 3, 3)),
                np.zeros(channels))
    for level, (blocks, last, classes) in enumerate(heads):
        if not blocks:
            raise DataError(f"'{net.graph.name}': expected separable convolutions before layer '{last.layer.name}', "
                            "found none")
        for number, (depthwise, pointwise) in enumerate(blocks):
            name = f"topdown.extra_layers.{coarsest - level}" + (f".{number}" if number else "")
            net.take(f"{name}.dw.conv", depthwise)
            net.take(f"{name}.pw.conv", pointwise)
            check_depth(net, depthwise, channels)
            check_depth(net, pointwise, channels)
        rows = len(last.weight)
        if classes < 1 or rows <= classes or (rows - classes) % SIDES:
            raise DataError(f"layer '{last.layer.name}' of '{net.graph.name}': expected rows for classes and then as "
                            f"many bins for each of {SIDES} sides, found {classes} of {rows} rows for classes")
        bias = last.layer.weights.get("bias", np.zeros(rows))
        net.put(f"loc.{level}", last.weight[classes:], bias[classes:])
        net.put(f"conf.{level}", last.weight[:classes], bias[:classes])
    return classes, (rows - classes) // SIDES


def check_depth(net, node, channels):
    if len(node.weight) != channels:
        raise DataError(f"layer '{node.layer.name}' of '{net.graph.name}': expected {channels} channels, as its neck "
                        f"has, found {len(node.weight)}")


def document_of(source, width, slope, classes, bins):
    size = SIZE if source.options.size is None else source.options.size
    if not SIZES[0] <= size <= SIZES[1]:
        raise DataError(f"--size: expected {SIZES[0]} to {SIZES[1]} pixels, found {size}")
    maps = [-(-size // stride) for stride in STRIDES]
    activation = {"activation": "leaky_relu", "slope": slope} if slope else {"activation": "relu"}
    data = "coco" if classes == len(COCO) else None
    return {
        "version": 1,
        "name": "-".join(part for part in ("stairnet-shufflenet", data) if part),
        "description": DESCRIPTION,
        "network": {"detector": "stairnet", "backbone": "shufflenet_v2", "width": width, **activation,
                    "post_activation": activation["activation"], "levels": len(STRIDES),
                    "attention": {"kind": "none"}},
        "input": {"width": size, "height": size, **NANODET, "resize": "stretch", "rounding": "u8"},
        # Its boxes are distances from where a cell begins, not from its middle.
        "anchors": {"maps": [[side, side] for side in maps], "steps": list(STRIDES), "offset": 0,
                    "min_sizes": [CELLS * stride for stride in STRIDES], "aspect_ratios": [[] for _ in STRIDES]},
        "output": {"classes": list(COCO) if data else [f"class_{k}" for k in range(1, classes + 1)],
                   "score": "sigmoid", "boxes": "distribution", "bins": bins, "variances": [0.1, 0.1, 0.2, 0.2]},
        "nms": {"profile": "caffe", "iou": 0.6, "keep": 100},
        "provenance": {"recipe": "layers of RangiLyu/nanodet's NanoDet-Plus; converted by tools/convert",
                       "source": source.base},
    }
