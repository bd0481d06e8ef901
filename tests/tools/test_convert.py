#!/usr/bin/env python3
"""tools/convert: the file it writes, checked against its source number by number, and what it says of bad sources.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from common import CONVERT, HERE, expect_ok, read_safetensors, run, test_data
from tap import Skip, Tap


def convert(source, out, *options):
    """What the written file holds, as read_safetensors() gives it."""
    expect_ok(run(CONVERT, source, out, *options))
    return read_safetensors(out)


def tensor(tensors, name):
    shape, data = tensors[name]
    return np.frombuffer(data, "<f4").reshape(shape)


def check_tensors(model, source):
    """Every tensor against the published array, element by element where the order of the axes changes."""
    _, tensors, begin = read_safetensors(model)
    assert begin % 64 == 0, f"the data begins at {begin}"
    assert sum(len(data) for _, data in tensors.values()) == os.path.getsize(model) - begin
    arrays = np.load(os.path.join(source, "weights_float32.npz"))
    v1 = "MobilenetV1/MobilenetV1/Conv2d_"

    first, published = tensor(tensors, "base_net.0.0.weight"), arrays[v1 + "0/w"]
    assert first.shape == (24, 3, 3, 3)
    for o, i, y, x in ((0, 0, 0, 0), (5, 2, 0, 1), (23, 1, 2, 0)):
        assert first[o, i, y, x] == published[o, y, x, i]
    depthwise, published = tensor(tensors, "base_net.7.0.weight"), arrays[v1 + "7_depthwise/w"]
    assert depthwise.shape == (384, 1, 3, 3)
    assert depthwise[200, 0, 2, 1] == published[0, 2, 1, 200]
    pointwise, published = tensor(tensors, "base_net.12.3.weight"), arrays[v1 + "12_pointwise/w"]
    assert pointwise.shape == (768, 384, 1, 1) and (pointwise[:, :, 0, 0] == published[:, 0, 0, :]).all()
    extra = tensor(tensors, "extras.3.2.weight")
    published = arrays["MobilenetV1/Conv2d_13_pointwise_2_Conv2d_5_3x3_s2_96/w"]
    assert extra.shape == (96, 48, 3, 3) and extra[7, 11, 2, 0] == published[7, 2, 0, 11]
    assert (tensor(tensors, "conf.5.bias") == arrays["BoxPredictor_5/ClassPredictor/b"]).all()


def check_order_of_boxes(model, source):
    """TensorFlow's ty, tx, th, tw become tx, ty, tw, th, and its anchors y, x, h, w become cx, cy, w, h."""
    _, tensors, _ = read_safetensors(model)
    arrays = np.load(os.path.join(source, "weights_float32.npz"))
    for level in range(6):
        for suffix, key in (("w", "weight"), ("b", "bias")):
            published = arrays[f"BoxPredictor_{level}/BoxEncodingPredictor/{suffix}"]
            published = published.reshape(published.shape[0], -1)
            ours = tensor(tensors, f"loc.{level}.{key}").reshape(published.shape)
            for anchor in range(0, len(published), 4):
                for to, row in enumerate((1, 0, 3, 2)):
                    assert (ours[anchor + to] == published[anchor + row]).all()
    anchors, published = tensor(tensors, "anchors"), arrays["anchors_yxhw"]
    assert anchors.shape == (1917, 4)
    for to, column in enumerate((1, 0, 3, 2)):
        assert (anchors[:, to] == published[:, column]).all()


def check_document(model, source):
    document, _, _ = read_safetensors(model)
    with open(os.path.join(source, "labelmap.txt"), encoding="utf-8") as file:
        labels = file.read().splitlines()
    assert document["version"] == 1 and document["name"] == "coco-ssd-mobilenet-v1"
    assert document["output"]["classes"] == ["background"] + labels
    assert len(document["output"]["classes"]) == 91
    assert document["output"]["score"] == "sigmoid"
    assert document["network"]["width"] == 0.75 and document["network"]["padding"] == "same"
    assert document["anchors"] == {"tensor": "anchors"}
    mean, scale = document["input"]["mean"], document["input"]["scale"]
    assert document["input"]["channels"] == "rgb" and mean == [128] * 3 and scale == [1 / 128] * 3


def check_refusal(folder, source, *words, options=()):
    """One line that names what is wrong; no file, not even a part of one."""
    before = set(os.listdir(folder))
    process = run(CONVERT, source, os.path.join(folder, "refused.safetensors"), *options)
    assert process.returncode == 1, process.returncode
    assert len(process.stderr.splitlines()) == 1, process.stderr
    for word in words:
        assert word in process.stderr, process.stderr
    assert set(os.listdir(folder)) == before


def sabotage(source, change):
    """The source with its arrays changed by a function."""
    path = os.path.join(source, "weights_float32.npz")
    arrays = dict(np.load(path))
    change(arrays)
    np.savez(path, **arrays)
    return source


def drop_bias(arrays):
    del arrays["BoxPredictor_2/ClassPredictor/b"]


def break_number(arrays):
    arrays["BoxPredictor_2/ClassPredictor/b"][3] = np.nan


def cut_weight(arrays):
    arrays["BoxPredictor_2/ClassPredictor/w"] = arrays["BoxPredictor_2/ClassPredictor/w"][:-1]


def fake(folder, name):
    source = os.path.join(folder, name)
    expect_ok(run(sys.executable, os.path.join(HERE, "fake_source.py"), source))
    return source


def test_good(tap, folder, name, find):
    model = os.path.join(folder, f"{name}.safetensors")
    for label, check in (("tensors", check_tensors), ("order of boxes", check_order_of_boxes),
                         ("document", check_document)):
        with tap.point(f"{name}: {label}"):
            source = find()
            if source is None:
                raise Skip("CBAM_TEST_DATA has no coco-ssd-mobilenet")
            if not os.path.exists(model):
                expect_ok(run(CONVERT, source, model))
            check(model, source)


def published():
    source = os.path.join(test_data() or "", "coco-ssd-mobilenet")
    return source if os.path.isdir(source) else None


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        noise = fake(folder, "noise")
        test_good(tap, folder, "noise", lambda: noise)
        test_good(tap, folder, "published", published)

        with tap.point("the same source gives the same bytes"):
            models = [os.path.join(folder, f"{number}.safetensors") for number in (1, 2)]
            for model in models:
                expect_ok(run(CONVERT, noise, model))
            first, second = (open(model, "rb").read() for model in models)
            assert first == second
        with tap.point("unknown source"):
            check_refusal(folder, folder, "no source that I know", "coco-ssd-mobilenet")
        with tap.point("missing source"):
            check_refusal(folder, os.path.join(folder, "nowhere"), "nowhere")
        with tap.point("missing array"):
            check_refusal(folder, sabotage(fake(folder, "a"), drop_bias), "BoxPredictor_2/ClassPredictor/b")
        with tap.point("not a number"):
            check_refusal(folder, sabotage(fake(folder, "b"), break_number), "conf.2.bias")
        with tap.point("wrong shape"):
            check_refusal(folder, sabotage(fake(folder, "c"), cut_weight), "BoxPredictor_2/ClassPredictor", "545")
        with tap.point("a folder that cannot be written to"):
            process = run(CONVERT, noise, os.path.join(folder, "nowhere", "m.safetensors"))
            assert process.returncode == 1 and "nowhere" in process.stderr
    tap.done()


if __name__ == "__main__":
    main()
