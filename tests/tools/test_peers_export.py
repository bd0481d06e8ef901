#!/usr/bin/env python3
"""tools/peers/export: that what it writes for other engines is the network. Every variant of networks, as ONNX computed
by a reader of its own; where there is ONNX Runtime, by that.

    CBAM_PEERS_PYTHON=peers-venv/bin/python test_peers_export.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from common import HERE, TOOLS, check_one_error, expect_ok, run

sys.path[:0] = [TOOLS, os.path.join(TOOLS, "train"), os.path.join(HERE, "..", "golden")]
from shared.need import have
from tap import Skip, Tap, skip_all

if not have("numpy", "torch"):
    skip_all("needs PyTorch")

import numpy as np
import torch
from torch import nn

from cases import all_cases
from network import Network
from onnx_reader import Model
from peers.export_network import give_weights, heads_of, picture_for, trace_network
from peers.ncnn_file import write_ncnn
from peers.onnx_file import varint, write_onnx
from peers.trace import trace
from shared.faults import DataError

CBAM_RUN, = sys.argv[1:]
EXPORT, PEER = (os.path.join(TOOLS, "peers", name) for name in ("export", "peer"))
PYTHON = os.environ.get("CBAM_PEERS_PYTHON", sys.executable)
SHAPES = os.path.join(HERE, "..", "models", "shapes.safetensors")
TOLERANCE = 1e-4  # of a head's largest number; sums in another order and folded batch norms differ by 1e-6


def check_same(outputs, heads):
    assert list(outputs) == list(heads)
    for name, head in heads.items():
        found = np.asarray(outputs[name])
        assert found.shape == head.shape, (name, found.shape, head.shape)
        error = np.abs(found - head).max() / np.abs(head).max()
        assert error < TOLERANCE, f"{name}: {error}"


def check_onnx(path, graph, x, heads):
    write_onnx(path, graph)
    model = Model(path)
    model.check()
    assert model.inputs == {"data": list(x.shape)}
    assert model.outputs == {name: list(head.shape) for name, head in heads.items()}
    check_same(model.run(torch.from_numpy(x)), heads)


def check_case(folder, document, form):
    network = Network(document, form)
    give_weights(network, document)
    x = picture_for(document)[1]
    with torch.no_grad():
        truth = {name: head.numpy() for name, head in heads_of(network(torch.from_numpy(x))).items()}
    graph, heads = trace_network(document["name"], network, x)
    check_same(heads, truth)  # following it changes nothing
    check_onnx(os.path.join(folder, "model.onnx"), graph, x, truth)


class Parts(nn.Module):
    """What no network here has yet, and the next ones may."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(4, 4, 3, padding=1, groups=4)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.first(x), 0.1)
        left, right = x.chunk(2, 1)
        x = torch.cat((left, nn.functional.hardtanh(self.second(right), 0, 6)), 1)
        batch, channels, height, width = x.shape
        x = x.reshape(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)
        x = torch.stack(x.chunk(2, 1), 2).flatten(1, 2)
        return x[:, 2:6] - nn.functional.max_pool2d(x, 3, 1, 1)[:, :4].sum(1, keepdim=True) / 3


def check_parts(folder):
    torch.manual_seed(1)
    x = np.random.default_rng(1).standard_normal((1, 3, 17, 12), np.float32)
    graph, truth = trace("parts", Parts().eval(), torch.from_numpy(x), "data", lambda y: {"loc.0": y})
    check_onnx(os.path.join(folder, "model.onnx"), graph, x, truth)
    write_ncnn(os.path.join(folder, "model.param"), os.path.join(folder, "model.bin"), graph)
    with open(os.path.join(folder, "model.param"), encoding="ascii") as file:
        assert file.read().count("ShuffleChannel") == 2


def check_unknown():
    try:
        trace("erf", torch.erf, torch.zeros(1, 3, 4, 4), "data", lambda y: {"loc.0": y})
    except DataError as error:
        assert "aten::erf" in str(error), error
        return
    raise AssertionError("an operator that cannot be exported was passed over")


def check_ncnn(folder):
    """Each blob is written once, before it is read, and read once, the heads' not at all."""
    with open(os.path.join(folder, "model.param"), encoding="ascii") as file:
        magic, counts, *lines = file.read().splitlines()
    assert magic == "7767517"
    unread, written, n_floats, n_tags = set(), set(), 0, 0
    for line in lines:
        kind, _, n_in, n_out, *rest = line.split()
        n_in, n_out = int(n_in), int(n_out)
        inputs, outputs = rest[:n_in], rest[n_in:n_in + n_out]
        params = dict(item.split("=") for item in rest[n_in + n_out:])
        assert unread >= set(inputs), line
        assert not written & set(outputs), line
        written |= set(outputs)
        unread = unread - set(inputs) | set(outputs)
        if kind.startswith(("Conv", "Deconv", "InnerProduct")):
            n_tags += 1
            size, bias = ("2", "1") if kind == "InnerProduct" else ("6", "5")
            n_floats += int(params[size]) + int(params["0"]) * int(params[bias])
        assert "-23330" in params, line
    assert counts.split() == [str(len(lines)), str(len(written))]
    assert unread == {f"{head}.{level}" for head in ("loc", "conf") for level in range(4)}, unread
    assert os.path.getsize(os.path.join(folder, "model.bin")) == 4 * (n_floats + n_tags)


def has(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def check_engine(folder, engine, module):
    if not has(module):
        raise Skip(f"no {module} here; CBAM_PEERS_PYTHON names a Python that has it")
    process = subprocess.run([PYTHON, PEER, engine, "fp32", folder, "2"], input="heads 0.01\n", capture_output=True,
                             text=True, check=False)
    loaded, timed = map(json.loads, expect_ok(process).stdout.splitlines())
    assert loaded["precision"] == "fp32" and loaded["max_error"] < TOLERANCE, loaded
    assert len(timed["ms"]) >= 3 and min(timed["ms"]) > 0, timed


def check_preset(folder):
    """The model file with made-up weights is the preset, layer by layer."""
    expect_ok(run(EXPORT, "ssd-mobilenet", folder))
    described = [json.loads(expect_ok(run(CBAM_RUN, "--describe", what, "--json")).stdout)
                 for what in (os.path.join(folder, "model.safetensors"), "ssd-mobilenet")]
    assert described[0]["layers"] == described[1]["layers"]
    assert described[0]["parameters"] == described[1]["parameters"] == 5_813_536


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with tap.point("numbers of protobuf"):
            assert (varint(0), varint(127), varint(300)) == (b"\0", b"\x7f", b"\xac\x02")
            assert varint(-1) == b"\xff" * 9 + b"\x01"
        for name, document, form in all_cases():
            if document.get("task") == "classify":  # peers are given detectors
                continue
            with tap.point(name):
                check_case(folder, document, form)
        with tap.point("leaky ReLU, halves, shuffled channels"):
            check_parts(folder)
        with tap.point("an operator without a form"):
            check_unknown()
        with tap.point("a preset"):
            check_preset(folder)
        with tap.point("a model file, for ncnn"):
            expect_ok(run(EXPORT, SHAPES, folder))
            check_ncnn(folder)
        for engine, module in (("onnxruntime", "onnxruntime"), ("openvino", "openvino"), ("opencv", "cv2"),
                               ("ncnn-cpu", "ncnn")):
            with tap.point(f"computed by {engine}"):
                check_engine(folder, engine, module)
        with tap.point("neither a model file nor a preset"):
            check_one_error(run(EXPORT, "yolo", folder), "yolo", "ssd-mobilenet")
    tap.done()


if __name__ == "__main__":
    main()
