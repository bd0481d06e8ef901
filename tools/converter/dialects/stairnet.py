"""StairNet on VGG16 as its second author saves it (SoonminHwang/ssd.pytorch): ssd.pytorch's names and `topdown.`.

His lists run from the coarsest map to the finest, as in our format. The convolutions after the sums are the odd ones
out: he made six of them and later ran five, leaving out the 1x1 map, and then number 0 belongs to the 3x3 map and
number 5 to none. Which of the two a file is for, its names do not say.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np

from converter.dialects.vgg16 import BOX_SIZES, RGB_MEAN, anchors, take_trunk
from converter.document import document_of, input_of
from converter.layers import Layers
from shared.faults import DataError

SIZE, MAPS = 300, 6
SOURCES = ["vgg.21", "vgg.33", "extras.1", "extras.3", "extras.5", "extras.7"]


def detect_stairnet(source):
    return "vgg.0.weight" in source.tensors and "topdown.proj_layers.0.conv.weight" in source.tensors


def never_ran(source, place):
    """Whether a convolution's batch norm counts no picture, as if training had passed it by."""
    mean, variance = (source.tensors.get(f"topdown.extra_layers.{place}.bn.running_{what}") for what in ("mean", "var"))
    return mean is None or (np.all(mean == 0) and np.all(variance == 1))


def guess_levels(source):
    """Five where the sixth convolution is not there or was left out in training, else six."""
    return MAPS - 1 if never_ran(source, MAPS - 1) and not never_ran(source, 0) else MAPS


def take_topdown(layers, sources, levels):
    """The laterals, the steps up and the convolutions after the sums. Returns the common width."""
    width = layers.shape("topdown.proj_layers.0.conv.weight", 4)[0]
    for j, depth in enumerate(reversed(sources)):
        layers.take(f"topdown.proj_layers.{j}.conv.weight", width, depth, 1, 1)
        layers.norm(f"topdown.proj_layers.{j}.bn", width)
    for j in range(len(sources) - 1):
        layers.take(f"topdown.topdown_layers.{j}.upsample.weight", width, width, 3, 3)
        layers.norm(f"topdown.topdown_layers.{j}.bn", width)
    for j in range(levels):
        layers.take(f"topdown.extra_layers.{j}.conv.weight", width, width, 3, 3)
        layers.norm(f"topdown.extra_layers.{j}.bn", width)
    return width


def convert_stairnet(source):
    levels = source.options.levels or guess_levels(source)
    layers = Layers(source)
    size, sources = take_trunk(layers)
    if size != SIZE:
        raise DataError(f"'{source.base}': StairNet is made for {SIZE} pixels, and these extras are for {size}")
    maps = [take_topdown(layers, sources, levels)] * levels
    boxes, classes = layers.heads(maps)
    network = {"detector": "stairnet", "backbone": "vgg16", "levels": levels, "sources": SOURCES, "upsample": "deconv",
               "attention": layers.attention(maps)}
    if levels < MAPS:
        layers.drop(f"topdown.extra_layers.{levels}.", f"loc.{levels}.", f"conf.{levels}.", f"att.{levels}.")
    document = document_of(source, f"stairnet{SIZE}-vgg16", "SoonminHwang/ssd.pytorch", classes, network,
                           input_of(SIZE, "rgb", RGB_MEAN), anchors(SIZE, BOX_SIZES[SIZE, "voc"], boxes), "ssd.pytorch")
    return layers.finish(), document
