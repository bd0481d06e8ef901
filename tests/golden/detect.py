"""What comes behind a network, plainly: anchors, decoding, non-maximum suppression, Grad-CAM.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import numpy as np
import torch

from network import SeparableHead

MAX_LOG_SIZE = math.log(1000 / 16)  # torchvision's; keeps exp() of a wild output finite


def anchors(document):
    """[N, 4]: cx, cy, w, h in fractions of the input, in the order of the heads' outputs."""
    spec, width, height = document["anchors"], document["input"]["width"], document["input"]["height"]
    boxes, offset = [], spec.get("offset", 0.5)
    for l, (rows, columns) in enumerate(spec["maps"]):
        step = spec["steps"][l] if "steps" in spec else (height / rows, width / columns)
        step_y, step_x = step if isinstance(step, (list, tuple)) else (step, step)
        least, most = spec["min_sizes"][l], spec.get("max_sizes", [None] * (l + 1))[l]
        sizes = [(least, least)] + ([(math.sqrt(least * most),) * 2] if most is not None else [])
        for ratio in spec.get("aspect_ratios", [[]] * (l + 1))[l]:
            root = math.sqrt(ratio)
            sizes += [(least * root, least / root), (least / root, least * root)]
        for i in range(rows):
            for j in range(columns):
                boxes += [((j + offset) * step_x / width, (i + offset) * step_y / height, w / width, h / height)
                          for w, h in sizes]
    boxes, clip = np.array(boxes), spec.get("clip", "none")
    if clip == "cxcywh":
        boxes = boxes.clip(0, 1)
    elif clip == "wh":
        boxes[:, 2:] = boxes[:, 2:].clip(0, 1)
    elif clip == "corner":
        low, high = (boxes[:, :2] - boxes[:, 2:] / 2).clip(0, 1), (boxes[:, :2] + boxes[:, 2:] / 2).clip(0, 1)
        boxes = np.concatenate([(low + high) / 2, high - low], 1)
    return boxes


