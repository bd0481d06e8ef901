"""ResNet (He et al. 2015, arXiv 1512.03385) or ResNeXt (Xie et al. 2016, arXiv 1611.05431) as torchvision saves it, and with
attention in it as Jongchan/attention-module does: CBAM in every block or BAM between the stages; without its linear layer
a trunk to start training from. Their names are ours.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.document import classifier_of
from converter.layers import Layers
from shared.faults import DataError

STEM = 64
STAGES = 4
DEPTHS = {("basic", (2, 2, 2, 2)): 18, ("basic", (3, 4, 6, 3)): 34,
          ("bottleneck", (3, 4, 6, 3)): 50, ("bottleneck", (3, 4, 23, 3)): 101}
EXPANSION = 4  # a bottleneck's channels by those of its 3x3 convolution, at width 1
KINDS = ("cbam", "se", "eca", "bam")  # of attention: what its tensors are called after their block or before its number


def detect_resnet(source):
    return all(f"{name}.weight" in source.tensors for name in ("conv1", "layer1.0.conv1", "layer4.0.conv2"))


def convert_resnet(source):
    """Which convolution of a bottleneck has the stride no file says: the 3x3, as in both projects."""
    layers = Layers(source)
    form = "bottleneck" if layers.has("layer1.0.conv3.weight") else "basic"
    blocks = tuple(count_blocks(source, stage) for stage in range(STAGES))
    if (form, blocks) not in DEPTHS:
        raise DataError(f"'{source.base}': expected the blocks of ResNet-18, 34, 50 or 101, found {form} ones, "
                        f"{', '.join(map(str, blocks))} in the stages")
    width, groups = measure(layers, source.base, form)
    layers.conv("conv1", STEM, 3, 7, "bn1")
    inputs, depths = STEM, []
    for stage, n in enumerate(blocks):
        inner = int((STEM << stage) * width)
        outputs = (EXPANSION * STEM << stage) if form == "bottleneck" else inner
        for block in range(n):
            take_block(layers, f"layer{stage + 1}.{block}", form, inputs, inner, outputs, groups)
            inputs = outputs
        depths.append(outputs)
    attention = take_attention(layers, source, blocks, depths)
    depth, kind = DEPTHS[form, blocks], attention["kind"]
    document = {
        "version": 1,
        "name": name_of(depth, width, groups) + (f"-{kind}" if kind != "none" else ""),
        "description": "ResNet's trunk, to start training from; no detector yet",
        "network": {"backbone": "resnet", "depth": depth, "width": width, "groups": groups, "stride_place": "3x3",
                    "attention": attention},
        "input": TORCHVISION,
        "provenance": {"recipe": "with its stride in the 3x3 convolutions, as torchvision and "
                                 "Jongchan/attention-module have it; converted by tools/convert",
                       "source": source.base},
    }
    if layers.has("fc.weight"):
        document = classifier_of(layers, document, depths[-1])
    return layers.finish(), document


def count_blocks(source, stage):
    block = 0
    while f"layer{stage + 1}.{block}.conv1.weight" in source.tensors:
        block += 1
    return block


def measure(layers, name, form):
    """(width, groups) of the 3x3 convolutions, by those of the first block."""
    inner, per_group = layers.shape("layer1.0.conv2.weight", 4)[:2]
    groups, rest = divmod(inner, per_group)
    if rest or (groups > 1 and form == "basic"):
        raise DataError(f"'{name}': expected a bottleneck's groups of channels, found {inner} of them in groups of "
                        f"{per_group}, in {form} blocks")
    return inner / STEM, groups


def name_of(depth, width, groups):
    if groups > 1:
        return f"resnext{depth}-{groups}x{width * STEM / groups:g}d"
    return f"resnet{depth}" + (f"-x{width:g}" if width != 1 else "")


def take_block(layers, name, form, inputs, inner, outputs, groups):
    kernels = (1, 3, 1) if form == "bottleneck" else (3, 3)
    widths = [inputs] + [inner] * (len(kernels) - 1) + [outputs]
    for number, kernel in enumerate(kernels):
        seen = widths[number] // (groups if kernel == 3 else 1)
        layers.conv(f"{name}.conv{number + 1}", widths[number + 1], seen, kernel, f"{name}.bn{number + 1}")
    if inputs != outputs or layers.has(f"{name}.downsample.0.weight"):
        layers.conv(f"{name}.downsample.0", outputs, inputs, 1, f"{name}.downsample.1")


def take_attention(layers, source, blocks, depths):
    """In every block, or behind every stage but the last. Returns the document's network.attention."""
    for kind in KINDS:
        places = {
            "blocks": [(f"layer{stage + 1}.{block}.{kind}.", depths[stage])
                       for stage, n in enumerate(blocks) for block in range(n)],
            "stages": [(f"{kind}{stage + 1}.", depths[stage]) for stage in range(STAGES - 1)],
        }
        for place, where in places.items():
            if any(name.startswith(where[0][0]) for name in source.tensors):
                attention = layers.attention_at(where)
                if attention["kind"] != kind:
                    raise DataError(f"'{source.base}' has no {kind} under '{where[0][0]}'")
                return {**attention, "place": place}
    return {"kind": "none"}
