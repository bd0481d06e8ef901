"""Where the tests of tools/train find what they import.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
TRAIN = os.path.join(ROOT, "tools", "train")
sys.path[:0] = [*(os.path.join(ROOT, "tests", part) for part in ("tools", "golden", "eval")),
                os.path.join(ROOT, "tools"), TRAIN]
