"""How often a classifier in PyTorch names what pictures show: the second opinion beside cbam-eval.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np
import torch

from score import normaliser

BATCH, TOP = 32, 5


@torch.no_grad()
def scores_of(classifier, document, pictures, half=False, progress=None):
    """[pictures, classes] of pictures whose pixels are what crops.middle() gives."""
    device, normalise, rows = next(classifier.parameters()).device, normaliser(document), []
    for at in range(0, len(pictures), BATCH):
        views = np.stack([np.asarray(picture.pixels) for picture in pictures[at:at + BATCH]])
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = classifier(normalise(torch.from_numpy(views).to(device))).scores.float()
        rows.append((torch.sigmoid(logits) if document["output"]["score"] == "sigmoid" else
                     torch.softmax(logits, 1)).cpu())
        if progress:
            progress(min(at + BATCH, len(pictures)), len(pictures))
    return torch.cat(rows)


def accuracy(scores, labels):
    """{"top1", "top5", "mean_top1"}: how often the best class is right, and one of the best five, where there are more;
    and the mean of the classes that have pictures."""
    best = scores.topk(min(TOP, scores.shape[1]), 1).indices
    labels = torch.tensor(labels)
    right = best == labels[:, None]
    first = right[:, 0].float()
    answer = {"top1": float(first.mean()),
              "mean_top1": float(torch.stack([first[labels == label].mean() for label in labels.unique()]).mean())}
    return {**answer, "top5": float(right.any(1).float().mean())} if scores.shape[1] > TOP else answer
