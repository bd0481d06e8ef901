"""Model files in and out of PyTorch: a network with its document, as models/README.md describes it.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np
import torch

from network import Extras, Form, Gate, Neck, Network, numbers_per_box
from shared.faults import DataError
from shared.safetensors import document_in, read_safetensors, write_safetensors


def is_trunk(document):
    """Whether a document is of a trunk alone, as tools/convert makes them: of no detector."""
    return "detector" not in document.get("network", {})


def read_model(path, or_trunk=False):
    """(document, {name: tensor}) of a model file; of a trunk alone only where that will do."""
    tensors, metadata = read_safetensors(path)
    document = document_in(path, metadata)
    is_whole = not or_trunk or not isinstance(document.get("network"), dict) or not is_trunk(document)
    for key in ("network", "input", "anchors", "output") if is_whole else ():
        if not isinstance(document.get(key), dict):
            raise DataError(f"'{path}': expected an object \"{key}\" in its document, found none")
    for name in ("loc.0.weight", "conf.0.weight") if is_whole else ():
        if name not in tensors:
            raise DataError(f"'{path}': expected a tensor '{name}', found none")
    return document, {name: torch.from_numpy(array.astype("f4")) for name, array in tensors.items()}


def form_of(document, tensors):
    """What the tensors say about the network: kernels, biases and batch norms."""
    def words(prefix, layer="conv"):
        bias = "bias" if f"{prefix}.{layer}.bias" in tensors else ""
        return bias + (" bn" if f"{prefix}.bn.running_mean" in tensors else "")

    attention = document["network"].get("attention", {})
    trunk = "bn" if "base_net.0.1.running_mean" in tensors or "conv1.1.running_mean" in tensors else "bias"
    form = Form(trunk, tensors["conf.0.weight"].shape[2], gate=gate_of(attention, tensors), extras=extras_of(tensors))
    form.per_cell = [len(tensors[f"loc.{l}.weight"]) // numbers_per_box(document)
                     for l in range(document["network"].get("levels", 6))]
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
    while f"extras.{extras.reduced}.0.weight" in tensors:
        extras.reduced += 1
    if "extras.0.4.weight" in tensors:
        extras.channels, extras.kernel = len(tensors["extras.0.4.weight"]), tensors["extras.0.2.weight"].shape[2]
    return extras


def gate_of(attention, tensors):
    """Of CBAM and SE, which are what this project trains."""
    gate = Gate()
    first, second = ("att.0.fc.0", "att.0.fc.2") if attention.get("kind") == "se" else \
        ("att.0.ChannelGate.mlp.1", "att.0.ChannelGate.mlp.3")
    if f"{first}.weight" in tensors:
        hidden, channels = tensors[f"{first}.weight"].shape[:2]
        gate.reduction = channels // hidden
        gate.mlp = ("bias" if f"{second}.bias" in tensors else "") + \
            (" conv" if tensors[f"{first}.weight"].dim() == 4 else "")
    conv = "att.0.SpatialGate.spatial.conv"
    if f"{conv}.weight" in tensors:
        gate.kernel = tensors[f"{conv}.weight"].shape[2]
        gate.spatial = ("bias" if f"{conv}.bias" in tensors else "") + \
            (" bn" if "att.0.SpatialGate.spatial.bn.running_mean" in tensors else "")
    return gate


def network_of(document, tensors):
    """A network with a model file's weights."""
    try:
        network = Network(document, form_of(document, tensors))
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
