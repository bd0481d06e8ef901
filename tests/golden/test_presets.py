#!/usr/bin/env python3
"""The presets at full size against PyTorch.

    test_presets.py TEST-GOLDEN quick|slow [DEVICE...]

PyTorch computes each once; then it is the turn of the first Vulkan device, and of those that are named. A quick test has
those on the small backbones and the first on VGG16, a slow one the others.

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

from make_golden import CLASSIFIER_PRESETS, PRESETS, make_any_preset, read_document

TEST_GOLDEN, PART, DEVICES = *sys.argv[1:3], [None, *sys.argv[3:]]


def check(name, path, device):
    env = dict(os.environ)
    if device:
        env.update(CBAM_TEST_DEVICE=device, CBAM_DEBUG="")  # which is to allow the processor itself
    process = run(TEST_GOLDEN, "--tap", "-k", path, env=env)
    for line in process.stdout.splitlines():
        if line.startswith(("# largest", "# " + name)):
            print(line)
    assert process.returncode == 0, process.stdout + process.stderr


def is_quick(name):
    return "mobilenet" in name or name in ("ssd-vgg16", "resnet18-cbam", "efficientnet-lite0")


tap = Tap()
for preset in (name for name in [*PRESETS, *CLASSIFIER_PRESETS] if is_quick(name) == (PART == "quick")):
    with tempfile.TemporaryDirectory() as made:
        make_any_preset(made, preset, read_document(TEST_GOLDEN, preset), torch.float32, say=lambda text: None)
        for device in DEVICES:
            with tap.point(preset + (f" on {device}" if device else "")):
                check(preset, os.path.join(made, preset + ".safetensors"), device)
tap.done()
