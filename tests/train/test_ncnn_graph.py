#!/usr/bin/env python3
"""tools/train/ncnn_graph.py: every kind of layer against NumPy written out, and what it says of what it does not compute.

    test_ncnn_graph.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch"):
    skip_all("needs PyTorch")

import numpy as np
import torch

from ncnn_files import Ncnn, plain, tagged
from ncnn_graph import MAKERS, read_graph
from shared.faults import DataError

NOISE = np.random.default_rng(11)
MAP, OTHER = NOISE.normal(size=(2, 6, 5, 7)), NOISE.normal(size=(2, 6, 5, 7))
DENSE, DEPTHWISE = NOISE.normal(size=(4, 6, 3, 3)), NOISE.normal(size=(6, 1, 3, 5))
GROUPED, BIAS = NOISE.normal(size=(4, 3, 1, 1)), NOISE.normal(size=6)
tap = Tap()


# ---- The slow twins -------------------------------------------------------------------------------------------------


def convolved(x, weight, bias, stride=(1, 1), margin=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    """Sums one by one; `margin` is left, right, top, bottom."""
    left, right, top, bottom = margin
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    outputs, inputs, rows, columns = weight.shape
    height = (x.shape[2] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    width = (x.shape[3] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    y = np.zeros((len(x), outputs, height, width))
    for o, i, r, c in np.ndindex(outputs, inputs, rows, columns):
        channel = o // (outputs // groups) * inputs + i
        for v, h in np.ndindex(height, width):
            y[:, o, v, h] += weight[o, i, r, c] * x[:, channel, v * stride[0] + r * dilation[0],
                                                    h * stride[1] + c * dilation[1]]
    return y + (np.zeros(outputs) if bias is None else bias)[None, :, None, None]


def pooled(x):
    """The largest of 3x3, stride 2, padding 1."""
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    return np.array([[[[channel[2 * r:2 * r + 3, 2 * c:2 * c + 3].max() for c in range((x.shape[3] - 3) // 2 + 1)]
                       for r in range((x.shape[2] - 3) // 2 + 1)] for channel in one] for one in x])


def doubled(x, bilinear):
    """Twice as large, pixels' centres half a pixel inside."""
    def places(size):
        for at in range(2 * size):
            if not bilinear:
                yield [(at // 2, 1.0)]
                continue
            centre = min(max((at + 0.5) / 2 - 0.5, 0), size - 1)
            low = int(centre)
            yield [(low, 1 - centre + low), (min(low + 1, size - 1), centre - low)]
    rows, columns = list(places(x.shape[2])), list(places(x.shape[3]))
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for r, c in np.ndindex(len(rows), len(columns)):
        y[:, :, r, c] = sum(a * b * x[:, :, v, h] for v, a in rows[r] for h, b in columns[c])
    return y


def shuffled(x, groups):
    per = x.shape[1] // groups
    return np.stack([x[:, group * per + at] for at in range(per) for group in range(groups)], 1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# (what it is, kind, params, the .bin's bytes, how many inputs, expected outputs)
LAYERS = (
    ("3x3, stride 2, padding 1, LeakyReLU", "Convolution", "0=4 1=3 3=2 4=1 5=1 6=216 9=2 -23310=1,1e-1",
     tagged(DENSE) + plain(BIAS[:4]), 1,
     [(lambda y: np.where(y > 0, y, 0.1 * y))(convolved(MAP, DENSE, BIAS[:4], (2, 2), (1, 1, 1, 1)))]),
    ("other padding on every side", "Convolution", "0=4 1=3 4=0 14=1 15=2 16=3 6=216", tagged(DENSE), 1,
     [convolved(MAP, DENSE, None, (1, 1), (0, 2, 1, 3))]),
    ("dilation 2 along x, stride 2 along y, ReLU", "Convolution", "0=4 1=3 2=2 12=1 3=1 13=2 6=216 9=1", tagged(DENSE), 1,
     [convolved(MAP, DENSE, None, (2, 1), dilation=(1, 2)).clip(0)]),
    ("clipped", "Convolution", "0=4 1=3 6=216 9=3 -23310=2,-5e-1,2.0", tagged(DENSE), 1,
     [convolved(MAP, DENSE, None).clip(-0.5, 2)]),
    ("a sigmoid", "Convolution", "0=4 1=3 6=216 9=4", tagged(DENSE), 1, [sigmoid(convolved(MAP, DENSE, None))]),
    ("a hard swish", "Convolution", "0=4 1=3 6=216 9=6 -23310=2,1.666667e-1,5e-1", tagged(DENSE), 1,
     [(lambda y: y * (y / 6 + 0.5).clip(0, 1))(convolved(MAP, DENSE, None))]),
    ("a channel each, 5 wide and 3 high", "ConvolutionDepthWise", "0=6 1=5 11=3 4=2 14=1 5=1 6=90 7=6",
     tagged(DEPTHWISE) + plain(BIAS), 1, [convolved(MAP, DEPTHWISE, BIAS, margin=(2, 2, 1, 1), groups=6)]),
    ("two groups", "ConvolutionDepthWise", "0=4 1=1 6=12 7=2", tagged(GROUPED), 1, [convolved(MAP, GROUPED, None, groups=2)]),
    ("the largest of a window", "Pooling", "0=0 1=3 2=2 3=1 5=1", b"", 1, [pooled(MAP)]),
    ("the mean of a map", "Pooling", "0=1 4=1", b"", 1, [MAP.mean((2, 3), keepdims=True)]),
    ("the largest of a map", "Pooling", "0=0 4=1", b"", 1, [MAP.max((2, 3), keepdims=True)]),
    ("bilinear", "Interp", "0=2 1=2.0 2=2.0", b"", 1, [doubled(MAP, True)]),
    ("nearest", "Interp", "0=1 1=2.0 2=2.0", b"", 1, [doubled(MAP, False)]),
    ("to a size, nearest", "Interp", "0=1 3=10 4=14", b"", 1, [doubled(MAP, False)]),
    ("a sum", "BinaryOp", "0=0", b"", 2, [MAP + OTHER]),
    ("a difference", "BinaryOp", "0=1", b"", 2, [MAP - OTHER]),
    ("a product", "BinaryOp", "0=2", b"", 2, [MAP * OTHER]),
    ("a quotient", "BinaryOp", "0=3", b"", 2, [MAP / OTHER]),
    ("the larger one", "BinaryOp", "0=4", b"", 2, [np.maximum(MAP, OTHER)]),
    ("the smaller one", "BinaryOp", "0=5", b"", 2, [np.minimum(MAP, OTHER)]),
    ("of channels", "Concat", "0=0", b"", 2, [np.concatenate((MAP, OTHER), 1)]),
    ("of columns", "Concat", "0=-1", b"", 2, [np.concatenate((MAP, OTHER), 3)]),
    ("two channels and the rest", "Slice", "-23300=2,2,-233", b"", 1, [MAP[:, :2], MAP[:, 2:]]),
    ("three parts of the columns", "Slice", "-23300=3,-233,-233,-233 1=2", b"", 1,
     [MAP[..., :2], MAP[..., 2:4], MAP[..., 4:]]),
    ("twice", "Split", "", b"", 1, [MAP, MAP]),
    ("two groups", "ShuffleChannel", "0=2", b"", 1, [shuffled(MAP, 2)]),
    ("two groups, back", "ShuffleChannel", "0=2 1=1", b"", 1, [shuffled(MAP, 3)]),
    ("to two axes", "Reshape", "0=-1 1=6", b"", 1, [MAP.reshape(2, 6, 35)]),
    ("to three axes", "Reshape", "0=7 1=3 2=-1", b"", 1, [MAP.reshape(2, 10, 3, 7)]),
    *((f"order {order}", "Permute", f"0={order}", b"", 1, [MAP.transpose(0, *axes)]) for order, axes in enumerate(
        ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)))),
    ("of each", "Sigmoid", "", b"", 1, [sigmoid(MAP)]),
    ("of each", "Swish", "", b"", 1, [MAP * sigmoid(MAP)]),
    ("of each", "ReLU", "", b"", 1, [MAP.clip(0)]),
    ("with a slope", "ReLU", "0=2e-1", b"", 1, [np.where(MAP > 0, MAP, 0.2 * MAP)]),
    ("as ncnn has it", "HardSigmoid", "", b"", 1, [(MAP * 0.2 + 0.5).clip(0, 1)]),
    ("of a sixth", "HardSwish", "0=1.666667e-1 1=5e-1", b"", 1, [MAP * (MAP / 6 + 0.5).clip(0, 1)]),
    ("of a fifth", "HardSwish", "", b"", 1, [MAP * (MAP * 0.2 + 0.5).clip(0, 1)]),
)


def write_layer(folder, kind, params, data, inputs, outputs):
    """A graph of the one layer; what is its second input is cut from the only one."""
    net = Ncnn()
    net.input("data")
    if inputs == 2:
        net.add("Slice", "cut", ["data"], ["a", "b"], "-23300=2,6,-233")
    net.add(kind, "it", ["a", "b"] if inputs == 2 else ["data"], [f"out{at}" for at in range(outputs)], params, data)
    return net.write(folder, "net")


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, "f4"))


