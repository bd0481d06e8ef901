"""A network's form: what beside its document the tensors in a model file say, channels, kernels, which biases and batch
norms there are.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from dataclasses import dataclass, field

# "bn" in these words is a batch norm behind the layer, "bias" a bias in it.


@dataclass
class Neck:
    """StairNet's."""
    channels: int = 16
    lateral: str = "bn"
    up: str = "full bn"  # full or depthwise, where the document says deconv
    post: str = "3x3 bn"  # 1x1, 3x3 or separable (3x3, or 5x5 if it says so); empty = none
    posts: int = 1  # separable ones in a row


@dataclass
class Gate:
    """An attention module's."""
    reduction: int = 4  # of self-attention's queries and keys, too
    mlp: str = "bias"  # of SE and CBAM; "conv" = weights [h, C, 1, 1] as of a convolution, which self-attention's are
    spatial: str = "bn"  # of CBAM's k x k convolution
    kernel: int = 7  # of that, or of ECA's
    closing: bool = False  # BAM's bn_out


@dataclass
class Extras:
    """ShuffleNetV2's: separable convolutions with stride 2."""
    channels: int = 128
    kernel: int = 5
    reduced: int = 1  # so many of them, from the first, have a 1x1 convolution before


@dataclass
class Form:
    trunk: str = "bn"  # of all backbones but VGG16
    head: int = 3  # kernel of loc and conf
    neck: Neck = None
    gate: Gate = field(default_factory=Gate)
    per_cell: list = None  # boxes in a cell of each level, where the document's anchors are a tensor
    extras: Extras = field(default_factory=Extras)
    heads: str = ""  # separable: a depthwise 3x3 with "bn" or "bias" as said, an activation, and a 1x1; empty = whole
    whole: tuple = ()  # the levels whose heads are whole all the same
    tail: float = 1  # width of MobileNetV3's last blocks, by that of the others
