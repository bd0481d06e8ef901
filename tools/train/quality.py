"""What training minimises where a cell has one box whose sides are distributions: Generalized Focal Loss (Li et al.
2020, arXiv 2006.04388), with a teacher that looks at the same cells.

    scores     quality focal loss: the score of a cell that answers for an object is to be its box's overlap with it
    boxes      GIoU of these boxes (Rezatofighi et al. 2019), and the distribution focal loss of their sides
    distil     the teacher's distributions of sides (localization distillation, Zheng et al. 2022, arXiv 2102.12252)
    mimic      the teacher's features before its heads, where ours are to become the same
    attend     the spatial attention against the inside of the boxes, as in loss.py

A teacher's scores are what cells that answer for no object are to say, but annotations outweigh them: where the
teacher's box lies on an annotated object, other classes than its own are wrong, and where the teacher is sure of an
object that nobody annotated, nothing is learned.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from boxes import decode_for, overlaps, units
from loss import attention_loss
from score import flatten

BETA = 2.0            # of the quality focal loss
GIOU, DFL = 2.0, 0.5  # weights within `boxes`
CANDIDATES = 10       # of an object, whose overlaps together say how many cells answer for it (Ge et al. 2021, YOLOX)
SURE = 0.4            # a teacher's score that may well be of an object that nobody annotated
HALF = 0.5            # of a teacher's score that is less
SAME = 0.5            # overlap from which the teacher's box is an annotated object's
TAUGHT = 0.2          # score from which the teacher's sides are learned
TINY = 1e-7


@dataclass
class Answers:
    """A teacher's answers to a batch, cell by cell as our heads' outputs."""

    scores: torch.Tensor  # [B, N, K], of our classes
    sides: torch.Tensor   # [B, N, 4, bins], logits
    features: list        # of each level [B, C, H, W]


class QualityLoss:
    def __init__(self, document, anchors, attend=0.0, distil=0.0, mimic=0.0):
        self.anchors, self.decode = anchors, decode_for(document)
        self.units = units(anchors, document["output"].get("variances", [0.1, 0.1, 0.2, 0.2]))
        self.attend, self.distil, self.mimic = attend, distil, mimic
        self.spread = None  # of the teacher's features, by level

    def __call__(self, network, levels, batch, answers=None):
        """{name: loss} of a batch [(boxes, labels, difficult)]; `answers` is the teacher's, or None."""
        logits = flatten([level.conf for level in levels], network.per_cell)
        loc = flatten([level.loc for level in levels], network.per_cell)
        boxes = self.decode(loc, self.anchors)
        with torch.no_grad():
            laid = self.decode(answers.sides.flatten(2), self.anchors) if answers else boxes.detach()
            wanted, weights, place, truth, labels = self.targets(batch, torch.sigmoid(logits), laid, answers)
        count = max(1, len(place))
        overlap, gain = giou(boxes.flatten(0, 1)[place], truth)
        wanted.view(-1, wanted.shape[2])[place, labels] = overlap.detach().clamp(0, 1)
        terms = {"scores": quality_focal(logits, wanted, weights) / count,
                 "boxes": (GIOU * (1 - gain).sum() + DFL * self.sharpness(loc, place, truth)) / count}
        if self.attend:
            terms["attend"] = self.attend * attention_loss(levels, batch)
        if answers and self.distil:
            terms["distil"] = self.distil * sides_like(loc.unflatten(2, (4, -1)), answers)
        if answers and self.mimic:
            terms["mimic"] = self.mimic * self.mimicry(levels, answers)
        return terms

    def targets(self, batch, ours, laid, answers):
        """What is asked of every cell: scores and how much each counts [B, N, K]; and of those that answer for an
        object, their places in the batch [P], the objects [P, 4] and their labels [P]."""
        wanted, weights = torch.zeros_like(ours), torch.ones_like(ours)
        places, truth, kinds = [], [], []
        for number, (boxes, labels, difficult) in enumerate(batch):
            scores = answers.scores[number] if answers else None
            believed = ours[number] if scores is None else (ours[number] + scores) / 2
            inside = self.centres_inside(boxes)
            covered, hard = (by_class(inside[chosen], labels[chosen], ours.shape[2])
                             for chosen in (~difficult, difficult))
            if answers:
                wanted[number], weights[number] = believe(scores, covered)
                correct(wanted[number], weights[number], boxes[~difficult], labels[~difficult], laid[number])
            place, which = self.assign(boxes[~difficult], labels[~difficult], inside[~difficult], believed, laid[number])
            wanted[number][place] *= covered[place]
            weights[number][place] = 1
            weights[number][hard & ~covered] = 0
            places.append(number * len(self.anchors) + place)
            truth.append(boxes[~difficult][which])
            kinds.append(labels[~difficult][which])
            weights[number][place, kinds[-1]] = 1
        return wanted, weights, torch.cat(places), torch.cat(truth), torch.cat(kinds)

    def centres_inside(self, boxes):
        """[G, N]; of a box in which no centre lies, the nearest."""
        x, y = self.anchors[:, 0], self.anchors[:, 1]
        inside = (x > boxes[:, :1]) & (x < boxes[:, 2:3]) & (y > boxes[:, 1:2]) & (y < boxes[:, 3:4])
        lost = ~inside.any(1)
        if lost.any():
            middle = (boxes[lost, :2] + boxes[lost, 2:]) / 2
            nearest = torch.cdist(middle, self.anchors[:, :2]).argmin(1)
            inside[lost.nonzero()[:, 0], nearest] = True
        return inside

    def assign(self, boxes, labels, inside, believed, laid):
        """(cells, each one's object): those whose boxes, as they are laid, fit it, whose scores agree, near its middle;
        as many as its best candidates' overlaps add up to."""
        if len(boxes) == 0:
            nothing = torch.zeros(0, dtype=torch.long, device=laid.device)
            return nothing, nothing
        iou = overlaps(boxes, laid) * inside
        middle = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        away = ((self.anchors[:, :2] - middle) / self.units[:, :2]).norm(dim=2)
        cost = 10 ** (away.clamp(max=20) - 3) - 3 * torch.log(iou + TINY) - torch.log(believed[:, labels].t() + TINY)
        cost[~inside] = torch.inf
        many = min(CANDIDATES, iou.shape[1])
        count = iou.topk(many, 1).values.sum(1).int().clamp(min=1)
        least, cells = cost.topk(many, 1, largest=False)
        taken = (torch.arange(many, device=laid.device) < count[:, None]) & torch.isfinite(least)
        final = torch.full_like(cost, torch.inf)
        final.scatter_(1, cells, torch.where(taken, least, torch.full_like(least, torch.inf)))
        best, which = final.min(0)
        place = torch.isfinite(best).nonzero()[:, 0]
        return place, which[place]

    def sharpness(self, loc, place, truth):
        """Distribution focal loss: the two bins about a side's true distance share its probability."""
        logits = loc.flatten(0, 1)[place].unflatten(1, (4, -1))
        cell = place % len(self.anchors)
        centre = self.anchors[cell, :2]
        true = torch.cat((centre - truth[:, :2], truth[:, 2:] - centre), 1) / self.units[cell]
        true = true.clamp(0, logits.shape[2] - 1.01)
        low = true.long()
        log = F.log_softmax(logits, 2)
        share = true - low
        return -(log.gather(2, low[..., None])[..., 0] * (1 - share)
                 + log.gather(2, low[..., None] + 1)[..., 0] * share).mean(1).sum()

    def mimicry(self, levels, answers):
        if self.spread is None:
            self.spread = [f.float().std((0, 2, 3), keepdim=True) + 0.05 for f in answers.features]
        best, total, at = answers.scores.amax(2), 0, 0
        for level, theirs, spread in zip(levels, answers.features, self.spread):
            cells = theirs.shape[2] * theirs.shape[3]
            weight = 0.1 + best[:, at:at + cells]
            error = ((level.seen.float() - theirs.float()) / spread).square().mean(1).flatten(1)
            total = total + (weight * error).sum() / weight.sum()
            at += cells
        return total / len(levels)


