"""SE, ECA, CBAM, BAM and self-attention in plain PyTorch: ATTENTION has them by the names of model documents.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import torch
from torch import nn
from torch.nn import functional as F

from parts import Conv, as_map

# A module gives its output, then its spatial and its channel weights where it has them.


class Mlp(nn.Module):
    """Two layers with a ReLU between them, under two names."""

    def __init__(self, gate, channels, first, second):
        super().__init__()
        hidden, bias = max(1, channels // gate.reduction), "bias" in gate.mlp
        self.first, self.second, self.conv = first, second, "conv" in gate.mlp
        for name, i, o in ((first, channels, hidden), (second, hidden, channels)):
            layer = nn.Conv2d(i, o, 1, bias=bias) if self.conv else nn.Linear(i, o, bias=bias)
            self.add_module(name, layer)

    def forward(self, v):
        v = as_map(v) if self.conv else v
        z = getattr(self, self.second)(F.relu(getattr(self, self.first)(v)))
        return z.flatten(1)


class Se(nn.Module):
    def __init__(self, spec, gate, channels, eps):
        super().__init__()
        self.fc = Mlp(gate, channels, "0", "2")

    def forward(self, x):
        z = torch.sigmoid(self.fc(x.mean((2, 3))))
        return x * as_map(z), None, z


class Eca(nn.Module):
    def __init__(self, spec, gate, channels, eps):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, gate.kernel, padding=gate.kernel // 2, bias=False)

    def forward(self, x):
        z = torch.sigmoid(self.conv(x.mean((2, 3))[:, None])[:, 0])
        return x * as_map(z), None, z


POOLS = {
    "avg": lambda x: x.mean(2),
    "max": lambda x: x.max(2).values,
    "lp": lambda x: x.pow(2).sum(2).sqrt(),
    "lse": lambda x: torch.logsumexp(x, 2),
}


class ChannelGate(nn.Module):
    def __init__(self, spec, gate, channels):
        super().__init__()
        self.mlp = Mlp(gate, channels, "1", "3")
        self.pools = [POOLS[name] for name in spec.get("pool", ["avg", "max"])]

    def forward(self, x):
        return torch.sigmoid(sum(self.mlp(pool(x.flatten(2))) for pool in self.pools))


class SpatialGate(nn.Module):
    def __init__(self, spec, gate, channels, eps):
        super().__init__()
        self.input = spec.get("spatial_input", "max-mean")
        self.relu = spec.get("spatial_relu", False)
        if self.input == "conv":
            self.reduce = nn.Conv2d(channels, 1, 1, bias=False)
        conv = nn.Conv2d(1 if self.input == "conv" else 2, 1, gate.kernel, padding=gate.kernel // 2,
                         bias="bias" in gate.spatial)
        self.spatial = Conv(gate.spatial, eps, "conv", conv)

    def forward(self, x):
        largest, mean = x.max(1, keepdim=True).values, x.mean(1, keepdim=True)
        if self.input == "conv":
            pooled = self.reduce(x)
        else:
            pooled = torch.cat((largest, mean) if self.input == "max-mean" else (mean, largest), 1)
        z = self.spatial(pooled)
        return torch.sigmoid(F.relu(z) if self.relu else z)


class Cbam(nn.Module):
    def __init__(self, spec, gate, channels, eps):
        super().__init__()
        self.order = spec.get("order", "channel-spatial")
        self.ChannelGate = ChannelGate(spec, gate, channels) if spec.get("channel", True) else None
        self.SpatialGate = SpatialGate(spec, gate, channels, eps) if spec.get("spatial", True) else None

    def forward(self, x):
        channel = spatial = None
        y = x
        for part in ("spatial", "channel") if self.order == "spatial-channel" else ("channel", "spatial"):
            seen = x if self.order == "parallel" else y
            if part == "channel" and self.ChannelGate:
                channel = self.ChannelGate(seen)
                y = y * as_map(channel)
            if part == "spatial" and self.SpatialGate:
                spatial = self.SpatialGate(seen)
                y = y * spatial
        return y, spatial, channel


class Bam(nn.Module):
    def __init__(self, spec, gate, channels, eps):
        super().__init__()
        hidden, dilation = max(1, channels // gate.reduction), spec.get("dilation", 4)
        self.combine = spec.get("combine", "mul")
        self.channel_att, self.spatial_att = nn.Module(), nn.Module()
        self.channel_att.gate_c = nn.Sequential()
        for name, layer in (("gate_c_fc_0", nn.Linear(channels, hidden)),
                            ("gate_c_bn_1", nn.BatchNorm1d(hidden, eps=eps)),
                            ("gate_c_relu_1", nn.ReLU()),
                            ("gate_c_fc_final", nn.Linear(hidden, channels))):
            self.channel_att.gate_c.add_module(name, layer)
        self.spatial_att.gate_s = nn.Sequential()
        for name, layer in (("gate_s_conv_reduce0", nn.Conv2d(channels, hidden, 1)),
                            ("gate_s_bn_reduce0", nn.BatchNorm2d(hidden, eps=eps)),
                            ("gate_s_relu_reduce0", nn.ReLU())):
            self.spatial_att.gate_s.add_module(name, layer)
        for i in range(2):
            conv = nn.Conv2d(hidden, hidden, 3, padding=dilation, dilation=dilation)
            self.spatial_att.gate_s.add_module(f"gate_s_conv_di_{i}", conv)
            self.spatial_att.gate_s.add_module(f"gate_s_bn_di_{i}", nn.BatchNorm2d(hidden, eps=eps))
            self.spatial_att.gate_s.add_module(f"gate_s_relu_di_{i}", nn.ReLU())
        self.spatial_att.gate_s.add_module("gate_s_conv_final", nn.Conv2d(hidden, 1, 1))
        self.closing = gate.closing
        if gate.closing:
            self.channel_att.bn_out = nn.BatchNorm1d(channels, eps=eps)
            self.spatial_att.bn_out = nn.BatchNorm2d(1, eps=eps)

    def forward(self, x):
        channel = self.channel_att.gate_c(x.mean((2, 3)))
        spatial = self.spatial_att.gate_s(x)
        if self.closing:
            channel, spatial = self.channel_att.bn_out(channel), self.spatial_att.bn_out(spatial)
        both = as_map(channel) + spatial if self.combine == "add" else as_map(channel) * spatial
        return x * (1 + torch.sigmoid(both)), torch.sigmoid(spatial), torch.sigmoid(channel)


class Self(nn.Module):
    """SAGAN's. It begins as the identity."""

    def __init__(self, spec, gate, channels, eps):
        super().__init__()
        depth, bias = max(1, channels // gate.reduction), "bias" in gate.mlp
        self.query_conv = nn.Conv2d(channels, depth, 1, bias=bias)
        self.key_conv = nn.Conv2d(channels, depth, 1, bias=bias)
        self.value_conv = nn.Conv2d(channels, channels, 1, bias=bias)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        q, k, v = (conv(x).flatten(2) for conv in (self.query_conv, self.key_conv, self.value_conv))
        weights = torch.softmax(torch.bmm(q.transpose(1, 2), k), 2)
        out = torch.bmm(v, weights.transpose(1, 2))
        return x + self.gamma * out.view_as(x), None, None


ATTENTION = {"se": Se, "eca": Eca, "cbam": Cbam, "bam": Bam, "self": Self}
