"""Boxes that several detectors, or several looks of one, found in the same picture, as one list.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np

OVERLAP = 0.55  # of boxes that are the same object's
LEAST = 0.01    # scores below are dropped before


def overlaps_of(boxes, others):
    """Intersection over union of every box of [A, 4] with every one of [B, 4]; 0 where both are without an area."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both = (high - low).clip(0).prod(2)
    area, other_area = ((b[:, 2:] - b[:, :2]).prod(1) for b in (boxes, others))
    return both / np.maximum(area[:, None] + other_area - both, 1e-12)


def suppress(rows, overlap):
    """What stays of rows (class, score, corners): the strongest first, and of a class none that overlaps a stronger one
    by more."""
    rows, kept = rows[np.argsort(-rows[:, 1], kind="stable")], []
    for label in np.unique(rows[:, 0]):
        own = rows[rows[:, 0] == label]
        too_near = overlaps_of(own[:, 2:], own[:, 2:]) > overlap
        alive = np.ones(len(own), bool)
        for at in range(len(own)):
            if alive[at]:
                alive[at + 1:] &= ~too_near[at, at + 1:]
        kept.append(own[alive])
    rows = np.concatenate(kept) if kept else rows
    return rows[np.argsort(-rows[:, 1], kind="stable")]


def fuse(looks, counts=None, overlap=OVERLAP, least=LEAST):
    """Weighted boxes fusion: of `looks`, lists of rows (class, score, corners), one list, the strongest first. `counts`
    says for each class how many of the looks could have found it; without it, all.

    Strongest first, each box joins the fused box of its class that it overlaps most, if by more than `overlap`, or
    founds a new one. A fused box's corners are the mean of its boxes' by their scores. Its score is the mean over the
    looks of the best that each gave it, 0 where it gave none. Solovyev, Wang, Gabruseva 2019 (arXiv 1910.13302), section
    2, but for that: there every box counts in the mean, so that a look's weak second box of an object lowers its score
    (by 5 points of average precision with two looks of NanoDet-Plus).
    """
    rows = [np.asarray(look, dtype=float).reshape(-1, 6) for look in looks]
    rows = np.concatenate([np.column_stack((some, np.full(len(some), at))) for at, some in enumerate(rows)])
    rows = rows[rows[:, 1] >= least]
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    fused = [fuse_class(rows[rows[:, 0] == label], len(looks), overlap) / [1, counts_of, 1, 1, 1, 1]
             for label in np.unique(rows[:, 0])
             for counts_of in [len(looks) if counts is None else counts[int(label)]]]
    rows = np.concatenate(fused) if fused else np.zeros((0, 6))
    return rows[np.argsort(-rows[:, 1], kind="stable")]


def fuse_class(rows, looks, overlap):
    """The same of one class's rows with the numbers of their looks, the strongest first; scores are sums over looks."""
    boxes, sums = np.empty((len(rows), 4)), np.zeros((len(rows), 4))  # fused so far; corners times scores
    weights, best = np.zeros(len(rows)), np.zeros((len(rows), looks))
    count = 0
    for row in rows:
        box, score, look = row[2:6], row[1], int(row[6])
        at = count
        if count:
            shares = overlaps_of(box[None], boxes[:count])[0]
            nearest = shares.argmax()
            at = nearest if shares[nearest] > overlap else count
        count = max(count, at + 1)
        sums[at] += score * box
        weights[at] += score
        best[at, look] = max(best[at, look], score)
        boxes[at] = sums[at] / weights[at]
    return np.column_stack((np.full(count, rows[0, 0]), best[:count].sum(1), boxes[:count]))
