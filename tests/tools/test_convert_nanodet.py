#!/usr/bin/env python3
"""tools/convert on ShuffleNetV2: NanoDet-Plus from ncnn's files, found by what its layers do; and trunks of
torchvision's and NanoDet's checkpoints.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from common import CONVERT, expect_ok, run
from nanodet_files import BINS, CLASSES, NECK, STAGES, Nanodet
from ncnn_files import Ncnn, plain, tagged
from tap import Tap
from test_convert import check_refusal, convert, tensor
from test_convert_resnet import check_classifier

STEP_UP = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 8


# ---- NanoDet-Plus ---------------------------------------------------------------------------------------------------


def check_tensors(net, tensors):
    """What was taken is equal, and what a StairNet has besides is as it is to begin."""
    made = {"topdown.proj_layers.0.conv": np.eye(NECK)[:, :, None, None],
            **{f"topdown.topdown_layers.{j}.upsample": np.broadcast_to(STEP_UP, (NECK, 1, 3, 3)) for j in range(3)}}
    expected = {**net.expected, **{f"{name}.weight": array for name, array in made.items()},
                **{f"{name}.bias": np.zeros(NECK) for name in made}}
    assert tensors.keys() == expected.keys(), set(tensors) ^ set(expected)
    for name, array in expected.items():
        found = tensor(tensors, name)
        assert found.shape == array.shape, (name, found.shape)
        assert (found == array.astype(np.float32)).all(), name


def check_document(document):
    network, output, anchors = (document[key] for key in ("network", "output", "anchors"))
    assert network == {"detector": "stairnet", "backbone": "shufflenet_v2", "width": 0.5, "activation": "leaky_relu",
                       "slope": 0.1, "post_activation": "leaky_relu", "levels": 4,
                       "attention": {"kind": "none"}}, network
    assert output == {"classes": ["class_1", "class_2", "class_3"], "score": "sigmoid", "boxes": "distribution",
                      "bins": BINS, "variances": [0.1, 0.1, 0.2, 0.2]}, output
    assert anchors == {"maps": [[44, 44], [22, 22], [11, 11], [6, 6]], "steps": [8, 16, 32, 64], "offset": 0,
                       "min_sizes": [40, 80, 160, 320], "aspect_ratios": [[]] * 4}, anchors
    assert (document["input"]["channels"], document["input"]["width"]) == ("bgr", 352)


def test_nanodet(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    for label, options in (("activations of convolutions", {}), ("activations of their own", {"fused": False}),
                           ("other names", {"prefix": "blob/"}), ("half precision", {"kind": "f16"})):
        with tap.point(f"NanoDet-Plus, {label}"):
            net = Nanodet(**options)
            document, tensors, _ = convert(net.write(folder, "n"), out)
            check_tensors(net, tensors)
            check_document(document)
    path = Nanodet().write(folder, "n")
    with tap.point("--size: its maps are as large as strides of 2 make them"):
        anchors = convert(path, out, "--size", "416")[0]["anchors"]
        assert anchors["maps"] == [[52, 52], [26, 26], [13, 13], [7, 7]], anchors
        assert anchors["min_sizes"] == [40, 80, 160, 320]
        assert convert(path, out, "--size", "353")[0]["anchors"]["maps"][0] == [45, 45]
    with tap.point("--bin: weights elsewhere"):
        shutil.move(os.path.join(folder, "n.bin"), os.path.join(folder, "other"))
        check_tensors(Nanodet(), convert(path, out, "--bin", os.path.join(folder, "other"))[1])
        check_refusal(folder, path, "n.bin")
    with tap.point("--labels: of classes without a background"):
        path, labels = Nanodet().write(folder, "n"), os.path.join(folder, "labels.txt")
        with open(labels, "w", encoding="utf-8") as file:
            file.write("nut\nbolt\nwasher\n")
        assert convert(path, out, "--labels", labels)[0]["output"]["classes"] == ["nut", "bolt", "washer"]
        with open(labels, "a", encoding="utf-8") as file:
            file.write("ring\n")
        check_refusal(folder, path, "expected 3 names, found 4", options=("--labels", labels))


# (what it is, what is changed wherever it stands, what stands there instead, words of the error)
CHANGED = (
    ("a trunk of another kind", "Pooling", "HardSwish", ("no NanoDet-Plus", "max pooling", "HardSwish")),
    ("a unit without its shuffle", "ShuffleChannel", "Noop", ("shuffle of two groups", "Noop")),
    ("a shuffle of three groups", "0=2\n", "0=3\n", ("shuffle of two groups", "found 0 such among ShuffleChannel")),
    ("halves of unequal size", "-233,-233", "20,28", ("a cut into halves", "Slice")),
    ("another slope in the end", r"(?s)(.*)1\.0+e-01", r"\g<1>2e-01", ("extra_layers.3.1.pw", "ReLU of 0.1", "0.2")),
    ("an activation after a depthwise convolution", "7=24", "7=24 9=1", ("no activation", "found ReLU", "branch1.0")),
    ("another activation", "9=2", "9=3", ("0 to 2 as param 9", "found 3")),
    ("a list for a number", "3=2", "-23303=1,2", ("expected a number as its param 3, found [2]",)),
    ("scores without a sigmoid", "Sigmoid", "Softmax", ("strides 8, 16, 32, 64", "at none")),
    ("rows that are no four sides", "-23300=2,3,-233", "-23300=2,4,-233", ("4 sides", "4 of 19 rows")),
    ("a blob that nobody makes", "0 1 lin", "0 1 other", ("'l_Convolution_1'", "makes its blob 'lin'")),
    ("a layer of two blobs", r"(Convolution +\S+ +)1 1 (\S+ )", r"\g<1>1 2 \g<2> more ", ("one blob of one", "2 of 1")),
)


def change(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed = re.sub(old, new, text)
    assert changed != text, old
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)


def test_refusals(tap, folder):
    for label, old, new, words in CHANGED:
        with tap.point(f"refused: {label}"):
            path = Nanodet().write(folder, "n")
            change(path, old, new)
            check_refusal(folder, path, *words)
    path = Nanodet().write(folder, "n")
    with tap.point("refused: the .bin in place of the .param"):
        check_refusal(folder, os.path.join(folder, "n.bin"), "n.bin", "expected the .param beside it")
    with tap.point("refused: a .bin that is cut short"):
        with open(os.path.join(folder, "n.bin"), "r+b") as file:
            file.truncate(99999)
        check_refusal(folder, path, "n.bin", "cut short")
    for size in ("63", "9000"):
        with tap.point(f"refused: --size {size}"):
            check_refusal(folder, Nanodet().write(folder, "n"), "--size", "64 to 8192", size, options=("--size", size))
    with tap.point("refused: another network"):
        net = Ncnn()
        net.add("InnerProduct", "all", [net.input("data")], ["out"], "0=2 2=6", tagged(np.ones(6)))
        check_refusal(folder, net.write(folder, "other"), "no NanoDet-Plus", "3x3 convolution of stride 2",
                      "InnerProduct")


# ---- Trunks ---------------------------------------------------------------------------------------------------------


def trunk(widths=(48, 96, 192), seed=5):
    """A state dict as torchvision and NanoDet name it, of noise."""
    noise, arrays = np.random.default_rng(seed), {}

    def conv(name, norm, *shape):
        arrays[f"{name}.weight"] = noise.normal(size=shape).astype(np.float32)
        for part in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{norm}.{part}"] = noise.uniform(0.5, 1.5, shape[0]).astype(np.float32)
        arrays[f"{norm}.num_batches_tracked"] = np.array(7)

    conv("conv1.0", "conv1.1", 24, 3, 3, 3)
    inputs = 24
    for (stage, units, _), outputs in zip(STAGES, widths):
        half = outputs // 2
        for unit in range(units):
            name = f"stage{stage}.{unit}"
            if unit == 0:
                conv(f"{name}.branch1.0", f"{name}.branch1.1", inputs, 1, 3, 3)
                conv(f"{name}.branch1.2", f"{name}.branch1.3", half, inputs, 1, 1)
            conv(f"{name}.branch2.0", f"{name}.branch2.1", half, half if unit else inputs, 1, 1)
            conv(f"{name}.branch2.3", f"{name}.branch2.4", half, 1, 3, 3)
            conv(f"{name}.branch2.5", f"{name}.branch2.6", half, half, 1, 1)
        inputs = outputs
    return arrays


def classifier(channels=192, last=1024):
    return {"conv5.0.weight": np.ones((last, channels, 1, 1), np.float32),
            **{f"conv5.1.{part}": np.ones(last, np.float32) for part in ("weight", "bias", "running_mean", "running_var")},
            "fc.weight": np.ones((10, last), np.float32), "fc.bias": np.ones(10, np.float32)}


def prefixed(prefix, arrays):
    return {prefix + name: array for name, array in arrays.items()}


OTHERS = {"fpn.reduce_layers.0.conv.weight": np.ones((4, 4, 1, 1), np.float32),
          "head.gfl_cls.0.weight": np.ones((4, 4, 1, 1), np.float32)}
TORCHVISION = {**trunk(), **classifier()}
NANODET = {**prefixed("backbone.", trunk()), **OTHERS}
AVERAGED = {**prefixed("backbone.", trunk(seed=6)), **OTHERS}
LIGHTNING = {**prefixed("model.", NANODET), **prefixed("avg_model.", AVERAGED)}


def save(folder, arrays):
    path = os.path.join(folder, "trunk.npz")
    np.savez(path, **arrays)
    return path


def test_trunks(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    for label, arrays, net, activation, channels in (
            ("torchvision's, a classifier", TORCHVISION, TORCHVISION, "relu", "rgb"),
            ("NanoDet's", NANODET, trunk(), "leaky_relu", "bgr"),
            ("NanoDet's, the averaged one of two", LIGHTNING, trunk(seed=6), "leaky_relu", "bgr")):
        with tap.point(f"a trunk: {label}"):
            document, tensors, _ = convert(save(folder, arrays), out)
            expected = {name: array for name, array in net.items() if "num_batches" not in name}
            assert tensors.keys() == expected.keys(), set(tensors) ^ set(expected)
            assert all((tensor(tensors, name) == array).all() for name, array in expected.items())
            network = document["network"]
            assert (network["backbone"], network["width"], network["activation"], document["input"]["channels"]) == \
                ("shufflenet_v2", 0.5, activation, channels), document
            assert network.get("slope") == (0.1 if activation == "leaky_relu" else None)
            assert document.get("task") == ("classify" if net is TORCHVISION else None), document
    for width, depths in ((1, (116, 232, 464)), (1.5, (176, 352, 704)), (2, (244, 488, 976))):
        with tap.point(f"a classifier of width {width}"):
            last = 2048 if width == 2 else 1024
            document, _, _ = convert(save(folder, {**trunk(depths), **classifier(depths[2], last)}), out)
            check_classifier(document)
            assert document["network"]["width"] == width and document["name"] == f"shufflenet-v2-x{width:.1f}"
    with tap.point("a trunk: what was left out is said"):
        process = expect_ok(run(CONVERT, save(folder, NANODET), out))
        assert "left out what is not under 'backbone': fpn.reduce_layers.0" in process.stdout, process.stdout
    missing = dict(TORCHVISION)
    del missing["stage3.7.branch2.5.weight"]
    for label, arrays, words in (
            ("a unit that is not there", missing, ("stage3.7.branch2.5.weight",)),
            ("a unit too many", {**TORCHVISION, "stage2.4.branch2.0.weight": np.ones(3, np.float32)},
             ("stage2.4.branch2.0.weight", "no part")),
            ("another width", {**trunk((64, 96, 192)), **classifier()}, ("ShuffleNetV2's stages", "(64, 96, 192)"))):
        with tap.point(f"refused: {label}"):
            check_refusal(folder, save(folder, arrays), *words)
    with tap.point("refused: --labels for a trunk"):
        check_refusal(folder, save(folder, trunk()), "--labels", "trunk", options=("--labels", os.devnull))
    for option in ("--size", "--levels"):
        with tap.point(f"refused: {option} for a trunk"):
            check_refusal(folder, save(folder, TORCHVISION), option, options=(option, "5"))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_nanodet(tap, folder)
        test_refusals(tap, folder)
        test_trunks(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
