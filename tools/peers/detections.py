"""What a network found, from any program, as one table of boxes and one of scores, so that two can be compared.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json

import numpy as np

SAME_BOX = 0.25  # pixels: rounding moves a box by less than 0.01, and another box so near would be a rare chance
CHUNK = 512  # boxes whose distance to all others is in memory at a time
MOST_LOG_SIZE = np.log(1000 / 16)  # as in the engine: keeps exp() of a wild output finite
LEAST_SEEN = 0.9  # of the boxes, in a picture of which few are outside or alike


class Mismatch(Exception):
    """Two programs did not find the same boxes; says which."""


def rows_of(heads, head, n_levels, columns):
    """[N, columns]: level, row, column, box of the cell."""
    levels = [heads[f"{head}.{level}"] for level in range(n_levels)]
    return np.concatenate([level.reshape(level.shape[-3:]).transpose(1, 2, 0).reshape(-1, columns)
                           for level in levels])


def scores_of(logits, kind):
    if kind == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def boxes_of(loc, anchors, output):
    """[N, 4]: x1, y1, x2, y2 as fractions of the input, of the rows of loc."""
    v = np.array(output.get("variances") or [0.1, 0.1, 0.2, 0.2], loc.dtype)
    if output.get("boxes") == "distribution":  # of four sides' distances: Li et al. 2020, arXiv 2006.04388
        bins = loc.shape[1] // 4
        shares = scores_of(loc.reshape(-1, bins), "softmax")
        distance = (shares @ np.arange(bins, dtype=loc.dtype)).reshape(-1, 4)
        distance *= v[[2, 3, 2, 3]] * anchors[:, [2, 3, 2, 3]]
        return np.hstack([anchors[:, :2] - distance[:, :2], anchors[:, :2] + distance[:, 2:]])
    centre = anchors[:, :2] + loc[:, :2] * v[:2] * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(np.minimum(loc[:, 2:] * v[2:], MOST_LOG_SIZE)) / 2
    return np.hstack([centre - half, centre + half])


def loc_columns(output):
    return 4 * (output.get("bins") or 8) if output.get("boxes") == "distribution" else 4


def from_heads(document, anchors, heads):
    """(boxes [N, 4] in pixels: x, y, width, height, clipped to the picture; scores [N, classes]) of the heads' outputs,
    each [rows, height, width]."""
    output, spec = document["output"], document["input"]
    n_levels = sum(name.startswith("loc.") for name in heads)
    loc = rows_of(heads, "loc", n_levels, loc_columns(output)).astype(np.float64)
    conf = rows_of(heads, "conf", n_levels, len(output["classes"])).astype(np.float64)
    size = np.array([spec["width"], spec["height"]] * 2)
    corners = np.clip(boxes_of(loc, anchors.astype(np.float64), output), 0, 1) * size
    return np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]), scores_of(conf, output["score"])


def compare(line, classes, boxes, scores):
    """The largest difference between the scores of a line of `cbam-run --json` with every box in it, and `scores`.

    A detection carries no number of its anchor, but all classes of an anchor have one box, to the last bit. Boxes of
    which nothing is in the picture, and those that another one lies on, say nothing.
    """
    detections = json.loads(line)["detections"]
    if not detections:
        raise Mismatch("cbam-run reports no boxes")
    ours, which = np.unique(np.array([[d["x"], d["y"], d["width"], d["height"]] for d in detections]), axis=0,
                            return_inverse=True)
    single = np.flatnonzero((boxes[:, 2:] > SAME_BOX).all(axis=1) & ~crowded(boxes))
    anchor, distance = nearest(ours, boxes[single])
    fits = distance <= SAME_BOX
    if len(set(anchor[fits])) != len(single) or len(single) < LEAST_SEEN * len(boxes):
        raise Mismatch(f"of {len(boxes)} boxes, {len(single)} of them in the picture and apart from others, cbam-run "
                       f"reports {len(ours)}, {len(set(anchor[fits]))} of them where the peer has them")
    number = {name: index for index, name in enumerate(classes)}
    columns = np.array([number[d["label"]] for d in detections])
    found = np.zeros_like(scores)  # what is not reported is at the threshold or below: 0
    of_fitting = fits[which.ravel()]
    found[single[anchor[which.ravel()[of_fitting]]], columns[of_fitting]] = \
        np.array([d["score"] for d in detections])[of_fitting]
    reported = np.unique(columns)
    return float(np.abs(found - scores)[np.ix_(single, reported)].max())


def distances(points, others):
    """For a few points at a time: the index of the first of them, and the largest difference to each of the others."""
    points, others = points.astype(np.float32), others.astype(np.float32)
    for begin in range(0, len(points), CHUNK):
        chunk = points[begin:begin + CHUNK]
        distance = np.zeros((len(chunk), len(others)), np.float32)
        for column in range(points.shape[1]):
            np.maximum(distance, np.abs(chunk[:, column, None] - others[None, :, column]), out=distance)
        yield begin, distance


def nearest(points, others):
    """For each point, which of the others is nearest, and how far that is, by the largest of the differences."""
    parts = [(distance.argmin(axis=1), distance.min(axis=1)) for _, distance in distances(points, others)]
    return np.concatenate([index for index, _ in parts]), np.concatenate([distance for _, distance in parts])


def crowded(boxes):
    """Whether each box has another one so near that they may be taken for each other."""
    answer = []
    for begin, distance in distances(boxes, boxes):
        distance[np.arange(len(distance)), begin + np.arange(len(distance))] = np.inf
        answer.append(distance.min(axis=1) <= 2 * SAME_BOX)
    return np.concatenate(answer)
