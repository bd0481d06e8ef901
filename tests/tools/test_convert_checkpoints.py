#!/usr/bin/env python3
"""tools/convert on checkpoints: the kinds of files, the options, what it makes of names and shapes, what it refuses, and
the lines that models/README.md tells people to write.

    test_convert_checkpoints.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from common import CONVERT, HERE, expect_ok, read_safetensors, run
from tap import Skip, Tap
from test_convert import check_refusal, convert
from test_convert_dialects import check_anchors, check_parameters  # or it skips us too, without PyTorch

import torch
from dialect_models import (BUILDERS, COCO_SIZES_512, MAPS_512, SIZES_512, Lufficc, Qfgaohao, Rfbnet, Rules, spread)

README = os.path.join(HERE, "..", "..", "models", "README.md")


# ---- Files and options ----------------------------------------------------------------------------------------------


def small_model(classes=21):
    """Of qfgaohao's dialect, as the quickest."""
    torch.manual_seed(classes)
    return Qfgaohao(Rules(boxes=(6,) * 6), classes)


def as_arrays(model):
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def save_npz(folder, arrays, name="m.npz"):
    path = os.path.join(folder, name)
    np.savez(path, **arrays)
    return path


def save_safetensors(folder, arrays, name="source.safetensors"):
    """As the safetensors package does it, without a document of ours."""
    path, header, offset = os.path.join(folder, name), {"__metadata__": {"format": "pt"}}, 0
    dtypes = {"float32": "F32", "float16": "F16", "int64": "I64"}
    for key, array in arrays.items():
        header[key] = {"dtype": dtypes[array.dtype.name], "shape": list(array.shape),
                       "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for array in arrays.values()))
    return path


def without_provenance(document):
    return {key: value for key, value in document.items() if key != "provenance"}


class Oldest:
    """Pickled as PyTorch did it until 0.3, from when the best known SSD weights are."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        tensor = self.tensor
        return torch._utils._rebuild_tensor, (tensor.storage(), 0, tuple(tensor.shape), tensor.stride())


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_files(tap, folder):
    model, out = small_model(), os.path.join(folder, "m.safetensors")
    arrays, state = as_arrays(model), model.state_dict()
    path = os.path.join(folder, "m.pth")
    torch.save(state, path)
    first, tensors, _ = convert(path, out)

    with tap.point("what is counted or optimised is left out, all else is there"):
        assert len(tensors) == len([name for name in arrays if not name.endswith("num_batches_tracked")])
        assert tensors["loc.3.bias"][1] == arrays["regression_headers.3.bias"].tobytes()
        assert tensors["base_net.7.4.running_var"][1] == arrays["base_net.7.4.running_var"].tobytes()
    for label, save in (("npz", save_npz), ("safetensors", save_safetensors)):
        with tap.point(f"the same from {label}"):
            document, others, _ = convert(save(folder, arrays), out)
            assert without_provenance(document) == without_provenance(first) and others == tensors
    for label, saved in (("newer", state), ("oldest", {name: Oldest(tensor) for name, tensor in state.items()})):
        with tap.point(f"the same from PyTorch's older file with its {label} tensors"):
            torch.save({"state_dict": saved}, path, _use_new_zipfile_serialization=False)
            document, others, _ = convert(path, out)
            assert document == first and others == tensors
    with tap.point("the same from views of larger storages"):
        views = {name: torch.stack([tensor, tensor], -1)[..., 1] for name, tensor in state.items()}
        torch.save(views, path)
        document, others, _ = convert(path, out)
        assert document == first and others == tensors
    with tap.point("half precision stays half"):
        halves = {name: array.astype(np.float16) for name, array in arrays.items()}
        _, others, _ = convert(save_npz(folder, halves), out)
        assert others["base_net.0.0.weight"][1] == halves["base_net.0.0.weight"].tobytes()
        check_parameters(out, sum(p.numel() for p in model.parameters()))
    with tap.point("bfloat16 becomes single precision"):
        torch.save({name: tensor.bfloat16() for name, tensor in state.items()}, path)
        _, others, _ = convert(path, out)
        assert others["loc.3.bias"][1] == state["regression_headers.3.bias"].bfloat16().float().numpy().tobytes()
    with tap.point("a pickle runs nothing"):
        trap = os.path.join(folder, "trap")
        torch.save({"state_dict": state, "trap": Trap(trap)}, path)
        _, others, _ = convert(path, out)
        assert others == tensors and not os.path.exists(trap)
    with tap.point("a document beside the weights is laid over"):
        torch.save({"model": state, "cbamdetect": {"name": "mine", "nms": {"iou": 0.3}}}, path)
        document, _, _ = convert(path, out)
        assert document["name"] == "mine" and document["nms"] == {"profile": "qfgaohao", "iou": 0.3}
        assert document["anchors"] == first["anchors"]


def test_classes(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    for count, names in ((21, {1: "aeroplane", 15: "person", 20: "tvmonitor"}),
                         (81, {1: "person", 12: "stop sign", 80: "toothbrush"}),
                         (91, {1: "person", 12: "???", 13: "stop sign", 90: "toothbrush"}),
                         (4, {1: "class_1", 3: "class_3"})):
        with tap.point(f"names of {count} classes"):
            document, _, _ = convert(save_npz(folder, as_arrays(small_model(count))), out)
            classes = document["output"]["classes"]
            assert len(classes) == count and classes[0] == "background"
            assert {k: classes[k] for k in names} == names
            assert classes.count("???") == (10 if count == 91 else 0)

    source, labels = save_npz(folder, as_arrays(small_model(4))), os.path.join(folder, "labels.txt")
    for label, text in (("without", "cat\ndog\nold dog\n"), ("with", "__BACKGROUND__\ncat\ndog\nold dog\n")):
        with tap.point(f"--labels {label} background"):
            write_text(labels, text)
            document, _, _ = convert(source, out, "--labels", labels)
            assert document["output"]["classes"] == ["background", "cat", "dog", "old dog"]
    for label, text, word in (("too few", "cat\ndog\n", "3 names"), ("empty line", "cat\n\ndog\n", "line 2")):
        with tap.point(f"--labels: {label}"):
            write_text(labels, text)
            check_refusal(folder, source, "labels.txt", word, options=("--labels", labels))
    with tap.point("--channels turns the mean round"):
        source = save_npz(folder, as_arrays(BUILDERS["rfbnet-mobilenet"]()))
        given, _, _ = convert(source, out)
        turned, _, _ = convert(source, out, "--channels", "rgb")
        assert (given["input"]["channels"], given["input"]["mean"]) == ("bgr", [103.94, 116.78, 123.68])
        assert (turned["input"]["channels"], turned["input"]["mean"]) == ("rgb", [123.68, 116.78, 103.94])


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# ---- Maps ---------------------------------------------------------------------------------------------------------


def test_512(tap, folder):
    """The larger input's documents; its network is the same in all dialects."""
    for label, network, numbers, classes in (
            ("rfbnet, VOC", Rfbnet, {"sizes": SIZES_512, "boxes": (6, 6, 6, 6, 6, 4, 4), "channels": "bgr"}, 21),
            ("lufficc, VOC", Lufficc, {"sizes": SIZES_512[:-1] + (537.65,), "boxes": (4, 6, 6, 6, 6, 4, 4)}, 21),
            ("lufficc, COCO", Lufficc, {"sizes": COCO_SIZES_512, "boxes": (4, 6, 6, 6, 6, 4, 4)}, 81)):
        with tap.point(f"SSD512: {label}"):
            model = network(Rules(**MAPS_512, **numbers), classes)
            source = os.path.join(folder, "m.pth")
            torch.save(model.state_dict(), source)
            document, _, _ = convert(source, os.path.join(folder, "m.safetensors"))
            check_anchors(document, model.rules)
            assert document["network"]["levels"] == 7 and document["input"]["width"] == 512
            assert document["input"]["channels"] == model.rules.channels


def test_levels(tap, folder):
    source, out = os.path.join(folder, "m.pth"), os.path.join(folder, "m.safetensors")
    model = BUILDERS["stairnet"]()
    spread(model, seed=1)
    state = model.state_dict()
    torch.save(state, source)
    with tap.point("stairnet --levels 5"):
        document, tensors, _ = convert(source, out, "--levels", "5")
        assert document["network"]["levels"] == 5 and len(document["network"]["sources"]) == 6
        assert len(document["anchors"]["maps"]) == 5
        assert "topdown.extra_layers.4.conv.weight" in tensors and "topdown.proj_layers.5.conv.weight" in tensors
        assert not [name for name in tensors if name.startswith(("topdown.extra_layers.5", "loc.5", "conf.5"))]
    torch.save({name: tensor for name, tensor in state.items() if ".extra_layers.5." not in name}, source)
    with tap.point("stairnet without a sixth convolution"):
        document, _, _ = convert(source, out)
        assert document["network"]["levels"] == 5
    with tap.point("refused: --levels 6 without a sixth convolution"):
        check_refusal(folder, source, "topdown.extra_layers.5.conv.weight", options=("--levels", "6"))


# ---- Attention ------------------------------------------------------------------------------------------------------

# Shapes below "att.{level}." of a map C deep, h = C / 16, q = C / 8.
ATTENTION = {
    "se": {"fc.0.weight": "hC", "fc.2.weight": "Ch"},
    "eca": {"conv.weight": "115"},
    "self": {"query_conv.weight": "qC11", "query_conv.bias": "q", "key_conv.weight": "qC11", "key_conv.bias": "q",
             "value_conv.weight": "CC11", "value_conv.bias": "C", "gamma": "1"},
    "cbam": {"ChannelGate.mlp.1.weight": "hC11", "ChannelGate.mlp.3.weight": "Ch11",
             "SpatialGate.spatial.conv.weight": "1277"},
    "cbam, channels only": {"ChannelGate.mlp.1.weight": "hC", "ChannelGate.mlp.3.weight": "Ch"},
    "cbam, space only": {"SpatialGate.spatial.conv.weight": "1277"},
    "cbam, 1x1 pool": {"ChannelGate.mlp.1.weight": "hC", "ChannelGate.mlp.3.weight": "Ch",
                       "SpatialGate.reduce.weight": "1C11", "SpatialGate.spatial.conv.weight": "1133"},
    "bam, channels only": {"channel_att.gate_c.gate_c_fc_0.weight": "hC",
                           "channel_att.gate_c.gate_c_fc_final.weight": "Ch"},
}
DESCRIBED = {
    "se": {"kind": "se"}, "eca": {"kind": "eca"}, "self": {"kind": "self"}, "cbam": {"kind": "cbam"},
    "cbam, channels only": {"kind": "cbam", "spatial": False},
    "cbam, space only": {"kind": "cbam", "channel": False},
    "bam, channels only": {"kind": "bam", "spatial": False},
    "cbam, 1x1 pool": {"kind": "cbam", "spatial_input": "conv"},
}
DEPTHS = (128, 256, 128, 64, 64, 64)  # of small_model's maps


def attention_arrays(kind, levels=6):
    arrays = {}
    for level in range(levels):
        depth = DEPTHS[level]
        for name, axes in ATTENTION[kind].items():
            shape = [{"C": depth, "h": depth // 16, "q": depth // 8}.get(axis) or int(axis) for axis in axes]
            arrays[f"att.{level}.{name}"] = np.full(shape, 0.5, np.float32)
    return arrays


def test_attention(tap, folder):
    arrays, out = as_arrays(small_model()), os.path.join(folder, "m.safetensors")
    for kind in ATTENTION:
        with tap.point(f"attention: {kind}"):
            document, tensors, _ = convert(save_npz(folder, {**arrays, **attention_arrays(kind)}), out)
            assert document["network"]["attention"] == DESCRIBED[kind], document["network"]["attention"]
            assert len([name for name in tensors if name.startswith("att.")]) == 6 * len(ATTENTION[kind])
            if kind == "cbam":  # a 1x1 convolution is the fully connected layer that our format has
                assert tensors["att.2.ChannelGate.mlp.1.weight"][0] == [8, 128]
    for label, broken, word in (
            ("a level without", attention_arrays("se", 5), "att.5."),
            ("two kinds", {**attention_arrays("se"), **attention_arrays("eca", 1)}, "att.0."),
            ("of another depth", {**attention_arrays("se"), "att.3.fc.0.weight": np.zeros((4, 32), np.float32)}, "32")):
        with tap.point(f"attention: {label}"):
            if label == "two kinds":
                del broken["att.0.fc.0.weight"], broken["att.0.fc.2.weight"]
            check_refusal(folder, save_npz(folder, {**arrays, **broken}), word)


# ---- Wrong sources --------------------------------------------------------------------------------------------------


def changed(arrays, name, value=None):
    """A copy with another array under that name, or without it."""
    others = {key: array for key, array in arrays.items() if key != name}
    return others if value is None else {**others, name: value}


def test_refusals(tap, folder):
    arrays = as_arrays(small_model())
    boxes, scores = "regression_headers.0.weight", "classification_headers.2.weight"
    nan = arrays["extras.1.2.bias"].copy()
    nan[3] = np.nan
    for label, broken, words in (
            ("missing tensor", changed(arrays, "regression_headers.2.bias"), ("regression_headers.2.bias",)),
            ("wrong shape", changed(arrays, "base_net.3.0.weight", np.zeros((32, 1, 5, 5), np.float32)),
             ("base_net.3.0.weight", "[32, 1, 3, 3]", "[32, 1, 5, 5]")),
            ("wrong number of axes", changed(arrays, "base_net.0.0.weight", np.zeros(8, np.float32)),
             ("base_net.0.0.weight", "4 axes")),
            ("rows that are not boxes", changed(arrays, boxes, arrays[boxes][:-1]), (boxes, "23 rows")),
            ("heads that disagree", changed(arrays, scores, arrays[scores][:-6]), (scores, "126")),
            ("a tensor too many", {**arrays, "mystery.weight": nan}, ("mystery.weight", "no part")),
            ("not a number", changed(arrays, "extras.1.2.bias", nan), ("extras.1.2.bias",)),
            ("unknown dialect", {"a": nan}, ("no source that I know", "lufficc")),
            ("RFB-Net", {"base.0.0.weight": nan, "Norm.branch0.0.conv.weight": nan}, ("RFB-Net", "Norm.branch0")),
    ):
        with tap.point(f"refused: {label}"):
            check_refusal(folder, save_npz(folder, broken), *words)

    with tap.point("refused: --levels for SSD"):
        check_refusal(folder, save_npz(folder, arrays), "StairNet", options=("--levels", "5"))
    with tap.point("refused: a model file"):
        out = os.path.join(folder, "m.safetensors")
        convert(save_npz(folder, arrays), out)
        check_refusal(folder, out, "a model file already")
    for name, content in (("m.pth", b"no pickle"), ("m.npz", b"PK\3\4"), ("bad.safetensors", b"\xff" * 9),
                          ("m.ckpt", b"")):
        with tap.point(f"refused: {name} damaged"):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            check_refusal(folder, path, name)
    path = os.path.join(folder, "m.pt")
    for newer in (True, False):
        with tap.point(f"refused: a net instead of its tensors, in PyTorch's {'newer' if newer else 'older'} file"):
            torch.save(small_model(), path, _use_new_zipfile_serialization=newer)
            check_refusal(folder, path, "state_dict")
    with tap.point("refused: a document that lacks a part"):
        torch.save({"state_dict": small_model().state_dict(), "cbamdetect": {"version": 1}}, path)
        check_refusal(folder, path, "network")


# ---- models/README.md -----------------------------------------------------------------------------------------------


def readme_blocks():
    """The indented blocks of the section on exporting."""
    with open(README, encoding="utf-8") as file:
        section = file.read().split("\n## 5.")[1].split("\n## ")[0]
    blocks = [[]]
    for line in section.splitlines():
        if line.startswith("    ") or (not line and blocks[-1]):
            blocks[-1].append(line[4:])
        elif blocks[-1]:
            blocks.append([])
    return ["\n".join(block).strip() for block in blocks if block]


def renamed_model():
    """A net whose modules have our names."""
    net = small_model()
    net.loc, net.conf = net.regression_headers, net.classification_headers
    del net.regression_headers, net.classification_headers
    return net


def test_readme(tap, folder):
    net, out = renamed_model(), os.path.join(folder, "m.safetensors")
    document, tensors, _ = convert(save_npz(folder, as_arrays(small_model())), out)
    save, command, direct = readme_blocks()

    os.chdir(folder)
    with tap.point("models/README.md: a checkpoint with its document"):
        os.unlink(out)
        exec(compile(save, README, "exec"), {"net": net, "document": document})
        program, *arguments = command.split()
        assert program == "tools/convert", command
        expect_ok(run(CONVERT, *arguments))
        exported, others, _ = read_safetensors(out)
        assert exported == document and others == tensors
        check_parameters(out, sum(p.numel() for p in net.parameters()))
    with tap.point("models/README.md: by the safetensors package"):
        try:
            import safetensors.torch  # noqa: F401
        except ImportError as error:
            raise Skip("no safetensors package for Python") from error
        os.unlink(out)
        exec(compile(direct, README, "exec"), {"net": net, "document": document})
        exported, others, _ = read_safetensors(out)
        assert exported == document and all(others[name] == tensors[name] for name in tensors)
        check_parameters(out, sum(p.numel() for p in net.parameters()))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_files(tap, folder)
        test_classes(tap, folder)
        test_512(tap, folder)
        test_levels(tap, folder)
        test_attention(tap, folder)
        test_refusals(tap, folder)
        test_readme(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
