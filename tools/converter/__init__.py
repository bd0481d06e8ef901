"""What tools/convert consists of: reading what was published, the dialects it is written in, and model files.

SPDX-License-Identifier: LGPL-2.1-or-later
"""


class ConvertError(Exception):
    """What is wrong with a source, in one sentence."""
