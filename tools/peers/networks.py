"""The SSD presets ssd-vgg16 and ssd-mobilenet as lists of layers, from which a model file is written for every program
that is compared: same layers, same seeded weights.

The layers are those of compute/nets/vgg16.c and mobilenet_v1.c, the documents those of compute/presets/presets.c; a test
holds the two against each other with `cbam-run --describe`. All maps are square.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math
from dataclasses import dataclass

import numpy as np

SIZE = 300
SEED = 20180717
CLASSES = ("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
           "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")
PER_CELL = (6, 6, 6, 6, 4, 4)
BN_EPS = 1e-5
L2NORM_EPS = 1e-10
VARIANCES = (0.1, 0.1, 0.2, 0.2)
INPUT = "data"  # the picture: BGR less the mean

# About how large pixels less the mean are, and what heads are scaled by. Few scores come near the model's threshold, as
# in a trained network; and boxes lie near their anchors and are half as large, so that clipping to the picture leaves
# something of each, by which it can be told from the others.
PIXEL_SPREAD = 75
HEAD_SCALES = {"loc": 0.25, "conf": 0.5}
LOC_SIZE_BIAS = -3


@dataclass(frozen=True)
class Layer:
    kind: str  # conv, depthwise, max_pool, l2_norm
    name: str  # of its tensors, and of its output
    input: str
    in_channels: int
    channels: int
    size: int  # of the output
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    dilation: int = 1
    ceil: bool = False  # a pool's size is rounded up
    relu: bool = False
    norm: str = ""  # the batch norm behind a convolution

    @property
    def weight_shape(self):
        return (self.channels, 1 if self.kind == "depthwise" else self.in_channels, self.kernel, self.kernel)


class Network:
    """Layers in the order of computation, with the heads last."""

    def __init__(self, name, mean, anchors):
        self.name, self.mean, self.anchors = name, mean, anchors
        self.layers = []
        self.outputs = {INPUT: (3, SIZE)}  # name: (channels, size)

    def add(self, kind, name, source, channels=None, **form):
        """Appends a layer; returns its output's name. A form without channels keeps those of its input."""
        in_channels, size = self.outputs[source]
        layer = Layer(kind, name, source, in_channels, channels or in_channels, 0, **form)
        room = size + 2 * layer.pad - layer.dilation * (layer.kernel - 1) - 1
        size = (math.ceil(room / layer.stride) if layer.ceil else room // layer.stride) + 1
        layer = Layer(kind, name, source, in_channels, channels or in_channels, size, **form)
        self.layers.append(layer)
        self.outputs[name] = (layer.channels, size)
        return name

    def conv(self, name, source, channels, kernel=1, **form):
        return self.add("conv", name, source, channels, kernel=kernel, relu=True, **form)

    def add_heads(self, sources, kernel):
        for level, (source, boxes) in enumerate(zip(sources, PER_CELL)):
            for head, rows in (("loc", 4), ("conf", len(CLASSES))):
                self.add("conv", f"{head}.{level}", source, boxes * rows, kernel=kernel, pad=kernel // 2)
        maps = [self.outputs[source][1] for source in sources]
        self.anchors = {"maps": [[size, size] for size in maps], **self.anchors}
        return self

    def document(self):
        """As the preset's, but any number of boxes may be reported: the comparison asks for all."""
        backbone = {"ssd-vgg16": "vgg16", "ssd-mobilenet": "mobilenet_v1"}[self.name]
        return {
            "version": 1,
            "name": self.name,
            "network": {"detector": "ssd", "backbone": backbone},
            "input": {"width": SIZE, "height": SIZE, "channels": "bgr", "mean": self.mean},
            "anchors": self.anchors,
            "output": {"classes": CLASSES, "score": "softmax", "variances": VARIANCES},
            "nms": {"profile": "caffe", "top_k": 0, "keep": 0},
        }


def ssd_vgg16():
    net = Network("ssd-vgg16", [104, 117, 123], {
        "steps": [8, 16, 32, 64, 100, 300],
        "min_sizes": [30, 60, 111, 162, 213, 264],
        "max_sizes": [60, 111, 162, 213, 264, 315],
        "aspect_ratios": [[2, 3], [2, 3], [2, 3], [2, 3], [2], [2]],
        "clip": "cxcywh",
    })
    x, index = INPUT, 0
    for stage, channels in enumerate(((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))):
        for count in channels:
            x = net.conv(f"vgg.{index}", x, count, 3, pad=1)
            index += 2
        if stage == 3:
            conv4_3 = x
        last = stage == 4
        x = net.add("max_pool", f"vgg.{index}", x, kernel=3 if last else 2, stride=1 if last else 2,
                    pad=1 if last else 0, ceil=stage == 2)
        index += 1
    x = net.conv("vgg.31", x, 1024, 3, pad=6, dilation=6)
    x = net.conv("vgg.33", x, 1024)
    # Only the heads see it normalised; the trunk went on with what it was.
    sources = [net.add("l2_norm", "L2Norm", conv4_3), x]
    for e, (reduced, channels, stride) in enumerate(((256, 512, 2), (128, 256, 2), (128, 256, 1), (128, 256, 1))):
        x = net.conv(f"extras.{2 * e}", x, reduced)
        x = net.conv(f"extras.{2 * e + 1}", x, channels, 3, stride=stride, pad=stride - 1)
        sources.append(x)
    return net.add_heads(sources, kernel=3)


def ssd_mobilenet():
    net = Network("ssd-mobilenet", [103.94, 116.78, 123.68], {
        "steps": [16, 32, 64, 100, 150, 300],
        "min_sizes": [45, 90, 135, 180, 225, 270],
        "max_sizes": [90, 135, 180, 225, 270, 315],
        "aspect_ratios": [[2, 3], [2, 3], [2, 3], [2, 3], [2], [2]],
        "clip": "cxcywh",
    })
    x = net.conv("base_net.0.0", INPUT, 32, 3, stride=2, pad=1, norm="base_net.0.1")
    sources = []
    channels = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    for i, count in enumerate(channels, 1):
        stride = 2 if i in (2, 4, 6, 12) else 1
        x = net.add("depthwise", f"base_net.{i}.0", x, kernel=3, stride=stride, pad=1, relu=True,
                    norm=f"base_net.{i}.1")
        x = net.conv(f"base_net.{i}.3", x, count, norm=f"base_net.{i}.4")
        if i in (11, 13):
            sources.append(x)
    for e, (reduced, count) in enumerate(((256, 512), (128, 256), (128, 256), (64, 128))):
        x = net.conv(f"extras.{e}.0", x, reduced)
        x = net.conv(f"extras.{e}.2", x, count, 3, stride=2, pad=1)
        sources.append(x)
    return net.add_heads(sources, kernel=1)


NETWORKS = {"ssd-vgg16": ssd_vgg16, "ssd-mobilenet": ssd_mobilenet}


# ---- Weights -------------------------------------------------------------------------------------------------------

def make_weights(net):
    """{tensor's name: array}, the same in every run. Activations keep their size from layer to layer (He et al. 2015),
    so that heads get numbers of about 1."""
    rng = np.random.default_rng(SEED)
    tensors = {}
    for layer in net.layers:
        if layer.kind in ("conv", "depthwise"):
            tensors.update(make_conv(rng, layer))
        elif layer.kind == "l2_norm":
            tensors[f"{layer.name}.weight"] = uniform(rng, 18, 22, layer.channels)
    return tensors


def make_conv(rng, layer):
    shape = layer.weight_shape
    spread = math.sqrt(2 / math.prod(shape[1:]))
    spread *= HEAD_SCALES.get(layer.name.split(".")[0], 1)
    if layer.input == INPUT:
        spread /= PIXEL_SPREAD
    yield f"{layer.name}.weight", np.float32(spread) * rng.standard_normal(shape, np.float32)
    if layer.norm:
        yield f"{layer.norm}.weight", uniform(rng, 0.8, 1.2, layer.channels)
        yield f"{layer.norm}.bias", uniform(rng, -0.1, 0.1, layer.channels)
        yield f"{layer.norm}.running_mean", uniform(rng, -0.1, 0.1, layer.channels)
        yield f"{layer.norm}.running_var", uniform(rng, 0.8, 1.2, layer.channels)
        return
    bias = uniform(rng, -0.1, 0.1, layer.channels)
    if layer.name.startswith("loc."):
        bias.reshape(-1, 4)[:, 2:] += LOC_SIZE_BIAS
    yield f"{layer.name}.bias", bias


def uniform(rng, low, high, n):
    return rng.uniform(low, high, n).astype(np.float32)


def fold(layer, tensors):
    """A convolution's weight and bias with its batch norm in them."""
    weight = tensors[f"{layer.name}.weight"]
    if not layer.norm:
        return weight, tensors[f"{layer.name}.bias"]
    gamma, beta, mean, var = (tensors[f"{layer.norm}.{part}"].astype(np.float64)
                              for part in ("weight", "bias", "running_mean", "running_var"))
    scale = gamma / np.sqrt(var + BN_EPS)
    return weight * scale[:, None, None, None], beta - mean * scale
