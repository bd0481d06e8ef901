"""Where training starts: the weights of another model, and a StairNet that detects before its first step.

A StairNet has a neck that no SSD has. Here it is made of the SSD's own 1x1 heads: on each level, heads W f + b of the
features f are a product of two smaller ones, W (f - m) = A B (f - m), the directions B those that carry most of what the
heads say about real pictures. B becomes the lateral convolution, once with each sign, since relu (z) - relu (-z) = z:
what follows, a separable convolution with a ReLU after each half, starts as the identity. A becomes the new heads. The
steps between levels start at zero, so that training decides what they carry; the finest level, which the SSD does not
have, starts as a copy of the next. Attention starts constant, and the heads make up for its constant.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import torch

from augment import warp
from boxes import cell_sizes
from modelfile import network_of
from score import normaliser
from shared.text_file import read_rules

GATES = {"none": 1.0, "se": 0.5, "cbam": 0.25}  # what attention with zero weights multiplies by
SHARED = 0.02  # of the finest level's features at the start: its lateral's share beside the copy


def copy_shared(network, tensors):
    """Takes over every tensor whose name and shape the network has. Returns how many, of how many."""
    own, copied = network.tensors(), 0
    with torch.no_grad():
        for name, tensor in own.items():
            if name in tensors and tensors[name].shape == tensor.shape:
                tensor.copy_(tensors[name])
                copied += 1
    return copied, len(own)


def norms_of(conv):
    """What a convolution's batch norm may be called."""
    parent, _, own = conv.rpartition(".")
    return (f"{conv}.bn", f"{parent}.{int(own) + 1}") if own.isdigit() else (f"{parent}.bn",)


def fold_norms(network, tensors, eps):
    """The tensors with the batch norms that the network has not in the weights and biases that it has."""
    own, folded = network.tensors(), dict(tensors)
    for conv in (name[:-len(".weight")] for name in tensors if name.endswith(".weight")):
        norm = next((norm for norm in norms_of(conv) if f"{norm}.running_var" in tensors), None)
        if norm is None or f"{norm}.running_var" in own or f"{conv}.bias" not in own or conv.endswith(".upsample"):
            continue
        gain, shift, mean, variance = (tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean",
                                                                              "running_var"))
        gain = gain / torch.sqrt(variance + eps)
        folded[f"{conv}.weight"] = tensors[f"{conv}.weight"] * gain[:, None, None, None]
        folded[f"{conv}.bias"] = shift + (tensors.get(f"{conv}.bias", 0) - mean) * gain
    return folded


@torch.no_grad()
def start_from_kin(network, document, tensors, columns):
    """Takes over a network that is the same but for its classes (`columns`: where ours stand among its), and perhaps
    for attention, whose constant the heads then make up for. Returns how many tensors fit, of how many."""
    counts = copy_shared(network, tensors)
    gate = 1.0
    if network.att is not None and document["network"].get("attention", {}).get("kind", "none") == "none":
        gate = start_attention(network, 1.0)
    for level, (loc, conf) in enumerate(zip(network.loc, network.conf)):
        loc.weight.div_(gate)
        rows = [part.unflatten(0, (network.per_cell[level], -1))[:, columns].flatten(0, 1)
                for part in (tensors[f"conf.{level}.weight"], tensors[f"conf.{level}.bias"])]
        conf.weight.copy_(rows[0] / gate)
        conf.bias.copy_(rows[1])
    return counts


def is_kin(document, other):
    """Whether a network has another's trunk, neck, cells and kind of boxes."""
    ours, theirs = document["network"], other["network"]
    keys = ("detector", "backbone", "width", "padding", "activation", "slope", "post_activation", "levels", "sources")
    return all(ours.get(key) == theirs.get(key) for key in keys) and all(
        document["output"].get(key) == other["output"].get(key) for key in ("boxes", "bins", "score"))


def class_columns(document, classes, rename):
    """For each of our classes the score of the other model's that means the same, or None."""
    theirs = [rename.get(name, name) for name in document["output"]["classes"]]
    return [theirs.index(name) if name in theirs else None for name in classes]


def read_map(path):
    """{a model's label: ours} from lines `model label = our label`."""
    rename = {}
    for number, line in read_rules(path):
        theirs, equals, ours = (part.strip() for part in line.partition("="))
        if not equals:
            raise ValueError(f"'{path}' line {number}: expected 'their label = our label', found '{line}'")
        rename[theirs] = ours
    return rename


