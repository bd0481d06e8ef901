"""Networks that ncnn stores, computed by PyTorch: what a detector of somebody else's says about a picture, or what any
layer of it holds, for a network of ours to learn from.

A blob of ncnn's has no axis for a batch; here every tensor has one in front, so that ncnn's axis 0 is axis 1.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from shared.faults import DataError
from shared.ncnn import read_ncnn

REST = -233  # ncnn's for "as many as are left", of a slice, and for a size that is not given


def read_graph(path, outputs=None):
    """The network of a .param, whose weights are in the .bin beside it."""
    try:
        return Graph(read_layers(path), outputs)
    except Refused as error:
        raise DataError(f"'{path}': {error}") from error


def read_layers(path):
    return read_ncnn(path, os.path.splitext(path)[0] + ".bin")


class Refused(DataError):
    """Which layer it is, and what of it is not computed here."""

    def __init__(self, layer, text):
        super().__init__(f"layer '{layer.name}' ({layer.kind}): {text}")


class Graph(nn.Module):
    """Layers of shared.ncnn as a module: forward (x [B, C, H, W]) gives the `outputs`, blobs by their names, as a list in
    the same order; without names, what no layer reads. Blobs that are `given` are not computed: forward takes them, in
    their order, in the input's place.

    Only layers that the outputs need are made and run, and a blob is dropped behind its last reader. Computes in the
    type and the memory format of weights and input: float32, bfloat16 by .bfloat16() or autocast; channels_last.
    """

    def __init__(self, layers, outputs=None, given=()):
        super().__init__()
        read = {name for layer in layers for name in layer.inputs}
        made = [name for layer in layers for name in layer.outputs]
        self.outputs = list(outputs) if outputs is not None else [name for name in made if name not in read]
        missing = [name for name in self.outputs if name not in made]
        if missing:
            raise DataError(f"expected a blob '{missing[0]}' in the graph, found none")
        needed = needed_layers(layers, self.outputs, given)
        self.inputs = [name for layer in needed if layer.kind == "Input" for name in layer.outputs]
        if len(self.inputs) != 1 and not given:
            raise DataError(f"expected one input in the graph, found {len(self.inputs)}: {', '.join(self.inputs)}")
        if given and self.inputs:
            raise DataError(f"expected that {', '.join(given)} are enough for the graph, found that it reads its input")
        self.inputs = list(given) or self.inputs
        self.modules_of, self.steps = nn.ModuleList(), []
        kept = set(self.outputs)  # and later the blobs that a following layer reads
        for layer in reversed([layer for layer in needed if layer.kind != "Input"]):
            spent = [name for name in dict.fromkeys((*layer.inputs, *layer.outputs)) if name not in kept]
            kept.update(layer.inputs)
            self.steps.insert(0, (make(layer), layer.inputs, layer.outputs, spent))
        self.modules_of.extend(step[0] for step in self.steps if isinstance(step[0], nn.Module))
        self.eval()

    def forward(self, *given):
        blobs = dict(zip(self.inputs, given))
        for compute, inputs, outputs, spent in self.steps:
            result = compute(*(blobs[name] for name in inputs))
            blobs.update(zip(outputs, result if isinstance(result, (list, tuple)) else [result]))
            for name in spent:
                del blobs[name]
        return [blobs[name] for name in self.outputs]


def needed_layers(layers, outputs, given=()):
    """Those that the outputs depend on, in their order. Raises Refused for one that reads what no earlier one makes."""
    wanted, needed = set(outputs), []
    for layer in reversed(layers):
        if wanted.intersection(layer.outputs):
            wanted.difference_update(layer.outputs)
            wanted.update(name for name in layer.inputs if name not in given)
            needed.insert(0, layer)
    lost = next((layer for layer in needed if wanted.intersection(layer.inputs)), None)
    if lost:
        raise Refused(lost, f"expected a layer before it that makes '{min(wanted.intersection(lost.inputs))}', found none")
    return needed


def make(layer):
    """A function from the layer's inputs to its output, or to a list of several."""
    if layer.kind not in MAKERS:
        raise Refused(layer, f"expected one of the kinds {', '.join(sorted(MAKERS))}")
    return MAKERS[layer.kind](layer)


