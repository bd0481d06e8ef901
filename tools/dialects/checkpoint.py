"""Checkpoints: files of named tensors, as PyTorch (.pth, .pt, .ckpt), numpy (.npz) and safetensors write them.

PyTorch itself is not needed, and a file from a stranger can run no code here: of a pickle nothing is taken but
dictionaries and tensors, and whatever else it names becomes an object that does nothing.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from dialects import ConvertError, safetensors
from dialects.safetensors import bfloat16_to_float32, to_numbers

WRAPPERS = ("state_dict", "model", "net")  # the keys under which training scripts put the weights among other things


@dataclass
class Source:
    """What is to be converted: a folder, or a checkpoint that has been read."""

    path: str
    tensors: dict = field(default_factory=dict)   # {name: float32 or float16 array}, without any leading "module."
    document: dict = field(default_factory=dict)  # what the file itself says under "cbamdetect"
    levels: int = None                            # --levels

    @property
    def base(self):
        return os.path.basename(os.path.normpath(self.path))


def open_source(path, levels=None):
    if not os.path.exists(path):
        raise ConvertError(f"no such file or folder: '{path}'")
    if os.path.isdir(path):
        return Source(path, levels=levels)
    read = READERS.get(os.path.splitext(path)[1].lower())
    if not read:
        return Source(path, levels=levels)
    try:
        tensors, document = read(path)
    except Exception as error:  # a damaged file makes zipfile, pickle, json and struct raise what they like
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConvertError(f"cannot read '{path}': {reason}") from error
    named = {name_of(name): array for name, array in tensors.items() if not name.endswith(".num_batches_tracked")}
    return Source(path, named, document, levels)


def name_of(name):
    """A tensor's name without what torch.nn.DataParallel puts before it."""
    while name.startswith("module."):
        name = name[len("module."):]
    return name


# --- PyTorch ---------------------------------------------------------------------------------------------------------
#
# A zip with a pickle NAME/data.pkl and a member NAME/data/KEY for each storage; before PyTorch 1.6, five pickles in a
# row (magic number, version, machine, the object, the storages' keys) and then the storages, each behind its length.
# In the pickle a storage is a persistent id, ("storage", type, key, device, length), and a tensor is a call of a
# function with a storage, an offset, a shape and strides.

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
            "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
            "BoolStorage": "?"}
FLOATS = ("DoubleStorage", "FloatStorage", "HalfStorage", "BFloat16Storage")


class Inert:
    """Stands in for whatever a pickle names besides tensors: takes everything, does nothing."""

    def __init__(self, *_, **__):
        pass

    def __call__(self, *_, **__):
        return self

    __setstate__ = __setitem__ = append = extend = add = __call__


@dataclass
class Storage:
    type: str
    data: bytes = b""

    def numbers(self):
        array = np.frombuffer(self.data, STORAGES[self.type])
        return bfloat16_to_float32(array) if self.type == "BFloat16Storage" else array


@dataclass
class Tensor:
    """A view of a storage, which may be read later."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple

    def array(self):
        numbers = self.storage.numbers()[self.offset:]
        last = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides))
        if 0 in self.shape or min((self.offset, *self.strides)) < 0 or last >= numbers.size:
            raise ConvertError("a tensor is empty or reaches beyond its storage")
        strides = [stride * numbers.itemsize for stride in self.strides]
        return to_numbers(np.lib.stride_tricks.as_strided(numbers, self.shape, strides).copy())


def rebuild_tensor(storage, offset, shape, strides, *_):
    return Tensor(storage, offset, tuple(shape), tuple(strides))


class Unpickler(pickle.Unpickler):
    KNOWN = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    }

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}

    def find_class(self, module, name):
        if name in STORAGES and module.split(".")[0] == "torch":
            return name
        return self.KNOWN.get((module, name), Inert)

    def persistent_load(self, pid):
        if pid[0] == "module":  # a class, with its source
            return pid[1]
        if pid[0] != "storage" or pid[1] not in STORAGES or any(view is not None for view in pid[5:]):
            raise ConvertError("the file has tensors of a kind that I do not know")
        return self.storages.setdefault(pid[2], Storage(pid[1]))


def read_zip(file):
    with zipfile.ZipFile(file) as members:
        root = next(name for name in members.namelist() if name.endswith("data.pkl"))[:-len("data.pkl")]
        unpickler = Unpickler(io.BytesIO(members.read(root + "data.pkl")))
        loaded = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.data = members.read(f"{root}data/{key}")
    return loaded


def read_row_of_pickles(file):
    if Unpickler(file).load() != MAGIC:
        raise ConvertError("this is no checkpoint of PyTorch's")
    for _ in ("version", "machine"):
        Unpickler(file).load()
    unpickler = Unpickler(file)
    loaded = unpickler.load()
    for key in Unpickler(file).load():
        length, = struct.unpack("<q", file.read(8))
        storage = unpickler.storages[key]
        storage.data = file.read(length * np.dtype(STORAGES[storage.type]).itemsize)
    return loaded


def read_torch(path):
    with open(path, "rb") as file:
        loaded = read_zip(file) if zipfile.is_zipfile(file) else read_row_of_pickles(rewound(file))
    state, document = unwrap(loaded)
    tensors = {name: value.array() for name, value in state.items()
               if isinstance(value, Tensor) and value.storage.type in FLOATS}
    if not tensors:
        raise ConvertError("it holds no dictionary of tensors (save net.state_dict(), not the net)")
    return tensors, document


def rewound(file):
    file.seek(0)
    return file


def unwrap(loaded):
    """The dictionary of tensors, however deep it lies, and the document beside it."""
    document = {}
    while isinstance(loaded, dict):
        document = loaded.get("cbamdetect", document)
        inner = [loaded[key] for key in WRAPPERS if isinstance(loaded.get(key), dict)]
        if not inner:
            break
        loaded = inner[0]
    document = json.loads(document if isinstance(document, str) else json.dumps(document, allow_nan=False))
    if not isinstance(document, dict):
        raise ConvertError("expected a dictionary or JSON under 'cbamdetect'")
    return loaded if isinstance(loaded, dict) else {}, document


# --- safetensors and numpy -------------------------------------------------------------------------------------------


def read_safetensors(path):
    tensors, metadata = safetensors.read_safetensors(path)
    if "cbamdetect" in metadata:
        raise ConvertError("it is a model file already")
    return tensors, {}


def read_npz(path):
    with np.load(path, allow_pickle=False) as arrays:
        return {name: to_numbers(arrays[name]) for name in arrays.files
                if np.issubdtype(arrays[name].dtype, np.floating)}, {}


READERS = {
    ".pth": read_torch, ".pt": read_torch, ".ckpt": read_torch,
    ".safetensors": read_safetensors,
    ".npz": read_npz,
}
