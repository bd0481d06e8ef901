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
from recipes import RECIPES
from score import anchors_for
from shared.faults import DataError

from .ncnn_file import write_ncnn
from .onnx_file import write_onnx
from .picture import as_input, blocks, write_png
from .trace import trace
from .weights import make_weights

INPUT = "data"


def load(source):
    """(document, network, tensors) of a model file or a preset."""
    if os.path.exists(source):
        document, tensors = read_model(source)
        return document, network_of(document, tensors), tensors
    if source not in RECIPES:
        raise DataError(f"expected a model file or one of {', '.join(RECIPES)}, found '{source}'")
    recipe = RECIPES[source]()
    network = Network(recipe.document, recipe.form)
    give_weights(network, max(recipe.document["input"].get("scale", [1])))
    return recipe.document, network, network.tensors()


def give_weights(network, pixel_scale):
    tensors = network.tensors()
    made = make_weights({name: tuple(tensor.shape) for name, tensor in tensors.items()}, pixel_scale)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(made[name]))


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
    picture = blocks(document["input"]["width"], document["input"]["height"])
    x = as_input(document, picture)
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
