"""What the programs in Python say of what they were given and cannot use.

SPDX-License-Identifier: LGPL-2.1-or-later
"""


class DataError(Exception):
    """What is wrong with a file, a data set or an option, in one sentence."""
