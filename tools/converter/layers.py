"""A checkpoint's tensors, taken one layer at a time under our names, each with a word on the shape it must have.

What is missing, has another shape or is left over in the end is an error that names the tensor as its source does.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re

import numpy as np

from shared.faults import DataError

NORM = ("weight", "bias", "running_mean", "running_var")

# Of each kind of attention: the tensor that gives it away, and which of its axes is as long as the map is deep.
ATTENTION = (
    ("se", "fc.0.weight", 1),
    ("cbam", "ChannelGate.mlp.1.weight", 1),
    ("cbam", "SpatialGate.spatial.conv.weight", None),
    ("bam", "channel_att.gate_c.gate_c_fc_0.weight", 1),
    ("bam", "spatial_att.gate_s.gate_s_conv_reduce0.weight", 1),
    ("eca", "conv.weight", None),
    ("self", "query_conv.weight", 1),
)
LINEAR = re.compile(r"(att\.\d+|layer\d\.\d+\.\w+|\w+\d)\.(fc\.[02]|ChannelGate\.mlp\.[13])\.weight")


class Layers:
    """`prefixes` turn our names into the source's: the first one that a name begins with is replaced."""

    def __init__(self, source, prefixes=()):
        self.source = source
        self.prefixes = prefixes
        self.tensors = {}  # under our names: the result
        self.unused = set(source.tensors)

    def theirs(self, name):
        for ours, theirs in self.prefixes:
            if name.startswith(ours):
                return theirs + name[len(ours):]
        return name

    def has(self, name):
        return self.theirs(name) in self.source.tensors

    def shape(self, name, dims):
        """The shape of a tensor that must be there and have so many axes."""
        theirs = self.theirs(name)
        if theirs in self.source.odd:
            raise DataError(f"tensor '{theirs}': expected floating-point numbers, found {self.source.odd[theirs]}")
        if theirs not in self.source.tensors:
            raise DataError(f"'{self.source.base}' has no tensor '{theirs}'")
        shape = self.source.tensors[theirs].shape
        if len(shape) != dims:
            raise DataError(f"tensor '{theirs}': expected {dims} axes, found shape {list(shape)}")
        return shape

    def take(self, name, *shape):
        found = self.shape(name, len(shape))
        if found != shape:
            raise DataError(f"tensor '{self.theirs(name)}': expected shape {list(shape)}, found {list(found)}")
        self.tensors[name] = self.source.tensors[self.theirs(name)]
        self.unused.discard(self.theirs(name))

    def norm(self, name, channels):
        for part in NORM:
            self.take(f"{name}.{part}", channels)

    def conv(self, name, outputs, inputs, kernel, norm=None):
        """A convolution with its bias; or with the batch norm `norm` and maybe a bias, if the source has that norm."""
        self.take(f"{name}.weight", outputs, inputs, kernel, kernel)
        if norm and self.has(f"{norm}.running_mean"):
            self.norm(norm, outputs)
            if not self.has(f"{name}.bias"):
                return
        self.take(f"{name}.bias", outputs)

    def heads(self, channels):
        """loc and conf on maps so deep, fine to coarse. Returns boxes per cell and level, and the number of classes."""
        boxes, classes = [], None
        for level, depth in enumerate(channels):
            loc, conf = self.last_of_head(f"loc.{level}", depth), self.last_of_head(f"conf.{level}", depth)
            rows, _, kernel, _ = self.shape(f"{loc}.weight", 4)
            each, rest = divmod(rows, 4)
            if rest or not each:
                raise DataError(f"tensor '{self.theirs(f'{loc}.weight')}': expected 4 rows per box, found {rows} rows")
            scores = self.shape(f"{conf}.weight", 4)[0]
            if classes is None:
                classes = scores // each
                if scores % each or classes < 2:
                    raise DataError(f"tensor '{self.theirs(f'{conf}.weight')}': expected two rows or more "
                                       f"for each of {each} boxes, found {scores} rows")
            self.conv(loc, 4 * each, depth, kernel)
            self.conv(conf, classes * each, depth, kernel)
            boxes.append(each)
        return boxes, classes

    def last_of_head(self, name, depth):
        """The name of a head's last convolution; of a separable head the depthwise one before it is taken."""
        if not self.has(f"{name}.0.weight"):
            return name
        self.conv(f"{name}.0", depth, 1, self.shape(f"{name}.0.weight", 4)[2], f"{name}.1")
        return f"{name}.3"

    def attention(self, channels):
        """att.{level} on maps so deep, if there is any. Returns the document's network.attention."""
        if not any(name.startswith("att.") for name in self.source.tensors):
            return {"kind": "none"}
        return self.attention_at([(f"att.{level}.", depth) for level, depth in enumerate(channels)])

    def attention_at(self, places):
        """Attention under each of some prefixes, the same on all, on maps so deep. Returns the document's."""
        found = [self.attention_of(prefix, depth) for prefix, depth in places]
        for (prefix, _), attention in zip(places, found):
            if attention != found[0]:
                raise DataError(f"'{prefix}' is not the attention that '{places[0][0]}' is")
        return found[0]

    def attention_of(self, prefix, depth):
        marks = [row for row in ATTENTION if prefix + row[1] in self.source.tensors]
        if not marks:
            raise DataError(f"'{self.source.base}' has no attention that I know under '{prefix}'")
        for name in [name for name in self.source.tensors if name.startswith(prefix)]:
            self.tensors[name] = flatten_linear(name, self.source.tensors[name])
            self.unused.discard(name)
        for _, mark, axis in marks:
            shape = self.tensors[prefix + mark].shape
            if axis is not None and (len(shape) <= axis or shape[axis] != depth):
                raise DataError(f"tensor '{prefix + mark}': expected {depth} columns, found shape {list(shape)}")
        attention = {"kind": marks[0][0]}
        if attention["kind"] == "cbam" and f"{prefix}SpatialGate.reduce.weight" in self.tensors:
            attention["spatial_input"] = "conv"
        if attention["kind"] in ("cbam", "bam") and len(marks) == 1:
            half = "spatial" if "channel" in marks[0][1].lower() else "channel"
            attention[half] = False  # the one that is not there
        return attention

    def drop(self, *prefixes):
        """Leaves out tensors that the network has but does not use."""
        self.unused = {name for name in self.unused if not name.startswith(prefixes)}

    def finish(self):
        """The tensors; an error if the source has more than have been taken."""
        if self.unused:
            more = f" (and {len(self.unused) - 1} more)" if len(self.unused) > 1 else ""
            raise DataError(f"tensor '{min(self.unused)}'{more} is no part of this network")
        return self.tensors


def flatten_linear(name, array):
    """A 1x1 convolution's weight as the fully connected layer's that it is, where our format has that."""
    return np.reshape(array, array.shape[:2]) if LINEAR.fullmatch(name) and array.shape[2:] == (1, 1) else array
