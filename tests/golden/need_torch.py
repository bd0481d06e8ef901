"""Lets a script find PyTorch whichever Python came first on PATH, as tools/need_numpy.py does for numpy.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import importlib.util
import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"


def need_torch():
    """True if PyTorch can be imported; else starts the script again with the system's Python, where there is another
    one, or returns False."""
    if all(importlib.util.find_spec(name) for name in ("numpy", "torch")):
        return True
    if os.path.exists(SYSTEM_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    return False
