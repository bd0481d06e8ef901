"""What networks are built of in PyTorch: convolutions with their batch norms, normalisations, activations.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import torch
from torch import nn
from torch.nn import functional as F


class Conv(nn.Module):
    """A convolution of the given name, with a batch norm named `norm` beside it where the words say so."""

    def __init__(self, words, eps, name, conv, norm="bn"):
        super().__init__()
        self.steps = [name]
        self.add_module(name, conv)
        if "bn" in words:
            self.steps.append(norm)
            self.add_module(norm, nn.BatchNorm2d(conv.out_channels, eps=eps))

    def forward(self, x):
        for step in self.steps:
            x = getattr(self, step)(x)
        return x


class L2Norm(nn.Module):
    def __init__(self, channels, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 20.0))  # as SSD starts
        self.eps = eps

    def forward(self, x):
        return x / (x.pow(2).sum(1, keepdim=True).sqrt() + self.eps) * self.weight[:, None, None]


class SameConv(nn.Conv2d):
    """Padded as TensorFlow does it: output = ceil (input / stride), what is odd goes right and below."""

    def forward(self, x):
        if self.stride == (1, 1) and self.kernel_size[0] % 2 and self.kernel_size[1] % 2:
            return F.conv2d(x, self.weight, self.bias, 1, "same", self.dilation, self.groups)
        pads = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [pad // 2, pad - pad // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class Relu6(torch.autograd.Function):
    """Clamps to 0 ... 6 with the gradient of a ReLU: what was cut at 6 may still come back in training, and PyTorch 1.13
    has no gradient of ReLU6 in bfloat16."""

    @staticmethod
    def forward(context, x):
        y = x.clamp(0, 6)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context, gradient):
        return torch.ops.aten.threshold_backward(gradient, context.saved_tensors[0], 0)


def activation_of(network, key="activation"):
    kind, slope = network.get(key, "relu"), network.get("slope", 0.1)
    if kind == "leaky_relu":
        return lambda x: F.leaky_relu(x, slope)
    return Relu6.apply if kind == "relu6" else F.relu


def as_map(z):
    return z[..., None, None]
