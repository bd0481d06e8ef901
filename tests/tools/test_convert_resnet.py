#!/usr/bin/env python3
"""tools/convert on ResNet: classifiers of torchvision's checkpoints and of Jongchan/attention-module's, and their trunks.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import need

need("numpy")
import numpy as np

from tap import Tap
from test_convert import check_refusal, convert, tensor

BASIC, BOTTLENECK = (3, 3), (1, 3, 1)  # kernels of a block
NARROW = 8  # channels of the first stage's 3x3 convolutions


class Checkpoint(dict):
    """{name: array} of a classifier, every number another."""

    def __init__(self, kernels, blocks, narrow=NARROW, groups=1, classes=10):
        super().__init__()
        self.narrow, self.groups = narrow, groups
        self.rng, self.kernels, self.blocks, self.depths = np.random.default_rng(7), kernels, blocks, []
        self.conv("conv1", "bn1", 64, 3, 7)
        inputs = 64
        for stage, n in enumerate(blocks):
            inner = narrow << stage
            outputs = 256 << stage if kernels == BOTTLENECK else inner
            for block in range(n):
                self.block(f"layer{stage + 1}.{block}", inputs, inner, outputs)
                inputs = outputs
            self.depths.append(outputs)
        self.fill("fc.weight", classes, inputs)
        self.fill("fc.bias", classes)

    def fill(self, name, *shape):
        self[name] = self.rng.random(shape, np.float32)

    def norm(self, name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.fill(f"{name}.{part}", channels)
        self[f"{name}.num_batches_tracked"] = np.array(3)

    def conv(self, name, norm, outputs, inputs, kernel):
        self.fill(f"{name}.weight", outputs, inputs, kernel, kernel)
        self.norm(norm, outputs)

    def block(self, name, inputs, inner, outputs):
        widths = [inputs] + [inner] * (len(self.kernels) - 1) + [outputs]
        for number, kernel in enumerate(self.kernels, 1):
            seen = widths[number - 1] // (self.groups if kernel == 3 else 1)
            self.conv(f"{name}.conv{number}", f"{name}.bn{number}", widths[number], seen, kernel)
        if name.endswith(".0") and (inputs != outputs or not name.startswith("layer1")):
            self.conv(f"{name}.downsample.0", f"{name}.downsample.1", outputs, inputs, 1)

    def attention(self, add, name, stages):
        """`add` for each place, called `name` with the stage and the block in it."""
        for stage, n in list(enumerate(self.blocks))[:stages]:
            for block in range(n):
                add(self, name.format(stage + 1, block), self.depths[stage])
        return self


def add_channel_gate(net, name, channels):
    for layer, shape in (("1", (2, channels)), ("3", (channels, 2))):
        net.fill(f"{name}.ChannelGate.mlp.{layer}.weight", *shape)
        net.fill(f"{name}.ChannelGate.mlp.{layer}.bias", shape[0])


def add_cbam(net, name, channels):
    add_channel_gate(net, name, channels)
    net.fill(f"{name}.SpatialGate.spatial.conv.weight", 1, 2, 7, 7)
    net.norm(f"{name}.SpatialGate.spatial.bn", 1)


def add_eca(net, name, channels):
    net.fill(f"{name}.conv.weight", 1, 1, 3)


def add_self(net, name, channels):
    for layer, outputs in (("query", channels // 8), ("key", channels // 8), ("value", channels)):
        net.fill(f"{name}.{layer}_conv.weight", outputs, channels, 1, 1)
        net.fill(f"{name}.{layer}_conv.bias", outputs)
    net.fill(f"{name}.gamma", 1)


def add_bam(net, name, channels):
    channel, spatial = f"{name}.channel_att.gate_c.gate_c_", f"{name}.spatial_att.gate_s.gate_s_"
    for layer, shape in (("fc_0", (2, channels)), ("fc_final", (channels, 2))):
        net.fill(f"{channel}{layer}.weight", *shape)
        net.fill(f"{channel}{layer}.bias", shape[0])
    net.norm(f"{channel}bn_1", 2)
    for layer, norm, shape in (("conv_reduce0", "bn_reduce0", (2, channels, 1, 1)),
                               ("conv_di_0", "bn_di_0", (2, 2, 3, 3)), ("conv_di_1", "bn_di_1", (2, 2, 3, 3)),
                               ("conv_final", None, (1, 2, 1, 1))):
        net.fill(f"{spatial}{layer}.weight", *shape)
        net.fill(f"{spatial}{layer}.bias", shape[0])
        if norm:
            net.norm(f"{spatial}{norm}", shape[0])


def resnet18(narrow=NARROW):
    return Checkpoint(BASIC, (2, 2, 2, 2), narrow)


def save(folder, arrays, prefix=""):
    path = os.path.join(folder, "trunk.npz")
    np.savez(path, **{prefix + name: array for name, array in arrays.items()})
    return path


IN_BLOCKS = "layer{}.{}."


def check_classifier(document, classes=10, size=224):
    """What all classifiers' documents say."""
    assert document["task"] == "classify" and len(document["output"]["classes"]) == classes, document
    assert document["output"]["score"] == "softmax" and document["input"]["width"] == size, document
    assert document["input"]["resize"] == "crop" and document["input"]["channels"] == "rgb", document
    assert document["input"]["filter"] in ("bilinear", "bicubic") and document["input"]["rounding"] == "u8", document


