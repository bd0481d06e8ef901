"""Which numbers a device computes faster in: bfloat16, or float32. A processor may know bfloat16 and be half as fast in it.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import statistics
import time

import torch
from torch.nn import functional as F

TRIES = 5


def seconds(kind):
    """Of a convolution as trunks have many: 1x1, 128 channels in and out."""
    x = torch.ones(8, 128, 44, 44).to(kind).to(memory_format=torch.channels_last)
    weight = torch.ones(128, 128, 1, 1).to(kind).to(memory_format=torch.channels_last)
    times = []
    for _ in range(1 + TRIES):  # the first is to warm up
        began = time.perf_counter()
        F.conv2d(x, weight)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def choose_half(device, say=None):
    """Whether to compute in bfloat16: what a measurement says on a processor, what it has on a GPU."""
    if torch.device(device).type != "cpu":
        return torch.cuda.is_bf16_supported()
    with torch.no_grad():
        half, full = seconds(torch.bfloat16), seconds(torch.float32)
    if say:
        names = ("bfloat16", "float32") if half < full else ("float32", "bfloat16")
        say(f"computing in {names[0]}, {max(half, full) / min(half, full):.1f} times as fast here as {names[1]}")
    return half < full
