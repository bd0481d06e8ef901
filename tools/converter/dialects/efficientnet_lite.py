"""EfficientNet-lite0 to 4 (tensorflow/tpu, models/official/efficientnet/lite), a classifier: as EfficientNet-PyTorch names its
layers, in ml-illustrated's packages on PyPI, and as timm does.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from math import ceil

from converter.dialects.mobilenet_v2 import round_channels
from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.document import classifier_of
from converter.layers import Layers
from shared.faults import DataError

STEM, LAST = 32, 1280
ROWS = ((1, 3, 16, 1), (6, 3, 24, 2), (6, 5, 40, 2), (6, 3, 80, 3), (6, 5, 112, 3), (6, 5, 192, 4),
        (6, 3, 320, 1))  # widening, kernel, channels, blocks
SIZES = ((1, 1, 224), (1, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300))  # width, depth, pixels
TIMM_PIXELS = (224, 240, 260, 300, 380)

# Of Google's checkpoints: pixels, padding, the batch norms' epsilon.
GOOGLE = {"channels": "rgb", "mean": [127] * 3, "scale": [1 / 128] * 3}
TENSORFLOW = {"padding": "same", "bn_eps": 1e-3}
FRAME = 32  # the part of a picture's shorter side that is seen is pixels / (pixels + FRAME)


def rows_of(size):
    """(widening, kernel, channels) of every block."""
    width, depth, _ = SIZES[size]
    return [(widening, kernel, round_channels(channels * width))
            for row, (widening, kernel, channels, blocks) in enumerate(ROWS)
            for _ in range(ceil(round(blocks * depth, 6)) if 0 < row < len(ROWS) - 1 else blocks)]


def find_size(layers, name):
    block, found = 0, []
    while layers.has(f"_blocks.{block}._project_conv.weight"):
        found.append(layers.shape(f"_blocks.{block}._project_conv.weight", 4)[0])
        block += 1
    for size in range(len(SIZES)):
        if [channels for _, _, channels in rows_of(size)] == found:
            return size
    raise DataError(f"'{name}': expected the blocks of EfficientNet-lite0 to 4, found {len(found)} of "
                    f"{', '.join(map(str, found))} channels")


def take(source, prefixes, fixed, pixels, picture):
    layers = Layers(source, prefixes)
    size, inputs = find_size(layers, source.base), STEM
    layers.conv("_conv_stem", STEM, 3, 3, "_bn0")
    for block, (widening, kernel, outputs) in enumerate(rows_of(size)):
        name = f"_blocks.{block}"
        if widening > 1:
            layers.conv(f"{name}._expand_conv", widening * inputs, inputs, 1, f"{name}._bn0")
        layers.conv(f"{name}._depthwise_conv", widening * inputs, 1, kernel, f"{name}._bn1")
        layers.conv(f"{name}._project_conv", outputs, widening * inputs, 1, f"{name}._bn2")
        inputs = outputs
    layers.conv("_conv_head", LAST, inputs, 1, "_bn1")
    side = pixels[size]
    document = classifier_of(layers, {
        "version": 1,
        "name": f"efficientnet-lite{size}",
        "network": {"backbone": f"efficientnet_lite{size}", "activation": "relu6", **fixed},
        "input": {**picture, "filter": "bicubic", "rounding": "u8"},
        "provenance": {"recipe": "converted by tools/convert", "source": source.base},
    }, LAST, side, {"fraction": side / (side + FRAME)})
    return layers.finish(), document


# ---- EfficientNet-PyTorch -------------------------------------------------------------------------------------------


def detect_pytorch(source):
    return all(f"{name}.weight" in source.tensors for name in ("_conv_stem", "_blocks.0._depthwise_conv", "_fc")) and \
        "_blocks.0._se_reduce.weight" not in source.tensors


def convert_pytorch(source):
    return take(source, [("fc.", "_fc.")], TENSORFLOW, [pixels for _, _, pixels in SIZES], GOOGLE)


# ---- timm -----------------------------------------------------------------------------------------------------------

PLAIN = (("_depthwise_conv.", "conv_dw."), ("_bn1.", "bn1."), ("_project_conv.", "conv_pw."), ("_bn2.", "bn2."))
WIDENING = (("_expand_conv.", "conv_pw."), ("_bn0.", "bn1."), ("_depthwise_conv.", "conv_dw."), ("_bn1.", "bn2."),
            ("_project_conv.", "conv_pwl."), ("_bn2.", "bn3."))


def detect_timm(source):
    return all(f"{name}.weight" in source.tensors for name in ("conv_stem", "blocks.0.0.conv_dw", "classifier")) and \
        not any(".se." in name for name in source.tensors)


def places_of(source):
    """What timm calls the blocks, in order: blocks.{row}.{number}."""
    places = {tuple(map(int, name.split(".")[1:3])) for name in source.tensors if name.startswith("blocks.")}
    return [f"blocks.{row}.{number}." for row, number in sorted(places)]


def convert_timm(source):
    """Google's weights are those of files called tf_*; the others were trained with PyTorch's padding and epsilon."""
    prefixes = [("_conv_stem.", "conv_stem."), ("_bn0.", "bn1."), ("_conv_head.", "conv_head."), ("_bn1.", "bn2."),
                ("fc.", "classifier.")]
    for block, place in enumerate(places_of(source)):
        parts = WIDENING if f"{place}conv_pwl.weight" in source.tensors else PLAIN
        prefixes += [(f"_blocks.{block}.{ours}", place + theirs) for ours, theirs in parts]
    is_google = "tf_" in source.base
    source.remarks.append("taken for " + ("Google's weights, by its name" if is_google else
                                          "weights trained with PyTorch; Google's are in files called tf_*"))
    return take(source, prefixes, TENSORFLOW if is_google else {}, TIMM_PIXELS, GOOGLE if is_google else TORCHVISION)
