"""Detectors of other projects, as ncnn stores them: which of a graph's blobs say what, and the boxes that they mean.

Both kinds that are known here say distances from a cell's point to the sides of a box as distributions over bins
(Generalized Focal Loss, Li et al. 2020, arXiv 2006.04388), and were trained on COCO's classes.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re
from dataclasses import dataclass

import numpy as np
import torch

from fusion import suppress
from ncnn_graph import read_graph
from shared.faults import DataError
from shared.labels import COCO

MEAN, SCALE = (123.675, 116.28, 103.53), (1 / 58.395, 1 / 57.12, 1 / 57.375)  # ImageNet's, of red, green and blue
OVERLAP = 0.6   # of two boxes of a class, above which the weaker goes
MOST = 1000     # boxes of a picture that are looked at
STEP = 32       # the input's sides are multiples of it: what the graphs add up would not fit otherwise


@dataclass(frozen=True)
class Kind:
    """How one family of detectors says what it found."""

    name: str
    scores: str    # its blobs of scores: a pattern whose number orders the levels from the finest on
    distances: str
    number: object  # of (a level's number in `distances`, how many levels): that in `scores`
    aside: float   # where a cell's point lies, in cells from its corner
    bgr: bool


KINDS = (
    Kind("NanoDet-Plus", r"cls(\d+)", r"dis(\d+)", lambda number, levels: number, 0.0, True),
    Kind("PicoDet", r"save_infer_model/scale_(\d+)\.tmp_1", r"save_infer_model/scale_(\d+)\.tmp_1",
         lambda number, levels: number - levels, 0.5, False),
)


def pairs_of(kind, blobs):
    """[(blob of scores, blob of distances)] from the finest level on, or [] if the blobs are not this kind's."""
    scores, distances = ({int(match[1]): blob for blob in blobs for match in [re.fullmatch(pattern, blob)] if match}
                         for pattern in (kind.scores, kind.distances))
    levels = len(scores) if kind.scores != kind.distances else len(scores) // 2
    pairs = [(scores.get(kind.number(number, levels)), blob) for number, blob in sorted(distances.items())]
    return [pair for pair in pairs if pair[0]] if levels else []


class NcnnDetector:
    """labels, what it may find; size, of its input: (width, height); and a function from views of pictures to rows."""

    def __init__(self, path, side=416, half=True, device="cpu"):
        if side % STEP or side < STEP:
            raise ValueError(f"expected a side of {STEP} pixels or a multiple, found {side}")
        ends = read_graph(path).outputs
        self.path, self.labels, self.size, self.fill = path, COCO, (side, side), MEAN
        self.kind, self.pairs = next(((kind, pairs) for kind in KINDS for pairs in [pairs_of(kind, ends)] if pairs),
                                     (None, None))
        if self.kind is None:
            raise DataError(f"'{path}': expected the outputs of {' or '.join(kind.name for kind in KINDS)}, found "
                            f"{', '.join(ends)}")
        graph = read_graph(path, [blob for pair in self.pairs for blob in pair])
        self.dtype, self.device = torch.bfloat16 if half else torch.float32, torch.device(device)
        self.graph = graph.to(self.device, self.dtype).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, views, least, wanted=None):
        """Rows (label's number, score, corners in fractions of the view) [N, 6] of each view [height, width, 3] in red,
        green and blue, the strongest first, with scores of `least` at least; of the labels whose numbers are `wanted`."""
        x = torch.stack([view.to(self.device).float() for view in views]).permute(0, 3, 1, 2)
        x = (x - x.new_tensor(MEAN).view(1, 3, 1, 1)) * x.new_tensor(SCALE).view(1, 3, 1, 1)
        x = (x.flip(1) if self.kind.bgr else x).to(self.dtype).contiguous(memory_format=torch.channels_last)
        outputs = self.graph(x)
        levels = [self.level(number, *outputs[2 * number:2 * number + 2]) for number in range(len(self.pairs))]
        columns = torch.as_tensor(range(len(COCO)) if wanted is None else wanted, device=self.device)
        return [self.rows([(scores[at], distances[at], step) for scores, distances, step in levels], least, columns)
                for at in range(len(views))]

    def level(self, number, scores, distances):
        """(scores [B, cells, classes], distances [B, cells, 4, bins], step between cells in pixels) of two blobs."""
        step = 8 << number
        if scores.dim() == 4:
            scores = scores.flatten(2).transpose(1, 2)
        cells = -(-self.size[1] // step) * -(-self.size[0] // step)
        if scores.shape[1:] != (cells, len(COCO)) or distances[0].numel() % (4 * cells):
            raise DataError(f"'{self.path}': expected {len(COCO)} scores and distances to four sides for {cells} cells in "
                            f"'{self.pairs[number][0]}' and '{self.pairs[number][1]}', found "
                            f"{list(scores.shape[1:])} and {list(distances.shape[1:])}")
        return scores.float(), distances.reshape(len(scores), cells, 4, -1), step

    def rows(self, levels, least, wanted):
        """Of one picture's levels."""
        found = []
        for scores, distances, step in levels:
            scores = scores[:, wanted]
            cells, labels = (scores >= least).nonzero(as_tuple=True)
            bins = distances[cells].float()
            sides = (bins.softmax(2) * torch.arange(bins.shape[2], device=bins.device)).sum(2)
            columns = -(-self.size[0] // step)
            points = torch.stack((cells % columns, torch.div(cells, columns, rounding_mode="floor")), 1) + self.kind.aside
            corners = torch.cat((points - sides[:, :2], points + sides[:, 2:]), 1) * step
            corners = corners / corners.new_tensor(self.size * 2)
            found.append(torch.cat((wanted[labels][:, None], scores[cells, labels][:, None], corners.clamp(0, 1)), 1))
        rows = torch.cat(found).cpu().numpy()
        return suppress(rows[np.argsort(-rows[:, 1], kind="stable")[:MOST]], OVERLAP)
