"""What tools/convert consists of: reading checkpoints, and the dialects that they are written in.

SPDX-License-Identifier: LGPL-2.1-or-later
"""
