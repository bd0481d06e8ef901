#!/usr/bin/env python3
"""The files in cases/ are those that make_golden.py writes: all of them are there, and a few are made again.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools"), os.path.join(HERE, "..", "..", "tools", "train")]

from common import read_safetensors
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch"):
    skip_all("needs PyTorch")

import numpy as np

from cases import all_cases
from make_golden import make_any_case

CASES = os.path.join(HERE, "cases")
AGAIN = ("stairnet-mobilenet", "distribution-odd", "cbam", "bam-add-closing", "classify-resnet18-cbam")
# float64 rounded to float32: other versions of PyTorch sum in another order.
CLOSE = 1e-6


def golden(path):
    with open(path, "rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
    return json.loads(json.loads(header)["__metadata__"]["golden"])


def check_all_there():
    names = [name for name, _, _ in all_cases()]
    assert len(set(names)) == len(names)
    assert sorted(name + ".safetensors" for name in names) == sorted(os.listdir(CASES))


def check_again(name):
    case, = (case for case in all_cases() if case[0] == name)
    kept = os.path.join(CASES, name + ".safetensors")
    with tempfile.TemporaryDirectory() as folder:
        make_any_case(folder, *case, say=lambda text: None)
        made = os.path.join(folder, name + ".safetensors")
        (document, tensors, _), (kept_document, kept_tensors, _) = read_safetensors(made), read_safetensors(kept)
        assert document == kept_document and golden(made) == golden(kept)
    assert list(tensors) == list(kept_tensors)
    for key, (shape, data) in tensors.items():
        kept_shape, kept_data = kept_tensors[key]
        assert shape == kept_shape, key
        values, kept_values = np.frombuffer(data, "<f4"), np.frombuffer(kept_data, "<f4")
        np.testing.assert_allclose(values, kept_values, CLOSE, CLOSE, err_msg=key)


tap = Tap()
with tap.point("every case has its file"):
    check_all_there()
for again in AGAIN:
    with tap.point(f"{again} is what it was"):
        check_again(again)
tap.done()
