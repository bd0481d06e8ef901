"""ResNet (He et al. 2015, arXiv 1512.03385) or ResNeXt (Xie et al. 2016, arXiv 1611.05431) as torchvision saves it, and with
attention in it as Jongchan/attention-module does: CBAM in every block or BAM between the stages; without its linear layer
a trunk to start training from. Their names are ours.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re
from dataclasses import replace

from converter.dialects.shufflenet_v2 import TORCHVISION
from converter.document import classifier_of
from converter.layers import Layers
from shared.faults import DataError

STEM = 64
STAGES = 4
DEPTHS = {("basic", (2, 2, 2, 2)): 18, ("basic", (3, 4, 6, 3)): 34,
          ("bottleneck", (3, 4, 6, 3)): 50, ("bottleneck", (3, 4, 23, 3)): 101}
EXPANSION = 4  # a bottleneck's channels by those of its 3x3 convolution, at width 1
KINDS = ("cbam", "se", "eca", "bam", "self")  # of attention: what its tensors are called after their block or before its number


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
    else:
        layers.drop("fc.")  # several layers, of some training
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


# ---- Others' names --------------------------------------------------------------------------------------------------


def renamed(source, rules):
    """The source with other names, by the first pattern that one has, and how to find the way back."""
    tensors, theirs = {}, {}
    for name, array in source.tensors.items():
        ours = name
        for pattern, replacement in rules:
            if re.match(pattern, name):
                ours = re.sub(pattern, replacement, name)
                break
        tensors[ours], theirs[ours] = array, name
    return replace(source, tensors=tensors), theirs


def convert_renamed(source, rules, project, change):
    """As convert_resnet(), with names in messages as the source has them; `change` is laid over the document's network, and
    `project` is whose the source is."""
    other, theirs = renamed(source, rules)
    try:
        tensors, document = convert_resnet(other)
    except DataError as error:
        raise DataError(re.sub("'([^']+)'", lambda name: f"'{theirs.get(name[1], name[1])}'", str(error))) from error
    document["network"] = change(document["network"])
    document["provenance"]["recipe"] = f"as {project} has it; converted by tools/convert"
    return tensors, document


# osmr/imgclsmob, whose PyTorch package is pytorchcv. Units count from 1.
def unit(name):
    return rf"features\.stage(\d)\.unit{name}"


PYTORCHCV = [
    (r"features\.init_block\.conv\.conv\.", "conv1."),
    (r"features\.init_block\.conv\.bn\.", "bn1."),
    *((unit(rf"{block + 1}\.") + pattern, rf"layer\1.{block}." + ours) for block in range(max(map(max, (
        blocks for _, blocks in DEPTHS)))) for pattern, ours in (
            (r"body\.conv(\d)\.conv\.", r"conv\2."), (r"body\.conv(\d)\.bn\.", r"bn\2."),
            (r"identity_conv\.conv\.", "downsample.0."), (r"identity_conv\.bn\.", "downsample.1."),
            (r"cbam\.ch_gate\.mlp\.fc1\.", "cbam.ChannelGate.mlp.1."),
            (r"cbam\.ch_gate\.mlp\.fc2\.", "cbam.ChannelGate.mlp.3."),
            (r"cbam\.sp_gate\.conv\.conv\.", "cbam.SpatialGate.spatial.conv."),
            (r"cbam\.sp_gate\.conv\.bn\.", "cbam.SpatialGate.spatial.bn."))),
    (r"output\.", "fc."),
]


def detect_pytorchcv(source):
    return all(f"features.{name}.weight" in source.tensors for name in (
        "init_block.conv.conv", "stage1.unit1.body.conv1.conv", "stage4.unit1.body.conv2.conv"))


def convert_pytorchcv(source):
    """Its plain bottlenecks have the stride in the 1x1, those called `b` (resnet50b) and those with attention in the 3x3."""
    early = re.search(r"resnet\d+(?!\d*b(?![a-z]))", source.base, re.IGNORECASE) is not None and not any(
        ".cbam." in name for name in source.tensors)
    has_bottlenecks = any(".body.conv3." in name for name in source.tensors)
    if has_bottlenecks:
        source.remarks.append(f"taken to have its strides in the {'1x1' if early else '3x3'} convolutions, by its name "
                              "and attention: pytorchcv's resnet50 and the like have them in the 1x1, resnet50b in the 3x3")
    return convert_renamed(source, PYTORCHCV, "osmr/imgclsmob",
                           lambda network: {**network, "stride_place": "1x1" if early and has_bottlenecks else "3x3"})


# luuuyi/CBAM.PyTorch and the many copies of it: no biases, no batch norm, the mean before the largest.
LUUUYI = [
    (r"(layer\d\.\d+)\.ca\.(fc\.0|fc1|sharedMLP\.0)\.", r"\1.cbam.ChannelGate.mlp.1."),
    (r"(layer\d\.\d+)\.ca\.(fc\.2|fc2|sharedMLP\.2)\.", r"\1.cbam.ChannelGate.mlp.3."),
    (r"(layer\d\.\d+)\.sa\.(conv1|conv)\.", r"\1.cbam.SpatialGate.spatial.conv."),
]


def detect_luuuyi(source):
    return detect_resnet(source) and any(re.match(LUUUYI[-1][0], name) for name in source.tensors)


def convert_luuuyi(source):
    return convert_renamed(source, LUUUYI, "luuuyi/CBAM.PyTorch", lambda network: {
        **network, "attention": {**network["attention"], "spatial_input": "mean-max"}})
