"""Writes a graph as ncnn's model files, as ncnn's own ncnnoptimize would leave it: activations fused with what is
before them, every blob's shape said.

ncnn's .param is text: a magic number, how many layers and blobs there are, and a line per layer of type, name, numbers
of inputs and outputs, their blobs, and parameters by number. Its .bin has the weights in the layers' order. There is no
batch axis, so an axis of ONNX's is one less here.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from dataclasses import dataclass, field

from shared.faults import DataError
from shared.output import writing

MAGIC = 7767517
RAW_FLOAT32 = b"\0\0\0\0"  # the tag before a convolution's weights
POOL_CEIL, POOL_FLOOR = 0, 1  # pad_mode
ADD, SUB, MUL, DIV = range(4)  # BinaryOp's
REDUCTIONS = {"ReduceSum": 0, "ReduceMean": 3, "ReduceMax": 4, "ReduceLogSumExp": 10}
NEAREST, BILINEAR = 1, 2  # Interp's


@dataclass
class Layer:
    kind: str
    inputs: list
    outputs: list
    params: dict
    weights: list = field(default_factory=list)  # as bytes

    def fused(self, params, output):
        return Layer(self.kind, self.inputs, [output], {**self.params, **params}, self.weights)


# ---- Parameters ----

def numbers(values):
    return ",".join(str(value) for value in (len(values), *values))


def array(key, values):
    return {-23300 - key: numbers(values)}


def tagged(values):
    return RAW_FLOAT32 + values.astype("<f4").tobytes()


class Writer:
    """Turns nodes into layers, one entry of LAYERS each."""

    def __init__(self, graph):
        self.graph, self.layers, self.done = graph, [], set()
        self.readers = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)

    def only_reader(self, name, *ops):
        """The node that alone reads a map, if it is one of these."""
        readers = self.readers.get(name, [])
        alone = len(readers) == 1 and name not in self.graph.outputs
        return readers[0] if alone and readers[0].op in ops else None

    def constant(self, name):
        if name not in self.graph.constants:
            raise DataError("ncnn has no form for weights that are computed")
        return self.graph.constants[name]

    def number(self, name):
        values = self.constant(name)
        if values.ndim:
            raise DataError("ncnn has no form for a constant that is no number")
        return float(values)

    def write(self):
        for name, shape in self.graph.inputs.items():
            self.layers.append(Layer("Input", [], [name], {0: shape[3], 1: shape[2], 2: shape[1]}))
        for node in self.graph.nodes:
            if id(node) in self.done:
                continue
            if node.op not in LAYERS:
                raise DataError(f"ncnn has no form for the operator {node.op}")
            layer = LAYERS[node.op](self, node)
            self.layers.append(self.with_activation(layer))
        return self.with_splits()

    def with_activation(self, layer):
        """An activation behind a layer with weights is part of it."""
        if not layer.weights:
            return layer
        node = self.only_reader(layer.outputs[0], "Relu", "LeakyRelu", "Clip", "Sigmoid")
        if node is None:
            return layer
        self.done.add(id(node))
        params = {"Relu": lambda: {9: 1}, "Sigmoid": lambda: {9: 4},
                  "LeakyRelu": lambda: {9: 2, **array(10, [node.attributes["alpha"]])},
                  "Clip": lambda: {9: 3, **array(10, [self.number(name) for name in node.inputs[1:]])}}[node.op]()
        return layer.fused(params, node.outputs[0])

    def with_splits(self):
        """A blob with several readers goes through a Split, which ncnn wants and which costs nothing."""
        readers = {}
        for layer in self.layers:
            for i, name in enumerate(layer.inputs):
                readers.setdefault(name, []).append((layer, i))
        out = []
        for layer in self.layers:
            out.append(layer)
            for name in layer.outputs:
                if len(readers.get(name, [])) > 1:
                    parts = [f"{name}/{i}" for i in range(len(readers[name]))]
                    for (reader, i), part in zip(readers[name], parts):
                        reader.inputs[i] = part
                    out.append(Layer("Split", [name], parts, {}))
        return out


# ---- Layers ----

def convolution(writer, node):
    form, weight = node.attributes, writer.constant(node.inputs[1])
    bias = writer.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    deconv, group = node.op == "ConvTranspose", form["group"]
    if deconv and group == 1:
        weight = weight.swapaxes(0, 1)
    if weight.ndim != 4:
        raise DataError("ncnn has no form for this convolution of one dimension")
    out_channels = weight.shape[0] if group == 1 or not deconv else weight.shape[0] * weight.shape[1]
    (ky, kx), (dy, dx), (sy, sx) = form["kernel_shape"], form["dilations"], form["strides"]
    top, left, bottom, right = form["pads"]
    params = {0: out_channels, 1: kx, 11: ky, 2: dx, 12: dy, 3: sx, 13: sy, 4: left, 14: top, 15: right, 16: bottom,
              5: int(bias is not None), 6: weight.size}
    if group > 1:
        params[7] = group
    if deconv:
        params[19], params[18] = form["output_padding"]
    kind = ("Deconvolution" if deconv else "Convolution") + ("DepthWise" if group > 1 else "")
    weights = [tagged(weight)] + ([bias.astype("<f4").tobytes()] if bias is not None else [])
    return Layer(kind, node.inputs[:1], node.outputs, params, weights)


def inner_product(writer, node):
    weight = writer.constant(node.inputs[1]).T
    bias = writer.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    weights = [tagged(weight)] + ([bias.astype("<f4").tobytes()] if bias is not None else [])
    return Layer("InnerProduct", node.inputs[:1], node.outputs,
                 {0: weight.shape[0], 1: int(bias is not None), 2: weight.size}, weights)


def max_pool(writer, node):
    form = node.attributes
    top, left, bottom, right = form["pads"]
    (ky, kx), (sy, sx) = form["kernel_shape"], form["strides"]
    return Layer("Pooling", node.inputs, node.outputs, {
        0: 0, 1: kx, 11: ky, 2: sx, 12: sy, 3: left, 13: top, 14: right, 15: bottom,
        5: POOL_CEIL if form["ceil_mode"] else POOL_FLOOR})


def plain(kind):
    return lambda writer, node: Layer(kind, node.inputs, node.outputs, {})


def leaky_relu(writer, node):
    return Layer("ReLU", node.inputs, node.outputs, {0: node.attributes["alpha"]})


def hard_sigmoid(writer, node):
    return Layer("HardSigmoid", node.inputs, node.outputs, {0: node.attributes["alpha"], 1: node.attributes["beta"]})


def clip(writer, node):
    low, high = (writer.number(name) for name in node.inputs[1:])
    return Layer("Clip", node.inputs[:1], node.outputs, {0: low, 1: high})


def square_root(writer, node):
    return Layer("UnaryOp", node.inputs, node.outputs, {0: 5})


def binary(which):
    def make(writer, node):
        a, b = node.inputs
        if which == MUL and a == b:
            normalised = l2_norm(writer, node)
            if normalised:
                return normalised
        if a in writer.graph.constants and which in (ADD, MUL):
            a, b = b, a
        if b in writer.graph.constants:
            return Layer("BinaryOp", [a], node.outputs, {0: which, 1: 1, 2: writer.number(b)})
        return Layer("BinaryOp", [a, b], node.outputs, {0: which})
    return make


def l2_norm(writer, node):
    """x / (sqrt (sum of x * x over channels) + eps) * scale is ncnn's Normalize. None if this is not its beginning."""
    chain = [node]
    for op in ("ReduceSum", "Sqrt", "Add", "Div", "Mul"):
        following = writer.only_reader(chain[-1].outputs[0], op)
        if following is None:
            return None
        chain.append(following)
    _, _, _, plus, ratio, times = chain
    if ratio.inputs[0] != node.inputs[0]:
        return None
    scale = writer.constant(times.inputs[1])
    writer.done.update(id(one) for one in chain)
    return Layer("Normalize", node.inputs[:1], times.outputs,
                 {0: 0, 1: 0, 2: writer.number(plus.inputs[1]), 3: scale.size, 4: 1}, [scale.astype("<f4").tobytes()])


