"""Model files in and out of PyTorch: a network with its document, as models/README.md describes it.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np
import torch

from backbones import round_channels
from classifier import Classifier
from form import Extras, Form, Gate, Neck
from network import Network, numbers_per_box
from shared.faults import DataError
from shared.safetensors import document_in, read_safetensors, write_safetensors


def is_trunk(document):
    """Whether a document is of a trunk alone, as tools/convert makes them: of no detector."""
    return "detector" not in document.get("network", {})


def is_classifier(document):
    return document.get("task") == "classify"


def read_model(path, or_trunk=False, or_classifier=False):
    """(document, {name: tensor}) of a model file; of a trunk alone, or of a classifier, only where that will do."""
    tensors, metadata = read_safetensors(path)
    document = document_in(path, metadata)
    is_whole = not or_trunk or not isinstance(document.get("network"), dict) or not is_trunk(document)
    classifies = or_classifier and is_classifier(document)
    for key in ("network", "input", "output") + (() if classifies else ("anchors",)) if is_whole else ():
        if not isinstance(document.get(key), dict):
            raise DataError(f"'{path}': expected an object \"{key}\" in its document, found none")
    for name in (("fc",) if classifies else ("loc.0", "conf.0")) if is_whole else ():
        if f"{end_of_head(tensors, name)}.weight" not in tensors:
            raise DataError(f"'{path}': expected a tensor '{name}.weight', found none")
    return document, {name: torch.from_numpy(array.astype("f4")) for name, array in tensors.items()}


# The batch norm behind a trunk's first convolution, by its backbone.
FIRST_NORMS = ("base_net.0.1", "features.0.1", "conv1.1", "bn1", "_bn0")


def end_of_head(tensors, name):
    """The name of a head's last convolution."""
    return f"{name}.3" if f"{name}.0.weight" in tensors else name


def tail_of(document, tensors):
    """How wide MobileNetV3's last blocks are, by the others: whole or half."""
    if document["network"]["backbone"] != "mobilenet_v3":
        return 1
    whole = round_channels(160 * document["network"].get("width", 1))
    return 1 if tensors["features.16.0.weight"].shape[1] == whole else 0.5


def form_of(document, tensors):
    """What the tensors say about the network: kernels, biases and batch norms."""
    def words(prefix, layer="conv"):
        bias = "bias" if f"{prefix}.{layer}.bias" in tensors else ""
        return bias + (" bn" if f"{prefix}.bn.running_mean" in tensors else "")

    attention = document["network"].get("attention", {})
    levels = range(document["network"].get("levels", 6))
    trunk = "bn" if any(f"{norm}.running_mean" in tensors for norm in FIRST_NORMS) else "bias"
    form = Form(trunk, gate=gate_of(attention, tensors), extras=extras_of(tensors), tail=tail_of(document, tensors))
    if is_classifier(document):
        return form
    form.per_cell = [len(tensors[f"{end_of_head(tensors, f'loc.{l}')}.weight"]) // numbers_per_box(document)
                     for l in levels]
    form.whole = tuple(l for l in levels if f"conf.{l}.0.weight" not in tensors)
    for l in levels:
        if l in form.whole:
            form.head = tensors[f"conf.{l}.weight"].shape[2]
        else:
            form.heads = "separable " + ("bias" if f"conf.{l}.0.bias" in tensors else "") + \
                (" bn" if f"conf.{l}.1.running_mean" in tensors else "")
    if document["network"]["detector"] == "stairnet":
        form.neck = Neck(tensors["topdown.proj_layers.0.conv.weight"].shape[0], words("topdown.proj_layers.0"))
        step, post = "topdown.topdown_layers.0", "topdown.extra_layers.0"
        if f"{step}.upsample.weight" in tensors:
            groups = "depthwise " if tensors[f"{step}.upsample.weight"].shape[1] == 1 else "full "
            form.neck.up = groups + words(step, "upsample")
        if f"{post}.dw.conv.weight" in tensors:
            kernel = tensors[f"{post}.dw.conv.weight"].shape[2]
            form.neck.post = f"separable {kernel}x{kernel} " + words(f"{post}.dw")
            while f"{post}.{form.neck.posts}.dw.conv.weight" in tensors:
                form.neck.posts += 1
        elif f"{post}.conv.weight" in tensors:
            kernel = tensors[f"{post}.conv.weight"].shape[2]
            form.neck.post = f"{kernel}x{kernel} " + words(post)
        else:
            form.neck.post = ""
    return form