def expect(layer, number, *values):
    """A parameter that may only be one of these; the first is what ncnn takes without it."""
    found = layer.params.get(number, values[0])
    if found not in values:
        raise Refused(layer, f"expected its parameter {number} to be {' or '.join(map(str, values))}, found {found}")
    return found


def pair(layer, number, default):
    """(rows, columns) of a parameter whose second one is ten further on, and is the same where it is not said."""
    columns = layer.params.get(number, default)
    return layer.params.get(number + 10, columns), columns


# ---- Activations ----------------------------------------------------------------------------------------------------


def leaky(slope):
    return lambda x: F.leaky_relu(x, slope)


def hard_sigmoid(alpha, beta):
    return lambda x: (x * alpha + beta).clamp(0, 1)


def hard_swish(alpha, beta):
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return F.hardswish
    return lambda x: x * (x * alpha + beta).clamp(0, 1)


def activation(layer):
    """What a convolution ends with, or None."""
    kind, given = layer.params.get(9, 0), layer.params.get(10, [])
    kinds = {0: (0, lambda: None), 1: (0, lambda: F.relu), 2: (1, leaky), 3: (2, lambda low, high: nn.Hardtanh(low, high)),
             4: (0, lambda: torch.sigmoid), 5: (0, lambda: F.mish), 6: (2, hard_swish)}
    if kind not in kinds or len(given) < kinds[kind][0]:
        raise Refused(layer, f"expected an activation of ncnn's kinds 0 to 6 with its numbers, found {kind} {given}")
    count, maker = kinds[kind]
    return maker(*given[:count])


# ---- Layers with weights --------------------------------------------------------------------------------------------


class Convolution(nn.Module):
    def __init__(self, layer, groups):
        super().__init__()
        if "weight" not in layer.weights:
            raise Refused(layer, "expected weights of its own, found that a blob brings them")
        left = layer.params.get(4, 0)
        top, right = layer.params.get(14, left), layer.params.get(15, left)
        bottom = layer.params.get(16, top)
        if min(left, top, right, bottom) < 0:
            raise Refused(layer, f"expected its padding in pixels, found ncnn's {min(left, top, right, bottom)}")
        even = left == right and top == bottom
        self.margin = None if even else (left, right, top, bottom)
        weight, bias = layer.weights["weight"], layer.weights.get("bias")
        self.conv = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2:], pair(layer, 3, 1),
                              (top, left) if even else 0, pair(layer, 2, 1), groups, bias is not None)
        self.conv.weight.data.copy_(torch.from_numpy(weight))
        if bias is not None:
            self.conv.bias.data.copy_(torch.from_numpy(bias))
        self.conv.requires_grad_(False)
        self.activate = activation(layer)

    def forward(self, x):
        y = self.conv(x if self.margin is None else F.pad(x, self.margin))
        return y if self.activate is None else self.activate(y)


# ---- Layers without -------------------------------------------------------------------------------------------------


def make_pooling(layer):
    kind = expect(layer, 0, 0, 1)
    if layer.params.get(4, 0):  # of the whole map, which keeps its axes here
        return (lambda x: x.mean((2, 3), keepdim=True)) if kind else (lambda x: x.amax((2, 3), keepdim=True))
    expect(layer, 5, 0, 1)
    if layer.params.get(5, 0) == 0:
        raise Refused(layer, "expected windows that lie inside of the map and its padding (parameter 5 = 1), found 0")
    if kind:
        raise Refused(layer, "expected the largest of a window, or the mean of the whole map, found the mean of a window")
    left = layer.params.get(3, 0)
    top, right = layer.params.get(13, left), layer.params.get(14, left)
    if right != left or layer.params.get(15, top) != top:
        raise Refused(layer, "expected the same padding on opposite sides, found another")
    size, stride = pair(layer, 1, 0), pair(layer, 2, 1)
    return lambda x: F.max_pool2d(x, size, stride, (top, left))


def make_interp(layer):
    mode = {1: "nearest", 2: "bilinear"}[expect(layer, 0, 1, 2)]
    expect(layer, 5, 0)
    expect(layer, 6, 0)
    rows, columns = (int(layer.params.get(number, 0)) for number in (3, 4))
    scale = tuple(float(layer.params.get(number, 1.0)) for number in (1, 2))
    corners = {"align_corners": False} if mode == "bilinear" else {}
    if rows and columns:
        return lambda x: F.interpolate(x, (rows, columns), mode=mode, **corners)
    return lambda x: F.interpolate(x, scale_factor=scale, mode=mode, **corners)


