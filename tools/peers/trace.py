"""Follows a frame through a network in PyTorch and notes what is computed, as a graph of ONNX operators (opset 13).

Nothing here knows a layer by name: what is followed are PyTorch's own operators, one entry of OPERATORS each, so that
whatever a network is made of can be exported, as long as it is made of these. What depends on weights alone is computed
once, batch norms are folded into the convolution before them, and a convolution pads for itself.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numbers

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from shared.faults import DataError

from .graph import Graph


class Tracer(TorchDispatchMode):
    """While it is entered, each operator on something that hangs on the graph's input adds to the graph."""

    def __init__(self, graph, names):
        """`names`: {tensor's id: its name in the model file}"""
        super().__init__()
        self.graph, self.names = graph, names
        self.maps = {}  # id of a tensor: its name in the graph
        self.pads = {}  # id of a padded tensor: (name of what is padded, PyTorch's pads)
        self.kept = []  # tensors, so that no id comes twice

    def start(self, tensor, name):
        self.kept.append(tensor)
        self.maps[id(tensor)] = name
        self.graph.inputs[name] = self.graph.shapes[name] = list(tensor.shape)

    def end(self, tensor, name):
        self.graph.rename(self.name_of(tensor), name)
        self.maps[id(tensor)] = name
        self.graph.outputs[name] = list(tensor.shape)

    def is_map(self, value):
        return isinstance(value, torch.Tensor) and (id(value) in self.maps or id(value) in self.pads)

    def name_of(self, value):
        """The name of a map; of a tensor or number that is none, which becomes a constant."""
        if isinstance(value, numbers.Number):
            return self.graph.constant(np.float32(value))
        if id(value) in self.pads:
            raise DataError("cannot export a map that is padded but not for a convolution")
        if id(value) not in self.maps:
            self.kept.append(value)
            self.maps[id(value)] = self.graph.constant(value.detach().float().numpy(), self.names.get(id(value)))
        return self.maps[id(value)]

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        flat = [value for arg in args for value in (arg if isinstance(arg, (list, tuple)) else [arg])]
        if not any(self.is_map(value) for value in flat):
            return result
        operator = func._schema.name
        if operator not in OPERATORS:
            raise DataError(f"cannot export the operator {operator} to ONNX")
        results = result if isinstance(result, (list, tuple)) else [result]
        made = OPERATORS[operator](self, results, *args, **kwargs)
        if made is not None:
            for tensor, name in zip(results, made if isinstance(made, list) else [made]):
                self.kept.append(tensor)
                self.maps[id(tensor)] = name
                self.graph.shapes[name] = list(tensor.shape)
        return result


# ---- Operators ----
# Each gets the tracer, what PyTorch computed, and its arguments; it gives the name of the first result, or a list.


