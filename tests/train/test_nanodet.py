#!/usr/bin/env python3
"""A StairNet that tools/convert made of NanoDet-Plus computes what NanoDet-Plus does, as ncnn_graph.py has it: the trunk
and the extra map from a picture, and, from NanoDet's own sums, scores and distances. And a trunk with batch norms starts
a network that has none.

    test_nanodet.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile
from dataclasses import replace

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch"):
    skip_all("needs PyTorch")

import numpy as np
import torch

from common import CONVERT, expect_ok, run
from modelfile import is_trunk, network_of, read_model
from nanodet_files import NECK, Nanodet
from ncnn_graph import read_graph
from network import Network
from recipes import RECIPES
from shared.faults import DataError
from start import copy_shared, fold_norms
from test_convert_nanodet import classifier, trunk

SIZE, LEVELS = 96, 4
ROUNDING = 1e-5  # of what is computed in another order, in parts of the largest number
TRUNK = (("stage2.3", "stage2"), ("stage3.7", "stage3"), ("stage4.3", "stage4"), ("extras.0.4", "extras.0"))


def expect_same(ours, theirs):
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    error = (ours - theirs).abs().max() / theirs.abs().max()
    assert error < ROUNDING, error


def test_trunk(tap, folder, picture):
    source, out = os.path.join(folder, "trunk.npz"), os.path.join(folder, "trunk.safetensors")
    np.savez(source, **{**trunk(), **classifier()})
    expect_ok(run(CONVERT, source, out))
    recipe = RECIPES["shufflenet"]()
    recipe.document["network"]["width"] = 0.5
    with tap.point("a trunk alone is a start, and no model"):
        document, tensors = read_model(out, or_trunk=True)
        assert is_trunk(document) and "loc.0.weight" not in tensors
        try:
            read_model(out)
        except DataError as error:
            assert out in str(error) and "anchors" in str(error), error
        else:
            raise AssertionError("no error")
    with tap.point("a trunk's batch norms are folded where the network has none, and else taken over"):
        networks = [Network(recipe.document, replace(recipe.form, trunk=words)) for words in ("bias", "bn")]
        for network in networks:
            copied, _ = copy_shared(network, fold_norms(network, tensors, 1e-5))
            assert copied == sum(name.startswith(("conv1.", "stage")) for name in network.tensors()), copied
        for name, map_ in networks[0].eval().backbone(picture).items():
            if name.startswith("stage"):
                expect_same(map_, networks[1].eval().backbone(picture)[name])


def main():
    tap, net = Tap(), Nanodet()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path, out = net.write(folder, "n"), os.path.join(folder, "m.safetensors")
        expect_ok(run(CONVERT, path, out, "--size", SIZE))
        network = network_of(*read_model(out))
        picture = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
        theirs = dict(zip(net.places, read_graph(path, list(net.places.values()))(picture)))
        ours = network.backbone(picture)
        for name, place in TRUNK:
            with tap.point(f"NanoDet-Plus as a StairNet: {name}"):
                expect_same(ours[name], theirs[place])
        for level in range(LEVELS):
            with tap.point(f"NanoDet-Plus as a StairNet: the head of level {level}"):
                features = network.topdown.extra_layers[LEVELS - 1 - level](theirs[f"sum.{level}"])
                expect_same(torch.sigmoid(network.conf[level](features)), theirs[f"scores.{level}"])
                expect_same(network.loc[level](features), theirs[f"distances.{level}"])
        with tap.point("NanoDet-Plus as a StairNet: a step up is half of bilinear interpolation"):
            same = network.topdown.topdown_layers[1](torch.ones(1, NECK, 3, 3))
            assert same.shape[2:] == (6, 6) and (same[:, :, :5, :5] == 0.5).all(), same[0, 0]
        test_trunk(tap, folder, picture)
    tap.done()


if __name__ == "__main__":
    main()
