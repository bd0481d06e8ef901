"""Whether the data of a JPEG are all there.

PIL tells of a file that ends early, but not of one that has lost a part inside: libjpeg then reaches the end of the
data before the end of the picture, makes the rest up, and PIL does not pass on that it warned. So the picture is
decoded once more with other bytes behind its data. A decoder that had all it needed passes over them; one that had not
reads them, and another picture comes out. What libjpeg warns of beside that, codes that mean nothing, only
tools/shared/jpeg.c sees.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import re

from PIL import Image

MORE = b"\x55\xd3" * 16
MARKER = re.compile(rb"\xff+[^\x00\xff]")  # among data, where 0xff is followed by 0
START_OF_SCAN, END = 0xda, 0xd9
HUFFMAN = (0xc0, 0xc1, 0xc2)  # frames; arithmetic coding may leave out bytes at its end
RESTARTS = range(0xd0, 0xd8)


def lengthened(content):
    """The file with MORE behind the data of each scan and restart interval; None where that tells nothing."""
    parts, at = [], 0
    while marker := MARKER.match(content, at):
        kind = content[marker.end() - 1]
        if kind == END:
            break
        if 0xc0 <= kind <= 0xcf and kind not in (*HUFFMAN, 0xc4, 0xc8, 0xcc):
            return None
        begin, at = at, marker.end()
        if kind not in RESTARTS and kind != 0xd8:
            at += int.from_bytes(content[at:at + 2], "big")
        parts.append(content[begin:at])
        if kind == START_OF_SCAN or kind in RESTARTS:
            following = MARKER.search(content, at)
            end = following.start() if following else len(content)
            parts += [content[at:end], MORE]
            at = end
    return b"".join([*parts, content[at:]])


def is_complete(content, image):
    """`image`: what it was decoded to."""
    longer = lengthened(content)
    if longer is None:
        return True
    with Image.open(io.BytesIO(longer)) as other:
        return other.tobytes() == image.tobytes()
