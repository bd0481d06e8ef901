"""Writes a graph as an ONNX file: a message of protobuf with messages in it.

Of protobuf's encoding three forms of a field are needed: numbers of seven bits a byte, the lowest first, 32 bits, and a
length with bytes behind it; each begins with the field's number and form. Numbers of fields are those of onnx.proto3.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import struct

from shared.output import writing

IR_VERSION, OPSET = 7, 13  # what ONNX Runtime, OpenVINO and OpenCV have read for years
VARINT, BYTES, FIXED32 = 0, 2, 5
FLOAT, INT64 = 1, 7  # TensorProto.DataType
TENSOR_TYPES = {"float32": FLOAT, "int64": INT64}
A_FLOAT, AN_INT, A_STRING, INTS = 1, 2, 3, 7  # AttributeProto.AttributeType


# ---- Protobuf ----

def varint(number):
    number %= 1 << 64  # of a negative number, its two's complement
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number(field, value):
    return varint(field << 3 | VARINT) + varint(value)


def real(field, value):
    return varint(field << 3 | FIXED32) + struct.pack("<f", value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | BYTES) + varint(len(value)) + value


# ---- ONNX ----

def attribute(name, value):
    if isinstance(value, float):
        kind, body = A_FLOAT, real(2, value)
    elif isinstance(value, int):
        kind, body = AN_INT, number(3, value)
    elif isinstance(value, str):
        kind, body = A_STRING, data(4, value)
    else:
        kind, body = INTS, b"".join(number(8, item) for item in value)
    return data(1, name) + body + number(20, kind)


def node(one):
    return b"".join([*(data(1, name) for name in one.inputs), *(data(2, name) for name in one.outputs),
                     data(3, one.outputs[0]), data(4, one.op),
                     *(data(5, attribute(*item)) for item in one.attributes.items())])


def tensor(name, values):
    return b"".join([*(number(1, size) for size in values.shape), number(2, TENSOR_TYPES[values.dtype.name]),
                     data(8, name), data(9, values.astype(values.dtype.newbyteorder("<")).tobytes())])


def map_info(name, shape):
    dimensions = b"".join(data(1, number(1, size)) for size in shape)
    return data(1, name) + data(2, data(1, number(1, FLOAT) + data(2, dimensions)))


def model_bytes(graph):
    body = b"".join([*(data(1, node(one)) for one in graph.nodes), data(2, graph.name),
                     *(data(5, tensor(*item)) for item in graph.constants.items()),
                     *(data(11, map_info(*item)) for item in graph.inputs.items()),
                     *(data(12, map_info(*item)) for item in graph.outputs.items())])
    return number(1, IR_VERSION) + data(2, "cbamdetect") + data(7, body) + data(8, data(1, "") + number(2, OPSET))


def write_onnx(path, graph):
    with writing(path) as file:
        file.write(model_bytes(graph))