def convolution(tracer, results, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    graph, before = tracer.graph, list(padding)
    after = list(padding)
    if id(x) in tracer.pads:
        name, pads = tracer.pads[id(x)]
        for axis in range(len(padding)):  # PyTorch's begin at the last axis
            before[-1 - axis] += pads[2 * axis]
            after[-1 - axis] += pads[2 * axis + 1]
    else:
        name = tracer.name_of(x)
    inputs = [name, tracer.name_of(weight)] + ([tracer.name_of(bias)] if bias is not None else [])
    form = {"kernel_shape": list(weight.shape[2:]), "strides": list(stride), "pads": before + after,
            "dilations": list(dilation), "group": groups}
    if transposed:
        return graph.add("ConvTranspose", inputs, output_padding=list(output_padding), **form)
    return graph.add("Conv", inputs, **form)


def pad(tracer, results, x, pads, value=0):
    if value != 0 or len(pads) > 4:
        raise DataError("cannot export padding but by zeros, right, left, above and below")
    tracer.kept.append(results[0])
    tracer.pads[id(results[0])] = (tracer.name_of(x), list(pads) + [0] * (4 - len(pads)))


def batch_norm(tracer, results, x, weight, bias, mean, variance, *rest):
    """`rest` ends with epsilon, whatever else the version of PyTorch has before it."""
    scale = weight.double() / torch.sqrt(variance.double() + rest[-1])
    shift = (bias.double() - mean.double() * scale).float().numpy()
    scale, graph, name = scale.float().numpy(), tracer.graph, tracer.name_of(x)
    maker = graph.maker_of(name)
    if maker and maker.op in ("Conv", "ConvTranspose", "Gemm"):
        source, kernel, *bias_name = maker.inputs
        kernel_values = graph.constants[kernel]
        by_input = maker.op == "Gemm" or maker.op == "ConvTranspose" and maker.attributes["group"] == 1
        shape = [-1 if i == by_input else 1 for i in range(kernel_values.ndim)]  # else depthwise, one output each
        if bias_name:
            shift = shift + graph.constants[bias_name[0]] * scale
        inputs = [source, graph.constant(kernel_values * scale.reshape(shape)), graph.constant(shift)]
        return graph.add(maker.op, inputs, **maker.attributes)
    shape = [1, -1] + [1] * (x.dim() - 2)
    scaled = graph.add("Mul", [name, graph.constant(scale.reshape(shape))])
    return graph.add("Add", [scaled, graph.constant(shift.reshape(shape))])


def addmm(tracer, results, bias, x, weight, beta=1, alpha=1):
    return tracer.graph.add("Gemm", [tracer.name_of(x), tracer.name_of(weight), tracer.name_of(bias)])


def mm(tracer, results, x, weight):
    return tracer.graph.add("Gemm", [tracer.name_of(x), tracer.name_of(weight)])


def bmm(tracer, results, a, b):
    return tracer.graph.add("MatMul", [tracer.name_of(a), tracer.name_of(b)])


def softmax(tracer, results, x, axis, half_to_float):
    return tracer.graph.add("Softmax", [tracer.name_of(x)], axis=axis % x.dim())


def max_pool(tracer, results, x, kernel, stride=(), padding=0, dilation=1, ceil_mode=False):
    def both(value):
        value = [value] if isinstance(value, int) else list(value)
        return value * 2 if len(value) == 1 else value

    return tracer.graph.add("MaxPool", [tracer.name_of(x)], kernel_shape=both(kernel),
                            strides=both(stride) or both(kernel), pads=both(padding) * 2, ceil_mode=int(ceil_mode))


def unary(op, **attributes):
    return lambda tracer, results, x: tracer.graph.add(op, [tracer.name_of(x)], **attributes)


def leaky_relu(tracer, results, x, slope=0.01):
    return tracer.graph.add("LeakyRelu", [tracer.name_of(x)], alpha=float(slope))


def hard_sigmoid(tracer, results, x):
    return tracer.graph.add("HardSigmoid", [tracer.name_of(x)], alpha=1 / 6, beta=0.5)


def hard_swish(tracer, results, x):
    """Of two operators: opset 14 has one."""
    gate = hard_sigmoid(tracer, results, x)
    tracer.graph.shapes[gate] = list(x.shape)
    return tracer.graph.add("Mul", [tracer.name_of(x), gate])


def clamp(tracer, results, x, low=None, high=None):
    inputs = ["" if bound is None else tracer.name_of(bound) for bound in (low, high)]
    return tracer.graph.add("Clip", [tracer.name_of(x), *inputs])


def power(tracer, results, x, exponent):
    if exponent != 2:
        raise DataError(f"cannot export the power of {exponent}")
    return tracer.graph.add("Mul", [tracer.name_of(x)] * 2)


def binary(op, neutral):
    """Of two maps or a map and a number; with `neutral` the map stays as it is."""
    def add(tracer, results, a, b, alpha=1):
        if alpha != 1:
            raise DataError(f"cannot export {op} with a factor")
        if isinstance(b, numbers.Number) and b == neutral:
            return tracer.name_of(a)
        return tracer.graph.add(op, [tracer.name_of(a), tracer.name_of(b)])
    return add


def unflattened(graph, name):
    """(map, axes) to reduce instead of the third axis of a map of three, where that stands for rows and columns: as
    pooling is known by everybody."""
    maker = graph.maker_of(name)
    if maker and maker.op == "Reshape":
        before, after = graph.shapes[maker.inputs[0]], graph.shapes[name]
        if len(before) == 4 and len(after) == 3 and before[:2] == after[:2]:
            return maker.inputs[0], [2, 3]
    return name, [2]


def reduction(op):
    def add(tracer, results, x, axes, keepdim=False, **unused):
        axes = [axis % x.dim() for axis in ([axes] if isinstance(axes, int) else axes)]
        name, attributes = tracer.name_of(x), {"keepdims": int(keepdim)}
        if axes == [2] and not keepdim:
            name, axes = unflattened(tracer.graph, name)
        inputs = [name]
        if op == "ReduceSum":  # the one that has its axes as an input in opset 13
            inputs.append(tracer.graph.constant(np.int64(axes)))
        else:
            attributes["axes"] = axes
        return tracer.graph.add(op, inputs, **attributes)
    return add


def same(tracer, results, x, *unused, **also_unused):
    """The same numbers in the same shape, for whom memory is no matter."""
    return tracer.name_of(x)


def reshape(tracer, results, x, *unused, **also_unused):
    """The same numbers in the same order in another shape, which is known."""
    if results[0].numel() != x.numel():
        raise DataError("cannot export a view of a part")
    if results[0].shape == x.shape:
        return tracer.name_of(x)
    return tracer.graph.add("Reshape", [tracer.name_of(x), tracer.graph.constant(np.int64(results[0].shape))])


def permute(tracer, results, x, axes):
    return tracer.graph.add("Transpose", [tracer.name_of(x)], perm=[axis % x.dim() for axis in axes])


def transpose(tracer, results, x, a, b):
    axes = list(range(x.dim()))
    axes[a], axes[b] = axes[b], axes[a]
    return permute(tracer, results, x, axes)


def cut(tracer, results, x, axis=0, start=None, end=None, step=1):
    if results[0].shape == x.shape:
        return tracer.name_of(x)
    length, axis = x.shape[axis], axis % x.dim()
    limits = [start or 0, length if end is None else min(end, length), axis, step]
    constants = [tracer.graph.constant(np.int64([limit])) for limit in limits]
    return tracer.graph.add("Slice", [tracer.name_of(x), *constants])


def split(tracer, results, x, sizes, axis=0):
    lengths = tracer.graph.constant(np.int64([part.shape[axis] for part in results]))
    names = tracer.graph.add("Split", [tracer.name_of(x), lengths], len(results), axis=axis % x.dim())
    return names if isinstance(names, list) else [names]


def cat(tracer, results, parts, axis=0):
    return tracer.graph.add("Concat", [tracer.name_of(part) for part in parts], axis=axis % parts[0].dim())


def stack(tracer, results, parts, axis=0):
    """Channels one of each in turn are written as everybody shuffles channels: one map behind the other, transposed."""
    shape = list(parts[0].shape)
    if len(shape) != 4 or axis != 2:
        raise DataError(f"cannot export a stack at axis {axis}")
    joined = tracer.graph.add("Concat", [tracer.name_of(part) for part in parts], axis=1)
    groups = tracer.graph.constant(np.int64([shape[0], len(parts), *shape[1:]]))
    return tracer.graph.add("Transpose", [tracer.graph.add("Reshape", [joined, groups])], perm=[0, 2, 1, 3, 4])


def resize(**attributes):
    def add(tracer, results, x, *unused, **also_unused):
        size = tracer.graph.constant(np.int64(results[0].shape))
        return tracer.graph.add("Resize", [tracer.name_of(x), "", "", size], **attributes)
    return add


nearest = resize(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
bilinear = resize(mode="linear", coordinate_transformation_mode="half_pixel")

OPERATORS = {
    "aten::convolution": convolution,
    "aten::constant_pad_nd": pad,
    "aten::native_batch_norm": batch_norm,
    "aten::_native_batch_norm_legit_no_training": batch_norm,
    "aten::addmm": addmm,
    "aten::mm": mm,
    "aten::bmm": bmm,
    "aten::_softmax": softmax,
    "aten::max_pool2d_with_indices": max_pool,
    "aten::relu": unary("Relu"),
    "aten::leaky_relu": leaky_relu,
    "aten::sigmoid": unary("Sigmoid"),
    "aten::hardsigmoid": hard_sigmoid,
    "aten::hardswish": hard_swish,
    "aten::sqrt": unary("Sqrt"),
    "aten::clamp": clamp,
    "aten::hardtanh": clamp,
    "aten::pow": power,
    "aten::add": binary("Add", 0),
    "aten::sub": binary("Sub", 0),
    "aten::mul": binary("Mul", 1),
    "aten::div": binary("Div", 1),
    "aten::mean": reduction("ReduceMean"),
    "aten::max": reduction("ReduceMax"),
    "aten::amax": reduction("ReduceMax"),
    "aten::sum": reduction("ReduceSum"),
    "aten::logsumexp": reduction("ReduceLogSumExp"),
    "aten::clone": same,
    "aten::detach": same,
    "aten::alias": same,
    "aten::view": reshape,
    "aten::_unsafe_view": reshape,
    "aten::_reshape_alias": reshape,
    "aten::unsqueeze": reshape,
    "aten::squeeze": reshape,
    "aten::select": reshape,
    "aten::permute": permute,
    "aten::transpose": transpose,
    "aten::slice": cut,
    "aten::split": split,
    "aten::split_with_sizes": split,
    "aten::cat": cat,
    "aten::stack": stack,
    "aten::upsample_nearest2d": nearest,
    "aten::upsample_bilinear2d": bilinear,
}


def trace(name, network, x, input_name, outputs_of):
    """(graph, {output: array}) of a network, or any function, in PyTorch and an input [1, C, H, W]. `outputs_of`:
    {name: tensor} of what it gives."""
    graph = Graph(name)
    state = network.state_dict(keep_vars=True) if isinstance(network, torch.nn.Module) else {}
    tracer = Tracer(graph, {id(tensor): key for key, tensor in state.items()})
    tracer.start(x, input_name)
    with torch.no_grad(), tracer:
        outputs = outputs_of(network(x))
    for key, tensor in outputs.items():
        tracer.end(tensor, key)
    graph.prune()
    return graph, {key: tensor.numpy() for key, tensor in outputs.items()}