class Heads:
    """An SSD's 1x1 heads of one level, row by row for the boxes and classes of another's."""

    def __init__(self, tensors, level, sizes, wanted, columns, variances):
        """`sizes` and `wanted` are the widths and heights [A, 2] of the boxes in a cell, theirs and ours."""
        conf, loc = (tensors[f"{name}.{level}.weight"].flatten(1) for name in ("conf", "loc"))
        conf_bias, loc_bias = (tensors[f"{name}.{level}.bias"] for name in ("conf", "loc"))
        n_scores = len(conf) // len(sizes)
        self.conf, self.conf_bias, self.loc, self.loc_bias = [], [], [], []
        for want in wanted:
            both = torch.minimum(sizes, want).prod(1)
            a = int((both / (sizes.prod(1) + want.prod() - both)).argmax())
            rows = [a * n_scores + column for column in columns]
            self.conf.append(conf[rows])
            self.conf_bias.append(conf_bias[rows])
            # The same box as an offset from another anchor with the same centre.
            scale = torch.cat((sizes[a] / want, torch.ones(2)))
            shift = torch.cat((torch.zeros(2), torch.log(sizes[a] / want) / variances[2:]))
            self.loc.append(loc[4 * a:4 * a + 4] * scale[:, None])
            self.loc_bias.append(loc_bias[4 * a:4 * a + 4] * scale + shift)
        self.weight = torch.cat(self.conf + self.loc)
        self.bias = torch.cat(self.conf_bias + self.loc_bias)
        self.n_conf = len(wanted) * len(columns)
        self.wanted = wanted


@torch.no_grad()
def moments(network, document, pictures):
    """{source: (mean, covariance)} of the trunk's features over the pictures."""
    spec, normalise, sums = document["input"], normaliser(document), {}
    for at in range(0, len(pictures), 16):
        pixels = torch.stack([warp(p.pixels, (0, 0, 1, 1), spec["width"], spec["height"], False, (0, 0, 0))
                              for p in pictures[at:at + 16]])
        layers = network.backbone(normalise(pixels))
        for name in network.sources:
            f = layers[name].permute(0, 2, 3, 1).flatten(0, 2).double()
            total, square, count = sums.get(name, (0, 0, 0))
            sums[name] = total + f.sum(0), square + f.t() @ f, count + len(f)
    return {name: (total / count, square / count - torch.outer(total, total) / count ** 2)
            for name, (total, square, count) in sums.items()}


def factor(weight, covariance, rank):
    """(A, B) of the rank that keep most of what weight @ (f - m) varies by; B (f - m) has unit variances."""
    values, vectors = torch.linalg.eigh(covariance)
    roots = values.clamp(min=0).sqrt()
    u, s, vt = torch.linalg.svd(weight.double() @ (vectors * roots), full_matrices=False)
    inverse = torch.where(roots > 1e-4 * roots.max(), 1 / roots.clamp(min=1e-12), torch.zeros_like(roots))
    a, b = u[:, :rank] * s[:rank], (vt[:rank] * inverse) @ vectors.t()
    missing = rank - a.shape[1]
    if missing > 0:
        a = torch.cat((a, a.new_zeros(len(a), missing)), 1)
        b = torch.cat((b, b.new_zeros(missing, b.shape[1])))
    return a, b


def align(a, b, reference):
    """The same factors in the basis in which A comes nearest to `reference` (Procrustes): a channel then means much the
    same on every level, which is what the steps between levels add up."""
    u, _, vt = torch.linalg.svd(reference.t() @ a)
    turn = u @ vt
    return a @ turn.t(), turn @ b


def signed(z):
    return torch.cat((z, -z))


@torch.no_grad()
def start_from_ssd(network, document, source_document, source, anchors, columns, pictures):
    """Fills a network on the same trunk as an SSD's with 1x1 heads. `anchors` are the SSD's, `pictures` some real ones."""
    copy_shared(network, {name: t for name, t in source.items() if name.startswith(("base_net.", "extras."))})
    names = source_document["network"]["sources"]
    variances = torch.tensor(document["output"]["variances"])
    width, height = document["input"]["width"], document["input"]["height"]
    heads, sizes_of, at = {}, {}, 0
    for level, ((height_of, width_of), name) in enumerate(zip(network_of(source_document, source).maps, names)):
        per_cell = len(source[f"loc.{level}.weight"]) // 4
        sizes_of[name] = anchors[at:at + per_cell, 2:]
        at += height_of * width_of * per_cell
    for level, name in enumerate(network.sources):
        wanted = torch.tensor(cell_sizes(document["anchors"], level)) / torch.tensor([float(width), float(height)])
        theirs = name if name in names else names[0]
        heads[level] = Heads(source, names.index(theirs), sizes_of[theirs], wanted, columns, variances)
    if network.topdown is None:
        for level, head in heads.items():
            set_heads(network, level, head.weight, head.bias, head.n_conf)
        return
    gate = GATES[document["network"]["attention"]["kind"]]
    make_stairs(network, heads, moments(network, document, pictures), names, gate, variances)
    if network.att is not None:
        start_attention(network)


