"""The slow twin of tools/peers/onnx_file.py: reads an ONNX file by the rules of protobuf, and computes it with PyTorch,
operator by operator.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import struct

import numpy as np
import torch
from torch.nn import functional as F

TENSOR_TYPES = {1: "<f4", 7: "<i8"}


# ---- Protobuf ----


def read_varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """{field's number: [values]} of a message: integers, bytes, or floats."""
    found, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        form = key & 7
        if form == 0:
            value, at = read_varint(data, at)
            value -= (value >> 63) << 64
        elif form == 2:
            length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length, "cut short"
        else:
            assert form == 5, f"form {form}"
            value, at = struct.unpack("<f", data[at:at + 4])[0], at + 4
        found.setdefault(key >> 3, []).append(value)
    return found


# ---- ONNX ----


def text(values):
    return values[0].decode()


def attribute_of(data):
    """(name, value)"""
    found = fields(data)
    value = {1: lambda: found[2][0], 2: lambda: found[3][0], 3: lambda: text(found[4]), 7: lambda: found.get(8, [])}
    return text(found[1]), value[found[20][0]]()


def tensor_of(data):
    """(name, tensor)"""
    found = fields(data)
    values = np.frombuffer(found[9][0], TENSOR_TYPES[found[2][0]]).reshape(found.get(1, []))
    return text(found[8]), torch.from_numpy(values.copy())


def info_of(data):
    """(name, shape)"""
    found = fields(data)
    kind = fields(fields(found[2][0])[1][0])
    assert kind[1] == [1]  # float
    return text(found[1]), [fields(size)[1][0] for size in fields(kind[2][0])[1]]


class Model:
    def __init__(self, path):
        with open(path, "rb") as file:
            found = fields(file.read())
        opset = fields(found[8][0])
        assert found[1] == [7] and opset[1] == [b""] and opset[2] == [13]
        graph = fields(found[7][0])
        self.nodes = []
        for data in graph[1]:
            node = fields(data)
            names = [[name.decode() for name in node.get(key, [])] for key in (1, 2)]
            self.nodes.append((text(node[4]), *names, dict(map(attribute_of, node.get(5, [])))))
        self.constants = dict(map(tensor_of, graph[5]))
        self.inputs, self.outputs = dict(map(info_of, graph[11])), dict(map(info_of, graph[12]))

    def check(self):
        """Each map is written once, before it is read; all that is written or kept is of use."""
        known, used = set(self.inputs) | set(self.constants), set(self.outputs)
        for op, inputs, outputs, _ in self.nodes:
            assert op in OPERATORS, op
            assert known >= set(inputs) - {""}, f"{op} reads {set(inputs) - known}"
            assert not known & set(outputs), f"{op} writes {outputs} again"
            known |= set(outputs)
            used |= set(inputs)
        assert known >= set(self.outputs)
        assert used >= set(self.constants), set(self.constants) - used

    def run(self, x):
        """{output: tensor}"""
        maps = {**self.constants, next(iter(self.inputs)): x}
        for op, inputs, outputs, form in self.nodes:
            result = OPERATORS[op](form, *(maps[name] if name else None for name in inputs))
            maps.update(zip(outputs, result if isinstance(result, (list, tuple)) else [result]))
        return {name: maps[name] for name in self.outputs}


# ---- Operators ----


def padded(form, x):
    n = len(form["pads"]) // 2
    pads = [form["pads"][i + n * end] for i in reversed(range(n)) for end in (0, 1)]
    return F.pad(x, pads)


def conv(form, x, weight, bias=None):
    run = F.conv1d if weight.dim() == 3 else F.conv2d
    assert form["kernel_shape"] == list(weight.shape[2:])
    return run(padded(form, x), weight, bias, form["strides"], 0, form["dilations"], form["group"])


def conv_transpose(form, x, weight, bias=None):
    n = len(form["pads"]) // 2
    assert form["pads"][:n] == form["pads"][n:]
    return F.conv_transpose2d(x, weight, bias, form["strides"], form["pads"][:n], form["output_padding"], form["group"],
                              form["dilations"])


def max_pool(form, x):
    n = len(form["pads"]) // 2
    return F.max_pool2d(x, form["kernel_shape"], form["strides"], form["pads"][:n], 1, bool(form["ceil_mode"]))


def resize(form, x, region, scales, sizes):
    if form["mode"] == "nearest":
        assert (form["coordinate_transformation_mode"], form["nearest_mode"]) == ("asymmetric", "floor")
        return F.interpolate(x, sizes.tolist()[2:], mode="nearest")
    assert form["coordinate_transformation_mode"] == "half_pixel"
    return F.interpolate(x, sizes.tolist()[2:], mode="bilinear", align_corners=False)


def cut(form, x, start, end, axis, step):
    assert step.item() == 1
    return x.narrow(axis.item(), start.item(), end.item() - start.item())


OPERATORS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Gemm": lambda form, x, weight, bias=0: x @ weight + bias,
    "MatMul": lambda form, a, b: a @ b,
    "Softmax": lambda form, x: x.softmax(form["axis"]),
    "MaxPool": max_pool,
    "Relu": lambda form, x: F.relu(x),
    "LeakyRelu": lambda form, x: F.leaky_relu(x, form["alpha"]),
    "Sigmoid": lambda form, x: torch.sigmoid(x),
    "HardSigmoid": lambda form, x: (form["alpha"] * x + form["beta"]).clamp(0, 1),
    "Sqrt": lambda form, x: torch.sqrt(x),
    "Clip": lambda form, x, low, high: x.clamp(low.item(), high.item()),
    "Add": lambda form, a, b: a + b,
    "Sub": lambda form, a, b: a - b,
    "Mul": lambda form, a, b: a * b,
    "Div": lambda form, a, b: a / b,
    "ReduceMean": lambda form, x: x.mean(form["axes"], keepdim=bool(form["keepdims"])),
    "ReduceMax": lambda form, x: x.amax(form["axes"], keepdim=bool(form["keepdims"])),
    "ReduceSum": lambda form, x, axes: x.sum(axes.tolist(), keepdim=bool(form["keepdims"])),
    "ReduceLogSumExp": lambda form, x: torch.logsumexp(x, form["axes"], keepdim=bool(form["keepdims"])),
    "Reshape": lambda form, x, shape: x.reshape(shape.tolist()),
    "Transpose": lambda form, x: x.permute(form["perm"]),
    "Concat": lambda form, *parts: torch.cat(parts, form["axis"]),
    "Split": lambda form, x, lengths: x.split(lengths.tolist(), form["axis"]),
    "Slice": cut,
    "Resize": resize,
}
