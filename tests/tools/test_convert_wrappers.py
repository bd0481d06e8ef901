#!/usr/bin/env python3
"""tools/convert on checkpoints as training scripts leave them: whatever they are called, under any key and prefix,
beside optimizers, averages and losses, with odd tensors; and on files that are something else.

    test_convert_wrappers.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import bz2
import collections
import gzip
import importlib.machinery
import importlib.util
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from common import CONVERT, expect_ok, run
from tap import Tap
from test_convert import check_refusal
from test_convert_checkpoints import as_arrays, save_npz, save_safetensors, small_model  # skips us too, without PyTorch

import torch

loader = importlib.machinery.SourceFileLoader("convert", CONVERT)
convert = importlib.util.module_from_spec(importlib.util.spec_from_loader("convert", loader))
loader.exec_module(convert)

MODEL = small_model(4)
STATE = MODEL.state_dict()
RAW = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in STATE.items()}  # other weights
FLOATS = [name for name, tensor in STATE.items() if tensor.is_floating_point()]


def prefixed(prefix, state=STATE):
    return collections.OrderedDict((prefix + name, tensor) for name, tensor in state.items())


def optimizer():
    parameters = [torch.nn.Parameter(torch.ones(3, 3)), torch.nn.Parameter(torch.ones(3))]
    adam = torch.optim.Adam(parameters)
    sum(parameter.sum() for parameter in parameters).backward()
    adam.step()
    return adam.state_dict()


class Holder:
    """A class that the reader does not have, with weights among its attributes."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Box(dict):
    """A dictionary of a class that the reader does not have."""


def same_storage():
    """Two halves of one storage, as flattened parameters are saved."""
    whole = torch.cat([STATE[name].flatten().float() for name in FLOATS])
    state, at = {}, 0
    for name in FLOATS:
        state[name] = whole[at:at + STATE[name].numel()].view(STATE[name].shape)
        at += STATE[name].numel()
    return state


# Whatever is saved so gives STATE.
WRAPPED = {
    "bare": STATE,
    **{f"under {key}": {"epoch": 3, key: STATE} for key in (
        "state_dict", "model", "net", "model_state_dict", "model_state", "weights", "weight", "params", "ema",
        "model_ema", "ema_state_dict", "state_dict_ema", "network", "generator", "0")},
    "three deep": {"checkpoint": {"state": {"model": STATE}}},
    "in a list": [3, STATE],
    "in a tuple, beside an optimizer": (STATE, optimizer()),
    "twice the same": {"model": STATE, "state_dict": STATE},
    "beside an optimizer": {"model": STATE, "optimizer": optimizer(), "epoch": 9, "loss": torch.tensor(0.5)},
    "beside arguments": {"args": argparse.Namespace(lr=0.1, device=torch.device("cpu")), "state_dict": STATE},
    "in a class of their own": {"ema": Holder(decay=0.99, shadow=STATE)},
    "in a dictionary of their own": Box(model=STATE),
    "parameters": {name: torch.nn.Parameter(tensor, tensor.is_floating_point() and True)
                   if tensor.is_floating_point() else tensor for name, tensor in STATE.items()},
    "parts of one storage": same_storage(),
    **{f"behind {prefix}": prefixed(prefix) for prefix in (
        "module.", "_orig_mod.", "module._orig_mod.", "model.", "net.", "model.module.", "detector.", "ssd.net.",
        "_fsdp_wrapped_module.")},
    "a compiled part": {name.replace("base_net.", "base_net._orig_mod."): tensor for name, tensor in STATE.items()},
    "an AveragedModel": {"n_averaged": torch.tensor(7), **prefixed("module.")},
    "Lightning's": {"pytorch-lightning_version": "2.0", "callbacks": {"a": {"best": torch.tensor(1.0)}},
                    "state_dict": prefixed("model."), "hyper_parameters": {"lr": 1}},
    "Lightning's with a loss": {"state_dict": {**prefixed("model."), "loss.weight": torch.ones(4)}},
}

ODD = {
    "int64": torch.tensor([1, 2]), "complex": torch.ones(2, dtype=torch.complex64), "bool": torch.tensor([True]),
    "sparse": torch.eye(3).to_sparse(), "quantised": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "empty": torch.empty(0), "an expanded view": torch.ones(1).expand(1000, 1000),
    **({"float8": torch.ones(3).to(torch.float8_e4m3fn)} if hasattr(torch, "float8_e4m3fn") else {}),
}


