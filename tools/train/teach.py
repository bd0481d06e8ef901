"""A teacher: another model whose answers training may use, for soft targets and for objects that nobody boxed.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from boxes import decode_for, overlaps, to_corners
from modelfile import network_of, read_model
from score import anchors_for, detect, flatten, normaliser
from shared.faults import DataError
from start import class_columns

NEAR = 0.5  # overlap of one of our anchors with the teacher's that answers for it
SURE, MAYBE = 0.5, 0.25  # a found object's score to be taken for one; to be neither object nor background


@dataclass
class Lesson:
    """A teacher's answers to a batch: at its own anchors, and which of them stands for each of ours."""

    scores: torch.Tensor  # [B, M, K], of our classes
    boxes: torch.Tensor   # [B, M, 4], corners
    index: torch.Tensor   # [N], the teacher's anchor for each of ours
    near: torch.Tensor    # [N], whether it is near enough
    best: torch.Tensor    # [B, N], the largest score


class Teacher:
    def __init__(self, path, classes, rename, device="cpu"):
        self.document, self.tensors = read_model(path)
        try:
            network = network_of(self.document, self.tensors)
        except DataError as error:
            raise DataError(f"'{path}': {error}") from error
        self.network = network.to(device, memory_format=torch.channels_last).eval()
        self.anchors = anchors_for(self.document, self.tensors)
        self.columns = class_columns(self.document, classes, rename)
        if None in self.columns:
            lacking = ", ".join(name for name, column in zip(classes, self.columns) if column is None)
            raise ValueError(f"'{path}' has no class for {lacking}")
        self.normalise = normaliser(self.document)

    def pair(self, anchors):
        """Finds for each of our anchors the teacher's nearest."""
        overlap = torch.cat([overlaps(part, to_corners(self.anchors)) for part in to_corners(anchors).split(1000)])
        best, self.index = overlap.max(1)
        self.near = best >= NEAR

    @torch.no_grad()
    def __call__(self, pixels, half):
        """What the teacher says about pixels [B, H, W, 3]."""
        spec, device = self.document["input"], pixels.device
        if pixels.shape[1:3] != (spec["height"], spec["width"]):
            pixels = F.interpolate(pixels.permute(0, 3, 1, 2).float(), (spec["height"], spec["width"]),
                                   mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            levels = self.network(self.normalise(pixels))
        logits = flatten([level.conf for level in levels], self.network.per_cell)
        softmax = self.document["output"]["score"] == "softmax"
        scores = (torch.softmax(logits, 2) if softmax else torch.sigmoid(logits))[:, :, self.columns]
        loc = flatten([level.loc for level in levels], self.network.per_cell)
        boxes = decode_for(self.document)(loc, self.anchors.to(device))
        boxes = torch.cat((boxes[..., :2], torch.maximum(boxes[..., 2:], boxes[..., :2] + 1e-3)), 2)
        index = self.index.to(device)
        return Lesson(scores, boxes, index, self.near.to(device), scores.amax(2)[:, index])

    def fill(self, pictures, half, progress=None):
        """Adds what was not boxed in partially boxed pictures: sure finds as objects, doubtful ones as difficult."""
        chosen = [picture for picture in pictures if picture.boxed is not None]
        added = [0, 0]
        found = detect(self.network, self.document, self.anchors, chosen, self.normalise, self.columns, half,
                       MAYBE, progress)
        for number, k, score, *corners in found:
            picture = chosen[number]
            if k in picture.boxed:
                continue
            difficult = score < SURE
            picture.boxes = torch.cat((picture.boxes, torch.tensor([corners])))
            picture.labels = torch.cat((picture.labels, torch.tensor([k])))
            picture.difficult = torch.cat((picture.difficult, torch.tensor([difficult])))
            added[difficult] += 1
        return added