def reduction(writer, node):
    axes = node.attributes.get("axes")
    if axes is None:
        axes = writer.constant(node.inputs[1]).tolist()
    return Layer("Reduction", node.inputs[:1], node.outputs,
                 {0: REDUCTIONS[node.op], 1: 0, **array(3, [axis - 1 for axis in axes]),
                  4: node.attributes["keepdims"], 5: 1})


def reshape(writer, node):
    shuffled = shuffle(writer, node)
    if shuffled:
        return shuffled
    shape = writer.constant(node.inputs[1]).tolist()[1:]
    if len(shape) > 3:
        raise DataError(f"ncnn has no form for a map of {len(shape)} axes")
    return Layer("Reshape", node.inputs[:1], node.outputs, dict(enumerate(shape[::-1])))


def shuffle(writer, node):
    """Channels in groups, transposed, and back: ncnn's ShuffleChannel. None if this is not its beginning."""
    shape = writer.constant(node.inputs[1]).tolist()
    turned = writer.only_reader(node.outputs[0], "Transpose")
    flat = turned and writer.only_reader(turned.outputs[0], "Reshape")
    if len(shape) != 5 or flat is None or turned.attributes["perm"] != [0, 2, 1, 3, 4]:
        return None
    writer.done.update((id(turned), id(flat)))
    return Layer("ShuffleChannel", node.inputs[:1], flat.outputs, {0: shape[1]})


