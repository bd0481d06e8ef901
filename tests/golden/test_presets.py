#!/usr/bin/env python3
"""The presets at full size against PyTorch.

    test_presets.py TEST-GOLDEN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools"), os.path.join(HERE, "..", "..", "tools", "train")]

from common import run
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch"):
    skip_all("needs PyTorch")

import torch

from make_golden import PRESETS, make_preset, read_document

TEST_GOLDEN = sys.argv[1]


def check(name):
    with tempfile.TemporaryDirectory() as folder:
        make_preset(folder, name, read_document(TEST_GOLDEN, name), torch.float32, say=lambda text: None)
        process = run(TEST_GOLDEN, "--tap", "-k", os.path.join(folder, name + ".safetensors"))
    for line in process.stdout.splitlines():
        if line.startswith(("# largest", "# " + name)):
            print(line)
    assert process.returncode == 0, process.stdout + process.stderr


tap = Tap()
for preset in PRESETS:
    with tap.point(preset):
        check(preset)
tap.done()
