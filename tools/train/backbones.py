"""Backbones in plain PyTorch: BACKBONES has them by the names of model documents.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from attention import ATTENTION
from depthwise import DepthwiseConv
from parts import Conv, L2Norm, SameConv, activation_of

# They give a dictionary: key prefix of a convolution -> its activated output.


class Vgg16(nn.Module):
    # (index in ssd.pytorch's list of modules, channels, kernel, padding = dilation); strings are pools
    LAYERS = ((0, 64, 3, 1), (2, 64, 3, 1), "half", (5, 128, 3, 1), (7, 128, 3, 1), "half", (10, 256, 3, 1),
              (12, 256, 3, 1), (14, 256, 3, 1), "half, rounded up", (17, 512, 3, 1), (19, 512, 3, 1), (21, 512, 3, 1),
              "half", (24, 512, 3, 1), (26, 512, 3, 1), (28, 512, 3, 1), "same", (31, 1024, 3, 6), (33, 1024, 1, 1))
    POOLS = {"half": (2, 2, 0, 1, False), "half, rounded up": (2, 2, 0, 1, True), "same": (3, 1, 1, 1, False)}
    # reduced channels, channels, kernel, stride, padding
    EXTRAS_300 = ((256, 512, 3, 2, 1), (128, 256, 3, 2, 1), (128, 256, 3, 1, 0), (128, 256, 3, 1, 0))
    EXTRAS_512 = ((256, 512, 3, 2, 1),) + ((128, 256, 3, 2, 1),) * 3 + ((128, 256, 4, 1, 1),)
    SOURCES = ["vgg.21", "vgg.33", "extras.1", "extras.3", "extras.5", "extras.7", "extras.9"]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        width, n = network.get("width", 1), 3
        self.vgg, self.extras = nn.ModuleDict(), nn.ModuleList()
        for layer in self.LAYERS:
            if layer in self.POOLS:
                continue
            index, channels, kernel, dilation = layer
            channels = max(8, int(channels * width))
            self.vgg[str(index)] = nn.Conv2d(n, channels, kernel, padding=dilation if kernel > 1 else 0,
                                             dilation=dilation)
            n = channels
        usual = self.EXTRAS_512 if n_extras > 4 and "extras" not in network else self.EXTRAS_300
        for e in range(n_extras):
            reduced, channels, kernel, stride, pad = usual[min(e, len(usual) - 1)]
            if "extras" in network:
                stride, pad = network["extras"]["stride"][e], network["extras"]["pad"][e]
            reduced, channels = max(8, int(reduced * width)), max(8, int(channels * width))
            self.extras.append(nn.Conv2d(n, reduced, 1))
            self.extras.append(nn.Conv2d(reduced, channels, kernel, stride, pad))
            n = channels
        self.L2Norm = L2Norm(self.vgg["21"].out_channels, network.get("l2norm_eps", 1e-10))
        self.activation = activation_of(network)
        self.channels = {f"vgg.{i}": conv.out_channels for i, conv in self.vgg.items()}
        self.channels.update({f"extras.{e}": conv.out_channels for e, conv in enumerate(self.extras)})

    def forward(self, x):
        out = {}
        for layer in self.LAYERS:
            if layer in self.POOLS:
                x = F.max_pool2d(x, *self.POOLS[layer])
            else:
                x = out[f"vgg.{layer[0]}"] = self.activation(self.vgg[str(layer[0])](x))
        for e, conv in enumerate(self.extras):
            x = out[f"extras.{e}"] = self.activation(conv(x))
        out["vgg.21"] = self.L2Norm(out["vgg.21"])  # for the heads alone; the trunk went on without it
        return out


class MobileNetV1(nn.Module):
    BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)) + ((512, 1),) * 5 + ((1024, 2), (1024, 1))
    EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
    END = "base_net.13.3"  # what a classifier looks at
    SOURCES = ["base_net.11.3", "base_net.13.3", "extras.0.2", "extras.1.2", "extras.2.2", "extras.3.2"]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        attention = network.get("attention", {})
        has_attention = attention.get("kind", "none") != "none" and attention.get("place") in ("blocks", "both")
        symmetric = network.get("padding") != "same"

        def conv(i, o, kernel=1, stride=1, groups=1, bias="bias" in form.trunk):
            if symmetric:
                return nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=bias)
            return SameConv(i, o, kernel, stride, groups=groups, bias=bias)

        def channels(n):
            return max(8, int(n * network.get("width", 1)))

        n = channels(32)
        def modules(*widths):
            return nn.ModuleList(ATTENTION[attention["kind"]](attention, form.gate, c, eps) for c in widths)

        self.base_net = nn.ModuleList([Conv(form.trunk, eps, "0", conv(3, n, 3, 2), "1")])
        if has_attention:
            self.base_net[0].att = modules(n)
        for wanted, stride in self.BLOCKS:
            block = nn.Module()
            wanted = channels(wanted)
            for name, layer, norm in (("0", conv(n, n, 3, stride, n), "1"), ("3", conv(n, wanted), "4")):
                block.add_module(name, layer)
                if "bn" in form.trunk:
                    block.add_module(norm, nn.BatchNorm2d(layer.out_channels, eps=eps))
            if has_attention:
                block.att = modules(n, wanted)
            self.base_net.append(block)
            n = wanted
        self.extras = nn.ModuleList()
        for e in range(n_extras):
            reduced, wanted = map(channels, self.EXTRAS[e])
            self.extras.append(nn.ModuleDict({"0": conv(n, reduced, bias=True),
                                              "2": conv(reduced, wanted, 3, 2, bias=True)}))
            n = wanted
        self.activation = activation_of(network)
        self.channels = {f"base_net.{i}.3": getattr(self.base_net[i], "3").out_channels for i in range(1, 14)}
        self.channels.update({f"extras.{e}.2": pair["2"].out_channels for e, pair in enumerate(self.extras)})

    def forward(self, x):
        out = {}
        x = self.activation(self.base_net[0](x))
        x = self.base_net[0].att[0](x)[0] if hasattr(self.base_net[0], "att") else x
        for i, block in enumerate(self.base_net[1:], 1):
            for half, (conv, norm) in enumerate((("0", "1"), ("3", "4"))):
                x = getattr(block, conv)(x)
                x = self.activation(getattr(block, norm)(x) if hasattr(block, norm) else x)
                x = block.att[half](x)[0] if hasattr(block, "att") else x
            out[f"base_net.{i}.3"] = x  # what the next block sees
        for e, pair in enumerate(self.extras):
            x = self.activation(pair["0"](x))
            x = out[f"extras.{e}.2"] = self.activation(pair["2"](x))
        return out


def round_channels(n, divisor=8):
    """MobileNetV2's: to the nearest multiple that is not a tenth less."""
    nearest = max(divisor, int(n + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * n else nearest


class InvertedResidual(nn.Module):
    """Sandler et al. 2018, figure 4d: 1x1 to more channels (or not: `widened` is None), depthwise 3x3, 1x1 to few with
    no activation; then attention and, where `adds`, the sum."""

    def __init__(self, words, eps, activation, n, widened, wanted, depthwise, adds, attention):
        super().__init__()
        inner, self.steps, self.adds = widened or n, [], adds
        convs = [nn.Conv2d(n, widened, 1, bias="bias" in words)] if widened else []
        for conv in (*convs, depthwise(inner)):
            self.steps.append((Conv(words, eps, "0", conv, "1"), activation))
        self.steps.append((nn.Conv2d(inner, wanted, 1, bias="bias" in words), None))
        if "bn" in words:
            self.steps.append((nn.BatchNorm2d(wanted, eps=eps), None))
        self.conv = nn.ModuleList(step for step, _ in self.steps)
        self.attention = attention[0] if attention else None
        if attention:
            self.add_module(*attention)

    def forward(self, x, begun=None):
        """`begun` is what the first step has made of x already, activated."""
        y = x if begun is None else begun
        for step, activation in self.steps if begun is None else self.steps[1:]:
            y = activation(step(y)) if activation else step(y)
        y = getattr(self, self.attention)(y)[0] if self.attention else y
        return x + y if self.adds else y


class MobileNetV2(nn.Module):
    ROWS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 64))
    END = "features.18.0"
    SOURCES = ["features.14.conv.0.0", "features.18.0"] + [f"extras.{e}.conv.2" for e in range(4)]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        attention, width, words = network.get("attention", {}), network.get("width", 1), form.trunk
        self.activation, bias = activation_of(network), "bias" in form.trunk
        symmetric = network.get("padding") != "same"

        def three(i, o, stride, groups=1, pad=1):
            if symmetric:
                return nn.Conv2d(i, o, 3, stride, pad, groups=groups, bias=bias)
            return SameConv(i, o, 3, stride, groups=groups, bias=bias)

        def module(wanted):
            if attention.get("kind", "none") == "none" or attention.get("place") not in ("blocks", "both"):
                return None
            return attention["kind"], ATTENTION[attention["kind"]](attention, form.gate, wanted, eps)

        n, self.channels = round_channels(32 * width), {}
        self.features = nn.ModuleList([Conv(words, eps, "0", three(3, n, 2), "1")])
        for widening, wanted, blocks, stride in self.ROWS:
            wanted = round_channels(wanted * width)
            for block in range(blocks):
                step = 1 if block else stride
                self.features.append(InvertedResidual(
                    words, eps, self.activation, n, widening * n if widening > 1 else None, wanted,
                    lambda inner, step=step: three(inner, inner, step, inner), step == 1 and n == wanted,
                    module(wanted)))
                name = f"features.{len(self.features) - 1}"
                self.channels[f"{name}.conv.0.0"], self.channels[name] = max(1, widening) * n, wanted
                n = wanted
        last = round_channels(1280 * max(1, width))
        self.features.append(Conv(words, eps, "0", nn.Conv2d(n, last, 1, bias=bias), "1"))
        n = self.channels["features.18.0"] = last
        self.extras, spec = nn.ModuleList(), network.get("extras", {"stride": [2] * 4, "pad": [1] * 4})
        for e, (hidden, wanted) in enumerate(self.EXTRAS[:n_extras]):
            hidden, wanted = round_channels(hidden * width), round_channels(wanted * width)
            stride, pad = spec["stride"][e], spec["pad"][e]
            self.extras.append(InvertedResidual(
                words, eps, self.activation, n, hidden, wanted,
                lambda inner, stride=stride, pad=pad: three(inner, inner, stride, inner, pad), False, None))
            n = self.channels[f"extras.{e}.conv.2"] = wanted

    def forward(self, x):
        out, x = {}, self.activation(self.features[0](x))
        for number, block in enumerate(self.features[1:-1], 1):
            begun = self.activation(block.conv[0](x)) if number == 14 else None
            x = out[f"features.{number}"] = block(x, begun)
            if begun is not None:
                out["features.14.conv.0.0"] = begun
        x = out["features.18.0"] = self.activation(self.features[18](x))
        for e, extra in enumerate(self.extras):
            x = out[f"extras.{e}.conv.2"] = extra(x)
        return out


