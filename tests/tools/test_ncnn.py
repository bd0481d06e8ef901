#!/usr/bin/env python3
"""tools/shared/ncnn.py: what it makes of small files with every kind of weights, and what it says of wrong ones.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
from shared.need import have

from tap import Tap, skip_all

if not have("numpy"):
    skip_all("needs numpy")
import numpy as np

from ncnn_files import Ncnn, plain, tagged
from shared.faults import DataError
from shared.ncnn import read_ncnn

NOISE = np.random.default_rng(7)
BYTES = NOISE.integers(-127, 128, (6, 3, 3, 3))
SCALES = NOISE.uniform(1, 99, 6).astype(np.float32)
BIAS = NOISE.normal(size=6).astype(np.float32)
WEIGHT = NOISE.normal(size=(6, 3, 3, 3)).astype(np.float32)
DEPTHWISE = NOISE.integers(-127, 128, (6, 1, 5, 5))
ONE, TWO = np.ones(1), np.ones(2)

# (what it is, kind, params, the .bin's bytes, the weights by name)
GOOD = (
    ("float32", "Convolution", "0=6 1=3 5=1 6=162", tagged(WEIGHT) + plain(BIAS), {"weight": WEIGHT, "bias": BIAS}),
    ("float32, without a bias", "Convolution", "0=6 1=3 6=162", tagged(WEIGHT), {"weight": WEIGHT}),
    ("float16 that ends within four bytes", "Convolution", "0=5 1=3 5=1 6=135",
     tagged(WEIGHT[:5], "f16") + plain(BIAS[:5]), {"weight": WEIGHT[:5].astype("f2"), "bias": BIAS[:5]}),
    ("int8 that ends within four bytes", "Convolution", "0=6 1=3 5=1 6=162 8=2",
     tagged(BYTES, "int8") + plain(BIAS) + plain(SCALES) + plain(ONE),
     {"weight": BYTES / SCALES[:, None, None, None], "bias": BIAS}),
    ("int8 with a scale of the output", "Convolution", "0=6 1=3 6=162 8=102",
     tagged(BYTES, "int8") + plain(SCALES) + plain(TWO), {"weight": BYTES / SCALES[:, None, None, None]}),
    ("float32 with the scales of int8", "Convolution", "0=6 1=3 6=162 8=2",
     tagged(WEIGHT) + plain(SCALES) + plain(ONE), {"weight": WEIGHT}),
    ("a kernel that is no square", "Convolution", "0=6 1=9 11=3 6=162", tagged(WEIGHT),
     {"weight": WEIGHT.reshape(6, 1, 3, 9)}),
    ("weights that come through a blob", "Convolution", "0=6 1=3 5=1 6=162 19=1", b"", {}),
    ("int8, a scale for each group", "ConvolutionDepthWise", "0=6 1=5 5=1 6=150 7=6 8=101",
     tagged(DEPTHWISE, "int8") + plain(BIAS) + plain(SCALES) + plain(TWO),
     {"weight": DEPTHWISE / SCALES[:, None, None, None], "bias": BIAS}),
    ("int8, a scale for all groups", "ConvolutionDepthWise", "0=6 1=5 6=150 7=6 8=2",
     tagged(DEPTHWISE, "int8") + plain([4]) + plain(ONE), {"weight": DEPTHWISE / 4}),
    ("three groups", "ConvolutionDepthWise", "0=6 1=3 6=162 7=3", tagged(WEIGHT), {"weight": WEIGHT}),
    ("float16", "Deconvolution", "0=6 1=3 5=1 6=162", tagged(WEIGHT, "f16") + plain(BIAS),
     {"weight": WEIGHT.astype("f2"), "bias": BIAS}),
    ("float32", "DeconvolutionDepthWise", "0=6 1=5 6=150 7=6", tagged(DEPTHWISE), {"weight": DEPTHWISE}),
    ("int8", "InnerProduct", "0=6 1=1 2=162 8=2", tagged(BYTES, "int8") + plain(BIAS) + plain(SCALES) + plain(ONE),
     {"weight": BYTES.reshape(6, 27) / SCALES[:, None], "bias": BIAS}),
    ("four arrays", "BatchNorm", "0=6 1=1e-3", plain([BIAS, 2 * BIAS, SCALES, 3 * BIAS]),
     {"weight": BIAS, "running_mean": 2 * BIAS, "running_var": SCALES, "bias": 3 * BIAS}),
    ("with a bias", "Scale", "0=6 1=1", plain([SCALES, BIAS]), {"weight": SCALES, "bias": BIAS}),
    ("by a blob", "Scale", "0=-233", b"", {}),
    ("slopes", "PReLU", "0=6", plain(SCALES), {"weight": SCALES}),
    ("two axes", "MemoryData", "0=3 1=2", plain(BIAS), {"data": BIAS.reshape(2, 3)}),
    ("without its factors", "LayerNorm", "0=6 2=0", b"", {}),
    ("of groups", "GroupNorm", "0=2 1=6", plain([SCALES, BIAS]), {"weight": SCALES, "bias": BIAS}),
)


def one_layer(kind="Convolution", params="0=6 1=3 5=1 6=162", data=tagged(WEIGHT) + plain(BIAS)):
    net = Ncnn()
    net.input("data")
    net.add(kind, "first", ["data"], ["out"], params, data)
    return net


def read(path):
    return read_ncnn(path, path.replace(".param", ".bin"))


def test_good(tap, folder):
    for label, kind, params, data, expected in GOOD:
        with tap.point(f"{kind}: {label}"):
            net = one_layer(kind, params, data)
            net.add("Convolution", "last", ["out"], ["end"], "0=6 1=3 6=162", tagged(WEIGHT))  # where it is to be
            _, found, last = read(net.write(folder, "m"))
            assert found.weights.keys() == expected.keys(), found.weights.keys()
            for name, array in expected.items():
                assert found.weights[name].dtype == np.float32
                assert found.weights[name].shape == array.shape, found.weights[name].shape
                assert np.allclose(found.weights[name], array, rtol=1e-6, atol=0), name
            assert (last.weights["weight"] == WEIGHT).all()
    with tap.point("layers: blobs and params"):
        net = Ncnn()
        net.input("data")
        net.add("Slice", "cut", ["data"], ["a", "b"], "-23300=2,80,-233 1=0 2=1.000000e-01")
        first, cut = read(net.write(folder, "m"))
        assert (first.kind, first.name, first.inputs, first.outputs) == ("Input", "data", [], ["data"])
        assert (cut.inputs, cut.outputs) == (["data"], ["a", "b"])
        assert cut.params == {0: [80, -233], 1: 0, 2: 0.1} and isinstance(cut.params[1], int), cut.params


# (what it is, the net, words of the error)
BAD = (
    ("a .bin that is cut short", one_layer(data=(tagged(WEIGHT) + plain(BIAS))[:-4]),
     ("m.bin", "expected 24 bytes at byte 652", "'first' (Convolution)", "found 20", "cut short")),
    ("a .bin that ends before a tag", one_layer(data=b""), ("m.bin", "expected 4 bytes at byte 0", "found 0")),
    ("bytes behind the last layer", one_layer(data=tagged(WEIGHT) + plain(BIAS) + b"more"),
     ("m.bin", "its end at byte 676", "4 bytes more")),
    ("a tag that is none", one_layer(data=b"\1\2\3\4" + plain(WEIGHT)), ("m.bin", "byte 0", "0x04030201")),
    ("int8 without scales", one_layer(params="0=6 1=3 6=162", data=tagged(BYTES, "int8")),
     ("m.bin", "'first' (Convolution)", "scale above 0", "found none")),
    ("int8 with a scale of 0", one_layer(params="0=6 1=3 6=162 8=2", data=tagged(BYTES, "int8") + plain(np.zeros(7))),
     ("m.bin", "scale above 0", "found 0.0")),
    ("weights that are no kernels", one_layer(params="0=6 1=3 5=1 6=160"),
     ("m.bin", "6 outputs of 3x3 in groups of 1, found 160")),
    ("a number that is none", one_layer(params="0=6 1=3.0 6=162"), ("m.bin", "whole number as its param 1", "3.0")),
    ("a layer whose weights are not read", one_layer("LSTM", "0=6"), ("m.param", "'first'", "LSTM")),
)

# (what it is, the .param's text, words of the error)
BAD_TEXT = (
    ("another magic number", "7767518\n0 0\n", ("begins with 7767517", "found '7767518'")),
    ("the binary .param", "\x85\x80\x01\x00", ("m.param", "7767517")),
    ("an empty file", "", ("begins with 7767517", "found ''")),
    ("a layer too few", "7767517\n2 1\nInput data 0 1 data\n", ("expected 2 layers", "found 1")),
    ("a line without counts", "7767517\n1 1\nInput data\n", ("line 3", "two counts", "found 'Input data'")),
    ("a line without all blobs", "7767517\n1 1\nSplit s 1 2 a b\n", ("line 3", "so many blobs")),
    ("a param that is none", "7767517\n1 1\nInput data 0 1 data 0:3\n", ("line 3", "NUMBER=VALUE")),
    ("an array that is too short", "7767517\n1 1\nSlice s 1 1 a b -23300=3,1,2\n", ("line 3", "NUMBER=VALUE")),
)


def expect_error(path, words):
    try:
        read(path)
    except DataError as error:
        for word in words:
            assert word in str(error), error
        assert "\n" not in str(error), error
    else:
        raise AssertionError("no error")


def test_bad(tap, folder):
    for label, net, words in BAD:
        with tap.point(f"refused: {label}"):
            expect_error(net.write(folder, "m"), words)
    for label, text, words in BAD_TEXT:
        with tap.point(f"refused: {label}"):
            path = os.path.join(folder, "m.param")
            with open(path, "w", encoding="latin-1") as file:
                file.write(text)
            expect_error(path, words)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_good(tap, folder)
        test_bad(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
