"""Checkpoints: files of named tensors, as PyTorch (.pth, .pt, .ckpt, .bin ...), numpy (.npz) and safetensors write
them. What a file is its first bytes say (kinds.py), and which of its tensors are the network, weights.py. ncnn's
networks, which come as layers in two files, are read too.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import os
from dataclasses import dataclass, field

import numpy as np

from converter.kinds import kind_of
from converter.pickles import read_row_of_pickles, read_zip
from converter.weights import choose, contents, document_of, known_weights, listed, weights_in
from shared.faults import DataError
from shared.leaves import Array, OddTensor
from shared.ncnn import MAGIC, read_ncnn
from shared.safetensors import read_stored


class UnknownSource(DataError):
    """A file of tensors that are no network that is known, and what they are."""


@dataclass
class Options:
    """What the user says about a source; None where nothing."""

    levels: int = None  # StairNet's maps with heads
    key: str = None     # where in the file the network lies
    bin: str = None     # the weights of an ncnn .param
    size: int = None    # of the input, where the source leaves that open


@dataclass
class Source:
    """What is to be converted: a folder, or a checkpoint that has been read."""

    path: str
    tensors: dict = field(default_factory=dict)   # {name: float32 or float16 array}, without any common prefix
    odd: dict = field(default_factory=dict)       # {name: what it is} of tensors that are no such arrays
    document: dict = field(default_factory=dict)  # what the file itself says under "cbamdetect"
    layers: list = field(default_factory=list)    # ncnn's, in place of tensors
    options: Options = field(default_factory=Options)
    remarks: list = field(default_factory=list)   # sentences about what was taken and what was not

    @property
    def base(self):
        return os.path.basename(os.path.normpath(self.path))


def open_source(path, is_known, options):
    """What lies at `path`. `is_known` tells whether a Source is in a dialect."""
    if not os.path.exists(path):
        raise DataError(f"no such file or folder: '{path}'")
    if os.path.isdir(path):
        return Source(path, options=options)
    if is_param(path):
        return Source(path, layers=read_ncnn(path, options.bin or beside(path, ".bin")), options=options)
    if path.endswith(".bin") and is_param(beside(path, ".param")):
        raise DataError(f"'{path}': these are the weights of an ncnn network: expected the .param beside it")
    try:
        return source_of(path, read(path), is_known, options)
    except DataError as error:
        raise type(error)(f"'{path}': {error}") from error
    except Exception as error:  # a damaged file makes zipfile, pickle, json and struct raise what they like
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
        is_short = isinstance(error, EOFError) or "truncated" in reason
        raise DataError(f"cannot read '{path}': {'the file is cut short' if is_short else reason}") from error


def beside(path, ending):
    return os.path.splitext(path)[0] + ending


def is_param(path):
    """Whether a file is the .param of an ncnn network."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC.encode()


def source_of(path, loaded, is_known, options):
    """The Source of the one network in what was read from a file."""
    found, nets = weights_in(loaded)

    def knows(weights):
        return is_known(Source(path, weights.leaves, document=document_of(weights)))

    known = known_weights(found, knows) or whole(found)
    if not known:
        raise UnknownSource(contents(found, nets))
    weights, remark = choose(known, options.key)
    tensors, odd = weights.arrays()
    source = Source(path, tensors, odd, document_of(weights), options=options)
    if remark:
        source.remarks.append(remark)
    elif weights.other and options.key is None:
        source.remarks.append(f"left out what is not under '{weights.keys[-1]}': {listed(weights.other)}")
    return source


def whole(found):
    """The most that comes with a document of its own."""
    with_document = [weights for weights in found if "version" in document_of(weights)]
    return sorted(with_document, key=lambda weights: -len(weights.leaves))[:1]


def read(path):
    with open(path, "rb") as file:
        if not file.seekable():  # a pipe
            file = io.BytesIO(file.read())
        kind = kind_of(file)
        return READERS[kind](file)


def read_safetensors(file):
    tensors, metadata = read_stored(file)
    if "cbamdetect" in metadata:
        raise DataError("it is a model file already")
    return tensors


def read_npz(file):
    loaded = {}
    with np.load(file, allow_pickle=False) as arrays:
        for name in arrays.files:
            try:
                loaded[name] = Array(arrays[name]) if isinstance(arrays[name], np.ndarray) else None
            except ValueError:  # Python objects, which a stranger's file must not bring
                loaded[name] = OddTensor("an array of Python objects")
    return loaded


READERS = {"torch": read_zip, "pickle": read_row_of_pickles, "npz": read_npz, "safetensors": read_safetensors}
