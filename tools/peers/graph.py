"""A network as a list of ONNX operators: what trace.py makes of the one in PyTorch, and what is written into files.

Every map has one name, and is the output of one node; constants have theirs from the model file where they are in it.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Node:
    op: str  # as ONNX calls it
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)


class Graph:
    """Nodes in the order of computation, constants, and the names of what goes in and comes out, with shapes."""

    def __init__(self, name):
        self.name = name
        self.nodes, self.constants = [], {}
        self.inputs, self.outputs = {}, {}  # {name: shape}
        self.shapes = {}  # of maps

    def add(self, op, inputs, n_outputs=1, **attributes):
        """Appends a node; returns the name of its output, or a list of them where there are several."""
        names = [f"{op}.{len(self.nodes)}" + (f".{i}" if i else "") for i in range(n_outputs)]
        self.nodes.append(Node(op, list(inputs), names, attributes))
        return names[0] if n_outputs == 1 else names

    def constant(self, values, name=None):
        """Its name."""
        name = name or f"constant.{len(self.constants)}"
        self.constants[name] = np.asarray(values, order="C")
        return name

    def maker_of(self, name):
        return next((node for node in reversed(self.nodes) if name in node.outputs), None)

    def rename(self, old, new):
        """A map, everywhere."""
        for node in self.nodes:
            node.inputs = [new if name == old else name for name in node.inputs]
            node.outputs = [new if name == old else name for name in node.outputs]
        if old in self.shapes:
            self.shapes[new] = self.shapes.pop(old)

    def prune(self):
        """Leaves out nodes and constants that no output needs."""
        needed = set(self.outputs)
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
        self.nodes = [node for node in self.nodes if needed.intersection(node.outputs)]
        self.constants = {name: values for name, values in self.constants.items() if name in needed}