def test_classifiers(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    none = {"kind": "none"}
    for label, net, prefix, depth, name, attention in (
            ("torchvision's, basic blocks", resnet18(), "", 18, "resnet18-x0.125", none),
            ("of width 1", resnet18(64), "", 18, "resnet18", none),
            ("more of them", Checkpoint(BASIC, (3, 4, 6, 3)), "", 34, "resnet34-x0.125", none),
            ("bottlenecks", Checkpoint(BOTTLENECK, (3, 4, 6, 3)), "", 50, "resnet50-x0.125", none),
            ("in groups", Checkpoint(BOTTLENECK, (3, 4, 6, 3), 2 * NARROW, 4), "", 50, "resnext50-4x4d", none),
            ("CBAM in its blocks, as it was trained", resnet18().attention(add_cbam, IN_BLOCKS + "cbam", 4), "module.",
             18, "resnet18-x0.125-cbam", {"kind": "cbam", "place": "blocks"}),
            ("CBAM's channel gate alone", resnet18().attention(add_channel_gate, IN_BLOCKS + "cbam", 4), "", 18,
             "resnet18-x0.125-cbam", {"kind": "cbam", "spatial": False, "place": "blocks"}),
            ("ECA in its blocks", resnet18().attention(add_eca, IN_BLOCKS + "eca", 4), "", 18, "resnet18-x0.125-eca",
             {"kind": "eca", "place": "blocks"}),
            ("self-attention between its stages", resnet18().attention(add_self, "self{}", 3), "", 18,
             "resnet18-x0.125-self", {"kind": "self", "place": "stages"}),
            ("BAM between its stages", resnet18().attention(add_bam, "bam{}", 3), "module.", 18, "resnet18-x0.125-bam",
             {"kind": "bam", "place": "stages"})):
        with tap.point(f"a classifier: {label}"):
            document, tensors, _ = convert(save(folder, net, prefix), out)
            expected = {key: array for key, array in net.items() if "num_batches" not in key}
            assert tensors.keys() == expected.keys(), set(tensors) ^ set(expected)
            assert all((tensor(tensors, key) == array).all() for key, array in expected.items())
            width = 1 if name == "resnet18" else net.narrow / 64
            assert document["network"] == {"backbone": "resnet", "depth": depth, "width": width, "groups": net.groups,
                                           "stride_place": "3x3", "attention": attention}, document
            assert document["name"] == name, document
            check_classifier(document)
            assert document["input"]["crop"] == {"shorter": 256}, document
    with tap.point("ImageNet's classes have their names"):
        document, _, _ = convert(save(folder, Checkpoint(BASIC, (2, 2, 2, 2), classes=1000)), out)
        check_classifier(document, 1000)
        assert [document["output"]["classes"][k] for k in (0, 249, 999)] == ["tench", "malamute", "toilet tissue"]
    with tap.point("with a background before them, as TensorFlow's"):
        document, _, _ = convert(save(folder, Checkpoint(BASIC, (2, 2, 2, 2), classes=1001)), out)
        assert document["output"]["classes"][:2] == ["background", "tench"], document["output"]["classes"][:2]
    with tap.point("without its linear layer it is a trunk"):
        document, tensors, _ = convert(save(folder, without(resnet18(), "fc.")), out)
        assert "task" not in document and "output" not in document and "fc.weight" not in tensors, document


def as_pytorchcv(net):
    """The same tensors as osmr/imgclsmob calls them."""
    def theirs(name):
        parts = name.split(".")
        if parts[0] in ("conv1", "bn1"):
            return f"features.init_block.conv.{'conv' if parts[0] == 'conv1' else 'bn'}.{parts[1]}"
        if parts[0] == "fc":
            return f"output.{parts[1]}"
        unit, layer, last = f"features.stage{parts[0][5:]}.unit{int(parts[1]) + 1}", parts[2], parts[-1]
        if layer == "downsample":
            return f"{unit}.identity_conv.{('conv', 'bn')[int(parts[3])]}.{last}"
        if layer == "cbam" and parts[3] == "ChannelGate":
            return f"{unit}.cbam.ch_gate.mlp.fc{1 if parts[5] == '1' else 2}.{last}"
        if layer == "cbam":
            return f"{unit}.cbam.sp_gate.conv.{parts[5]}.{last}"
        return f"{unit}.body.conv{layer[-1]}.{'conv' if layer.startswith('conv') else 'bn'}.{last}"
    return {theirs(name): array for name, array in net.items()}


def add_article(net, name, channels):
    """CBAM as in much read articles, under luuuyi's names and others."""
    fc1, fc2, conv = {"layer1": ("fc.0", "fc.2", "conv1"), "layer2": ("fc1", "fc2", "conv1")}.get(
        name.split(".")[0], ("sharedMLP.0", "sharedMLP.2", "conv"))
    net.fill(f"{name}ca.{fc1}.weight", 2, channels, 1, 1)
    net.fill(f"{name}ca.{fc2}.weight", channels, 2, 1, 1)
    net.fill(f"{name}sa.{conv}.weight", 1, 2, 7, 7)


def test_others_names(tap, folder):
    out = os.path.join(folder, "m.safetensors")
    for label, net, name, place in (
            ("basic blocks", resnet18(), "resnet18.npz", "3x3"),
            ("with CBAM", resnet18().attention(add_cbam, IN_BLOCKS + "cbam", 4), "cbam_resnet18.npz", "3x3"),
            ("bottlenecks", Checkpoint(BOTTLENECK, (3, 4, 6, 3)), "resnet50-0633.npz", "1x1"),
            ("bottlenecks with the stride in the 3x3", Checkpoint(BOTTLENECK, (3, 4, 6, 3)), "resnet50b.npz", "3x3")):
        with tap.point(f"pytorchcv's: {label}"):
            path = os.path.join(folder, name)
            os.rename(save(folder, as_pytorchcv(net)), path)
            document, tensors, _ = convert(path, out)
            expected = {key: array for key, array in net.items() if "num_batches" not in key}
            assert tensors.keys() == expected.keys(), set(tensors) ^ set(expected)
            assert all((tensor(tensors, key) == array).all() for key, array in expected.items())
            assert document["network"]["stride_place"] == place, document
            check_classifier(document)
    with tap.point("CBAM as in articles"):
        net = resnet18().attention(add_article, IN_BLOCKS, 4)
        document, tensors, _ = convert(save(folder, net), out)
        assert document["network"]["attention"] == {"kind": "cbam", "spatial_input": "mean-max", "place": "blocks"}, document
        for ours, theirs in (("layer1.1.cbam.ChannelGate.mlp.3", "layer1.1.ca.fc.2"),
                             ("layer2.0.cbam.ChannelGate.mlp.1", "layer2.0.ca.fc1"),
                             ("layer3.0.cbam.ChannelGate.mlp.1", "layer3.0.ca.sharedMLP.0")):
            assert (tensor(tensors, f"{ours}.weight") == net[f"{theirs}.weight"][..., 0, 0]).all(), ours
        assert (tensor(tensors, "layer4.1.cbam.SpatialGate.spatial.conv.weight") ==
                net["layer4.1.sa.conv.weight"]).all()
    with tap.point("refused: what is wrong is called as the file calls it"):
        net = as_pytorchcv(resnet18())
        net["features.stage2.unit1.body.conv2.conv.weight"] = np.ones((3, 3, 3, 3), np.float32)
        check_refusal(folder, save(folder, net), "features.stage2.unit1.body.conv2.conv.weight", "[16, 16, 3, 3]")


def without(net, name):
    return {key: array for key, array in net.items() if not key.startswith(name)}


def test_refusals(tap, folder):
    net, attended = resnet18(), resnet18().attention(add_cbam, IN_BLOCKS + "cbam", 4)
    grouped, uneven = resnet18(), Checkpoint(BOTTLENECK, (3, 4, 6, 3))
    grouped["layer1.0.conv2.weight"] = grouped["layer1.0.conv2.weight"][:, :2]
    uneven["layer1.0.conv2.weight"] = uneven["layer1.0.conv2.weight"][:, :3]
    spatial = without(attended, "layer3.1.cbam.ChannelGate")
    for label, arrays, words in (
            ("a block too few", without(net, "layer2.1."),
             ("ResNet-18, 34, 50 or 101", "found basic ones, 2, 1, 2, 2")),
            ("a batch norm that is not there", without(net, "layer4.1.bn2."), ("layer4.1.conv2.bias",)),
            ("groups in basic blocks", grouped, ("found 8 of them in groups of 2, in basic blocks",)),
            ("groups that are not whole", uneven, ("found 8 of them in groups of 3",)),
            ("a block without attention", without(attended, "layer3.1.cbam."), ("no attention", "layer3.1.cbam.")),
            ("a block with half of it", spatial, ("layer3.1.cbam.", "is not the attention that 'layer1.0.cbam.' is")),
            ("a linear layer of another depth", {**net, "fc.weight": np.ones((10, 7), np.float32)},
             ("fc.weight", "[10, 64]", "[10, 7]")),
            ("a tensor too many", {**net, "layer1.0.more.weight": np.ones(3, np.float32)},
             ("layer1.0.more.weight", "no part"))):
        with tap.point(f"refused: {label}"):
            check_refusal(folder, save(folder, arrays), *words)
    with tap.point("refused: --labels for a trunk"):
        check_refusal(folder, save(folder, without(net, "fc.")), "--labels", "trunk", options=("--labels", os.devnull))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        test_classifiers(tap, folder)
        test_others_names(tap, folder)
        test_refusals(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