with tempfile.TemporaryDirectory() as folder:
    for label, kind, params, data, inputs, expected in LAYERS:
        with tap.point(f"{kind}: {label}".replace("#", "")):
            graph = read_graph(write_layer(folder, kind, params, data, inputs, len(expected)))
            x = tensor(MAP if inputs == 1 else np.concatenate((MAP, OTHER), 1))
            for memory in (torch.contiguous_format, torch.channels_last):
                found = graph(x.contiguous(memory_format=memory))
                assert len(found) == len(expected)
                for ours, theirs in zip(found, expected):
                    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-4)

    with tap.point("every kind that is computed has been tried"):
        assert {kind for _, kind, *_ in LAYERS} == MAKERS.keys()

    def chain():
        """data -> a -> b, c; c -> d, which nothing here computes."""
        net = Ncnn()
        net.input("data")
        net.add("Convolution", "first", ["data"], ["a"], "0=4 1=3 6=216", tagged(DENSE))
        net.add("Split", "both", ["a"], ["b", "c"])
        net.add("Sigmoid", "end", ["b"], ["e"])
        net.add("Softmax", "odd", ["c"], ["d"])
        return net

    with tap.point("outputs by name, in the order asked for; what they do not need is neither made nor run"):
        path = chain().write(folder, "net")
        end, first = read_graph(path, ["e", "a"])(tensor(MAP))
        assert np.abs(first.numpy() - convolved(MAP, DENSE, None)).max() < 1e-4
        assert torch.equal(end, torch.sigmoid(first))
        assert len(read_graph(path, ["a"]).steps) == 1

    with tap.point("halves: of the module, and by autocast"):
        exact, = read_graph(path, ["e"])(tensor(MAP))
        half, = read_graph(path, ["e"]).bfloat16()(tensor(MAP).bfloat16())
        with torch.autocast("cpu", torch.bfloat16):
            cast, = read_graph(path, ["e"])(tensor(MAP))
        assert half.dtype == torch.bfloat16
        for other in (half, cast):
            assert 0 < (other.float() - exact).abs().max() < 0.02

    def check_refused(path, outputs, *words):
        try:
            read_graph(path, outputs)(tensor(MAP))
        except DataError as error:
            for word in words:
                assert word in str(error), f"no {word} in {error}"
        else:
            raise AssertionError("no error")

    with tap.point("an unknown layer is named with its kind, and so is its file"):
        check_refused(path, None, "net.param", "'odd'", "Softmax")

    with tap.point("an output that is not there, a blob that nobody makes, and no input"):
        check_refused(path, ["f"], "'f'")
        net = Ncnn()
        net.input("data")
        net.add("Sigmoid", "lonely", ["x"], ["y"])
        check_refused(net.write(folder, "lonely"), ["y"], "'lonely'", "'x'")
        net = Ncnn()
        net.input("data")
        net.input("more")
        net.add("Concat", "sum", ["data", "more"], ["y"])
        check_refused(net.write(folder, "two"), ["y"], "one input", "data, more")

    for kind, params, data, word in (
            ("Pooling", "0=0 1=3 2=2", b"", "5 = 1"), ("Pooling", "0=1 1=3 5=1", b"", "mean of a window"),
            ("Interp", "0=3 1=2.0 2=2.0", b"", "parameter 0"), ("Interp", "0=2 1=2.0 2=2.0 6=1", b"", "parameter 6"),
            ("BinaryOp", "0=9", b"", "parameter 0"), ("BinaryOp", "0=2 1=1 2=2.0", b"", "parameter 1"),
            ("Slice", "-23300=2,2,2", b"", "1 parts"), ("Reshape", "0=0 1=6", b"", "found 0"),
            ("Reshape", "1=6", b"", "axes"), ("Permute", "0=6", b"", "parameter 0"),
            ("Convolution", "0=4 1=3 4=-233 6=216", tagged(DENSE), "padding"),
            ("Convolution", "0=4 1=3 6=216 9=7", tagged(DENSE), "activation"),
            ("Convolution", "0=4 1=3 6=216 9=2", tagged(DENSE), "activation"),
            ("Convolution", "0=4 1=3 6=216 19=1", b"", "blob")):
        with tap.point(f"refused, with the layer's name: {kind} {params}"):
            check_refused(write_layer(folder, kind, params, data, 1, 1), None, f"'it' ({kind})", word)

tap.done()
