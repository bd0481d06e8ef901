"""Writes networks as ncnn does, a .param and a .bin.

    net = Ncnn()
    net.input("data")
    net.add("Convolution", "conv", ["data"], ["out"], "0=8 1=1 5=1 6=24", tagged(weight), plain(bias))
    net.write(folder, "net")

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import struct

import numpy as np


def plain(array):
    return np.asarray(array, "<f4").tobytes()


def tagged(array, kind="f32"):
    """The tag 0, 0x01306B47 or 0x000D4B38 and the numbers, filled up to a multiple of four bytes."""
    tag, dtype = {"f32": (0, "<f4"), "f16": (0x01306B47, "<f2"), "int8": (0x000D4B38, "i1")}[kind]
    data = np.asarray(array).astype(dtype).tobytes()
    return struct.pack("<I", tag) + data + b"\xee" * (-len(data) % 4)


class Ncnn:
    def __init__(self):
        self.lines, self.data = [], b""

    def add(self, kind, name, inputs, outputs, params="", *data):
        self.lines.append(f"{kind:24} {name:24} {len(inputs)} {len(outputs)} {' '.join(inputs + outputs)} {params}")
        self.data += b"".join(data)
        return outputs[0]

    def input(self, blob):
        return self.add("Input", blob, [], [blob])

    def write(self, folder, name, count=None):
        """The .param's path; `count` is what its second line says in place of the number of layers."""
        path = os.path.join(folder, f"{name}.param")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(["7767517", f"{count or len(self.lines)} 99", *self.lines, ""]))
        with open(os.path.join(folder, f"{name}.bin"), "wb") as file:
            file.write(self.data)
        return path
