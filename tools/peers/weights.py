"""Made-up weights for a network known by name, the same in every run.

Activations keep their size from layer to layer (He et al. 2015), so that heads get numbers of about 1: few scores come
near the model's threshold, as in a trained network, and boxes lie near their anchors and are half as large, so that
clipping to the picture leaves something of each, by which it can be told from the others.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import numpy as np

SEED = 20180717
PIXEL_SPREAD = 75  # about how large pixels less the mean are
HEAD_SCALES = {"loc": 0.25, "conf": 0.5}
LOC_SIZE_BIAS = -3


def make_weights(shapes, pixel_scale):
    """{tensor's name: array} of {tensor's name: shape}; `pixel_scale` is what the model file multiplies pixels with."""
    rng = np.random.default_rng(SEED)
    tensors = {}
    for position, (name, shape) in enumerate(shapes.items()):
        head = name.split(".")[0]
        if len(shape) > 1:
            spread = math.sqrt(2 / math.prod(shape[1:])) * HEAD_SCALES.get(head, 1)
            if position == 0:  # the first convolution
                spread /= PIXEL_SPREAD * pixel_scale
            tensors[name] = np.float32(spread) * rng.standard_normal(shape, np.float32)
        elif head == "L2Norm":
            tensors[name] = uniform(rng, 18, 22, shape)
        elif name.endswith((".weight", ".running_var")):
            tensors[name] = uniform(rng, 0.8, 1.2, shape)
        else:
            tensors[name] = uniform(rng, -0.1, 0.1, shape)
            if head == "loc":
                tensors[name].reshape(-1, 4)[:, 2:] += LOC_SIZE_BIAS
    return tensors


def uniform(rng, low, high, shape):
    return rng.uniform(low, high, shape).astype(np.float32)