def concat(writer, node):
    return Layer("Concat", list(node.inputs), node.outputs, {0: node.attributes["axis"] - 1})


def split(writer, node):
    lengths = writer.constant(node.inputs[1]).tolist()
    return Layer("Slice", node.inputs[:1], node.outputs, {**array(0, lengths), 1: node.attributes["axis"] - 1})


def cut(writer, node):
    start, end, axis, step = (int(writer.constant(name)[0]) for name in node.inputs[1:])
    if step != 1:
        raise DataError("ncnn has no form for a slice with steps")
    return Layer("Crop", node.inputs[:1], node.outputs,
                 {**array(9, [start]), **array(10, [end]), **array(11, [axis - 1])})


def resize(writer, node):
    height, width = writer.constant(node.inputs[3]).tolist()[2:]
    kind = NEAREST if node.attributes["mode"] == "nearest" else BILINEAR
    return Layer("Interp", node.inputs[:1], node.outputs, {0: kind, 3: height, 4: width})


LAYERS = {
    "Conv": convolution,
    "ConvTranspose": convolution,
    "Gemm": inner_product,
    "MaxPool": max_pool,
    "Relu": plain("ReLU"),
    "Sigmoid": plain("Sigmoid"),
    "LeakyRelu": leaky_relu,
    "HardSigmoid": hard_sigmoid,
    "Clip": clip,
    "Sqrt": square_root,
    "Add": binary(ADD),
    "Sub": binary(SUB),
    "Mul": binary(MUL),
    "Div": binary(DIV),
    **{op: reduction for op in REDUCTIONS},
    "Reshape": reshape,
    "Concat": concat,
    "Split": split,
    "Slice": cut,
    "Resize": resize,
}


# ---- Files ----

def hint(shape):
    """Axes and sizes of a blob, the width first."""
    sizes = list(shape[:0:-1])
    return [len(sizes), *(sizes + [1, 1, 1])[:3]]


def line_of(layer, shapes):
    words = [layer.kind, layer.outputs[0] + ("/split" if layer.kind == "Split" else ""), str(len(layer.inputs)),
             str(len(layer.outputs)), *layer.inputs, *layer.outputs]
    words += [f"{key}={value}" for key, value in layer.params.items()]
    known = [shapes.get(name.split("/")[0]) for name in layer.outputs]
    if all(shape and len(shape) <= 4 for shape in known):
        words.append("-23330=" + numbers([number for shape in known for number in hint(shape)]))
    return " ".join(words)


def write_ncnn(param_path, bin_path, graph):
    """Raises DataError where ncnn has no form for a part of the graph; nothing is written then."""
    layers = Writer(graph).write()
    lines = [line_of(layer, graph.shapes) for layer in layers]
    blobs = sum(len(layer.outputs) for layer in layers)
    with writing(param_path) as file:
        file.write((f"{MAGIC}\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n").encode())
    with writing(bin_path) as file:
        for layer in layers:
            file.write(b"".join(layer.weights))