def read(path, key=None):
    """What tools/convert makes of it, in this process."""
    return convert.read_source(path, convert.Options(key=key))


def check(path, state=STATE, key=None, remark=""):
    dialect, tensors, document, remarks = read(path, key)
    assert dialect == "qfgaohao" and document["name"] == "ssd300-mobilenet-v1", dialect
    ours = {name.replace("regression_headers", "loc").replace("classification_headers", "conf"): tensor
            for name, tensor in state.items() if tensor.is_floating_point()}
    assert tensors.keys() == ours.keys()
    assert all(np.array_equal(tensors[name], ours[name].detach().numpy()) for name in ours)
    assert bool(remark) == bool(remarks) and remark in " ".join(remarks), remarks


def expect_error(path, *words, key=None):
    try:
        read(path, key)
    except convert.DataError as error:
        assert path in str(error) and "\n" not in str(error), error
        for word in words:
            assert word in str(error), f"no {word} in {error}"
    else:
        raise AssertionError("no error")


def saved(folder, content, name="m.pth", **options):
    path = os.path.join(folder, name)
    torch.save(content, path, **options)
    return path


def written(folder, content, name="m.pth"):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def test_wrappers(tap, folder):
    for label, content in WRAPPED.items():
        for form, newer in (("", True), (", in the older file", False)):
            with tap.point(f"weights {label}{form}"):
                path = saved(folder, content, _use_new_zipfile_serialization=newer)
                check(path, remark="left out what is not under 'model': loss.weight" if "with a loss" in label else "")


def test_names(tap, folder):
    for name in ("m.pth.tar", "m.bin", "m.pkl", "m", "m.PT", "m.npz", "m.safetensors", "m.h5"):
        with tap.point(f"PyTorch's file called {name}"):
            check(saved(folder, {"state_dict": STATE}, name))
    arrays = as_arrays(MODEL)
    with tap.point("numpy's file called m.pth"):
        os.replace(save_npz(folder, arrays), os.path.join(folder, "m.pth"))
        check(os.path.join(folder, "m.pth"))
    with tap.point("safetensors called m.bin, with a prefix"):
        path = save_safetensors(folder, {"model." + name: array for name, array in arrays.items()}, "m.bin")
        check(path)
    for protocol in (2, 4, 5):
        with tap.point(f"pickled tensors, protocol {protocol}"):
            check(written(folder, pickle.dumps(STATE, protocol=protocol), "m.pkl"))
        with tap.point(f"pickled arrays, protocol {protocol}"):
            turned = {name: np.asfortranarray(array) for name, array in arrays.items()}
            check(written(folder, pickle.dumps({"model": turned}, protocol=protocol), "m.pkl"))
    with tap.point("through a pipe"):
        out = os.path.join(folder, "o.safetensors")
        with open(saved(folder, STATE), "rb") as file:
            process = subprocess.run([CONVERT, "/dev/stdin", out], input=file.read(), capture_output=True, check=False)
        assert process.returncode == 0, process.stderr


def test_choice(tap, folder):
    for label, content, took in (("model and ema", {"model": RAW, "ema": STATE}, "ema"),
                                 ("state_dict and state_dict_ema", {"state_dict": RAW, "state_dict_ema": STATE},
                                  "state_dict_ema"),
                                 ("prefixes", {"state_dict": {**prefixed("model.", RAW), **prefixed("ema_model.")}},
                                  "state_dict.ema_model")):
        with tap.point(f"averaged weights are taken, and it is said: {label}"):
            path = saved(folder, content)
            check(path, remark=f"took '{took}', the averaged weights")
            dialect, _, _, (remark,) = read(path)
            check(path, RAW, key=remark.split("--key ")[1].rstrip(")"))
            check(path, key=took)
    path = saved(folder, {"model": STATE, "best": {"model": RAW}, "optimizer": optimizer()})
    with tap.point("two networks: both are named"):
        expect_error(path, "2 networks", "'model'", "'best.model'", "--key")
    with tap.point("--key with a name that is not there"):
        expect_error(path, "--key", "'model', 'best.model'", "'nowhere'", key="nowhere")
    with tap.point("--key chooses one of them, by all of its name or its end"):
        check(path, key="model")
        check(path, RAW, key="best.model")
        check(saved(folder, {"a": {"first": STATE}, "b": {"second": RAW}}), RAW, key="second")
    with tap.point("the program says it, and takes --key"):
        path, out = saved(folder, {"model": RAW, "ema": STATE}), os.path.join(folder, "o.safetensors")
        said = expect_ok(run(CONVERT, path, out)).stdout
        assert "took 'ema'" in said and "--key model" in said, said
        assert "took" not in expect_ok(run(CONVERT, "--key", "model", path, out)).stdout


