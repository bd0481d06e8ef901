"""Average precision of a network in PyTorch: the second opinion beside cbam-eval.

Detections are Caffe's evaluation profile (score above 0.01, 400 per class, overlap 0.45, 200 a picture); matching is the
VOC devkit's, with its inclusive pixels.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np
import torch
from torch.nn import functional as F

from boxes import anchors_of, decode_for
from recipes import classes_of

THRESHOLD, TOP_K, OVERLAP, KEEP = 0.01, 400, 0.45, 200
BATCH = 16


def normaliser(document):
    """A function from bytes [B, H, W, 3] (or floats) to the network's input [B, 3, H, W]."""
    spec = document["input"]
    shape = (1, 3, 1, 1)
    mean = torch.tensor([float(x) for x in spec.get("mean", [0, 0, 0])]).reshape(shape)
    scale = torch.tensor([float(x) for x in spec.get("scale", [1, 1, 1])]).reshape(shape)
    order = [0, 1, 2] if spec["channels"] == "rgb" else [2, 1, 0]

    def normalise(pixels):
        x = pixels.permute(0, 3, 1, 2)[:, order].float()
        return ((x - mean.to(x.device)) * scale.to(x.device)).contiguous(memory_format=torch.channels_last)

    return normalise


def resized(pixels, width, height):
    """[1, height, width, 3] without rounding, bilinear: as the engine does it. Rounding moves average precision by some
    tenths of a point."""
    x = torch.from_numpy(np.asarray(pixels).copy()).permute(2, 0, 1)[None].float()
    return F.interpolate(x, (height, width), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)


def flatten(maps, per_cell):
    """Heads' outputs [B, A * n, H, W] of all levels as [B, anchors, n], float32."""
    rows = []
    for x, a in zip(maps, per_cell):
        batch, channels = x.shape[:2]
        rows.append(x.permute(0, 2, 3, 1).reshape(batch, -1, channels // a))
    return torch.cat(rows, 1).float()


def anchors_for(document, tensors=None):
    """A document's anchors, which may be a tensor of the model file."""
    if "tensor" in document["anchors"]:
        return tensors[document["anchors"]["tensor"]].float()
    return anchors_of(document)


def suppress(boxes, scores):
    """Indices of what is kept of one class, strongest first."""
    order = np.argsort(-scores, kind="stable")[:TOP_K]
    if len(order) < 2:
        return order
    b = boxes[order]
    area = np.maximum(b[:, 2] - b[:, 0], 0) * np.maximum(b[:, 3] - b[:, 1], 0)
    alive, kept = np.ones(len(order), bool), []
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(order[i])
        low, high = np.maximum(b[i, :2], b[i + 1:, :2]), np.minimum(b[i, 2:], b[i + 1:, 2:])
        both = (high - low).clip(0).prod(1)
        alive[i + 1:] &= both <= OVERLAP * (area[i] + area[i + 1:] - both)
    return np.array(kept)


@torch.no_grad()
def detect(network, document, anchors, pictures, normalise, columns=None, half=True, threshold=THRESHOLD,
           progress=None):
    """[(picture, class, score, x1, y1, x2, y2)], corners in fractions. `columns` picks the scores of each class, -1 =
    none; without it they are the document's classes."""
    spec, device = document["input"], next(network.parameters()).device
    first = classes_of(document)[1]
    found = []
    for at in range(0, len(pictures), BATCH):
        pixels = torch.cat([resized(p.pixels, spec["width"], spec["height"]) for p in pictures[at:at + BATCH]])
        pixels = pixels.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            levels = network(normalise(pixels))
        logits = flatten([level.conf for level in levels], network.per_cell)
        scores = torch.sigmoid(logits) if document["output"]["score"] == "sigmoid" else torch.softmax(logits, 2)
        loc = flatten([level.loc for level in levels], network.per_cell)
        boxes = decode_for(document)(loc, anchors.to(device)).cpu().numpy()
        scores = scores[:, :, columns] if columns is not None else scores[:, :, first:]
        scores = scores.cpu().numpy()
        for i in range(len(pixels)):
            found += strongest(at + i, boxes[i], scores[i], threshold)
        if progress:
            progress(min(at + BATCH, len(pictures)), len(pictures))
    return found


def strongest(number, boxes, scores, threshold):
    rows = []
    for k in range(scores.shape[1]):
        candidates = (scores[:, k] > threshold).nonzero()[0]
        kept = candidates[suppress(boxes[candidates], scores[candidates, k])] if len(candidates) else candidates
        rows += [(number, k, float(scores[p, k]), *boxes[p].clip(0, 1).tolist()) for p in kept]
    return sorted(rows, key=lambda row: -row[2])[:KEEP]


def average_precision(found, pictures, n_classes, threshold=0.5):
    """{class: (objects, area AP, 11-point AP)} for the classes that have objects."""
    answer = {}
    for k in range(n_classes):
        truth = [inclusive(p, k) for p in pictures]
        objects = sum(int((~difficult).sum()) for _, difficult in truth)
        if objects == 0:
            continue
        used = [np.zeros(len(difficult), bool) for _, difficult in truth]
        hits = []
        for number, _, _, *corners in sorted((row for row in found if row[1] == k), key=lambda row: -row[2]):
            hits.append(judge(corners, pictures[number].pixels.size, *truth[number], used[number], threshold))
        hits = np.array([hit for hit in hits if hit is not None], bool)
        answer[k] = (objects, *curve(hits, objects))
    return answer


def inclusive(picture, k):
    """Boxes of class k in 1-based inclusive pixels, and which are difficult."""
    chosen = picture.labels == k
    size = np.array(picture.pixels.size * 2)
    return picture.boxes[chosen].numpy() * size + [1, 1, 0, 0], picture.difficult[chosen].numpy()


def judge(corners, size, truth, difficult, used, threshold):
    """Whether a detection is right; None = it found a difficult box, which counts for nothing."""
    if len(truth) == 0:
        return False
    box = np.array(corners) * (size * 2) + [1, 1, 0, 0]
    low, high = np.maximum(box[:2], truth[:, :2]), np.minimum(box[2:], truth[:, 2:])
    both = (high - low + 1).clip(0).prod(1)
    area = (truth[:, 2:] - truth[:, :2] + 1).prod(1)
    iou = both / ((box[2:] - box[:2] + 1).prod() + area - both)
    best = iou.argmax()
    if iou[best] < threshold:
        return False
    if difficult[best]:
        return None
    first, used[best] = not used[best], True
    return first


def curve(hits, objects):
    """(area, 11-point) average precision of detections in falling order of score."""
    right = np.cumsum(hits)
    recall, precision = right / objects, right / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    area = float(np.sum(np.diff(np.concatenate([[0], recall])) * envelope))
    points = [envelope[right * 10 >= n * objects].max(initial=0) for n in range(11)]
    return area, float(np.mean(points))


def summary(result):
    """(mean area AP, mean 11-point AP, area AP weighted by objects), in percent."""
    objects, area, points = (np.array(column) for column in zip(*result.values()))
    return 100 * area.mean(), 100 * points.mean(), 100 * (area * objects).sum() / objects.sum()
