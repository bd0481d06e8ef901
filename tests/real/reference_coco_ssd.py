#!/usr/bin/env python3
"""The COCO SSD-MobileNet, slow and obvious, from the published arrays: an independent witness for engine and converter.

    reference_coco_ssd.py FOLDER PICTURE...

FOLDER is coco-ssd-mobilenet as published (weights_float32.npz, layers.json, labelmap.txt); nothing of ours is read. It
prints one JSON line per picture in the format of cbam-run --json. Pictures are decoded by gdk-pixbuf (python3-gi, with
the same library as cbam-run) or, without it, by djpeg.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

SIZE = 300


def decode(path):
    """The picture as [height, width, 3] float32, 0..255."""
    try:
        import gi
        gi.require_version("GdkPixbuf", "2.0")
        from gi.repository import GdkPixbuf
    except (ImportError, ValueError):
        return decode_djpeg(path)
    pixbuf = GdkPixbuf.Pixbuf.new_from_file(path).apply_embedded_orientation()
    width, height, stride = pixbuf.get_width(), pixbuf.get_height(), pixbuf.get_rowstride()
    flat = np.zeros(stride * height, np.uint8)
    flat[:len(pixbuf.get_pixels())] = np.frombuffer(pixbuf.get_pixels(), np.uint8)
    pixels = flat.reshape(height, stride)[:, :width * pixbuf.get_n_channels()]
    return pixels.reshape(height, width, -1)[:, :, :3].astype(np.float32)


def decode_djpeg(path):
    ppm = subprocess.run(["djpeg", "-pnm", path], check=True, capture_output=True).stdout
    magic, size, _, pixels = ppm.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3 if magic == b"P6" else 1) \
        .repeat(1 if magic == b"P6" else 3, axis=2).astype(np.float32)


def resize_axis(x, size, axis):
    """Plain bilinear, half-pixel centres, edges repeated, no antialiasing."""
    source = (np.arange(size) + 0.5) * x.shape[axis] / size - 0.5
    low = np.floor(source).astype(int)
    weight = (source - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    at = [np.clip(low + step, 0, x.shape[axis] - 1) for step in (0, 1)]
    return x.take(at[0], axis) * (1 - weight) + x.take(at[1], axis) * weight


def windows(x, kernel, stride):
    """Views of [H, W, C], padded as TensorFlow's SAME does it, one per kernel tap: (ky, kx, [outH, outW, C])."""
    out = [-(-side // stride) for side in x.shape[:2]]
    pad = [max((o - 1) * stride + kernel - side, 0) for o, side in zip(out, x.shape[:2])]
    x = np.pad(x, [(p // 2, p - p // 2) for p in pad] + [(0, 0)])
    for ky in range(kernel):
        for kx in range(kernel):
            yield ky, kx, x[ky:ky + (out[0] - 1) * stride + 1:stride, kx:kx + (out[1] - 1) * stride + 1:stride]


def run_layer(x, layer, arrays):
    weight, total = arrays[layer["name"] + "/w"], 0
    for ky, kx, view in windows(x, weight.shape[1], layer["stride"]):
        tap = weight[:, ky, kx]
        total = total + (view * tap[0] if layer["op"] == "DWCONV" else view @ tap.T)
    total = total + arrays[layer["name"] + "/b"]
    return np.clip(total, 0, 6) if layer["relu6"] else total


def run_network(x, layers, arrays):
    """(boxes [N, 4] as ty, tx, th, tw; logits [N, 91])"""
    encodings, logits, sources = [], [], []
    for layer in layers:
        name = layer["name"]
        if name.startswith("BoxPredictor_"):
            out = run_layer(sources[int(name.split("_")[1].split("/")[0])], layer, arrays)
            (encodings if "BoxEncoding" in name else logits).append(out.reshape(-1, 4 if "BoxEncoding" in name else 91))
            continue
        x = run_layer(x, layer, arrays)
        if name.endswith(("Conv2d_11_pointwise", "Conv2d_13_pointwise")) or "_3x3_s2_" in name:
            sources.append(x)
    return np.concatenate(encodings), np.concatenate(logits)


def decode_boxes(encodings, anchors):
    """Corners y0, x0, y1, x1 as fractions of the picture."""
    yx = encodings[:, :2] / 10 * anchors[:, 2:] + anchors[:, :2]
    hw = np.exp(encodings[:, 2:] / 5) * anchors[:, 2:]
    return np.concatenate([yx - hw / 2, yx + hw / 2], axis=1)


def iou(box, others):
    overlap = np.clip(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0, None).prod(axis=1)
    areas = [(b[..., 2:] - b[..., :2]).prod(axis=-1) for b in (box, others)]
    return overlap / (areas[0] + areas[1] - overlap)


def select(boxes, scores, threshold, limit):
    """[(score, class, box)] by falling score, after NMS within each class."""
    found = []
    for label in range(1, scores.shape[1]):
        at = np.flatnonzero(scores[:, label] > threshold)
        at = at[np.argsort(-scores[at, label], kind="stable")]
        while at.size:
            found.append((float(scores[at[0], label]), label, boxes[at[0]]))
            at = at[1:][iou(boxes[at[0]], boxes[at[1:]]) <= limit]
    return sorted(found, key=lambda item: -item[0])


def describe(path, pixels, found, labels):
    height, width = pixels.shape[:2]
    detections = []
    for score, label, box in found:
        y0, x0, y1, x1 = np.clip(box, 0, 1) * [height, width, height, width]
        detections.append({"label": labels[label - 1], "score": round(score, 6), "x": round(x0, 3), "y": round(y0, 3),
                           "width": round(x1 - x0, 3), "height": round(y1 - y0, 3)})
    return {"file": path, "width": width, "height": height, "detections": detections}


def main():
    parser = argparse.ArgumentParser(description="The COCO SSD-MobileNet in numpy.")
    parser.add_argument("folder")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--nms-iou", type=float, default=0.6)
    arguments = parser.parse_args()

    arrays = np.load(os.path.join(arguments.folder, "weights_float32.npz"))
    with open(os.path.join(arguments.folder, "layers.json"), encoding="utf-8") as file:
        layers = json.load(file)
    with open(os.path.join(arguments.folder, "labelmap.txt"), encoding="utf-8") as file:
        labels = file.read().splitlines()
    for path in arguments.pictures:
        pixels = decode(path)
        x = (resize_axis(resize_axis(pixels, SIZE, 0), SIZE, 1) - 128) / 128
        encodings, logits = run_network(x, layers, arrays)
        found = select(decode_boxes(encodings, arrays["anchors_yxhw"]), 1 / (1 + np.exp(-logits)),
                       arguments.threshold, arguments.nms_iou)
        found = [item for item in found if labels[item[1] - 1] != "???"]
        print(json.dumps(describe(path, pixels, found, labels)))


if __name__ == "__main__":
    main()
