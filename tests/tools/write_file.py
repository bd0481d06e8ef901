"""write_file.py PATH: makes standard input the content of PATH, by shared/output.py.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.output import writing

try:
    with writing(sys.argv[1]) as file:
        file.write(sys.stdin.buffer.read())
except OSError as error:
    sys.exit(f"cannot write '{error.filename}': {error.strerror}")
