"""Networks as ncnn stores them: a .param, which lists layers line by line, and a .bin, which has their weights in that
order and nothing else.

Weights that a layer calls by a tag are float32, float16 or, per output channel, int8; what else a layer has (biases,
scales, batch norms) is float32 without one. Whatever it was, here it becomes float32.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math
import struct
from dataclasses import dataclass, field

import numpy as np

from shared.faults import DataError
from shared.text_file import read_lines

MAGIC = "7767517"  # of the text; ncnn's other .param is the same in binary, without names
ARRAY = -23300     # a key so low is that of an array: ARRAY - key
FLOAT32, SCALED_FLOAT32, FLOAT16, INT8 = 0, 0x0002C056, 0x01306B47, 0x000D4B38
TAGS = {FLOAT32: "<f4", SCALED_FLOAT32: "<f4", FLOAT16: "<f2", INT8: "i1"}
ALIGNMENT = 4  # bytes
FROM_BLOB = -233  # a length that no .param knows


@dataclass
class Layer:
    kind: str     # Convolution, ...
    name: str
    inputs: list  # names of blobs
    outputs: list
    params: dict = field(default_factory=dict)   # {number: int, float or a list of them}, as ncnn counts them
    weights: dict = field(default_factory=dict)  # {name: float32 array}; kernels [outputs, inputs, rows, columns]


# ---- The .param -----------------------------------------------------------------------------------------------------


def read_param(path):
    """The layers, still without weights."""
    try:
        lines = read_lines(path)
    except ValueError as error:  # no text at all
        raise DataError(f"{error} (an ncnn .param is text that begins with {MAGIC})") from error
    if lines[0] != MAGIC:
        raise DataError(f"'{path}': expected an ncnn .param, which begins with {MAGIC}, found '{lines[0][:40]}'")
    layers = [layer_of(path, number, line) for number, line in enumerate(lines, 1) if number > 2 and line]
    count = (lines[1].split() or [""])[0] if len(lines) > 1 else ""
    if count != str(len(layers)):
        raise DataError(f"'{path}': expected {count or 'a number of'} layers by its second line, found {len(layers)}")
    return layers


def layer_of(path, number, line):
    try:
        kind, name, inputs, outputs, *rest = line.split()
        inputs, outputs = int(inputs), int(outputs)
        blobs, params = rest[:inputs + outputs], rest[inputs + outputs:]
        if min(inputs, outputs) < 0 or len(blobs) < inputs + outputs:
            raise ValueError
        return Layer(kind, name, blobs[:inputs], blobs[inputs:], dict(param_of(text) for text in params))
    except ValueError as error:
        raise DataError(f"'{path}' line {number}: expected a kind, a name, two counts, so many blobs and then "
                        f"NUMBER=VALUE, found '{line[:60]}'") from error


def param_of(text):
    """(number, value). An array has its length before its values."""
    key, value = text.split("=", 1)
    key = int(key)
    if key > ARRAY:
        return key, number_of(value)
    count, *values = value.split(",")
    if int(count) != len(values):
        raise ValueError
    return ARRAY - key, [number_of(one) for one in values]


def number_of(text):
    """ncnn takes what has a point or an exponent for a float."""
    return float(text) if any(mark in text for mark in ".eE") else int(text)


# ---- The .bin -------------------------------------------------------------------------------------------------------


class Weights:
    """A .bin, read from its beginning to its end."""

    def __init__(self, path, data):
        self.path, self.data, self.at = path, data, 0

    def take(self, layer, dtype, count):
        """So many numbers of a kind, as float32; what follows begins at a multiple of ALIGNMENT."""
        size = count * np.dtype(dtype).itemsize
        found = len(self.data) - self.at
        if count < 0 or size > found:
            raise DataError(f"'{self.path}': expected {size} bytes at byte {self.at} for layer '{layer.name}' "
                            f"({layer.kind}), found {found}: the file is cut short, or another .param's")
        numbers = np.frombuffer(self.data, dtype, count, self.at).astype(np.float32)
        self.at += -(-size // ALIGNMENT) * ALIGNMENT
        return numbers

    def tagged(self, layer, count):
        """(tag, numbers) of weights behind their tag."""
        at = self.at
        if at + 4 > len(self.data):
            self.take(layer, "<u4", 1)  # says so
        tag, = struct.unpack_from("<I", self.data, at)
        if tag not in TAGS:
            raise DataError(f"'{self.path}': expected the tag of float32, float16 or int8 weights at byte {at} for "
                            f"layer '{layer.name}' ({layer.kind}), found 0x{tag:08X}")
        self.at += 4
        return tag, self.take(layer, TAGS[tag], count)

    def finish(self):
        if self.at < len(self.data):
            raise DataError(f"'{self.path}': expected its end at byte {self.at}, behind the last layer's weights, "
                            f"found {len(self.data) - self.at} bytes more: it is another .param's")


# ---- Layers that carry weights --------------------------------------------------------------------------------------


def integers(weights, layer, *numbers):
    """Those params, 0 where the .param says nothing."""
    values = [layer.params.get(number, 0) for number in numbers]
    for number, value in zip(numbers, values):
        if not isinstance(value, int):
            raise DataError(f"'{weights.path}': layer '{layer.name}' ({layer.kind}): expected a whole number as its "
                            f"param {number}, found {value}")
    return values


def take_tagged(weights, layer, shape, biases, scales=0, of_activations=0):
    """A weight of a shape, its biases, as many scales for int8, and those of activations, which are left out."""
    tag, weight = weights.tagged(layer, math.prod(shape))
    bias = weights.take(layer, "<f4", biases)
    scale = weights.take(layer, "<f4", scales)
    weights.take(layer, "<f4", of_activations)
    if tag == INT8:
        if not scales or not (scale > 0).all():
            raise DataError(f"'{weights.path}': layer '{layer.name}' ({layer.kind}): expected a scale above 0 for each "
                            f"channel of its int8 weights, found {scale.min() if scales else 'none'}")
        weight = weight.reshape(scales, -1) / scale[:, None]
    layer.weights["weight"] = weight.reshape(shape)
    if biases:
        layer.weights["bias"] = bias


def take_convolution(weights, layer):
    """One of whatever groups, or a transposed one. Of int8, the term 1 of several groups is a scale for each of them
    and 2 one for all, and a hundred more is one for the layer's output."""
    outputs, columns, has_bias, size, groups, term = integers(weights, layer, 0, 1, 5, 6, 7, 8)
    if layer.params.get(28 if layer.kind.startswith("Deconvolution") else 19, 0):
        return  # they come through a blob
    rows, = integers(weights, layer, 11) if 11 in layer.params else (columns,)
    groups, per_input = max(groups, 1), outputs * rows * columns
    if min(outputs, rows, columns, size) < 1 or size % per_input or outputs % groups:
        raise DataError(f"'{weights.path}': layer '{layer.name}' ({layer.kind}): expected weights for {outputs} "
                        f"outputs of {rows}x{columns} in groups of {groups}, found {size} by the .param")
    scales = outputs if layer.kind == "Convolution" else groups if term % 100 == 1 else 1
    take_tagged(weights, layer, (outputs, size // per_input, rows, columns), outputs if has_bias else 0,
                scales if term else 0, term // 100 + 1 if term else 0)


def take_inner_product(weights, layer):
    outputs, has_bias, size, term = integers(weights, layer, 0, 1, 2, 8)
    if outputs < 1 or size % outputs:
        raise DataError(f"'{weights.path}': layer '{layer.name}' ({layer.kind}): expected weights for {outputs} "
                        f"outputs, found {size} by the .param")
    take_tagged(weights, layer, (outputs, size // outputs), outputs if has_bias else 0, outputs if term else 0,
                1 if term else 0)


def arrays(*names, length=0, switch=None):
    """Arrays without a tag, each as long as the param `length` says; none of them where the param `switch` is 0."""
    def take(weights, layer):
        count, = integers(weights, layer, length)
        if switch is None or layer.params.get(switch, 1):
            layer.weights = {name: weights.take(layer, "<f4", count) for name in names}
    return take


def take_scale(weights, layer):
    count, has_bias = integers(weights, layer, 0, 1)
    if count != FROM_BLOB:
        names = ("weight", "bias") if has_bias else ("weight",)
        layer.weights = {name: weights.take(layer, "<f4", count) for name in names}


def take_memory(weights, layer):
    """A constant blob; a size of 0 is an axis that it has not."""
    shape = [size for size in integers(weights, layer, 2, 11, 1, 0) if size]
    count = math.prod(shape)
    data = weights.take(layer, "<f4", count) if layer.params.get(21, 1) else weights.tagged(layer, count)[1]
    layer.weights["data"] = data.reshape(shape)


CARRIERS = {
    "Convolution": take_convolution,
    "ConvolutionDepthWise": take_convolution,
    "Deconvolution": take_convolution,
    "DeconvolutionDepthWise": take_convolution,
    "InnerProduct": take_inner_product,
    "BatchNorm": arrays("weight", "running_mean", "running_var", "bias"),
    "Scale": take_scale,
    "Bias": arrays("bias"),
    "PReLU": arrays("weight"),
    "MemoryData": take_memory,
    "LayerNorm": arrays("weight", "bias", switch=2),
    "InstanceNorm": arrays("weight", "bias", switch=2),
    "GroupNorm": arrays("weight", "bias", length=1, switch=3),
}
UNREAD = ("LSTM", "GRU", "RNN", "MultiHeadAttention", "Embed", "Gemm", "RMSNorm", "Normalize", "DeformableConv2D",
          "Quantize", "Dequantize", "Requantize",
          *(f"{name}{axes}D" for name in list(CARRIERS)[:4] for axes in (1, 3)))


def read_ncnn(param_path, bin_path):
    """All layers in their order. A DataError names the file, what was expected there and what was found."""
    layers = read_param(param_path)
    with open(bin_path, "rb") as file:
        weights = Weights(bin_path, file.read())
    for layer in layers:
        if layer.kind in UNREAD:
            raise DataError(f"'{param_path}': layer '{layer.name}' is a {layer.kind}, whose weights are not read here")
        if layer.kind in CARRIERS:
            CARRIERS[layer.kind](weights, layer)
    weights.finish()
    return layers
