"""Tensors of files, before anyone knows which of them are wanted.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np


class Odd(Exception):
    """What a tensor is that no network here could compute with, in words."""


class Leaf:
    """A tensor where it lies in a file."""

    def array(self):
        """Its numbers, float32 or float16. Raises Odd."""
        raise NotImplementedError


class Array(Leaf):
    def __init__(self, array):
        self.numbers = array

    def array(self):
        if not np.issubdtype(self.numbers.dtype, np.floating):
            raise Odd(f"{self.numbers.dtype.name} numbers")
        return to_numbers(self.numbers)


class OddTensor(Leaf):
    """One that is there, and of no use here."""

    def __init__(self, what):
        self.what = what

    def array(self):
        raise Odd(self.what)


def to_numbers(array):
    """float16 stays, every other kind of float becomes float32."""
    return array if array.dtype == np.float16 else array.astype(np.float32, copy=False)


def bfloat16_to_float32(array):
    return (array.astype("<u4") << 16).view("<f4")
