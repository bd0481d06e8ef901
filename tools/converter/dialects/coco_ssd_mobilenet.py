"""TensorFlow's COCO SSD-MobileNetV1, dequantised to a folder: weights_float32.npz, layers.json, labelmap.txt.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import re
import zipfile

import numpy as np

from shared.faults import DataError
from shared.text_file import read_lines

FILES = ("weights_float32.npz", "layers.json", "labelmap.txt")
TRUNK = "MobilenetV1/MobilenetV1/Conv2d_"
EXTRA = "MobilenetV1/Conv2d_13_pointwise_"
LEVELS = 6
CLASSES = 91  # background and the 90 lines of labelmap.txt

# (pattern of a layer's name, our key from what it caught). TensorFlow counts extras from 2 and their halves from 1;
# in qfgaohao's Sequential of a block the depthwise conv is member 0 and the pointwise one member 3, in an extra's the
# 1x1 conv is 0 and the 3x3 one 2.
KEYS = (
    (rf"{TRUNK}0", lambda m: "base_net.0.0"),
    (rf"{TRUNK}(\d+)_depthwise", lambda m: f"base_net.{m[1]}.0"),
    (rf"{TRUNK}(\d+)_pointwise", lambda m: f"base_net.{m[1]}.3"),
    (rf"{EXTRA}1_Conv2d_(\d)_1x1_\d+", lambda m: f"extras.{int(m[1]) - 2}.0"),
    (rf"{EXTRA}2_Conv2d_(\d)_3x3_s2_\d+", lambda m: f"extras.{int(m[1]) - 2}.2"),
    (r"BoxPredictor_(\d)/BoxEncodingPredictor", lambda m: f"loc.{m[1]}"),
    (r"BoxPredictor_(\d)/ClassPredictor", lambda m: f"conf.{m[1]}"),
)

EXPECTED = (
    ["base_net.0.0"]
    + [f"base_net.{block}.{half}" for block in range(1, 14) for half in (0, 3)]
    + [f"extras.{extra}.{half}" for extra in range(4) for half in (0, 2)]
    + [f"{head}.{level}" for level in range(LEVELS) for head in ("loc", "conf")]
)


def detect(source):
    return all(os.path.isfile(os.path.join(source.path, name)) for name in FILES)


def convert(source):
    folder = source.path
    try:
        arrays = np.load(os.path.join(folder, "weights_float32.npz"))
        with open(os.path.join(folder, "layers.json"), encoding="utf-8-sig") as file:
            layers = json.load(file)
        labels = read_lines(os.path.join(folder, "labelmap.txt"))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read '{folder}': {error}") from error
    while labels and not labels[-1]:
        labels.pop()
    if len(labels) != CLASSES - 1:
        raise DataError(f"labelmap.txt: expected {CLASSES - 1} lines, found {len(labels)}")

    tensors = {}
    for layer in layers:
        key = key_of(layer["name"])
        tensors[f"{key}.weight"], tensors[f"{key}.bias"] = take_layer(arrays, layer, key)
    missing = [key for key in EXPECTED if f"{key}.weight" not in tensors]
    if missing:
        raise DataError(f"layers.json: no layer for {', '.join(missing)}")

    tensors["anchors"] = anchors_of(array_of(arrays, "anchors_yxhw"))
    return tensors, document_of(tensors, labels)


def key_of(name):
    for pattern, key in KEYS:
        match = re.fullmatch(pattern, name)
        if match:
            return key(match)
    raise DataError(f"layers.json: unknown layer '{name}'")


def array_of(arrays, name):
    if name not in arrays:
        raise DataError(f"weights_float32.npz: no array '{name}'")
    return arrays[name].astype(np.float32)


def take_layer(arrays, layer, key):
    """One convolution's weight as OIHW and its bias. Its batch norm was folded in before it was published."""
    name, head = layer["name"], key.startswith(("loc.", "conf."))
    weight, bias = array_of(arrays, f"{name}/w"), array_of(arrays, f"{name}/b")
    if not layer["pad"].startswith("SAME") or bool(layer["relu6"]) == head:
        raise DataError(f"layers.json: '{name}' is not padded SAME, or its ReLU6 is not where this network has it")
    if list(weight.shape) != layer["shape"]:
        raise DataError(f"'{name}': expected shape {layer['shape']}, found {list(weight.shape)}")
    if layer["op"] == "DWCONV":
        weight = weight.transpose(3, 0, 1, 2)  # 1HWC -> C1HW
    else:
        weight = weight.transpose(0, 3, 1, 2)  # OHWI -> OIHW
    if bias.shape != weight.shape[:1]:
        raise DataError(f"'{name}': expected {weight.shape[0]} biases, found shape {list(bias.shape)}")
    if key.startswith("loc."):
        order = loc_order(weight.shape[0])
        weight, bias = weight[order], bias[order]
    return weight, bias


def loc_order(rows):
    """The permutation from TensorFlow's rows (ty, tx, th, tw) to ours (tx, ty, tw, th), anchor by anchor."""
    return np.arange(rows).reshape(-1, 4)[:, [1, 0, 3, 2]].ravel()


def anchors_of(yxhw):
    if yxhw.ndim != 2 or yxhw.shape[1] != 4:
        raise DataError(f"anchors_yxhw: expected [N, 4], found {list(yxhw.shape)}")
    return yxhw[:, [1, 0, 3, 2]]


def document_of(tensors, labels):
    first = tensors["base_net.0.0.weight"].shape[0]
    return {
        "version": 1,
        "name": "coco-ssd-mobilenet-v1",
        "description": "SSD-MobileNetV1 300x300, 90 COCO classes, dequantised to float32",
        "network": {
            "detector": "ssd",
            "backbone": "mobilenet_v1",
            "width": first / 32,
            "activation": "relu6",
            "padding": "same",
            "levels": LEVELS,
            "sources": ["base_net.11.3", "base_net.13.3", "extras.0.2", "extras.1.2", "extras.2.2", "extras.3.2"],
            "attention": {"kind": "none"},
        },
        "input": {
            "width": 300,
            "height": 300,
            "channels": "rgb",
            "mean": [128.0, 128.0, 128.0],
            "scale": [1 / 128, 1 / 128, 1 / 128],
            "resize": "stretch",
            "rounding": "none",
        },
        # Anchors that went through uint8 come back off their grid: no generator gives them.
        "anchors": {"tensor": "anchors"},
        "output": {
            "classes": ["background"] + labels,
            "score": "sigmoid",
            "variances": [0.1, 0.1, 0.2, 0.2],  # = TensorFlow's box scales 10, 10, 5, 5
        },
        # The IoU is the one that the .tflite itself carries (nms_iou_threshold of its detection op); its cap of 10
        # boxes and its score threshold of 1e-8 are for that op's fixed outputs, so what we report is the display
        # profile: 0.5, and at most 100 boxes a picture.
        "nms": {"threshold": 0.5, "iou": 0.6, "top_k": 400, "keep": 100},
        "provenance": {
            "data": "COCO, trained by the TensorFlow authors",
            "recipe": "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29 (quantisation-aware training), dequantised to "
                      "float32, batch norms folded; converted by tools/convert",
            "metrics": {},
            "license": "Apache-2.0",
            "source": "tensorflow/tflite-support, object detector test data",
        },
    }