def make_binary(layer):
    expect(layer, 1, 0)
    return {0: torch.add, 1: torch.sub, 2: torch.mul, 3: torch.div, 4: torch.maximum, 5: torch.minimum}[
        expect(layer, 0, 0, 1, 2, 3, 4, 5)]


def axis_of(layer, number):
    axis = layer.params.get(number, 0)
    return axis + 1 if axis >= 0 else axis


def make_concat(layer):
    axis = axis_of(layer, 0)
    return lambda *x: torch.cat(x, axis)


def make_slice(layer):
    axis, parts = axis_of(layer, 1), layer.params.get(0, [])
    if len(parts) != len(layer.outputs) or layer.params.get(2):
        raise Refused(layer, f"expected the sizes of its {len(layer.outputs)} parts, found {parts}")

    def split(x):
        sizes, left = [], x.shape[axis]
        for at, part in enumerate(parts):
            sizes.append(left // (len(parts) - at) if part == REST else part)
            left -= sizes[-1]
        return torch.split(x, sizes, axis)
    return split


def make_shuffle(layer):
    groups, reverse = layer.params.get(0, 1), layer.params.get(1, 0)

    def shuffle(x):
        batch, channels, rows, columns = x.shape
        n = channels // groups if reverse else groups
        if x.is_contiguous(memory_format=torch.channels_last):  # a copy that stays so
            y = x.permute(0, 2, 3, 1).reshape(batch, rows, columns, n, channels // n).transpose(3, 4)
            return y.reshape(batch, rows, columns, channels).permute(0, 3, 1, 2)
        return x.reshape(batch, n, channels // n, rows, columns).transpose(1, 2).reshape(x.shape)
    return shuffle


def make_reshape(layer):
    """To one, two or three axes: parameters 0, 1, 2 are the sizes along x, y and the channels; -1 is what remains, 0 is
    as before."""
    sizes = [layer.params.get(number, REST) for number in (2, 1, 0)]
    given = [size for size in sizes if size != REST]
    expect(layer, 3, 0)
    if layer.params.get(11) is not None or sizes[:3 - len(given)] != [REST] * (3 - len(given)) or not given:
        raise Refused(layer, "expected sizes of one, two or three axes, found others")
    if 0 in given:
        raise Refused(layer, "expected sizes in numbers, found 0, the one before")
    return lambda x: x.reshape(x.shape[0], *given)


def make_permute(layer):
    order = expect(layer, 0, 0, 1, 2, 3, 4, 5)
    three = ((0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3), (0, 2, 3, 1), (0, 3, 1, 2), (0, 3, 2, 1))[order]

    def permute(x):
        if x.dim() == 4:
            return x.permute(three)
        if x.dim() == 3 and order < 2:
            return x.transpose(1, 2) if order else x
        raise Refused(layer, f"expected a blob of three axes, or order 0 or 1, found {x.dim() - 1} axes and {order}")
    return permute


MAKERS = {
    "Convolution": lambda layer: Convolution(layer, 1),
    "ConvolutionDepthWise": lambda layer: Convolution(layer, layer.params.get(7, 1)),
    "Pooling": make_pooling,
    "Interp": make_interp,
    "BinaryOp": make_binary,
    "Concat": make_concat,
    "Slice": make_slice,
    "Split": lambda layer: lambda x: [x] * len(layer.outputs),
    "ShuffleChannel": make_shuffle,
    "Reshape": make_reshape,
    "Permute": make_permute,
    "Sigmoid": lambda layer: torch.sigmoid,
    "Swish": lambda layer: F.silu,
    "ReLU": lambda layer: leaky(layer.params.get(0, 0.0)),
    "HardSigmoid": lambda layer: hard_sigmoid(layer.params.get(0, 0.2), layer.params.get(1, 0.5)),
    "HardSwish": lambda layer: hard_swish(layer.params.get(0, 0.2), layer.params.get(1, 0.5)),
}
