"""What training minimises: scores and boxes against SSD's matching, and three optional terms.

    scores     softmax with hard negatives (SSD, section 2.2) or sigmoids with focal weights (Lin et al. 2017)
    boxes      smooth L1 over the anchors that have a box
    attend     the spatial attention against the inside of the boxes, class-balanced; not in the CBAM paper
    distil     scores and boxes against a teacher's, where it has an anchor near

All but `attend` are sums divided by the number of anchors with a box in the batch.

A classifier's is the cross entropy with labels that are not quite sure (Szegedy et al. 2016, section 7).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import torch
from torch.nn import functional as F

from boxes import encode, match, to_corners
from recipes import classes_of
from score import flatten

NEGATIVES = 3                  # hard negatives per positive
ALPHA, GAMMA = 0.75, 2.0       # focal: of the positives; TensorFlow's settings of the COCO SSD
QUIET = 0.05                   # focal: negatives whose scores are all below add nothing that moves anything
SURE = 0.3                     # distil: a teacher's boxes count where it is so sure
SMOOTHING = 0.1                # of a classifier's labels: so much is shared out among all classes


class Loss:
    def __init__(self, document, anchors, kind, attend=0.0, distil=0.0):
        self.corners, self.anchors = to_corners(anchors), anchors
        self.variances = document["output"].get("variances", [0.1, 0.1, 0.2, 0.2])
        self.first = classes_of(document)[1]
        self.kind, self.attend, self.distil = kind, attend, distil

    def targets(self, batch):
        """What [(boxes, labels, difficult, ...)] asks of every anchor: (classes [B, N] with -1 background and -2 left out,
        (picture, anchor) of the positives, their boxes' offsets)."""
        kinds, pictures, places, offsets = [], [], [], []
        for number, (boxes, labels, difficult, *_) in enumerate(batch):
            answer = match(boxes, difficult, self.corners)
            place = (answer >= 0).nonzero()[:, 0]
            kinds.append(answer.clone())
            kinds[-1][place] = labels[answer[place]]
            pictures.append(torch.full_like(place, number))
            places.append(place)
            offsets.append(encode(boxes[answer[place]], self.anchors[place], self.variances))
        return torch.stack(kinds), (torch.cat(pictures), torch.cat(places)), torch.cat(offsets)

    def __call__(self, network, levels, batch, teacher=None):
        """{name: loss} of a batch; `teacher` is a Lesson (teach.py) or None."""
        logits = flatten([level.conf for level in levels], network.per_cell)
        loc = flatten([level.loc for level in levels], network.per_cell)
        kinds, positive, offsets = self.targets(batch)
        device = logits.device
        kinds, offsets, positive = kinds.to(device), offsets.to(device), tuple(x.to(device) for x in positive)
        count = max(1, len(offsets))
        scores = self.focal if self.kind == "focal" else self.multibox
        terms = {"scores": scores(logits, kinds) / count,
                 "boxes": F.smooth_l1_loss(loc[positive], offsets, reduction="sum") / count}
        if self.attend:
            terms["attend"] = self.attend * attention_loss(levels, batch)
        if teacher is not None:
            taught = len(teacher.scores)  # the batch's first pictures
            terms["distil"] = self.distil * self.distillation(logits[:taught], loc[:taught], teacher) \
                * len(batch) / (taught * count)
        return terms

    def multibox(self, logits, kinds):
        """Softmax cross-entropy of the positives and, in each picture, of the worst negatives."""
        background = torch.logsumexp(logits.detach(), 2) - logits.detach()[:, :, 0]
        background[kinds != -1] = -1
        quota = (NEGATIVES * (kinds >= 0).sum(1)).clamp(min=NEGATIVES)
        rank = background.argsort(1, descending=True).argsort(1)
        chosen = (kinds >= 0) | ((rank < quota[:, None]) & (kinds == -1))
        return F.cross_entropy(logits[chosen], kinds[chosen] + 1, reduction="sum")

    def focal(self, logits, kinds):
        chosen = (loud(logits) | (kinds >= 0)) & (kinds != -2)
        x, kinds = logits[chosen], kinds[chosen]
        wanted = F.one_hot((kinds + 1).long(), x.shape[1] + 1)[:, 1:].to(x.dtype)
        wrong = (torch.sigmoid(x) - wanted).abs()
        weight = (ALPHA * wanted + (1 - ALPHA) * (1 - wanted)) * wrong ** GAMMA
        return (weight * F.binary_cross_entropy_with_logits(x, wanted, reduction="none")).sum()

    def distillation(self, logits, loc, lesson):
        logits = logits[:, :, self.first:]
        picture, anchor = ((loud(logits) | (lesson.best > QUIET)) & lesson.near).nonzero(as_tuple=True)
        x, scores = logits[picture, anchor], lesson.scores[picture, lesson.index[anchor]]
        # Focal in the same sense: what agrees already weighs little.
        wrong = (torch.sigmoid(x.detach()) - scores).abs()
        soft = (wrong * F.binary_cross_entropy_with_logits(x, scores, reduction="none")).sum()
        picture, anchor = ((lesson.best > SURE) & lesson.near).nonzero(as_tuple=True)
        offsets = encode(lesson.boxes[picture, lesson.index[anchor]], self.anchors.to(x.device)[anchor], self.variances)
        boxes = F.smooth_l1_loss(loc[picture, anchor], offsets, reduction="none").sum(1)
        return soft + (boxes * lesson.best[picture, anchor]).sum()


class ClassLoss:
    def __call__(self, network, answer, batch, teacher=None):
        """{name: loss} of a batch of [(class,)]."""
        scores = answer.scores.float()
        wanted = torch.tensor([label for label, in batch], device=scores.device)
        return {"classes": F.cross_entropy(scores, wanted, label_smoothing=SMOOTHING)}


def loud(logits):
    """Which anchors have a score that matters."""
    return logits.detach().amax(2) > math.log(QUIET / (1 - QUIET))


def attention_loss(levels, batch):
    """Binary cross-entropy of the spatial attention against the inside of boxes, inside and outside weighing the same."""
    terms = []
    for level in levels:
        if level.spatial is None or level.spatial.shape[-1] < 2:
            continue
        height, width = level.spatial.shape[2:]
        inside, hard = (torch.stack(masks).to(level.spatial.device)
                        for masks in zip(*(cells_inside(*target[:3], height, width) for target in batch)))
        p = level.spatial[:, 0].float().clamp(1e-4, 1 - 1e-4)
        outside = ~inside & ~hard
        terms.append((-torch.log(p[inside]).mean() if inside.any() else 0)
                     + (-torch.log(1 - p[outside]).mean() if outside.any() else 0))
    return sum(terms) / max(1, 2 * len(terms))


def cells_inside(boxes, labels, difficult, height, width):
    """Which cells' centres lie in a box, and which only in a difficult one."""
    y, x = ((torch.arange(n) + 0.5) / n for n in (height, width))
    if len(boxes) == 0:
        nothing = torch.zeros(height, width, dtype=torch.bool)
        return nothing, nothing
    across = (x > boxes[:, :1]) & (x < boxes[:, 2:3])
    down = (y > boxes[:, 1:2]) & (y < boxes[:, 3:4])
    cells = down[:, :, None] & across[:, None, :]
    inside = (cells & ~difficult[:, None, None]).any(0)
    return inside, cells.any(0) & ~inside
