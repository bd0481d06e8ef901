"""What the trainer says of files that it cannot use.

SPDX-License-Identifier: LGPL-2.1-or-later
"""


class DataError(Exception):
    """A data set that cannot be used, in one sentence."""