class Steps(nn.Module):
    """Convolutions one after the other, (name, convolution, whether an activation follows it). A batch norm is named by
    the number after its convolution's."""

    def __init__(self, words, eps, activation, *steps):
        super().__init__()
        self.steps, self.activation = [], activation
        for name, conv, activated in steps:
            norm = str(int(name) + 1) if "bn" in words else None
            self.add_module(name, conv)
            if norm:
                self.add_module(norm, nn.BatchNorm2d(conv.out_channels, eps=eps))
            self.steps.append((name, norm, activated))

    def forward(self, x):
        for name, norm, activated in self.steps:
            x = getattr(self, name)(x)
            x = getattr(self, norm)(x) if norm else x
            x = self.activation(x) if activated else x
        return x


class ShuffleUnit(nn.Module):
    """Ma et al. 2018, figure 3 (c) and (d): half of the channels pass, or both branches halve the map; the channels of
    the two take turns in what comes out."""

    def __init__(self, words, eps, activation, channels, wanted, stride):
        super().__init__()
        half, bias = wanted // 2, "bias" in words
        inner = channels if stride == 2 else half

        def conv(i, o):
            return nn.Conv2d(i, o, 1, bias=bias)

        def depthwise(n):
            return nn.Conv2d(n, n, 3, stride, 1, groups=n, bias=bias)

        if stride == 2:
            self.branch1 = Steps(words, eps, activation, ("0", depthwise(inner), False), ("2", conv(inner, half), True))
        self.branch2 = Steps(words, eps, activation, ("0", conv(inner, half), True), ("3", depthwise(half), False),
                             ("5", conv(half, half), True))

    def forward(self, x):
        if hasattr(self, "branch1"):
            a, b = self.branch1(x), self.branch2(x)
        else:
            a, b = x.chunk(2, 1)
            b = self.branch2(b)
        return torch.stack((a, b), 2).flatten(1, 2)


