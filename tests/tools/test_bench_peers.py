#!/usr/bin/env python3
"""tools/bench_peers.py: how it compares what was found, and a whole run beside an engine of our own making.

    test_bench_peers.py CBAM-BENCH CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import importlib.util
import io
import json
import math
import os
import sys
import tempfile

sys.dont_write_bytecode = True
from common import HERE, TOOLS, check_one_error, expect_ok, run

sys.path.insert(0, TOOLS)
from shared.need import have, need

need("numpy")
import numpy as np

import bench_peers
from peers import detections
from peers.picture import FRAME_HEIGHT, FRAME_WIDTH, as_input, blocks, nv12_frame
from tap import Skip, Tap

CBAM_BENCH, CBAM_RUN = sys.argv[1:3]
BENCH_PEERS = os.path.join(TOOLS, "bench_peers.py")
SHAPES = os.path.join(HERE, "..", "models", "shapes.safetensors")

CLASSES = ["background", "disc", "square"]
DOCUMENT = {"input": {"width": 200, "height": 100, "channels": "rgb"},
            "output": {"classes": CLASSES, "score": "softmax"}}

# An engine that gives what PyTorch gave, and `more`.
ENGINE = """
import os
import numpy as np

__version__ = "0.5"


class SessionOptions:
    pass


class Output:
    def __init__(self, name):
        self.name = name


class InferenceSession:
    def __init__(self, path, options, providers):
        truth = np.load(os.path.join(os.path.dirname(path), "truth.npz"))
        self.heads = {{name: truth[name] + {more} for name in truth.files if name.startswith(("loc.", "conf."))}}

    def get_outputs(self):
        return [Output(name) for name in self.heads]

    def run(self, names, inputs):
        return [self.heads[name] * (1 if inputs["data"].size else 0) for name in names]
"""


def noise_heads():
    """Of one level of 20x10 cells with two anchors each."""
    rng = np.random.default_rng(1)
    return {"loc.0": 0.3 * rng.standard_normal((8, 10, 20)), "conf.0": rng.standard_normal((6, 10, 20))}


def grid_anchors():
    y, x = np.meshgrid((np.arange(10) + 0.5) / 10, (np.arange(20) + 0.5) / 20, indexing="ij")
    centres = np.stack((x, y), 2).reshape(-1, 1, 2).repeat(2, axis=1)
    sizes = np.broadcast_to(np.array([[0.03, 0.05], [0.06, 0.08]]), centres.shape)
    return np.concatenate((centres, sizes), 2).reshape(-1, 4)


def line_of(boxes, scores, threshold=0):
    """As cbam-run would print them: single precision, strongest first."""
    found = [{"label": CLASSES[k], "score": float(np.float32(scores[i, k])),
              **dict(zip(("x", "y", "width", "height"), map(float, np.float32(boxes[i]))))}
             for i in range(len(boxes)) for k in range(1, len(CLASSES)) if scores[i, k] > threshold]
    return json.dumps({"detections": sorted(found, key=lambda d: -d["score"])})


def check_compare():
    boxes, scores = detections.from_heads(DOCUMENT, grid_anchors(), noise_heads())
    assert np.allclose(scores.sum(axis=1), 1)
    assert detections.compare(line_of(boxes, scores), CLASSES, boxes, scores) < 1e-6
    other = scores.copy()
    other[123, 2] += 0.125
    assert math.isclose(detections.compare(line_of(boxes, other), CLASSES, boxes, scores), 0.125, rel_tol=1e-5)
    assert detections.compare(line_of(boxes, scores, 0.5), CLASSES, boxes, scores, 0.5) < 1e-6
    both = np.flatnonzero((scores[:, 1:] > 0.3).all(axis=1))[0]
    less = scores.copy()
    less[both, 1] = 0  # is not reported
    missed = detections.compare(line_of(boxes, less, 0.3), CLASSES, boxes, scores, 0.3)
    assert math.isclose(missed, scores[both, 1] - 0.3, rel_tol=1e-5), missed
    moved = boxes.copy()
    moved[123, 0] += 4
    for line in (line_of(moved, scores), '{"detections": []}'):
        try:
            detections.compare(line, CLASSES, boxes, scores)
        except detections.Mismatch:
            continue
        raise AssertionError("a moved box was not missed")


def check_boxes():
    """The document's formulas, by hand."""
    anchor = np.array([[0.5, 0.4, 0.2, 0.1]])
    box = detections.boxes_of(np.array([[1.0, -1, 0.5, 0]]), anchor, {})
    half = math.exp(0.1) * 0.1
    assert np.allclose(box, [[0.52 - half, 0.39 - 0.05, 0.52 + half, 0.39 + 0.05]])
    loc = np.full((1, 16), -20.0)  # four bins a side, one of them certain
    loc[0, [1, 4 + 0, 8 + 3, 12 + 2]] = 20
    box = detections.boxes_of(loc, anchor, {"boxes": "distribution", "bins": 4})
    assert np.allclose(box, [[0.5 - 0.04, 0.4, 0.5 + 0.12, 0.4 + 0.04]]), box
    assert detections.loc_columns({"boxes": "distribution"}) == 32 and detections.loc_columns({}) == 4


