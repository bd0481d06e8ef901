"""Made-up weights and pictures: what compute/presets/seeded.h defines, in numpy.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np

G = 0x9E3779B97F4A7C15  # splitmix64's step


def fnv1a(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def uniform(name, seed, n):
    """The first n draws for a name, 0..1 without 1, as float64."""
    start = np.uint64(fnv1a(name) ^ seed * G % 2**64)
    z = start + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(G)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)) / 2.0**24


# What a vector's numbers are about, by its name: the first that ends so.
MIDDLES = ((".bn3.weight", 0.25), (".conv.3.weight", 0.5), (".weight", 1), (".gamma", 1),
           (".running_var", 1), ("", 0))


def weights(name, shape, seed):
    """A tensor of that name and shape, as float32."""
    r = 2 * uniform(name, seed, int(np.prod(shape))) - 1
    if len(shape) > 1:
        r *= np.sqrt(6 / np.prod(shape[1:]))
    else:
        near = next(middle for end, middle in MIDDLES if name.endswith(end))
        r = r / 10 + near
    return r.reshape(shape).astype(np.float32)


def picture(width, height, seed, low=(0, 0, 0), span=256):
    """RGB bytes [height, width, 3]; each channel has `span` values from `low` on."""
    u = uniform("picture", seed, width * height * 3).reshape(height, width, 3)
    return np.floor(np.array(low) + span * u).astype(np.uint8)
