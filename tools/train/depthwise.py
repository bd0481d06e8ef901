"""A depthwise convolution of 5x5 and larger that trains quickly on a CPU.

The gradient of its weights is computed as those of 3x3 windows of it, which overlap: oneDNN 2.6 (PyTorch 1.13) has a
fast kernel in bfloat16 for 3x3 alone, and takes twenty times as long for 5x5.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import torch
from torch import nn
from torch.nn import functional as F

PART = 3
backward_of = torch.ops.aten.convolution_backward


def gradients(gradient, x, weight, stride, pad, wanted):
    """(of x, of the weights, of the bias); `wanted` says which."""
    return backward_of(gradient, x, weight, [len(weight)], [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], len(weight),
                       wanted)


class Quick(torch.autograd.Function):
    @staticmethod
    def forward(context, x, weight, bias, stride):
        x, weight, bias = (t.to(torch.bfloat16) for t in (x, weight, bias))
        context.save_for_backward(x, weight)
        context.stride = stride
        return F.conv2d(x, weight, bias, stride, weight.shape[2] // 2, groups=len(weight))

    @staticmethod
    def backward(context, gradient):
        x, weight = context.saved_tensors
        kernel, stride = weight.shape[2], context.stride
        pad = kernel // 2
        gradient = gradient.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        of_x = gradients(gradient, x, weight, stride, pad, [True, False, False])[0] if context.needs_input_grad[0] \
            else None
        height, width = ((n - 1) * stride + PART for n in gradient.shape[2:])
        wide, part = F.pad(x, [pad] * 4), weight[:, :, :PART, :PART].contiguous()
        of_weight = torch.empty_like(weight, dtype=torch.float32)
        starts = [*range(0, kernel - PART, PART), kernel - PART]
        for i in starts:
            for j in starts:
                seen = wide[:, :, i:i + height, j:j + width].contiguous(memory_format=torch.channels_last)
                window = gradients(gradient, seen, part, stride, 0, [False, True, False])[1]
                of_weight[:, :, i:i + PART, j:j + PART] = window.float()
        return of_x, of_weight, gradient.sum((0, 2, 3), dtype=torch.float32), None


class DepthwiseConv(nn.Conv2d):
    """Padded by half its kernel, which is odd. Other than in training with bfloat16 on a CPU it is its parent."""

    def __init__(self, channels, kernel, stride=1, bias=True):
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=bias)

    def forward(self, x):
        is_quick = torch.is_autocast_cpu_enabled() and not x.is_cuda and self.weight.requires_grad \
            and torch.is_grad_enabled() and self.kernel_size[0] > PART and self.bias is not None
        return Quick.apply(x, self.weight, self.bias, self.stride[0]) if is_quick else super().forward(x)