def extras_of(tensors):
    """ShuffleNetV2's."""
    extras = Extras(reduced=0)
    if "extras.0.2.weight" not in tensors or "extras.0.4.weight" not in tensors:
        return extras
    extras.channels, extras.kernel = len(tensors["extras.0.4.weight"]), tensors["extras.0.2.weight"].shape[2]
    while f"extras.{extras.reduced}.0.weight" in tensors:
        extras.reduced += 1
    return extras


# What an attention module's first layer is called, and its last, of those that squeeze channels.
SQUEEZES = {"se": ("fc.0", "fc.2"), "cbam": ("ChannelGate.mlp.1", "ChannelGate.mlp.3"),
            "self": ("query_conv", "value_conv"),
            "bam": ("channel_att.gate_c.gate_c_fc_0", "channel_att.gate_c.gate_c_fc_final")}


def place_of(tensors, end, dims):
    """What stands before `end` in the first name that ends so, of a tensor with so many axes as are in `dims`, or None:
    where attention is, on levels or in blocks."""
    return next((name[:-len(end)] for name, tensor in tensors.items()
                 if name.endswith("." + end) and tensor.dim() in dims), None)


def gate_of(attention, tensors):
    gate, kind = Gate(), attention.get("kind")
    first, last = SQUEEZES.get(kind, ("", ""))
    place = place_of(tensors, f"{first}.weight", (2, 4)) if first else None
    if place:
        hidden, channels = tensors[f"{place}{first}.weight"].shape[:2]
        gate.reduction = channels // hidden
        gate.mlp = ("bias" if f"{place}{last}.bias" in tensors else "") + \
            (" conv" if tensors[f"{place}{first}.weight"].dim() == 4 else "")
        gate.closing = f"{place}channel_att.bn_out.running_mean" in tensors
    conv, dims = ("conv", (3,)) if kind == "eca" else ("SpatialGate.spatial.conv", (4,))
    place = place_of(tensors, f"{conv}.weight", dims)
    if place:
        gate.kernel = tensors[f"{place}{conv}.weight"].shape[2]
        gate.spatial = ("bias" if f"{place}{conv}.bias" in tensors else "") + \
            (" bn" if f"{place}SpatialGate.spatial.bn.running_mean" in tensors else "")
    return gate


def make_network(document, form):
    """A new network, a Classifier or a Network."""
    return (Classifier if is_classifier(document) else Network)(document, form)


def network_of(document, tensors):
    """A network with a model file's weights: a Network, or a Classifier."""
    try:
        network = make_network(document, form_of(document, tensors))
        with torch.no_grad():
            for name, tensor in network.tensors().items():
                tensor.copy_(tensors[name].reshape(tensor.shape))
    except (KeyError, IndexError, TypeError, RuntimeError) as error:
        raise DataError(f"its document and its tensors do not go together: {error}") from error
    return network


def write_model(path, document, tensors, half=True):
    """Writes {name: tensor}, in half precision unless told otherwise."""
    dtype = torch.float16 if half else torch.float32
    arrays = {name: tensor.detach().to("cpu", dtype).contiguous().numpy() for name, tensor in tensors.items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"tensor '{name}' holds a value that is no finite number in {array.dtype.name}")
    write_safetensors(path, arrays, document)
