"""Lets a script find numpy whichever Python came first on PATH.

A Python installed by hand often hides the distribution's own, the one that `python3-numpy` belongs to.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"


def need_numpy():
    """Returns if numpy can be imported; else starts the script again with the system's Python, or says what is missing.
    """
    try:
        import numpy  # noqa: F401
        return
    except ImportError:
        pass
    if os.path.exists(SYSTEM_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    sys.exit(f"{os.path.basename(sys.argv[0])}: needs numpy (on Debian: apt-get install python3-numpy)")
