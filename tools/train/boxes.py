"""Boxes and anchors: what the heads' numbers are offsets from, in fractions of the input.

Anchors are [N, 4] with cx, cy, w, h; boxes are [N, 4] with the corners x1, y1, x2, y2. The order of the anchors is the
order of the heads' outputs: level, row, column, box in the cell (models/README.md, section 3).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import torch

MAX_LOG_SIZE = math.log(1000 / 16)  # as in the engine: keeps exp() of a wild output finite


def cell_sizes(anchors, level):
    """The widths and heights, in pixels, of the boxes in one cell of a level."""
    least = anchors["min_sizes"][level]
    most = anchors.get("max_sizes", [None] * (level + 1))[level]
    sizes = [(least, least)]
    if most is not None:
        sizes.append((math.sqrt(least * most),) * 2)
    for ratio in anchors.get("aspect_ratios", [[]] * (level + 1))[level]:
        root = math.sqrt(ratio)
        sizes += [(least * root, least / root), (least / root, least * root)]
    return sizes


def anchors_of(document):
    """All anchors of a document with an anchor generator."""
    anchors, width, height = document["anchors"], document["input"]["width"], document["input"]["height"]
    levels = []
    for level, (rows, columns) in enumerate(anchors["maps"]):
        step = anchors["steps"][level] if "steps" in anchors else (height / rows, width / columns)
        step_y, step_x = step if isinstance(step, (list, tuple)) else (step, step)
        offset = anchors.get("offset", 0.5)
        y, x = torch.meshgrid((torch.arange(rows) + offset) * step_y / height,
                              (torch.arange(columns) + offset) * step_x / width, indexing="ij")
        sizes = torch.tensor(cell_sizes(anchors, level)) / torch.tensor([float(width), float(height)])
        centres = torch.stack((x, y), 2)[:, :, None].expand(-1, -1, len(sizes), -1)
        levels.append(torch.cat((centres, sizes.expand(rows, columns, -1, -1)), 3).reshape(-1, 4))
    boxes, clip = torch.cat(levels), anchors.get("clip", "none")
    if clip == "cxcywh":
        boxes = boxes.clamp(0, 1)
    elif clip == "wh":
        boxes[:, 2:] = boxes[:, 2:].clamp(0, 1)
    elif clip == "corner":
        corners = to_corners(boxes).clamp(0, 1)
        boxes = torch.cat(((corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]), 1)
    return boxes


def to_corners(anchors):
    half = anchors[..., 2:] / 2
    return torch.cat((anchors[..., :2] - half, anchors[..., :2] + half), -1)


def encode(boxes, anchors, variances):
    """The head's outputs tx, ty, tw, th that stand for these boxes."""
    v = boxes.new_tensor(variances)
    centre = ((boxes[:, :2] + boxes[:, 2:]) / 2 - anchors[:, :2]) / (v[:2] * anchors[:, 2:])
    size = torch.log((boxes[:, 2:] - boxes[:, :2]) / anchors[:, 2:]) / v[2:]
    return torch.cat((centre, size), 1)


def decode_for(document):
    """The function (loc, anchors) -> boxes of a document's kind of boxes."""
    output = document["output"]
    variances = output.get("variances", [0.1, 0.1, 0.2, 0.2])
    kind = decode_distribution if output.get("boxes") == "distribution" else decode
    return lambda loc, anchors: kind(loc, anchors, variances)


def units(anchors, variances):
    """What the four distances of a distribution are counted in, [..., 4]."""
    return (anchors[..., 2:] * anchors.new_tensor(variances[2:])).repeat(*[1] * (anchors.dim() - 1), 2)


def distances(loc):
    """The expected distances [..., 4], in units, that logits [..., 4 * bins] stand for."""
    logits = loc.unflatten(-1, (4, -1))
    return torch.softmax(logits, -1) @ torch.arange(logits.shape[-1], dtype=loc.dtype, device=loc.device)


def decode_distribution(loc, anchors, variances):
    """The boxes that distributions [..., N, 4 * bins] of the distances to the left, top, right and bottom stand for
    (Li et al. 2020, Generalized Focal Loss, arXiv 2006.04388)."""
    sides = distances(loc) * units(anchors, variances)
    return torch.cat((anchors[..., :2] - sides[..., :2], anchors[..., :2] + sides[..., 2:]), -1)


def decode(loc, anchors, variances):
    """The boxes that the head's outputs [..., N, 4] stand for."""
    v = loc.new_tensor(variances)
    centre = anchors[:, :2] + loc[..., :2] * v[:2] * anchors[:, 2:]
    half = anchors[:, 2:] * torch.exp((loc[..., 2:] * v[2:]).clamp(max=MAX_LOG_SIZE)) / 2
    return torch.cat((centre - half, centre + half), -1)


def overlaps(a, b):
    """Intersection over union of every box of [A, 4] with every box of [B, 4]."""
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low).clamp(min=0).prod(2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(1), (b[:, 2:] - b[:, :2]).prod(1)
    return both / (area_a[:, None] + area_b - both)


def match(boxes, difficult, corners, threshold=0.5):
    """Which box every anchor answers for: its index, -1 for background, -2 for anchors that are left out of the loss.

    SSD's matching: every box gets the anchor that fits it best, and every anchor whose best box overlaps it by at least
    `threshold` gets that. Difficult boxes are nobody's: anchors that fit one and no other box are left out.
    """
    answer = torch.full((len(corners),), -1, dtype=torch.long)
    if len(boxes) == 0:
        return answer
    iou = overlaps(boxes, corners)
    hard = difficult.nonzero()[:, 0]
    if len(hard):
        answer[(iou[hard] >= threshold).any(0)] = -2
    easy = (~difficult).nonzero()[:, 0]
    if len(easy):
        best, box = iou[easy].max(0)
        fits = best >= threshold
        answer[fits] = easy[box[fits]]
        answer[iou[easy].argmax(1)] = easy
    return answer
