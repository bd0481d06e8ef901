"""A network of ncnn's as what it is: convolutions with their activations, and what leads from one to the next.

Layers are found by what they do and where they stand, never by their names or numbers, which exporters choose.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from collections import Counter
from dataclasses import dataclass

from shared.faults import DataError
from shared.ncnn import Layer

CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise")
RELU, LEAKY_RELU = 1, 2  # ncnn's kinds of activation


@dataclass
class Node:
    """A layer whose blobs are the ones that other layers made, not Split's copies of them."""

    layer: Layer
    inputs: list
    outputs: list
    slope: float = None  # of what follows a convolution: 0 is ReLU, None no activation

    @property
    def kind(self):
        return self.layer.kind

    @property
    def weight(self):
        return self.layer.weights["weight"]

    @property
    def output(self):
        return self.outputs[0]

    def param(self, number, default):
        """A param that is a number, or a list if the default is one."""
        value, kind = self.layer.params.get(number, default), list if isinstance(default, list) else (int, float)
        if not isinstance(value, kind):
            raise DataError(f"layer '{self.layer.name}': expected {'a list' if kind is list else 'a number'} as its "
                            f"param {number}, found {value}")
        return value

    def is_conv(self, kernel, stride=1):
        """A convolution over all channels, with such a kernel."""
        return self.kind == "Convolution" and self.has(kernel, stride)

    def is_depthwise(self, kernels, stride):
        """One for each channel, with one of these kernels."""
        return (self.kind == "ConvolutionDepthWise" and any(self.has(kernel, stride) for kernel in kernels)
                and self.weight.shape[1] == 1 and self.param(7, 1) == len(self.weight))

    def has(self, kernel, stride):
        """Whether it has that kernel and stride, keeps a map's size at stride 1, and no dilation."""
        pad = self.param(4, 0)
        return ("weight" in self.layer.weights and self.weight.shape[2:] == (kernel, kernel)
                and all(self.param(n, 1) == 1 for n in (2, 12))
                and self.param(3, 1) == self.param(13, self.param(3, 1)) == stride
                and all(self.param(n, pad) == kernel // 2 for n in (4, 14, 15, 16)))


class Graph:
    def __init__(self, name, layers, network):
        """`name` is the file's and `network` what it is to be, for messages."""
        self.name, self.network = name, network
        self.makers, self.users, self.steps, self.nodes = {}, {}, {}, []  # steps: from cell to cell, in pixels
        same = {}  # a blob -> the one that it is a copy of
        for layer in layers:
            inputs = [same.get(blob, blob) for blob in layer.inputs]
            for blob in inputs:
                if blob not in self.makers:
                    raise DataError(f"layer '{layer.name}' of '{name}': expected a layer before it that makes its blob "
                                    f"'{blob}', found none")
            if layer.kind in CONVOLUTIONS and (len(inputs), len(layer.outputs)) != (1, 1):
                raise DataError(f"layer '{layer.name}' of '{name}': expected to make one blob of one, found "
                                f"{len(layer.outputs)} of {len(inputs)}")
            maker = self.makers.get(inputs[0]) if len(inputs) == 1 else None
            if layer.kind == "Split":
                same.update((blob, inputs[0]) for blob in layer.outputs)
            elif layer.kind == "ReLU" and maker and maker.kind in CONVOLUTIONS and maker.slope is None:
                maker.slope = float(Node(layer, inputs, layer.outputs).param(0, 0))
                same[layer.outputs[0]] = inputs[0]
            else:
                self.add(Node(layer, inputs, layer.outputs))

    def slope_of(self, node):
        kind = node.param(9, 0)
        if kind not in (0, RELU, LEAKY_RELU):
            raise DataError(f"layer '{node.layer.name}' of '{self.name}': expected no activation, ReLU or leaky ReLU "
                            f"(0 to 2 as param 9), found {kind}")
        return {0: None, RELU: 0.0}.get(kind, (node.param(10, []) or [0.0])[0])

    def add(self, node):
        step = self.steps.get(node.inputs[0], 1) if node.inputs else 1
        if node.kind in CONVOLUTIONS:
            node.slope = self.slope_of(node)
            step *= node.param(3, 1)
        elif node.kind == "Pooling":
            step *= node.param(2, 1)
        elif node.kind == "Interp":
            step /= node.param(1, 1) or 1
        self.nodes.append(node)
        for blob in node.outputs:
            self.makers[blob], self.steps[blob] = node, step
        for blob in node.inputs:
            self.users.setdefault(blob, []).append(node)

    def one(self, nodes, fits, what):
        """The only one of the nodes that fits."""
        found = [node for node in nodes if fits(node)]
        if len(found) != 1:
            there = ", ".join(f"{count} {kind}" if count > 1 else kind
                              for kind, count in Counter(node.kind for node in nodes).items())
            raise DataError(f"'{self.name}' is no {self.network} that I know: expected {what}, found {len(found)} such "
                            f"among {there or 'nothing'}")
        return found[0]

    def after(self, blob, fits, what):
        """The only user of a blob that fits."""
        return self.one(self.users.get(blob, []), fits, f"{what} after blob '{blob}'")