def check_around():
    if importlib.util.find_spec("cv2") is None:
        raise Skip("no OpenCV here")
    from peers.around import Around

    assert nv12_frame().shape == (FRAME_HEIGHT * 3 // 2, FRAME_WIDTH)
    document = {"input": {"width": FRAME_WIDTH, "height": FRAME_HEIGHT, "channels": "rgb", "mean": [1, 2, 3],
                          "scale": [0.5, 0.25, 2]},
                "output": {**DOCUMENT["output"], "score": "sigmoid"}, "nms": {"threshold": 0.6}}
    around = Around(document, grid_anchors())
    grey = np.full((FRAME_HEIGHT * 3 // 2, FRAME_WIDTH), 128, np.uint8)
    pixel = around.to_input(grey)[0, :, 0, 0]
    value = pixel[0] / 0.5 + 1
    assert np.allclose(pixel, [0.5 * (value - 1), 0.25 * (value - 2), 2 * (value - 3)]) and 120 < value < 140
    heads = {name: np.float32(values[None]) for name, values in noise_heads().items()}
    found = around.to_boxes(heads)
    boxes, scores = detections.from_heads(document, grid_anchors(), noise_heads())
    best = scores[:, 1:].max()
    assert math.isclose(found[0][1], best, rel_tol=1e-5) and all(one[0] > 0 and one[1] > 0.6 for one in found)
    row = int(np.unravel_index(scores[:, 1:].argmax(), scores[:, 1:].shape)[0])
    clipped = np.clip([*found[0][2:4], found[0][2] + found[0][4], found[0][3] + found[0][5]], 0,
                      [FRAME_WIDTH, FRAME_HEIGHT] * 2)
    assert np.allclose(clipped, np.hstack([boxes[row, :2], boxes[row, :2] + boxes[row, 2:]]), atol=0.01)


def check_input():
    """Of PyTorch's and ours."""
    picture = blocks(7, 5)
    x = as_input({"input": {"channels": "bgr", "mean": [1, 2, 3], "scale": [1, 1, 0.5]}}, picture)
    assert x.shape == (1, 3, 5, 7)
    assert x[0, 0, 2, 3] == picture[2, 3, 2] - 1.0 and x[0, 2, 2, 3] == (picture[2, 3, 0] - 3.0) / 2


def run_with_engine(folder, source, *arguments):
    """With an ONNX Runtime of our own making."""
    modules = tempfile.mkdtemp(dir=folder)
    with open(os.path.join(modules, "onnxruntime.py"), "w", encoding="ascii") as file:
        file.write(source)
    return run(sys.executable, BENCH_PEERS, "--bench", CBAM_BENCH, "--networks", SHAPES, "--peers", "onnxruntime",
               *arguments, env={**os.environ, "PYTHONPATH": modules})


def check_rows(rows):
    """The figures are noise on a busy machine, but that all computed the same is not."""
    plain = [row for row in rows if row["what"] == "heads" and not row["default"]]
    assert [row["who"] for row in plain][-1] == "ONNX Runtime 0.5" and plain[0]["who"] == "cbamdetect", rows
    for row in rows:
        assert row["network"] == SHAPES and len(row["rounds_ms"]) == 2
        assert 0 < row["min_ms"] <= row["median_ms"] <= row["max_ms"]
    for row in plain:
        assert row["precision"] == "fp32" and 0 <= row["max_error"] < 1e-3
        assert math.isclose(row["ratio"], row["median_ms"] / plain[0]["median_ms"], rel_tol=1e-6)
    whole = next(row for row in rows if row["what"] == "frame")
    assert whole["who"] == "cbamdetect" and whole["ratio"] == 1


def check_run(folder):
    if not have("torch"):
        raise Skip("needs PyTorch")
    process = run_with_engine(folder, ENGINE.format(more=0), "--json", "--runs", "2", "--seconds", "0.01",
                              "--end-to-end")
    rows = json.loads(expect_ok(process).stdout)
    check_rows(rows)
    if importlib.util.find_spec("cv2") is None:
        assert "not measured from frame to boxes" in process.stderr, process.stderr


def make_row(who, rounds, **others):
    return bench_peers.Row(**{"network": "ssd-vgg16", "what": "heads", "who": who, "precision": "fp32",
                              "default": False, "device": "", "max_error": 1e-6, "rounds_ms": rounds, **others})


def check_table():
    """With whom a row is compared, and what is said of the aim."""
    rows = [make_row("cbamdetect", [10.0, 12, 11], device="host"),
            make_row("cbamdetect", [5.0, 6, 7], device="host", precision="bf16", default=True, max_error=math.nan),
            make_row("cbamdetect", [99.0, 98, 97], device="llvmpipe"),
            make_row("ONNX Runtime 1", [20.0, 22, 23]),
            make_row("OpenVINO 1", [9.0, 10, 10]),
            make_row("OpenVINO 1", [12.0, 12, 12], precision="bf16", default=True),
            make_row("ncnn 1", [1.0, 1, 1], starved=2)]
    ratios = [row.as_dict(bench_peers.ours_for(row, rows))["ratio"] for row in rows]
    assert np.allclose(ratios, [1, 1, 98 / 11, 2, 10 / 11, 2, 1 / 11]), ratios
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        bench_peers.print_table(rows, "heads")
        bench_peers.print_table(rows, "frame")
    lines = text.getvalue().splitlines()
    assert len(lines) == 2 + len(rows) + 2 and "1.10 times what the faster of ONNX Runtime and OpenVINO" in lines[-2]
    assert lines[-2].endswith("aim: 1.05, NOT reached") and "bf16 (default)" in lines[3], lines
    assert "10.00 12.00 11.00" in lines[2] and "(2 starved)" in lines[-3]
    rows[3].rounds_ms = rows[4].rounds_ms = [11.0]
    assert bench_peers.verdict(rows, "heads").endswith("aim: 1.05, reached")


def check_liar(folder):
    """An engine that computes something else is nothing to be compared with."""
    if not have("torch"):
        raise Skip("needs PyTorch")
    process = run_with_engine(folder, ENGINE.format(more=0.1), "--runs", "1", "--seconds", "0.01")
    assert process.returncode == 77 and "outputs differ" in process.stderr, process


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with tap.point("comparing finds a wrong score and a wrong box"):
            check_compare()
        with tap.point("boxes from offsets and from distributions"):
            check_boxes()
        with tap.point("what the network sees"):
            check_input()
        with tap.point("what users write around other engines"):
            check_around()
        with tap.point("the table"):
            check_table()
        with tap.point("no peer"):
            if not have("torch"):
                raise Skip("needs PyTorch")
            process = run_with_engine(folder, "raise ImportError('gone')")
            assert process.returncode == 77 and "gone" in process.stderr and "no peer" in process.stderr, process
        with tap.point("no cbam-bench"):
            check_one_error(run(sys.executable, BENCH_PEERS, "--bench", "nowhere/cbam-bench"), "nowhere")
        for label, *arguments in (("no rounds", "--runs", "0"), ("no time", "--seconds", "0"),
                                  ("unknown peer", "--peers", "ncnn-cpu,tflite")):
            with tap.point(label):
                assert run(sys.executable, BENCH_PEERS, *arguments).returncode == 2
        with tap.point("rounds beside an engine"):
            check_run(folder)
        with tap.point("an engine that computes something else"):
            check_liar(folder)
    tap.done()


if __name__ == "__main__":
    main()
