"""Classifiers in plain PyTorch: what is trained, and the truth that tests/golden compares the engine with.

A Classifier is made from a model document (models/README.md) and a Form, as a Network is, and has the same backbones.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional as F

from attention import ATTENTION
from backbones import BACKBONES, round_channels

# features: what the mean is taken of; seen: for each size of map, from the finest on, what the last attention module on
# such a map lets through
Classified = namedtuple("Classified", "features scores seen")
Seen = namedtuple("Seen", "spatial channel")


class Classifier(nn.Module):
    def __init__(self, document, form):
        super().__init__()
        network = dict(document["network"])
        if "attention" in network:
            network["attention"] = {"place": "blocks", **network["attention"]}
        kind = BACKBONES[network["backbone"]]
        self.backbone, self.end = kind(network, form, 0, network.get("bn_eps", 1e-5), classifies=True), kind.END
        channels, self.hidden = self.backbone.channels[kind.END], None
        if hasattr(kind, "HIDDEN"):
            hidden = round_channels(kind.HIDDEN * network.get("width", 1))
            channels, self.hidden = hidden, nn.Linear(channels, hidden)
            self.hidden_activation = kind.HIDDEN_ACTIVATION
        self.fc = nn.Linear(channels, len(document["output"]["classes"]))
        for module in self.backbone.modules():
            if isinstance(module, tuple(ATTENTION.values())):
                module.register_forward_hook(self.see)
        self.seen = {}
        self.eval()

    def see(self, module, inputs, output):
        x, spatial, channel = output
        self.seen[tuple(x.shape[2:])] = Seen(spatial, channel)

    def tensors(self):
        """{name in the model file: tensor}"""
        return {name[len("backbone."):] if name.startswith("backbone.") else name: tensor
                for name, tensor in self.state_dict().items() if not name.endswith("num_batches_tracked")}

    def count_parameters(self):
        return sum(p.numel() for p in self.parameters())

    def forward(self, x):
        return self.look(self.backbone(x))

    def look(self, layers):
        """What the trunk's layers lead to."""
        seen, self.seen = list(self.seen.values()), {}
        return Classified(layers[self.end], self.classify(layers[self.end]), seen)

    def classify(self, features):
        x = features.mean((2, 3))
        return self.fc(self.hidden_activation(self.hidden(x)) if self.hidden else x)


def grad_cam(classifier, features, k, score):
    """Grad-CAM of class k's probability, by autograd, divided by its maximum; and how much of the terms' sizes is left in
    the sum behind that maximum."""
    with torch.enable_grad():
        features = features.detach().requires_grad_()
        logits = classifier.classify(features)[0]
        scores = torch.sigmoid(logits) if score == "sigmoid" else torch.softmax(logits, 0)
        gradient, = torch.autograd.grad(scores[k], features)
    terms = gradient.mean((2, 3), keepdim=True) * features.detach()
    cam = terms.sum(1)[0].clamp(min=0)
    return cam / cam.max().clamp(min=1e-300), float(cam.max() / terms.abs().sum(1).max())
