"""The ways in which detectors' weights are published, a module per family of networks.

A dialect is two functions of a Source (checkpoint.py): detect() knows it by sight, convert() returns its tensors under
our names and the document of models/README.md. tools/convert lists them all.

SPDX-License-Identifier: LGPL-2.1-or-later
"""