def test_odd(tap, folder):
    for label, tensor in ODD.items():
        with tap.point(f"an odd tensor that nobody wants: {label}"):
            check(saved(folder, {**STATE, "mystery": tensor}))
        with tap.point(f"... and one that is wanted: {label}"):
            path = saved(folder, {**STATE, "regression_headers.2.bias": tensor})
            expect_error(path, "regression_headers.2.bias", "expected floating-point numbers")
    with tap.point("an odd array that nobody wants, in .npz"):
        arrays = {**as_arrays(MODEL), "names": np.array(["a"]), "objects": np.array([{}], dtype=object)}
        check(save_npz(folder, arrays))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)


def zipped(name):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as members:
        members.writestr(name, b"weights")
    return data.getvalue()


def tarred():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as members:
        members.addfile(tarfile.TarInfo("m.pth"))
    return data.getvalue()


def test_strangers(tap, folder):
    whole = open(saved(folder, STATE, "whole.pth"), "rb").read()
    older = open(saved(folder, STATE, "older.pth", _use_new_zipfile_serialization=False), "rb").read()
    tensors = open(save_safetensors(folder, as_arrays(MODEL)), "rb").read()
    page = b"\n<!DOCTYPE html><html><head><title>Quota\n exceeded</title></head>"
    for label, content, words in (
            ("empty", b"", ("empty",)),
            ("a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", ("git lfs",)),
            ("a web page", page, ("web page", "Quota exceeded")),
            ("XML", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", ("web page",)),
            ("JSON", json.dumps({"error": 1}).encode(), ("text", '{"error"')),
            ("text", b"no pickle\n", ("text", "no pickle")),
            ("noise", bytes(range(1, 250)), ("no kind of file", "01 02 03")),
            ("gzip", gzip.compress(whole), ("gzip", "unpack")),
            ("bzip2", bz2.compress(b"x"), ("bzip2",)), ("xz", lzma.compress(b"x"), ("xz",)),
            ("a tar archive", tarred(), ("tar archive",)),
            ("a zip of something else", zipped("weights/m.pth"), ("zip archive", "weights/m.pth", "unpack")),
            ("a zip cut short", whole[:-100], ("cut short",)), ("half a zip", whole[:len(whole) // 2], ("cut short",)),
            ("an older file cut short", older[:-100], ("cut short",)),
            ("an older file cut in its pickle", older[:3000], ("cut short",)),
            ("safetensors cut short", tensors[:-100], ("cut short",)),
            ("safetensors cut in its header", tensors[:1000], ("cut short",)),
            ("a damaged zip", whole[:20_000] + b"????" + whole[20_004:], ("CRC",)),
            ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(20), ("HDF5",)),
            ("a picture", b"\xff\xd8\xff\xe0" + bytes(20), ("JPEG",)),
            ("one array", b"\x93NUMPY\1\0" + bytes(20), ("single array",))):
        with tap.point(f"called what it is: {label}"):
            expect_error(written(folder, content), *words)
    with tap.point("called what it is: a TorchScript archive"):
        path = os.path.join(folder, "m.pt")
        torch.jit.save(torch.jit.script(Net()), path)
        expect_error(path, "TorchScript", "state_dict")
    for newer in (True, False):
        with tap.point(f"called what it is: a whole net, {'newer' if newer else 'older'} file"):
            path = saved(folder, {"model": Net(), "optimizer": optimizer()}, _use_new_zipfile_serialization=newer)
            expect_error(path, "whole net", "Net", "state_dict")
    with tap.point("called what it is: no tensors at all"):
        expect_error(saved(folder, {"epoch": 1}), "no dictionary of tensors")
    with tap.point("an unknown network: its first names, and what is known"):
        state = {f"layer{number}.weight": torch.ones(2) for number in range(9)}
        expect_error(saved(folder, {"params": state}), "no source that I know", "'params'", "layer0.weight",
                     "layer3.weight", "5 more", "lufficc")
    with tap.point("the program says it in one line, and leaves nothing"):
        check_refusal(folder, written(folder, page), "web page", "m.pth")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_wrappers(tap, folder)
        test_names(tap, folder)
        test_choice(tap, folder)
        test_odd(tap, folder)
        test_strangers(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
