"""Files of safetensors: read whole, and written with the document that makes one a model file (models/README.md).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import struct

import numpy as np

from dialects import ConvertError
from output import writing

DTYPES = {"float16": "F16", "float32": "F32"}
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def to_numbers(array):
    """float16 stays, every other kind of float becomes float32."""
    return array if array.dtype == np.float16 else array.astype(np.float32, copy=False)


def bfloat16_to_float32(array):
    return (array.astype("<u4") << 16).view("<f4")


def read_safetensors(path):
    """({name: array}, metadata); tensors that hold no floating-point numbers are left out."""
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        if length > os.path.getsize(path):
            raise ConvertError("this is no safetensors file")
        header = json.loads(file.read(length))
        data = file.read()
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        if entry["dtype"] in FLOATS:
            begin, end = entry["data_offsets"]
            array = np.frombuffer(data[begin:end], FLOATS[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = to_numbers(bfloat16_to_float32(array) if entry["dtype"] == "BF16" else array)
    return tensors, metadata


def write_safetensors(path, tensors, document):
    """Header length (u64), header (JSON, padded with spaces so that the data begins at a multiple of 64), data.

    The file appears whole or not at all (output.py).
    """
    header, offset = {"__metadata__": {"cbamdetect": json.dumps(document, ensure_ascii=False)}}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": DTYPES[tensor.dtype.name], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)

    with writing(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
