"""Pictures that everybody is given: one of the network's size, to compare what was computed, and a frame of video.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import struct
import zlib

import numpy as np

SEED = 20180717
BLOCK = 10  # pixels
FRAME_WIDTH, FRAME_HEIGHT = 1280, 720  # cbam-bench's frame, and like it NV12


def blocks(width, height):
    """[height, width, 3] of bytes: coloured blocks with noise on them."""
    rng = np.random.default_rng(SEED)
    coarse = rng.integers(24, 232, (-(-height // BLOCK), -(-width // BLOCK), 3))
    noise = rng.integers(-8, 9, (height, width, 3))
    return (coarse.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[:height, :width] + noise).astype(np.uint8)


def nv12_frame():
    """[height * 3 / 2, width]: rows of luma, then of pairs of chroma."""
    return np.vstack([blocks(FRAME_WIDTH, FRAME_HEIGHT)[:, :, 0],
                      blocks(FRAME_WIDTH, FRAME_HEIGHT // 2)[:, :, 1]])


def write_png(path, picture):
    height, width, _ = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
                           (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))


def as_input(document, picture):
    """[1, 3, H, W]: what the network sees of RGB of its size."""
    spec = document["input"]
    mean, scale = (np.array(spec.get(key) or [usual] * 3) for key, usual in (("mean", 0), ("scale", 1)))
    pixels = picture if spec["channels"] == "rgb" else picture[:, :, ::-1]
    return np.ascontiguousarray(((pixels - mean) * scale).transpose(2, 0, 1)[None], np.float32)