class ShuffleNetV2(nn.Module):
    WIDTHS = {0.5: (48, 96, 192), 1: (116, 232, 464), 1.5: (176, 352, 704), 2: (244, 488, 976)}
    UNITS = (4, 8, 4)
    END = "conv5"
    SOURCES = ["stage2.3", "stage3.7", "stage4.3", "extras.0.4", "extras.1.4", "extras.2.4", "extras.3.4"]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        self.activation, bias, n = activation_of(network), "bias" in form.trunk, 24
        settings = form.trunk, eps, self.activation
        self.conv1 = Steps(*settings, ("0", nn.Conv2d(3, n, 3, 2, 1, bias=bias), True))
        self.channels = {}
        for stage, (wanted, units) in enumerate(zip(self.WIDTHS[network.get("width", 1)], self.UNITS), 2):
            self.add_module(f"stage{stage}", nn.Sequential(*(
                ShuffleUnit(*settings, wanted if i else n, wanted, 1 if i else 2) for i in range(units))))
            n = self.channels[f"stage{stage}.{units - 1}"] = wanted
        self.conv5 = None
        if classifies:
            self.channels["conv5"] = 2048 if network.get("width", 1) == 2 else 1024
            self.conv5 = Steps(*settings, ("0", nn.Conv2d(n, self.channels["conv5"], 1, bias=bias), True))
        self.extras, e = nn.ModuleList(), form.extras
        for i in range(n_extras):
            reduce = [("0", nn.Conv2d(n, e.channels, 1, bias=bias), True)] if i < e.reduced else []
            n = e.channels if reduce else n
            self.extras.append(Steps(*settings, *reduce,
                                     ("2", DepthwiseConv(n, e.kernel, 2, bias), True),
                                     ("4", nn.Conv2d(n, e.channels, 1, bias=bias), True)))
            n = self.channels[f"extras.{i}.4"] = e.channels

    def forward(self, x):
        out, x = {}, F.max_pool2d(self.conv1(x), 3, 2, 1)
        for stage in range(2, 5):
            x = getattr(self, f"stage{stage}")(x)
            out[f"stage{stage}.{self.UNITS[stage - 2] - 1}"] = x
        if self.conv5:
            out["conv5"] = self.conv5(x)
        for i, extra in enumerate(self.extras):
            x = out[f"extras.{i}.4"] = extra(x)
        return out