def flatten(maps, per_cell):
    """Heads' outputs [1, A * n, H, W] of all levels as [priors, n]."""
    rows = []
    for x, a in zip(maps, per_cell):
        _, channels, height, width = x.shape
        rows.append(x.reshape(a, channels // a, height, width).permute(2, 3, 0, 1).reshape(-1, channels // a))
    return torch.cat(rows)


def decode_offsets(loc, priors, variances):
    """Corners [N, 4] in fractions of the input, of [N, 4] offsets."""
    centre = priors[:, :2] + loc[:, :2] * variances[:2] * priors[:, 2:]
    size = priors[:, 2:] * np.exp(np.minimum(loc[:, 2:] * variances[2:], MAX_LOG_SIZE))
    return np.concatenate([centre - size / 2, centre + size / 2], 1)


def decode_distribution(loc, priors, variances):
    """The same of [N, 4 * bins] logits: of how far each side lies from the middle, in units."""
    logits = torch.from_numpy(loc).reshape(len(loc), 4, -1)
    distance = (torch.softmax(logits, 2) @ torch.arange(logits.shape[2], dtype=logits.dtype)).numpy()
    left, top, right, bottom = (distance * np.tile(priors[:, 2:] * variances[2:], 2)).T
    x, y = priors[:, :2].T
    return np.stack([x - left, y - top, x + right, y + bottom], 1)


def iou(box, boxes):
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.prod((high - low).clip(0), 1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    return both / (np.prod(box[2:] - box[:2]) + area - both)


def reported(document):
    """The classes that may be."""
    return [k for k, name in enumerate(document["output"]["classes"])
            if name != "???" and not (k == 0 and name == "background")]


class Answer:
    """The boxes of one picture above a threshold, and how near the decisions behind them were."""

    def __init__(self, document, levels, per_cell, threshold):
        output, nms = document["output"], document.get("nms", {})
        logits = flatten([level.conf for level in levels], per_cell)
        scores = torch.sigmoid(logits) if output["score"] == "sigmoid" else torch.softmax(logits, 1)
        self.scores = scores.double().numpy()
        loc = flatten([level.loc for level in levels], per_cell).double().numpy()
        decode = decode_distribution if output.get("boxes") == "distribution" else decode_offsets
        self.boxes = decode(loc, anchors(document), np.array(output.get("variances", [0.1, 0.1, 0.2, 0.2])))
        self.size = np.array([document["input"]["width"], document["input"]["height"]] * 2)
        self.limit, self.top_k, self.keep = nms.get("iou", 0.45), nms.get("top_k", 400), nms.get("keep", 200)
        self.across = nms.get("across", 1)
        self.reported = reported(document)
        self.threshold = threshold
        self.margin = math.inf  # of a score from the threshold, or of an overlap from the limit
        self.gap = math.inf  # between two scores whose order matters
        self.cut = math.inf  # pixels of a box that remain in the picture, or lack
        self.found = self.suppress()  # (score, prior, class), strongest first
        self.place()

    def suppress(self):
        """Caffe's profile: per class, on fractions of the input, not clipped."""
        kept = []
        distance = np.abs(self.scores[:, self.reported] - self.threshold)
        self.margin = min(self.margin, distance.min())
        for k in self.reported:
            order = np.argsort(-self.scores[:, k], kind="stable")
            order = order[self.scores[order, k] > self.threshold][:self.top_k or None]
            best = []
            for p in order:
                if best:
                    overlap = iou(self.boxes[p], self.boxes[best])
                    self.margin = min(self.margin, np.abs(overlap - self.limit).min())
                    crowd = overlap > self.limit
                    if crowd.any():
                        self.gap = min(self.gap, (self.scores[np.array(best)[crowd], k] - self.scores[p, k]).min())
                        continue
                best.append(p)
            kept += [(self.scores[p, k], p, k) for p in best]
        kept.sort(key=lambda hit: (-hit[0], hit[1], hit[2]))
        if len(kept) > 1:
            self.gap = min([self.gap] + [a[0] - b[0] for a, b in zip(kept, kept[1:])])
        return self.name_once(kept)[:self.keep or None]

    def name_once(self, hits):
        """What no stronger box of another class overlaps by more than `across`."""
        named = []
        for score, p, k in hits:
            others = [o for _, o, other in named if other != k]
            if self.across < 1 and others:
                overlap = iou(self.boxes[p], self.boxes[others])
                self.margin = min(self.margin, np.abs(overlap - self.across).min())
                if (overlap > self.across).any():
                    continue
            named.append((score, p, k))
        return named

    def place(self):
        """Clips to the picture; drops what lies outside."""
        inside, rows = [], []
        for score, prior, k in self.found:
            box = self.boxes[prior] * self.size
            clipped = box.clip(0, self.size)
            # What is left of the box, where positive; else how far it lies outside.
            left = min(min(box[2], self.size[0]) - max(box[0], 0), min(box[3], self.size[1]) - max(box[1], 0))
            self.cut = min(self.cut, abs(left))
            if left > 0:
                inside.append((score, prior, k))
                rows.append((k, score, *clipped[:2], *(clipped[2:] - clipped[:2])))
        self.found, self.rows = inside, np.array(rows).reshape(-1, 6)


def locate(prior, levels, per_cell):
    """(level, row, column, box in the cell) of a prior."""
    for l, (level, a) in enumerate(zip(levels, per_cell)):
        height, width = level.loc.shape[2:]
        if prior < height * width * a:
            return l, prior // a // width, prior // a % width, prior % a
        prior -= height * width * a
    raise IndexError(prior)


def grad_cam(network, levels, prior, k, score):
    """(level, map, how much of the terms is left in their sum): Grad-CAM of class k's score at a prior, on what the last
    convolution before it sees; the map is divided by its maximum."""
    l, row, column, a = locate(prior, levels, network.per_cell)
    head, features = network.conf[l], levels[l].features.detach()
    if isinstance(head, SeparableHead):
        head, features = head.last, head.evidence(features).detach()
    logits = head(features.requires_grad_())
    logits = logits.reshape(network.per_cell[l], -1, *logits.shape[2:])[a, :, row, column]
    y = (torch.sigmoid(logits) if score == "sigmoid" else torch.softmax(logits, 0))[k]
    gradient, = torch.autograd.grad(y, features)
    alpha = gradient.mean((2, 3), keepdim=True)
    terms = (alpha * features).detach()
    cam = torch.relu(terms.sum(1)[0])
    rest = float(cam.max() / terms.abs().sum(1).max())
    return l, cam / cam.max() if cam.max() > 0 else cam, rest