def set_heads(network, level, weight, bias, n_conf):
    for layer, rows in ((network.conf[level], slice(0, n_conf)), (network.loc[level], slice(n_conf, None))):
        layer.weight.copy_(weight[rows].reshape(layer.weight.shape))
        layer.bias.copy_(bias[rows])


def make_stairs(network, heads, statistics, names, gate, variances):
    levels, stairs = len(heads), network.topdown
    channels = stairs.proj_layers[0].conv.out_channels
    reference = None
    for level in sorted(heads, key=lambda level: network.sources[level] not in names):
        lateral, post = stairs.proj_layers[levels - 1 - level].conv, stairs.extra_layers[levels - 1 - level]
        head, own = heads[level], network.sources[level] in names
        if own:
            mean, covariance = statistics[network.sources[level]]
            a, b = factor(head.weight, covariance, channels // 2)
            if reference is None:
                reference, first = a, (mean, b)
            else:
                a, b = align(a, b, reference)
            bias = head.bias + (head.weight.double() @ mean).float()
            lateral.weight.copy_(signed(b)[:, :, None, None])
            lateral.bias.copy_(signed(-b @ mean))
        else:
            a, bias = copy_of_next(head, *first, 0.5 / network.maps[level][1], variances)
            lateral.weight.copy_(signed(torch.randn(channels // 2, lateral.in_channels) * SHARED
                                        / math.sqrt(lateral.in_channels))[:, :, None, None])
            lateral.bias.zero_()
        identity(post, channels)
        set_heads(network, level, torch.cat((a, -a), 1).float() / gate, bias, head.n_conf)
    for j, step in enumerate(stairs.topdown_layers):
        step.upsample.bias.zero_()
        step.upsample.weight.zero_()
        if network.sources[levels - 2 - j] not in names:
            step.upsample.weight.copy_(torch.outer(*[torch.tensor([0.5, 1, 0.5])] * 2).expand(channels, 1, 3, 3))


def copy_of_next(head, mean, b, aside, variances):
    """(A, bias) of a level that gets the next coarser one's directions, bilinearly: they lie half a cell aside."""
    a = head.weight.double() @ torch.linalg.pinv(b)
    bias = head.bias + (head.weight.double() @ mean).float()
    loc = bias[head.n_conf:].view(-1, 4)
    loc[:, :2] += aside / (variances[:2] * head.wanted)
    return a, bias


def identity(post, channels):
    post.dw.conv.weight.zero_()
    post.dw.conv.weight[:, 0, 1, 1] = 1
    post.dw.conv.bias.zero_()
    post.pw.conv.weight.copy_(torch.eye(channels)[:, :, None, None])
    post.pw.conv.bias.zero_()


def start_attention(network, open_by=0.0):
    """Constant, and ready to move: the biases of the last layers are `open_by`. Returns CBAM's constant."""
    for name, tensor in network.att.named_parameters():
        if name.endswith(("mlp.3.weight", "fc.2.weight")):
            tensor.mul_(0.01)
        elif name.endswith("spatial.conv.weight"):
            tensor.mul_(0.02)
        elif name.endswith(("mlp.3.bias", "fc.2.bias", "spatial.conv.bias")):
            tensor.fill_(open_by)
        elif name.endswith("bias"):
            tensor.zero_()
    return 1 / (1 + math.exp(-2 * open_by)) / (1 + math.exp(-open_by))  # two pools' logits are added


@torch.no_grad()
def expect_little(network):
    """Scores of a hundredth everywhere, or the first steps of a focal loss are spent on the background (Lin et al. 2017,
    section 4.1)."""
    for conf in network.conf:
        conf.bias.fill_(math.log(0.01 / 0.99))
