"""PyTorch's files, and pickles of the like, read without PyTorch. A file from a stranger can run no code here: of a
pickle nothing is taken but containers and tensors, and whatever else it names becomes an object that does nothing.

A .pth is a zip with a pickle NAME/data.pkl and a member NAME/data/KEY for each storage; before PyTorch 1.6 it was five
pickles in a row (magic number, version, machine, the object, the storages' keys) and then the storages, each behind its
length. In the pickle a storage is a persistent id, ("storage", type, key, device, length), and a tensor is a call of a
function with a storage, an offset, a shape and strides.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from shared.faults import DataError
from shared.leaves import Leaf, Odd, OddTensor, bfloat16_to_float32, to_numbers

MAGIC = 0x1950A86A20F9469CFC6C
FLOATS = {"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2"}
SIZES = {"Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1,
         "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16, "ComplexHalf": 4, "QInt8": 1, "QUInt8": 1, "QInt32": 4,
         "QUInt4x2": 1, "QUInt2x4": 1, "Untyped": 1}


class Inert(dict):
    """Stands in for whatever a pickle names besides tensors: takes everything, does nothing. What is put into it as
    into a dictionary, and its attributes, can be looked at."""

    of = None   # the name of what it stands for
    state = {}  # its attributes

    def __init__(self, *_, **__):
        super().__init__()

    def __call__(self, *_, **__):
        return self

    append = extend = add = update = __call__

    def __setstate__(self, state):
        states = [part for part in (state if isinstance(state, tuple) else (state,)) if isinstance(part, dict)]
        self.state = states[0] if states else {}

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    @property
    def is_net(self):
        return isinstance(self.state.get("_modules"), dict)


@dataclass
class Storage:
    type: str  # FloatStorage, ...
    data: bytes = b""

    def numbers(self):
        if self.type not in FLOATS:
            raise Odd(f"{self.type[:-len('Storage')]} numbers")
        array = np.frombuffer(self.data, FLOATS[self.type])
        return bfloat16_to_float32(array) if self.type == "BFloat16Storage" else array


@dataclass
class Tensor(Leaf):
    """A view of a storage, which may be read later."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple

    def array(self):
        """Its numbers; Odd if there are none that a network could compute with."""
        if not isinstance(self.storage, Storage):
            raise Odd("a part of another storage")
        numbers = self.storage.numbers()[self.offset:]
        last = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides))
        if 0 in self.shape or min((self.offset, *self.strides)) < 0 or last >= numbers.size:
            raise Odd("a tensor that is empty or reaches beyond its storage")
        if np.prod(self.shape, dtype=float) > numbers.size:
            raise Odd("fewer numbers than its shape has")
        strides = [stride * numbers.itemsize for stride in self.strides]
        return to_numbers(np.lib.stride_tricks.as_strided(numbers, self.shape, strides).copy())


class NumpyDtype:
    def __init__(self, name, *_):
        self.name, self.order = name, "<"

    def __setstate__(self, state):
        self.order = ">" if state[1] == ">" else "<"


class NumpyArray(Leaf):
    """numpy's, of a pickle; which numpy itself does not get to see."""

    def __init__(self, *_):
        self.shape, self.dtype, self.is_fortran, self.data = (), None, False, b""

    def __setstate__(self, state):
        _, self.shape, self.dtype, self.is_fortran, self.data = state

    def array(self):
        if not isinstance(self.dtype, NumpyDtype) or self.dtype.name not in ("f2", "f4", "f8"):
            raise Odd(f"numbers of numpy's kind {getattr(self.dtype, 'name', '?')}")
        numbers = np.frombuffer(self.data, self.dtype.order + self.dtype.name)
        return to_numbers(numbers.astype(numbers.dtype.newbyteorder("="))
                          .reshape(self.shape, order="F" if self.is_fortran else "C"))


def rebuild_tensor(storage, offset, shape, strides, *_):
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def rebuild_odd(what):
    return lambda *_: OddTensor(what)


def rebuild_subclass(function, _, arguments, *__):
    return function(*arguments)


def numpy_from_buffer(data, dtype, shape, order):
    array = NumpyArray()
    array.__setstate__((1, shape, dtype, order == "F", bytes(data)))
    return array


def load_from_bytes(data):
    return read_row_of_pickles(io.BytesIO(data))


KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): rebuild_odd("numbers of a new kind"),
    ("torch._utils", "_rebuild_qtensor"): rebuild_odd("a quantised tensor"),
    ("torch._utils", "_rebuild_sparse_tensor"): rebuild_odd("a sparse tensor"),
    ("torch._utils", "_rebuild_sparse_csr_tensor"): rebuild_odd("a sparse tensor"),
    ("torch._utils", "_rebuild_nested_tensor"): rebuild_odd("a nested tensor"),
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): rebuild_odd("a tensor without numbers"),
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("torch._utils", "_rebuild_parameter_with_state"): lambda tensor, *_: tensor,
    ("torch._tensor", "_rebuild_from_type_v2"): rebuild_subclass,
    ("torch.storage", "_load_from_bytes"): load_from_bytes,  # of pickle.dump (net.state_dict ())
    ("_codecs", "encode"): lambda text, *_: text.encode("latin-1"),  # bytes, in old pickles
    ("numpy", "dtype"): NumpyDtype,
    **{(module, name): function for core in ("core", "_core")
       for module, name, function in ((f"numpy.{core}.multiarray", "_reconstruct", NumpyArray),
                                      (f"numpy.{core}.numeric", "_frombuffer", numpy_from_buffer))},
}


class Unpickler(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}

    def find_class(self, module, name):
        if name[:-len("Storage")] in SIZES and module.split(".")[0] == "torch":
            return name
        return KNOWN.get((module, name)) or type("Inert", (Inert,), {"of": f"{module}.{name}"})

    def persistent_load(self, pid):
        if pid[0] == "module":  # a class, with its source
            return pid[1]
        if pid[0] != "storage" or not isinstance(pid[1], str):
            raise DataError(f"a pickle of PyTorch's with a '{pid[0]}', which I do not know")
        storage = self.storages.setdefault(pid[2], Storage(pid[1]))
        return None if any(view is not None for view in pid[5:]) else storage


def read_zip(file):
    with zipfile.ZipFile(file) as members:
        root = next(name for name in members.namelist() if name.endswith("data.pkl"))[:-len("data.pkl")]
        if root + "byteorder" in members.namelist() and members.read(root + "byteorder") != b"little":
            raise DataError("its numbers are big-endian")
        unpickler = Unpickler(io.BytesIO(members.read(root + "data.pkl")))
        loaded = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.data = members.read(f"{root}data/{key}")
    return loaded


def read_row_of_pickles(file):
    """What PyTorch wrote until 1.5; or what a single pickle holds."""
    first = Unpickler(file).load()
    if first != MAGIC:
        return first
    for _ in ("version", "machine"):
        Unpickler(file).load()
    unpickler = Unpickler(file)
    loaded = unpickler.load()
    for key in Unpickler(file).load():
        length, = struct.unpack("<q", file.read(8).ljust(8, b"\xff"))  # cut short, it is below 0
        storage = unpickler.storages[key]
        size = length * SIZES[storage.type[:-len("Storage")]]
        storage.data = file.read(max(size, 0))
        if len(storage.data) != size:
            raise EOFError
    return loaded
