#!/usr/bin/env python3
"""Writes the corpus that fuzz-model replays: small model files and documents, right ones and one wrong thing each.

Usage: make-corpus.py FOLDER
SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy
import json
import pathlib
import struct
import sys

SSD = {
    "version": 1, "name": "ssd",
    "network": {"detector": "ssd", "backbone": "mobilenet_v1", "levels": 2, "activation": "relu6", "padding": "same",
                "sources": ["base_net.11.3", "base_net.13.3"], "extras": {"stride": [2], "pad": [1]}},
    "input": {"width": 32, "height": 24, "channels": "rgb", "mean": [127.5] * 3, "scale": [0.5] * 3},
    "anchors": {"maps": [[3, 4], [2, 2]], "steps": [8, [12, 16]], "min_sizes": [6, 10], "max_sizes": [None, 15],
                "aspect_ratios": [[2], [2, 3]], "clip": "cxcywh"},
    "output": {"classes": ["background", "cat", "???"], "score": "sigmoid", "variances": [0.1, 0.1, 0.2, 0.2]},
    "nms": {"threshold": 0.5, "iou": 0.45, "top_k": 400, "keep": 200, "profile": "caffe"},
}
STAIRNET = {
    "version": 1,
    "network": {"detector": "stairnet", "backbone": "vgg16", "upsample": "bilinear", "sum_relu": True, "bn_eps": 1e-3,
                "l2norm_eps": 1e-12,
                "attention": {"kind": "cbam", "pool": ["avg", "max", "lp", "lse"], "order": "parallel",
                              "spatial_input": "conv", "combine": "add", "dilation": 2, "place": "both"}},
    "input": {"width": 300, "height": 300, "channels": "bgr", "resize": "letterbox", "rounding": "u8"},
    "anchors": {"tensor": "anchors"},
    "output": {"classes": ["background", "cat"], "score": "softmax", "boxes": "distribution", "bins": 16},
}


def changed(path, value):
    """SSD with the value at path replaced."""
    document = copy.deepcopy(SSD)
    place = document
    *way, last = path.split(".")
    for key in way:
        place = place[key]
    place[last] = value
    return document


def container(header, data=b"", length=None):
    """A safetensors file; length lies about the header's."""
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def model(document, **tensors):
    return {"__metadata__": {"format": "pt", "cbamdetect": json.dumps(document)}, **tensors}


FLOATS = struct.pack("<4f", 0.5, -1.0, 1e-40, float("inf"))
HALVES = struct.pack("<4H", 0x3C00, 0x0001, 0x7C00, 0x7E00)
GOOD = model(SSD, a=tensor("F32", [2, 2], 0, 16), b=tensor("F16", [4], 16, 24), c=tensor("BF16", [4, 1], 24, 32),
             n=tensor("I64", [], 32, 40), e=tensor("F32", [0, 3], 40, 40))
DATA = FLOATS + HALVES + HALVES + bytes(8)

FILES = {
    "good.safetensors": container(GOOD, DATA),
    "good-padded.safetensors": container(json.dumps(GOOD).encode() + b"    ", DATA),
    "good-anchors.safetensors": container(model(STAIRNET, anchors=tensor("F32", [1, 4], 0, 16)), FLOATS),
    "good-ssd.json": json.dumps(SSD).encode(),
    "good-stairnet.json": json.dumps(STAIRNET).encode(),
    "empty.safetensors": b"",
    "short.safetensors": b"\x10\0\0",
    "cut-header.safetensors": container(GOOD, DATA)[:200],
    "cut-data.safetensors": container(GOOD, DATA)[:-1],
    "length-huge.safetensors": container({}, length=2**64 - 1),
    "length-short.safetensors": container(GOOD, DATA, length=20),
    "dtype-unknown.safetensors": container({"t": tensor("F33", [4], 0, 16)}, FLOATS),
    "shape-wrong.safetensors": container({"t": tensor("F32", [5], 0, 16)}, FLOATS),
    "shape-overflow.safetensors": container({"t": tensor("F32", [2**32, 2**32], 0, 0)}),
    "offsets-outside.safetensors": container({"t": tensor("F32", [4], 8, 24)}, FLOATS),
    "offsets-overlap.safetensors": container({"t": tensor("F32", [2], 0, 8), "u": tensor("F32", [2], 4, 12)}, FLOATS),
    "name-twice.safetensors": container(b'{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                        b'"\\u0074":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"ab"),
    "metadata-list.safetensors": container({"__metadata__": [1]}),
    "nested.safetensors": container(b'{"t":' + b"[" * 900 + b"]" * 900 + b"}"),
    "not-utf8.safetensors": container(b'{"\xff":1}'),
    "comment-hides-brackets.json": b'{"a": /* " */ ' + b"[" * 500,
    "escapes-not-utf8.json": b'{"version": 1, "network": {"detector": "ssd", "backbone": "\\333"}}',
    "label-not-utf8.json": json.dumps(SSD).replace("cat", "\\333").encode(),
    "no-channels.json": json.dumps(changed("input", {"width": 32, "height": 24})).encode(),
    "across-above-1.json": json.dumps(changed("nms.across", 1.5)).encode(),
    "infinite-mean.json": json.dumps(changed("input.mean", [float("inf"), 0, 0])).replace("Infinity", "1e999").encode(),
    "anchors-too-many.json": json.dumps(changed("input", {"width": 8192, "height": 8192, "channels": "rgb"}))
                             .replace("[3, 4]", "[8192, 8192]").encode(),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        assert len(content) < 2048, name
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
