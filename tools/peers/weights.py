"""Made-up weights for a network known by name, drawn from a seed.

export_network.py divides them so that every layer's sums are of about 1, as in a trained network: else differences of
rounding grow from layer to layer. Boxes lie near their anchors and are half as large, so that clipping to the picture
leaves something of each, by which it can be told from the others.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np

SEED = 20180717
LOC_SIZE_BIAS = -3


def make_weights(shapes, is_offsets):
    """{tensor's name: array} of {tensor's name: shape}; `is_offsets`: whether loc's rows are tx, ty, tw, th."""
    rng = np.random.default_rng(SEED)
    tensors = {}
    for name, shape in shapes.items():
        head = name.split(".")[0]
        if len(shape) > 1:
            tensors[name] = rng.standard_normal(shape, np.float32)
        elif head == "L2Norm":
            tensors[name] = uniform(rng, 18, 22, shape)
        elif name.endswith((".weight", ".running_var")):
            tensors[name] = uniform(rng, 0.8, 1.2, shape)
        else:
            tensors[name] = uniform(rng, -0.1, 0.1, shape)
            if head == "loc" and is_offsets:
                tensors[name].reshape(-1, 4)[:, 2:] += LOC_SIZE_BIAS
    return tensors


def uniform(rng, low, high, shape):
    return rng.uniform(low, high, shape).astype(np.float32)
