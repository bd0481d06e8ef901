"""SSD and StairNet with attention (attention.py) in plain PyTorch: what is trained, and the truth that tests/golden compares
the engine with.

A Network is made from a model document (models/README.md) and from a Form, which says what otherwise the tensors in a
model file say: channels, kernels, which biases and batch norms there are. Its state_dict() has the names and shapes of
the model file. It shares no code with the engine.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional as F

from attention import ATTENTION
from backbones import BACKBONES
from depthwise import DepthwiseConv
from parts import Conv, activation_of

Level = namedtuple("Level", "features loc conf spatial channel seen", defaults=[None])  # seen: before its attention


# ---- StairNet's neck ----


def upsampler(words, channels, coarse, fine):
    """A transposed 3x3 convolution from one map's size to the next's. From 1 to 3 it has stride 1 and no padding; else
    stride 2, padding 1, and one more row or column where the finer size is twice the coarser. Each axis for itself."""
    stride, pad, more = zip(*((1, 0, 0) if (c, f) == (1, 3) else (2, 1, int(f == 2 * c)) for c, f in zip(coarse, fine)))
    kind, groups = (DepthwiseUpsampler, channels) if "depthwise" in words else (nn.ConvTranspose2d, 1)
    return kind(channels, channels, 3, stride, pad, more, bias="bias" in words, groups=groups)


class DepthwiseUpsampler(nn.ConvTranspose2d):
    """The same numbers as its parent's as an ordinary depthwise convolution of the map with zeros put between, since
    PyTorch on a CPU runs a transposed one group by group."""

    def forward(self, x):
        batch, channels, height, width = x.shape
        (sy, sx), (py, px), (oy, ox) = self.stride, self.padding, self.output_padding
        ky, kx = self.kernel_size
        wide = x.new_zeros(batch, channels, (height - 1) * sy + 1, (width - 1) * sx + 1)
        wide = wide.contiguous(memory_format=torch.channels_last)
        wide[:, :, ::sy, ::sx] = x
        wide = F.pad(wide, (kx - 1 - px, kx - 1 - px + ox, ky - 1 - py, ky - 1 - py + oy))
        return F.conv2d(wide, self.weight.flip(2, 3), self.bias, groups=self.groups)


class Separable(nn.Module):
    def __init__(self, words, channels, eps):
        super().__init__()
        kernel, bias = 5 if "5x5" in words else 3, "bias" in words
        self.dw = Conv(words, eps, "conv", DepthwiseConv(channels, kernel, bias=bias))
        self.pw = Conv(words, eps, "conv", nn.Conv2d(channels, channels, 1, bias=bias))


class Post(nn.Module):
    """The convolution after the sum, or separable ones in a row: the first one's names have no number."""

    def __init__(self, neck, channels, eps, activation):
        super().__init__()
        words, self.activation = neck.post, activation
        bias = "bias" in words
        if "separable" in words:
            blocks = [Separable(words, channels, eps) for _ in range(neck.posts)]
            self.dw, self.pw = blocks[0].dw, blocks[0].pw
            for number, block in enumerate(blocks[1:], 1):
                self.add_module(str(number), block)
            self.steps = [half for block in blocks for half in (block.dw, block.pw)]
            return
        kernel = 3 if "3x3" in words else 1
        self.conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=bias)
        if "bn" in words:
            self.bn = nn.BatchNorm2d(channels, eps=eps)
        self.steps = [nn.Sequential(self.conv, self.bn) if "bn" in words else self.conv]

    def forward(self, x):
        for step in self.steps:
            x = self.activation(step(x))
        return x


class TopDown(nn.Module):
    """Its lists run from the coarsest map to the finest; what comes in and goes out, from the finest."""

    def __init__(self, network, neck, channels, sizes, eps):
        super().__init__()
        p, levels = neck.channels, network.get("levels", 6)
        self.mode, self.sum_relu = network.get("upsample", "deconv"), network.get("sum_relu", False)
        channels, sizes = channels[::-1], sizes[::-1]
        self.proj_layers = nn.ModuleList(
            Conv(neck.lateral, eps, "conv", nn.Conv2d(n, p, 1, bias="bias" in neck.lateral)) for n in channels)
        if self.mode == "deconv":
            self.topdown_layers = nn.ModuleList(Conv(neck.up, eps, "upsample", upsampler(neck.up, p, *pair))
                                                for pair in zip(sizes, sizes[1:]))
        if neck.post:
            activation = activation_of(network, "post_activation")
            self.extra_layers = nn.ModuleList(Post(neck, p, eps, activation) for _ in range(levels))
        self.levels = levels

    def forward(self, sources):
        sums = []
        for j, source in enumerate(sources[::-1]):
            lateral = self.proj_layers[j](source)
            if j == 0:
                sums.append(lateral)
            elif self.mode == "deconv":
                sums.append(self.topdown_layers[j - 1](sums[-1]) + lateral)
            else:
                align = {"align_corners": False} if self.mode == "bilinear" else {}
                sums.append(F.interpolate(sums[-1], lateral.shape[2:], mode=self.mode, **align) + lateral)
        out = sums[-self.levels:]  # more sources than levels: the coarsest ones only seed the others
        if hasattr(self, "extra_layers"):
            out = [post(x) for post, x in zip(self.extra_layers, out)]
        elif self.sum_relu:
            out = [F.relu(x) for x in out]
        return out[::-1]


