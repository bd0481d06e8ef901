"""Files of safetensors: read whole, and written with the document that makes one a model file (models/README.md).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import struct
from dataclasses import dataclass

import numpy as np

from shared.faults import DataError
from shared.leaves import Leaf, Odd, bfloat16_to_float32, to_numbers
from shared.output import writing

DTYPES = {"float16": "F16", "float32": "F32"}
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass
class Stored(Leaf):
    """A tensor of a file that has been read, whatever its numbers are."""

    dtype: str  # safetensors' name for it
    shape: list
    data: bytes

    def array(self):
        if self.dtype not in FLOATS:
            raise Odd(f"{self.dtype} numbers")
        array = np.frombuffer(self.data, FLOATS[self.dtype]).reshape(self.shape)
        return to_numbers(bfloat16_to_float32(array) if self.dtype == "BF16" else array)


def read_stored(file):
    """({name: Stored}, metadata) of an open file."""
    length, = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    data = file.read()
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if end > len(data):
            raise DataError(f"the file is cut short: tensor '{name}' ends at byte {length + 8 + end}, and the file "
                               f"at {length + 8 + len(data)}")
        tensors[name] = Stored(entry["dtype"], entry["shape"], data[begin:end])
    return tensors, metadata


def read_safetensors(path):
    """({name: array}, metadata); tensors that hold no floating-point numbers are left out."""
    with open(path, "rb") as file:
        if struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))[0] > os.path.getsize(path):
            raise DataError(f"'{path}': this is no safetensors file")
        file.seek(0)
        try:
            stored, metadata = read_stored(file)
        except DataError as error:
            raise DataError(f"'{path}': {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # whatever a damaged header makes of it
            raise DataError(f"'{path}': its header is damaged: {error}") from error
    return {name: one.array() for name, one in stored.items() if one.dtype in FLOATS}, metadata


def document_in(path, metadata):
    """The document that makes a file of safetensors a model file."""
    if "cbamdetect" not in metadata:
        raise DataError(f"'{path}': expected a model file of cbamdetect, found no document in it")
    try:
        document = json.loads(metadata["cbamdetect"])
    except ValueError as error:
        raise DataError(f"'{path}': expected a document in JSON, found {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"'{path}': expected an object as its document")
    return document


def header_of(header):
    """Its bytes: the length (u64), JSON padded with spaces so that the data begins at a multiple of 64."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    return struct.pack("<Q", len(text)) + text


def read_document(path):
    return document_in(path, read_safetensors(path)[1])


def change_document(path, change):
    """Writes what `change` makes of a model file's document into the file. The tensors stay byte for byte."""
    document = change(read_document(path))
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header["__metadata__"]["cbamdetect"] = json.dumps(document, ensure_ascii=False)
    with writing(path) as file:
        file.write(header_of(header))
        file.write(data)


def write_safetensors(path, tensors, document):
    """Header and data.

    The file appears whole or not at all (output.py).
    """
    header, offset = {"__metadata__": {"cbamdetect": json.dumps(document, ensure_ascii=False)}}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": DTYPES[tensor.dtype.name], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    with writing(path) as file:
        file.write(header_of(header))
        for tensor in tensors.values():
            file.write(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
