#!/usr/bin/env python3
"""tools/bench_peers.py: what it hands to both programs and how it compares them; with ncnn here, a short run as well.

    test_bench_peers.py CBAM-BENCH CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import importlib.util
import json
import math
import os
import sys
import tempfile

sys.dont_write_bytecode = True
from common import TOOLS, expect_ok, run

sys.path.insert(0, TOOLS)
from shared.need import need

need("numpy")
import numpy as np

from peers import detections, networks
from peers.ncnn_peer import write_model
from shared.safetensors import write_safetensors
from tap import Skip, Tap

CBAM_BENCH, CBAM_RUN = sys.argv[1:3]
BENCH_PEERS = os.path.join(TOOLS, "bench_peers.py")

# What the CBAM paper's table says: 26.5 and 5.81 million.
PARAMETERS = {"ssd-vgg16": 26_515_936, "ssd-mobilenet": 5_813_536}
ANCHORS = {"ssd-vgg16": 11_620, "ssd-mobilenet": 2_990}


def describe(model):
    return json.loads(expect_ok(run(CBAM_RUN, "--describe", model, "--json")).stdout)


def check_model(folder, net, tensors):
    path = os.path.join(folder, f"{net.name}.safetensors")
    write_safetensors(path, tensors, net.document())
    ours = describe(path)
    os.unlink(path)
    assert ours["parameters"] == PARAMETERS[net.name], ours["parameters"]
    assert ours["layers"] == describe(net.name)["layers"]  # layer by layer the preset itself


def check_ncnn_model(folder, net, tensors):
    """Each blob is written once, before it is read, and read once, the heads' not at all."""
    param, weights = (os.path.join(folder, net.name + end) for end in (".param", ".bin"))
    write_model(net, tensors, param, weights)
    with open(param, encoding="ascii") as file:
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
        if kind.startswith("Convolution"):
            n_tags += 1
            n_floats += int(params["0"]) + int(params["6"])
        elif kind == "Normalize":
            n_floats += int(params["3"])
        assert len(params["-23330"].split(",")) == 1 + 4 * n_out, line
    assert counts.split() == [str(len(lines)), str(len(written))]
    assert unread == {f"{head}.{level}" for head in ("loc", "conf") for level in range(6)}, unread
    assert os.path.getsize(weights) == 4 * (n_floats + n_tags)


def check_fold(net, tensors):
    """A pointwise convolution and its batch norm, and the one convolution that stands for both."""
    layer = next(layer for layer in net.layers if layer.name == "base_net.1.3")
    x = np.linspace(-1, 1, layer.in_channels)
    part = {name: tensors[f"{layer.norm}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")}
    apart = ((tensors[f"{layer.name}.weight"][:, :, 0, 0] @ x - part["running_mean"])
             / np.sqrt(part["running_var"] + 1e-5) * part["weight"] + part["bias"])
    weight, bias = networks.fold(layer, tensors)
    assert np.allclose(weight[:, :, 0, 0] @ x + bias, apart, rtol=0, atol=1e-6)


def check_anchors(net):
    boxes = detections.anchors(net.anchors)
    assert boxes.shape == (ANCHORS[net.name], 4)
    if net.name == "ssd-vgg16":
        assert np.allclose(boxes[0], [0.013333, 0.013333, 0.1, 0.1], atol=1e-6)
        assert np.allclose(boxes[2], [0.013333, 0.013333, 0.141421, 0.070711], atol=1e-6)
        assert np.allclose(boxes[-2], [0.5, 0.5, 1, 0.622254], atol=1e-6)  # 1.2445 before the clip


def noise_heads(net):
    rng = np.random.default_rng(1)
    return {layer.name: 0.3 * rng.standard_normal((layer.channels, layer.size, layer.size)) - 1
            for layer in net.layers if layer.name.startswith(("loc.", "conf."))}


def line_of(boxes, scores):
    """As cbam-run would print them: single precision, strongest first."""
    found = [{"label": networks.CLASSES[k], "score": float(np.float32(scores[i, k])),
              **dict(zip(("x", "y", "width", "height"), map(float, np.float32(boxes[i]))))}
             for i in range(len(boxes)) for k in range(1, len(networks.CLASSES))]
    return json.dumps({"detections": sorted(found, key=lambda d: -d["score"])})


def check_compare(net):
    boxes, scores = detections.from_heads(net, noise_heads(net))
    assert np.allclose(scores.sum(axis=1), 1)
    assert detections.compare(line_of(boxes, scores), boxes, scores) < 1e-6
    other = scores.copy()
    other[1234, 7] += 0.125
    assert math.isclose(detections.compare(line_of(boxes, other), boxes, scores), 0.125, rel_tol=1e-5)
    moved = boxes.copy()
    moved[1234, 0] += 40
    try:
        detections.compare(line_of(moved, scores), boxes, scores)
    except detections.Mismatch:
        return
    raise AssertionError("a moved box was not missed")


def run_with_module(folder, name, source, *arguments):
    """With an ncnn of our own making."""
    modules = os.path.join(folder, name)
    os.mkdir(modules)
    with open(os.path.join(modules, "ncnn.py"), "w", encoding="ascii") as file:
        file.write(source)
    return run(sys.executable, BENCH_PEERS, *arguments, env={**os.environ, "PYTHONPATH": modules})


def check_rows(rows):
    """The figures are noise on a busy machine, but that both computed the same is not."""
    assert [(row["network"], row["peer"]) for row in rows] == [("ssd-mobilenet", "ncnn-vulkan"),
                                                               ("ssd-mobilenet", "ncnn-cpu")]
    for row in rows:
        assert math.isclose(row["ratio"], row["peer_ms"] / row["ours_ms"], rel_tol=1e-6)
        assert 0 < row["peer_min_ms"] <= row["peer_ms"] and 0 < row["ours_min_ms"] <= row["ours_ms"]
        assert 0 <= row["max_error"] < 1e-3 and row["precision"] in ("fp32", "fp16")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        for name, make in networks.NETWORKS.items():
            net = make()
            tensors = networks.make_weights(net)
            with tap.point(f"{name}: our model file is the preset"):
                check_model(folder, net, tensors)
            with tap.point(f"{name}: ncnn's model file"):
                check_ncnn_model(folder, net, tensors)
            with tap.point(f"{name}: anchors"):
                check_anchors(net)
        with tap.point("folded batch norm"):
            check_fold(net, tensors)
        with tap.point("comparing finds a wrong score and a wrong box"):
            check_compare(net)
        with tap.point("no ncnn"):
            process = run_with_module(folder, "none", "raise ImportError('gone')")
            assert process.returncode == 77 and "pip install ncnn" in process.stderr, process
        with tap.point("no cbam-bench"):
            process = run_with_module(folder, "stub", "", "--networks", "ssd-mobilenet",
                                      "--bench", "nowhere/cbam-bench")
            assert process.returncode == 1 and "nowhere" in process.stderr, process
        for label, *arguments in (("no rounds", "--runs", "0"), ("unknown network", "--networks", "ssd-vgg16,yolo")):
            with tap.point(label):
                assert run(sys.executable, BENCH_PEERS, *arguments).returncode == 2
        with tap.point("a round beside ncnn"):
            if importlib.util.find_spec("ncnn") is None:
                raise Skip("no ncnn here")
            process = run(sys.executable, BENCH_PEERS, "--json", "--runs", "1", "--networks", "ssd-mobilenet",
                          "--bench", CBAM_BENCH)
            check_rows(json.loads(expect_ok(process).stdout))
    tap.done()


if __name__ == "__main__":
    main()
