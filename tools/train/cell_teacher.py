"""A teacher that looks at the same cells as the network that learns: NanoDet-Plus, as ncnn stores it.

Its strides, bins and number of channels before the heads are to be the learner's; its answers then need no pairing, and
its scores, its distributions of a box's sides and its features are all there to be learned from. A learner that began
with its weights need not compute the layers of its trunk twice while they stay as they are.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re

import torch

from ncnn_graph import Graph, read_layers
from quality import Answers
from shared.faults import DataError
from shared.labels import COCO

SCORES = r"cls(\d+)"  # blobs of scores, by the level's stride
PROBE = 64            # pixels of a picture that shows whether two trunks are the same
SAME = 1e-3


def find_heads(path, layers):
    """[(blob of features, blob of scores and sides before any activation)] from the finest level on."""
    makers = {blob: layer for layer in layers for blob in layer.outputs}
    heads = {}
    for blob in makers:
        match = re.fullmatch(SCORES, blob)
        if not match:
            continue
        layer = makers[blob]
        while layer.kind != "Convolution":
            if layer.kind not in ("Sigmoid", "Slice", "Reshape", "Permute"):
                raise DataError(f"'{path}': expected a convolution that makes '{blob}', found a {layer.kind}")
            layer = makers[layer.inputs[0]]
        heads[int(match[1])] = (layer.inputs[0], layer.outputs[0])
    if not heads:
        raise DataError(f"'{path}': expected NanoDet-Plus's blobs cls8, cls16 ..., found none")
    return [head for _, head in sorted(heads.items())]


def find_units(layers):
    """The blobs that ShuffleNetV2's units end with, in their order."""
    return [layer.outputs[0] for layer in layers if layer.kind == "ShuffleChannel"]


class CellTeacher:
    def __init__(self, path, document, classes, rename, device="cpu"):
        self.layers, self.device = read_layers(path), device
        output, levels = document["output"], len(document["anchors"]["maps"])
        heads = find_heads(path, self.layers)[:levels]
        self.bins = output.get("bins", 8)
        labels = [rename.get(name, name) for name in COCO]
        lacking = [name for name in classes if name not in labels]
        if lacking:
            raise ValueError(f"'{path}' has no class for {', '.join(lacking)}")
        if output.get("boxes") != "distribution" or len(heads) < levels:
            raise ValueError(f"'{path}' teaches a network whose boxes are distributions, on up to {len(heads)} levels")
        self.columns = [labels.index(name) for name in classes]
        self.blobs = [blob for head in heads for blob in head]
        self.common, self.graphs = {}, {}

    @torch.no_grad()
    def pair(self, network):
        """Finds which of a network's layers hold what the teacher's do: {name of a layer: blob}."""
        units = find_units(self.layers)
        at = -1
        for stage, count in enumerate(network.backbone.UNITS, 2):
            at += count
            if at < len(units):
                self.common[f"stage{stage}.{count - 1}"] = units[at]
        probe = torch.rand(1, 3, PROBE, PROBE, generator=torch.Generator().manual_seed(1)).to(self.device)
        ours, theirs = network.backbone(probe), Graph(self.layers, list(self.common.values())).to(self.device)(probe)
        for (name, _), blob in zip(list(self.common.items()), theirs):
            if ours[name].shape != blob.shape or (ours[name] - blob).abs().max() > SAME * blob.abs().max():
                del self.common[name]

    def graph(self, given):
        if given not in self.graphs:
            graph = Graph(self.layers, self.blobs, given)
            self.graphs[given] = graph.to(self.device).to(memory_format=torch.channels_last)
        return self.graphs[given]

    @torch.no_grad()
    def __call__(self, x, layers, half):
        """What the teacher says about the network's input [B, 3, H, W], normalised as its own, of whose layers those
        that learn nothing may be the teacher's."""
        still = [name for name in self.common if not layers[name].requires_grad]
        graph = self.graph(tuple(self.common[name] for name in still))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            blobs = graph(*(layers[name] for name in still)) if still else graph(x)
        rows = torch.cat([blob.permute(0, 2, 3, 1).flatten(1, 2) for blob in blobs[1::2]], 1).float()
        scores, sides = rows[:, :, :len(COCO)], rows[:, :, len(COCO):].unflatten(2, (4, self.bins))
        return Answers(torch.sigmoid(scores[:, :, self.columns]), sides, blobs[0::2])
