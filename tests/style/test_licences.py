#!/usr/bin/env python3
"""Whose the weights of models/ are, and under which licence: a NOTICE of each model says it, as the file itself does, the
licence's text is there, and both are installed where the model is, with its card.

    test_licences.py SOURCES BUILD

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import json
import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))

from common import read_safetensors
from tap import Tap

ROOT, BUILD = sys.argv[1:]
# What each licence calls itself.
TITLES = {"Apache-2.0": "Apache License, Version 2.0", "BSD-3-Clause": "BSD 3-Clause License", "MIT": "MIT License"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def licences_of(model):
    """Those that the model file names."""
    document, _, _ = read_safetensors(model)
    return document["provenance"]["license"].split("; ")


def check_notice(model):
    text = " ".join(read(os.path.splitext(model)[0], "NOTICE").split())
    assert text.startswith(os.path.basename(model)), text[:80]
    assert re.search(r"Copyright (\d{4}(-\d{4})? )?[A-Z]", text), "whose it is"
    assert "Changed by the cbamdetect developers:" in text
    for licence in licences_of(model):
        assert TITLES[licence] in text and f"LICENSES/{licence}.txt" in text, licence


def check_text(licence):
    text = " ".join(read(ROOT, "LICENSES", licence + ".txt").split())
    words = TITLES[licence].replace(",", "").split()
    assert text.startswith(" ".join(words)), text[:80]
    assert len(text) > 1000


def check_installed(model):
    with open(os.path.join(BUILD, "meson-info", "intro-installed.json"), encoding="utf-8") as file:
        placed = {os.path.relpath(source, ROOT): place for source, place in json.load(file).items()}
    name = os.path.splitext(os.path.basename(model))[0]
    folder = os.path.dirname(placed[f"models/{name}.safetensors"])
    for part in ("NOTICE", "README.md"):
        assert placed[f"models/{name}/{part}"] == os.path.join(folder, name, part), part
    for licence in licences_of(model):
        assert placed[f"LICENSES/{licence}.txt"] == os.path.join(folder, "LICENSES", licence + ".txt")


def main():
    tap = Tap()
    models = sorted(glob.glob(os.path.join(ROOT, "models", "*.safetensors")))
    assert models
    for model in models:
        name = os.path.basename(model)
        with tap.point(f"{name}: its NOTICE"):
            check_notice(model)
        with tap.point(f"{name}: NOTICE, card and licence are installed with it"):
            check_installed(model)
    for licence in sorted({licence for model in models for licence in licences_of(model)}):
        with tap.point(f"the text of {licence}"):
            check_text(licence)
    tap.done()


if __name__ == "__main__":
    main()
