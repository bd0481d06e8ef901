"""What a network found, from any program, as one table of boxes and one of scores, so that two can be compared.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import math

import numpy as np

from .networks import CLASSES, SIZE, VARIANCES

SAME_BOX = 0.25  # pixels: rounding moves a box by less than 0.01, and another box so near would be a rare chance
CHUNK = 512  # boxes whose distance to all others is in memory at a time


class Mismatch(Exception):
    """Two programs did not find the same boxes; says which."""


def anchors(spec):
    """[N, 4] of cx, cy, w, h as fractions: level, row, column, box."""
    rows = []
    for (height, width), step, low, high, ratios in zip(spec["maps"], spec["steps"], spec["min_sizes"],
                                                        spec["max_sizes"], spec["aspect_ratios"]):
        sides = [(low, low), (math.sqrt(low * high),) * 2]
        for ratio in ratios:
            root = math.sqrt(ratio)
            sides += [(low * root, low / root), (low / root, low * root)]
        rows += [((j + 0.5) * step, (i + 0.5) * step, w, h)
                 for i in range(height) for j in range(width) for w, h in sides]
    return np.clip(np.array(rows) / SIZE, 0, 1)  # clip "cxcywh"


def from_heads(net, heads):
    """(boxes [N, 4] in pixels: x, y, width, height, clipped to the picture; scores [N, classes]) of the heads' outputs,
    each [rows, height, width]."""
    def all_levels(head, columns):
        levels = [heads[f"{head}.{level}"] for level in range(len(net.anchors["maps"]))]
        return np.concatenate([level.transpose(1, 2, 0).reshape(-1, columns) for level in levels]).astype(np.float64)

    anchor, loc = anchors(net.anchors), all_levels("loc", 4) * VARIANCES
    centre = anchor[:, :2] + loc[:, :2] * anchor[:, 2:]
    half = anchor[:, 2:] * np.exp(loc[:, 2:]) / 2
    low, high = np.clip(centre - half, 0, 1) * SIZE, np.clip(centre + half, 0, 1) * SIZE
    logits = all_levels("conf", len(CLASSES))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.hstack([low, high - low]), powers / powers.sum(axis=1, keepdims=True)


def compare(line, boxes, scores):
    """The largest difference between the scores of a line of `cbam-run --json` with every box in it, and `scores`.

    A detection carries no number of its anchor, but all classes of an anchor have one box, to the last bit.
    """
    detections = json.loads(line)["detections"]
    ours, which = np.unique(np.array([[d["x"], d["y"], d["width"], d["height"]] for d in detections]), axis=0,
                            return_inverse=True)
    anchor, distance = nearest(ours, boxes)
    if len(ours) != len(boxes) or len(set(anchor)) != len(boxes) or distance.max() > SAME_BOX:
        raise Mismatch(f"of {len(boxes)} boxes cbam-run reports {len(ours)}, "
                       f"{len(set(anchor[distance <= SAME_BOX]))} of them where the peer has them")
    number = {name: index for index, name in enumerate(CLASSES)}
    found = np.zeros_like(scores)  # what is not reported is at the threshold or below: 0
    found[anchor[which.ravel()], [number[d["label"]] for d in detections]] = [d["score"] for d in detections]
    return float(np.abs(found - scores)[:, 1:].max())  # background is never reported


def nearest(points, others):
    """For each point, which of the others is nearest, and how far that is, by the largest of the differences."""
    points, others = points.astype(np.float32), others.astype(np.float32)
    indices, distances = [], []
    for begin in range(0, len(points), CHUNK):
        chunk = points[begin:begin + CHUNK]
        distance = np.zeros((len(chunk), len(others)), np.float32)
        for column in range(points.shape[1]):
            np.maximum(distance, np.abs(chunk[:, column, None] - others[None, :, column]), out=distance)
        indices.append(distance.argmin(axis=1))
        distances.append(distance.min(axis=1))
    return np.concatenate(indices), np.concatenate(distances)
