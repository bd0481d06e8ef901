"""Lets a script find what it needs whichever Python came first on PATH.

A Python installed by hand often hides the distribution's own, the one that Debian's python3-* packages belong to.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import importlib.util
import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = {"numpy": "python3-numpy", "torch": "python3-torch", "PIL": "python3-pil"}


def have(*modules):
    """True if all can be imported; else starts the script again with the system's Python, where that is another one, or
    returns False."""
    if all(importlib.util.find_spec(name) for name in modules):
        return True
    if os.path.exists(SYSTEM_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    return False


def need(*modules):
    """Returns if all can be imported, by this Python or the system's; else says what to install."""
    if not have(*modules):
        packages = " ".join(PACKAGES[name] for name in modules)
        sys.exit(f"{os.path.basename(sys.argv[0])}: needs {', '.join(modules)} (on Debian: apt-get install {packages})")