# ---- Heads ----


class SeparableHead(Conv):
    """SSDLite's: Sandler et al. 2018, section 6.2."""

    def __init__(self, words, eps, activation, channels, rows):
        depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias="bias" in words)
        super().__init__(words, eps, "0", depthwise, "1")
        self.activation = activation
        self.add_module("3", nn.Conv2d(channels, rows, 1))

    def evidence(self, x):
        return self.activation(super().forward(x))

    def last(self, evidence):
        return getattr(self, "3")(evidence)

    def forward(self, x):
        return self.last(self.evidence(x))


# ---- The network ----


def count_extras(backbone, network):
    """As many as the sources reach."""
    if "extras" in network:
        return len(network["extras"]["stride"])
    names = network.get("sources", BACKBONES[backbone].SOURCES[:network.get("levels", 6)])
    numbers = [int(name.split(".")[1]) for name in names if name.startswith("extras.")]
    per_extra = 2 if backbone == "vgg16" else 1  # modules
    return max((n // per_extra + 1 for n in numbers), default=0)


def numbers_per_box(document):
    """What a head says of a box: four offsets, or for each of its sides a logit for each bin."""
    output = document["output"]
    return 4 * output.get("bins", 8) if output.get("boxes") == "distribution" else 4


class Network(nn.Module):
    def __init__(self, document, form):
        super().__init__()
        network, size = document["network"], (document["input"]["height"], document["input"]["width"])
        eps, levels = network.get("bn_eps", 1e-5), network.get("levels", 6)
        kind = BACKBONES[network["backbone"]]
        self.backbone = kind(network, form, count_extras(network["backbone"], network), eps).eval()
        self.sources = network.get("sources", kind.SOURCES[:levels])
        with torch.no_grad():
            probe = self.backbone(torch.zeros(1, 3, *size))
        sizes = [tuple(probe[name].shape[2:]) for name in self.sources]
        self.maps = sizes[:levels]
        channels = [self.backbone.channels[name] for name in self.sources]
        self.topdown = None
        if network["detector"] == "stairnet":
            self.topdown = TopDown(network, form.neck, channels, sizes, eps)
            channels = [form.neck.channels] * levels
        attention = network.get("attention", {})
        self.att = None
        if attention.get("kind", "none") != "none" and attention.get("place", "levels") in ("levels", "both"):
            self.att = nn.ModuleList(ATTENTION[attention["kind"]](attention, form.gate, n, eps)
                                     for n in channels[:levels])
        ratios = document["anchors"].get("aspect_ratios", [[]] * levels)
        larger = document["anchors"].get("max_sizes", [None] * levels)
        self.per_cell = form.per_cell or [1 + (larger[l] is not None) + 2 * len(ratios[l]) for l in range(levels)]

        def head(level, numbers):
            rows = self.per_cell[level] * numbers
            if form.heads and level not in form.whole:
                return SeparableHead(form.heads, eps, activation_of(network), channels[level], rows)
            return nn.Conv2d(channels[level], rows, form.head, padding=form.head // 2)

        self.loc, self.conf = (nn.ModuleList(head(l, n) for l in range(levels))
                               for n in (numbers_per_box(document), len(document["output"]["classes"])))
        self.eval()

    def tensors(self):
        """{name in the model file: tensor}"""
        state = self.state_dict()
        return {name[len("backbone."):] if name.startswith("backbone.") else name: tensor
                for name, tensor in state.items() if not name.endswith("num_batches_tracked")}

    def count_parameters(self):
        return sum(p.numel() for p in self.parameters())

    def forward(self, x):
        return self.look(self.backbone(x))

    def look(self, layers):
        """The levels that the trunk's layers lead to."""
        maps = [layers[name] for name in self.sources]
        maps = self.topdown(maps) if self.topdown else maps
        levels = []
        for l, (loc, conf) in enumerate(zip(self.loc, self.conf)):
            features, spatial, channel = self.att[l](maps[l]) if self.att else (maps[l], None, None)
            levels.append(Level(features, loc(features), conf(features), spatial, channel, maps[l]))
        return levels