def by_class(inside, labels, n_classes):
    """[N, K]: whether a cell's centre lies in a box of the class."""
    answer = torch.zeros(n_classes, inside.shape[1], dtype=torch.bool, device=inside.device)
    for row, label in zip(inside, labels.tolist()):
        answer[label] |= row
    return answer.t()


def believe(scores, covered):
    """(what a teacher's scores ask of every cell, how much that counts), both [N, K]."""
    return torch.where(covered, scores, HALF * scores), ((scores < SURE) | covered).float()


def correct(wanted, weights, boxes, labels, laid):
    """Where the teacher lays a box on annotated objects, their classes are the only ones."""
    if len(boxes) == 0:
        return
    theirs = by_class(overlaps(boxes, laid) >= SAME, labels, wanted.shape[1])
    wrong = theirs.any(1, keepdim=True) & ~theirs
    wanted[wrong], weights[wrong] = 0, 1


def quality_focal(logits, wanted, weights):
    far = (torch.sigmoid(logits.detach()) - wanted).abs() ** BETA
    return (weights * far * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")).sum()


def sides_like(logits, answers):
    """Kullback-Leibler divergence of our distributions of sides from the teacher's, where it sees something."""
    best = answers.scores.amax(2)
    chosen = best > TAUGHT
    weight = best[chosen]
    theirs = F.log_softmax(answers.sides[chosen], 2)
    apart = F.kl_div(F.log_softmax(logits[chosen], 2), theirs, reduction="none", log_target=True).sum(2).mean(1)
    return (weight * apart).sum() / weight.sum().clamp(min=1)


def giou(a, b):
    """(intersection over union, generalised) of boxes [P, 4] and [P, 4]."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - both
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = both / (union + TINY)
    return iou, iou - (hull - union) / (hull + TINY)
