"""What the tests of the programs share: running them, small pictures, and a model whose weights are noise.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import struct
import subprocess
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", "tools")
CONVERT = os.path.join(TOOLS, "convert")
TIMEOUT = 240  # seconds; the slowest is a sanitised build on a busy machine


def run(*command, timeout=TIMEOUT, **options):
    """The finished process with its output as text; never raises for an exit status."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout, check=False,
                          **options)


def expect_ok(process):
    assert process.returncode == 0, f"exit status {process.returncode}, standard error:\n{process.stderr}"
    return process


def check_one_error(process, *words, status=1):
    """One line on standard error with these words, nothing on standard output."""
    assert process.returncode == status, f"exit status {process.returncode}: {process.stderr}"
    assert process.stdout == "", process.stdout
    assert len(process.stderr.splitlines()) == 1, process.stderr
    for word in words:
        assert word in process.stderr, f"no {word} in {process.stderr}"


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_data():
    """The folder of test data, or None."""
    folder = os.environ.get("CBAM_TEST_DATA", "")
    return folder if os.path.isdir(folder) else None


def write_png(path, width, height):
    """A colourful RGB picture."""
    rows = b"".join(b"\0" + bytes((x * 255 // width, y * 255 // height, (x ^ y) & 255)[c]
                                  for x in range(width) for c in range(3)) for y in range(height))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)),
              (b"IEND", b""))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in chunks:
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return path


def png_size(path):
    with open(path, "rb") as file:
        head = file.read(24)
    assert head[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    return struct.unpack(">II", head[16:24])


def read_safetensors(path):
    """(metadata document, {name: (shape, bytes)}, where the data begins)"""
    with open(path, "rb") as file:
        content = file.read()
    length, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    document = json.loads(header.pop("__metadata__")["cbamdetect"])
    data = content[8 + length:]
    tensors = {name: (entry["shape"], data[entry["data_offsets"][0]:entry["data_offsets"][1]])
               for name, entry in header.items()}
    return document, tensors, 8 + length


def fake_model(folder):
    """A model file of the COCO SSD-MobileNet's shape with seeded noise as weights, made by tools/convert."""
    source = os.path.join(folder, "source")
    expect_ok(run(sys.executable, os.path.join(HERE, "fake_source.py"), source))
    model = os.path.join(folder, "noise.safetensors")
    expect_ok(run(CONVERT, source, model))
    return model
