"""A network of the trainer's, written for every program that bench_peers.py compares.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import functools
import os
import shutil
import sys

import numpy as np
import torch
from torch import nn

from modelfile import network_of, read_model, write_model
from network import DepthwiseUpsampler, Network
from recipes import DETECTORS
from score import anchors_for
from shared.faults import DataError

from .ncnn_file import write_ncnn
from .onnx_file import write_onnx
from .picture import as_input, blocks, write_png
from .trace import trace
from .weights import make_weights

INPUT = "data"
HEAD_SIZES = {"loc": 0.25, "conf": 0.5}  # so that few scores come near the threshold; of other layers 1


def load(source):
    """(document, network, tensors) of a model file or a preset."""
    if os.path.exists(source):
        document, tensors = read_model(source)
        return document, network_of(document, tensors), tensors
    if source not in DETECTORS:
        raise DataError(f"expected a model file or one of {', '.join(DETECTORS)}, found '{source}'")
    recipe = DETECTORS[source]()
    network = Network(recipe.document, recipe.form)
    give_weights(network, recipe.document)
    return recipe.document, network, network.tensors()


def picture_for(document):
    """(RGB of the network's size, what the network sees of it)"""
    picture = blocks(document["input"]["width"], document["input"]["height"])
    return picture, as_input(document, picture)


def give_weights(network, document):
    tensors = network.tensors()
    made = make_weights({name: tuple(tensor.shape) for name, tensor in tensors.items()},
                        document["output"].get("boxes", "offsets") == "offsets")
    hooks = [module.register_forward_hook(functools.partial(settle, HEAD_SIZES.get(name.split(".")[0], 1)))
             for name, module in network.named_modules()
             if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(made[name]))
        network(torch.from_numpy(picture_for(document)[1]))
    for hook in hooks:
        hook.remove()


def settle(size, layer, inputs, output):
    """Divides a layer's weights so that its sums are as large as that, and gives what it gives then."""
    bias = 0 if layer.bias is None else layer.bias.reshape([-1] + [1] * len(output.shape[2:]))
    sums = output - bias
    found = sums.pow(2).mean().sqrt() / size
    if found == 0:
        return output
    layer.weight /= found
    return sums / found + bias


def heads_of(levels):
    return {f"{head}.{l}": getattr(level, head) for l, level in enumerate(levels) for head in ("loc", "conf")}


def trace_network(name, network, x):
    """(graph, {head: array}) of an input [1, 3, H, W]."""
    for module in network.modules():
        if isinstance(module, DepthwiseUpsampler):  # a way to compute it that is PyTorch's alone
            module.forward = functools.partial(nn.ConvTranspose2d.forward, module)
    return trace(name, network, torch.from_numpy(x), INPUT, heads_of)


def export(source, folder):
    """Writes the files that tools/peers/export names."""
    document, network, tensors = load(source)
    picture, x = picture_for(document)
    graph, heads = trace_network(document.get("name", "network"), network, x)

    os.makedirs(folder, exist_ok=True)
    path = functools.partial(os.path.join, folder)
    if os.path.exists(source):
        shutil.copyfile(source, path("model.safetensors"))
    else:
        write_model(path("model.safetensors"), document, tensors, half=False)
    write_onnx(path("model.onnx"), graph)
    write_png(path("picture.png"), picture)
    np.savez(path("truth.npz"), anchors=anchors_for(document, tensors).numpy(), **{INPUT: x}, **heads)
    try:
        write_ncnn(path("model.param"), path("model.bin"), graph)
    except DataError as error:
        print(f"export: no model for ncnn: {error}", file=sys.stderr)