class ResidualBlock(nn.Module):
    """He et al. 2015, figure 5: two 3x3 convolutions, or a 3x3 between two 1x1; then attention, the sum, an activation.
    `inner` are the channels between them, in `groups` in a bottleneck's 3x3 (Xie et al. 2016, figure 3c); `early`: the
    first one has the stride, whatever its kernel."""

    def __init__(self, words, eps, activation, channels, inner, wanted, kernels, stride, early, groups, attention):
        super().__init__()
        bias = "bias" in words
        widths = [channels] + [inner] * (len(kernels) - 1) + [wanted]
        strided = 0 if early else kernels.index(3)
        self.steps = []
        for number, kernel in enumerate(kernels):
            conv = nn.Conv2d(*widths[number:number + 2], kernel, stride if number == strided else 1, kernel // 2,
                             groups=groups if kernel == 3 else 1, bias=bias)
            self.steps.append(Conv(words, eps, f"conv{number + 1}", conv, f"bn{number + 1}"))
            for name, layer in self.steps[-1].named_children():
                self.add_module(name, layer)
        self.downsample = None
        if stride > 1 or channels != wanted:
            self.downsample = Conv(words, eps, "0", nn.Conv2d(channels, wanted, 1, stride, bias=bias), "1")
        self.activation, self.attention = activation, attention[0] if attention else None
        if attention:
            self.add_module(*attention)

    def forward(self, x):
        y = x
        for step in self.steps[:-1]:
            y = self.activation(step(y))
        y = self.steps[-1](y)
        y = getattr(self, self.attention)(y)[0] if self.attention else y
        return self.activation(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
    KERNELS = {18: (3, 3), 34: (3, 3), 50: (1, 3, 1), 101: (1, 3, 1)}  # of a block
    EXTRAS = ((256, 512), (256, 512), (128, 256), (128, 256), (128, 256))
    END = "layer4"
    SOURCES = ["layer2", "layer3", "layer4"] + [f"extras.{e}.3" for e in range(5)]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        depth, attention = network.get("depth", 50), network.get("attention", {})
        self.activation, bias, n = activation_of(network), "bias" in form.trunk, 64

        def channels(wanted):
            return max(8, int(wanted * network.get("width", 1)))

        def module(place, name, wanted):
            if attention.get("kind", "none") == "none" or attention.get("place") not in place:
                return None
            return name.format(attention["kind"]), ATTENTION[attention["kind"]](attention, form.gate, wanted, eps)

        self.conv1 = nn.Conv2d(3, n, 7, 2, 3, bias=bias)
        self.bn1 = nn.BatchNorm2d(n, eps=eps) if "bn" in form.trunk else None
        self.strides, self.between, self.channels = network.get("strides", [1, 2, 2, 2]), {}, {}
        for stage, stride in enumerate(self.strides):
            inner, blocks = channels(64 << stage), []
            wanted = 256 << stage if len(self.KERNELS[depth]) == 3 else inner
            for block in range(self.DEPTHS[depth][stage]):
                blocks.append(ResidualBlock(form.trunk, eps, self.activation, n, inner, wanted, self.KERNELS[depth],
                                            1 if block else stride, network.get("stride_place") == "1x1",
                                            network.get("groups", 1),
                                            module(("blocks", "both"), "{}", wanted)))
                n = self.channels[f"layer{stage + 1}.{block}"] = wanted
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            self.channels[f"layer{stage + 1}"] = n
            between = module(("stages",), f"{{}}{stage + 1}", n) if stage + 1 < len(self.strides) else None
            if between:
                self.between[stage] = between[0]
                self.add_module(*between)
        self.extras = nn.ModuleList()
        for e, pair in enumerate(self.EXTRAS[:n_extras]):
            (reduced, wanted), spec = map(channels, pair), network.get("extras", {"stride": [2] * 5, "pad": [1] * 5})
            self.extras.append(Steps(form.trunk, eps, self.activation,
                                     ("0", nn.Conv2d(n, reduced, 1, bias=bias), True),
                                     ("3", nn.Conv2d(reduced, wanted, 3, spec["stride"][e], spec["pad"][e], bias=bias),
                                      True)))
            n = self.channels[f"extras.{e}.3"] = wanted

    def forward(self, x):
        out, x = {}, self.conv1(x)
        x = F.max_pool2d(self.activation(self.bn1(x) if self.bn1 else x), 3, 2, 1)
        for stage in range(len(self.strides)):
            name = f"layer{stage + 1}"
            for number, block in enumerate(getattr(self, name)):
                x = out[f"{name}.{number}"] = block(x)
            x = getattr(self, self.between[stage])(x)[0] if stage in self.between else x
            out[name] = x
        for e, extra in enumerate(self.extras):
            x = out[f"extras.{e}.3"] = extra(x)
        return out


class LiteBlock(nn.Module):
    """An inverted residual with EfficientNet-PyTorch's names; as InvertedResidual."""

    def __init__(self, words, eps, activation, n, widened, wanted, depthwise, adds, attention):
        super().__init__()
        inner, self.adds, self.activation = widened or n, adds, activation
        convs = [("_depthwise_conv", depthwise(inner), "_bn1"),
                 ("_project_conv", nn.Conv2d(inner, wanted, 1, bias="bias" in words), "_bn2")]
        if widened:
            convs.insert(0, ("_expand_conv", nn.Conv2d(n, widened, 1, bias="bias" in words), "_bn0"))
        self.steps = [Conv(words, eps, name, conv, norm) for name, conv, norm in convs]
        for step in self.steps:
            for name, layer in step.named_children():
                self.add_module(name, layer)
        self.attention = attention[0] if attention else None
        if attention:
            self.add_module(*attention)

    def widen(self, x):
        return self.activation(self.steps[0](x))

    def forward(self, x):
        y = x
        for step in self.steps[:-1]:
            y = self.activation(step(y))
        y = self.steps[-1](y)
        y = getattr(self, self.attention)(y)[0] if self.attention else y
        return x + y if self.adds else y


class EfficientNetLite(nn.Module):
    # widening, kernel, stride, channels, blocks
    ROWS = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
            (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))
    SIZES = {0: (1, 1, 11), 1: (1, 1.1, 15), 2: (1.1, 1.2, 15), 3: (1.2, 1.4, 17), 4: (1.4, 1.8, 21)}
    END = "_conv_head"

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        attention, words, more = network.get("attention", {}), form.trunk, network.get("width", 1)
        self.activation, bias = activation_of(network), "bias" in form.trunk
        symmetric = network.get("padding") != "same"
        width, depth, self.widest = self.SIZES[int(network["backbone"][-1])]

        def spatial(i, o, kernel, stride, groups=1, pad=None):
            if symmetric:
                return nn.Conv2d(i, o, kernel, stride, kernel // 2 if pad is None else pad, groups=groups, bias=bias)
            return SameConv(i, o, kernel, stride, groups=groups, bias=bias)

        def module(wanted):
            if attention.get("kind", "none") == "none" or attention.get("place") not in ("blocks", "both"):
                return None
            return attention["kind"], ATTENTION[attention["kind"]](attention, form.gate, wanted, eps)

        n, self.channels, blocks = round_channels(32 * more), {}, []
        stem = Conv(words, eps, "_conv_stem", spatial(3, n, 3, 2), "_bn0")
        for row, (widening, kernel, stride, wanted, count) in enumerate(self.ROWS):
            wanted = round_channels(wanted * width * more)
            for block in range(math.ceil(round(count * depth, 6)) if 0 < row < 6 else count):
                step = 1 if block else stride
                blocks.append(LiteBlock(
                    words, eps, self.activation, n, widening * n if widening > 1 else None, wanted,
                    lambda inner, kernel=kernel, step=step: spatial(inner, inner, kernel, step, inner),
                    step == 1 and n == wanted, module(wanted)))
                name = f"_blocks.{len(blocks) - 1}"
                self.channels[f"{name}._expand_conv"], self.channels[name] = widening * n, wanted
                n = wanted
        last = self.channels["_conv_head"] = round_channels(1280 * more)
        head = Conv(words, eps, "_conv_head", nn.Conv2d(n, last, 1, bias=bias), "_bn1")
        self.ends, n = (stem, head), last
        for step in self.ends:
            for name, layer in step.named_children():
                self.add_module(name, layer)
        self._blocks = nn.ModuleList(blocks)
        self.extras, spec = nn.ModuleList(), network.get("extras", {"stride": [2] * 4, "pad": [1] * 4})
        for e, (hidden, wanted) in enumerate(MobileNetV2.EXTRAS[:n_extras]):
            hidden, wanted = round_channels(hidden * more), round_channels(wanted * more)
            stride, pad = spec["stride"][e], spec["pad"][e]
            self.extras.append(InvertedResidual(
                words, eps, self.activation, n, hidden, wanted,
                lambda inner, stride=stride, pad=pad: spatial(inner, inner, 3, stride, inner, pad), False, None))
            n = self.channels[f"extras.{e}.conv.2"] = wanted

    def forward(self, x):
        stem, head = self.ends
        out, x = {}, self.activation(stem(x))
        for number, block in enumerate(self._blocks):
            if number == self.widest:
                out[f"_blocks.{number}._expand_conv"] = block.widen(x)
            x = out[f"_blocks.{number}"] = block(x)
        x = out["_conv_head"] = self.activation(head(x))
        for e, extra in enumerate(self.extras):
            x = out[f"extras.{e}.conv.2"] = extra(x)
        return out


class SqueezeExcite(nn.Module):
    """MobileNetV3's: a hard sigmoid of two 1x1 convolutions, which `names` names."""

    def __init__(self, channels, names=("fc1", "fc2"), divisor=8):
        super().__init__()
        squeezed = round_channels(channels / 4, divisor)
        self.convs = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        for name, conv in zip(names, self.convs):
            self.add_module(name, conv)

    def forward(self, x):
        narrow, widen = self.convs
        return x * F.hardsigmoid(widen(F.relu(narrow(x.mean((2, 3), keepdim=True)))))


class V3Block(nn.Module):
    """Howard et al. 2019, figure 4; `steps` are (module, whether an activation follows)."""

    def __init__(self, words, eps, activation, n, widened, wanted, depthwise, squeezes, adds, attention):
        super().__init__()
        self.activation, self.adds, bias = activation, adds, "bias" in words
        self.steps = [(Conv(words, eps, "0", nn.Conv2d(n, widened, 1, bias=bias), "1"), True)] if widened != n else []
        self.steps.append((Conv(words, eps, "0", depthwise(widened), "1"), True))
        if squeezes:
            self.steps.append((SqueezeExcite(widened), False))
        self.steps.append((Conv(words, eps, "0", nn.Conv2d(widened, wanted, 1, bias=bias), "1"), False))
        self.block = nn.ModuleList(step for step, _ in self.steps)
        self.attention = attention[0] if attention else None
        if attention:
            self.add_module(*attention)

    def widen(self, x):
        return self.activation(self.block[0](x))

    def forward(self, x):
        y = x
        for step, activated in self.steps:
            y = self.activation(step(y)) if activated else step(y)
        y = getattr(self, self.attention)(y)[0] if self.attention else y
        return x + y if self.adds else y


class MobileNetV3(nn.Module):
    # kernel, hidden, channels, squeezes, hard swish, stride
    ROWS = ((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2),
            (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1),
            (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
            (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1))
    TAIL = 12  # the row from which on `form.tail` holds; of that row only for what it narrows to
    EXTRAS = (512, 256, 256, 128)
    END, HIDDEN, HIDDEN_ACTIVATION = "features.16.0", 1280, staticmethod(F.hardswish)
    SOURCES = ["features.13.block.0.0", "features.16.0"] + [f"extras.{e}.2.0" for e in range(4)]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        attention, width, words = network.get("attention", {}), network.get("width", 1), form.trunk
        self.activation, bias = activation_of(network), "bias" in form.trunk
        symmetric = network.get("padding") != "same"

        def spatial(i, o, kernel, stride, groups=1, pad=None):
            if symmetric:
                return nn.Conv2d(i, o, kernel, stride, kernel // 2 if pad is None else pad, groups=groups, bias=bias)
            return SameConv(i, o, kernel, stride, groups=groups, bias=bias)

        def module(wanted):
            if attention.get("kind", "none") == "none" or attention.get("place") not in ("blocks", "both"):
                return None
            return attention["kind"], ATTENTION[attention["kind"]](attention, form.gate, wanted, eps)

        n, self.channels = round_channels(16 * width), {}
        self.features = nn.ModuleList([Conv(words, eps, "0", spatial(3, n, 3, 2), "1")])
        for row, (kernel, hidden, wanted, squeezes, swishes, stride) in enumerate(self.ROWS):
            hidden = round_channels(hidden * width * (form.tail if row > self.TAIL else 1))
            wanted = round_channels(wanted * width * (form.tail if row >= self.TAIL else 1))
            self.features.append(V3Block(
                words, eps, F.hardswish if swishes else F.relu, n, hidden, wanted,
                lambda inner, kernel=kernel, stride=stride: spatial(inner, inner, kernel, stride, inner), squeezes,
                stride == 1 and n == wanted, module(wanted)))
            self.channels[f"features.{row + 1}.block.0.0"], self.channels[f"features.{row + 1}"] = hidden, wanted
            n = wanted
        self.features.append(Conv(words, eps, "0", nn.Conv2d(n, 6 * n, 1, bias=bias), "1"))
        n = self.channels["features.16.0"] = 6 * n
        self.extras, spec = nn.ModuleList(), network.get("extras", {"stride": [2] * 4, "pad": [1] * 4})
        for e, wanted in enumerate(self.EXTRAS[:n_extras]):
            wanted = round_channels(wanted * width)
            stride, pad = spec["stride"][e], spec["pad"][e]
            self.extras.append(nn.ModuleList(
                Conv(words, eps, "0", conv, "1")
                for conv in (nn.Conv2d(n, wanted // 2, 1, bias=bias),
                             spatial(wanted // 2, wanted // 2, 3, stride, wanted // 2, pad),
                             nn.Conv2d(wanted // 2, wanted, 1, bias=bias))))
            n = self.channels[f"extras.{e}.2.0"] = wanted

    def forward(self, x):
        out, x = {}, F.hardswish(self.features[0](x))
        for number, block in enumerate(self.features[1:-1], 1):
            if number == 13:
                out["features.13.block.0.0"] = block.widen(x)
            x = out[f"features.{number}"] = block(x)
        x = out["features.16.0"] = F.hardswish(self.features[16](x))
        for e, extra in enumerate(self.extras):
            for step in extra:
                x = self.activation(step(x))
            out[f"extras.{e}.2.0"] = x
        return out


class Ghost(nn.Module):
    """Han et al. 2020, figure 1b: half of the channels are made of the others, cheaply."""

    def __init__(self, words, eps, activation, n, wanted, depthwise):
        super().__init__()
        self.primary_conv = Conv(words, eps, "0", nn.Conv2d(n, wanted // 2, 1, bias="bias" in words), "1")
        self.cheap_operation = Conv(words, eps, "0", depthwise(wanted // 2, 3, 1), "1")
        self.activation = activation

    def forward(self, x):
        a = self.activation(self.primary_conv(x))
        return torch.cat((a, self.activation(self.cheap_operation(a))), 1)


class GhostBottleneck(nn.Module):
    """The same, figure 3; and its sum with `x` whatever the shape."""

    def __init__(self, words, eps, activation, row, n, hidden, wanted, depthwise, attention):
        super().__init__()
        kernel, squeezes, stride = row
        self.ghost1 = Ghost(words, eps, activation, n, hidden, depthwise)
        self.ghost2 = Ghost(words, eps, lambda x: x, hidden, wanted, depthwise)
        self.halve = Conv(words, eps, "conv_dw", depthwise(hidden, kernel, stride), "bn_dw") if stride > 1 else None
        self.squeeze = [SqueezeExcite(hidden, ("conv_reduce", "conv_expand"), 4)] if squeezes else []
        self.ways = []
        if stride > 1 or n != wanted:
            self.ways = [Conv(words, eps, "0", depthwise(n, kernel, stride), "1"),
                         Conv(words, eps, "2", nn.Conv2d(n, wanted, 1, bias="bias" in words), "3")]
        self.shortcut = nn.Module()
        for parent, conv in ((self, self.halve), *((self.shortcut, way) for way in self.ways)):
            for name, layer in conv.named_children() if conv else ():
                parent.add_module(name, layer)
        self.attention = attention[0] if attention else None
        if attention:
            self.add_module(*attention)
        self.se = getattr(self, "se", nn.Module())  # an attention module may be called so, too
        for name, layer in self.squeeze[0].named_children() if squeezes else ():
            self.se.add_module(name, layer)

    def forward(self, x):
        y = self.ghost1(x)
        y = self.halve(y) if self.halve else y
        for squeeze in self.squeeze:
            y = squeeze(y)
        y = self.ghost2(y)
        y = getattr(self, self.attention)(y)[0] if self.attention else y
        for way in self.ways:
            x = way(x)
        return x + y


class GhostNet(nn.Module):
    # of each stage: (kernel, hidden, channels, squeezes, stride) of each block
    STAGES = (((3, 16, 16, 0, 1),), ((3, 48, 24, 0, 2),), ((3, 72, 24, 0, 1),), ((5, 72, 40, 1, 2),),
              ((5, 120, 40, 1, 1),), ((3, 240, 80, 0, 2),),
              ((3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 1, 1), (3, 672, 112, 1, 1)),
              ((5, 672, 160, 1, 2),), ((5, 960, 160, 0, 1), (5, 960, 160, 1, 1)) * 2)
    END, HIDDEN, HIDDEN_ACTIVATION = "blocks.9.0.conv", 1280, staticmethod(F.relu)
    SOURCES = ["blocks.6.4", "blocks.9.0.conv"] + [f"extras.{e}.conv.2" for e in range(4)]

    def __init__(self, network, form, n_extras, eps, classifies=False):
        super().__init__()
        attention, words, more = network.get("attention", {}), form.trunk, network.get("width", 1)
        self.activation, bias = activation_of(network), "bias" in form.trunk
        symmetric = network.get("padding") != "same"

        def spatial(i, o, kernel, stride, groups=1, pad=None):
            if symmetric:
                return nn.Conv2d(i, o, kernel, stride, kernel // 2 if pad is None else pad, groups=groups, bias=bias)
            return SameConv(i, o, kernel, stride, groups=groups, bias=bias)

        def channels(n):
            return round_channels(n * more, 4)

        def module(wanted):
            if attention.get("kind", "none") == "none" or attention.get("place") not in ("blocks", "both"):
                return None
            return attention["kind"], ATTENTION[attention["kind"]](attention, form.gate, wanted, eps)

        n, self.channels, self.blocks = channels(16), {}, nn.ModuleList()
        self.conv_stem = spatial(3, n, 3, 2)
        self.bn1 = nn.BatchNorm2d(n, eps=eps) if "bn" in words else nn.Identity()
        for stage, rows in enumerate(self.STAGES):
            self.blocks.append(nn.ModuleList())
            for number, (kernel, hidden, wanted, squeezes, stride) in enumerate(rows):
                wanted = channels(wanted)
                self.blocks[-1].append(GhostBottleneck(
                    words, eps, self.activation, (kernel, squeezes, stride), n, channels(hidden), wanted,
                    lambda n, kernel, stride: spatial(n, n, kernel, stride, n), module(wanted)))
                n = self.channels[f"blocks.{stage}.{number}"] = wanted
        last = self.channels[self.END] = channels(960)
        self.blocks.append(nn.ModuleList([Conv(words, eps, "conv", nn.Conv2d(n, last, 1, bias=bias), "bn1")]))
        n, self.extras, spec = last, nn.ModuleList(), network.get("extras", {"stride": [2] * 4, "pad": [1] * 4})
        for e, (hidden, wanted) in enumerate(MobileNetV2.EXTRAS[:n_extras]):
            hidden, wanted = round_channels(hidden * more), round_channels(wanted * more)
            stride, pad = spec["stride"][e], spec["pad"][e]
            self.extras.append(InvertedResidual(
                words, eps, self.activation, n, hidden, wanted,
                lambda inner, stride=stride, pad=pad: spatial(inner, inner, 3, stride, inner, pad), False, None))
            n = self.channels[f"extras.{e}.conv.2"] = wanted

    def forward(self, x):
        out, x = {}, self.activation(self.bn1(self.conv_stem(x)))
        for stage, blocks in enumerate(self.blocks[:-1]):
            for number, block in enumerate(blocks):
                x = out[f"blocks.{stage}.{number}"] = block(x)
        x = out[self.END] = self.activation(self.blocks[-1][0](x))
        for e, extra in enumerate(self.extras):
            x = out[f"extras.{e}.conv.2"] = extra(x)
        return out


def lite(size):
    """The class of one size, with its sources."""
    widest = EfficientNetLite.SIZES[size][2]
    return type(f"EfficientNetLite{size}", (EfficientNetLite,), {"SOURCES": [
        f"_blocks.{widest}._expand_conv", "_conv_head"] + MobileNetV2.SOURCES[2:]})


BACKBONES = {"vgg16": Vgg16, "mobilenet_v1": MobileNetV1, "mobilenet_v2": MobileNetV2, "mobilenet_v3": MobileNetV3,
             "shufflenet_v2": ShuffleNetV2, "resnet": ResNet, "ghostnet": GhostNet,
             **{f"efficientnet_lite{size}": lite(size) for size in EfficientNetLite.SIZES}}
