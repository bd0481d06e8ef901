"""What a file is, by its first bytes: names tell nothing (.pth, .pth.tar, .bin, .ckpt, none at all).

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import re
import struct
import zipfile

from shared.faults import DataError

HEAD = 4096  # bytes that are looked at
PACKED = "unpack it and convert what is in it"
NO_CHECKPOINT = "expected a checkpoint of PyTorch's, .npz or safetensors"

# (where, the bytes there, what has them)
STRANGERS = (
    (0, b"version https://git-lfs", "a Git LFS pointer, and not the file that it stands for: git lfs pull fetches it"),
    (0, b"\x1f\x8b", f"packed with gzip: {PACKED}"),
    (0, b"BZh", f"packed with bzip2: {PACKED}"),
    (0, b"\xfd7zXZ", f"packed with xz: {PACKED}"),
    (0, b"\x28\xb5\x2f\xfd", f"packed with zstd: {PACKED}"),
    (0, b"7z\xbc\xaf", f"a 7z archive: {PACKED}"),
    (0, b"Rar!", f"a RAR archive: {PACKED}"),
    (257, b"ustar", f"a tar archive: {PACKED}"),
    (0, b"\x89HDF", f"an HDF5 file, as Keras writes them: {NO_CHECKPOINT}"),
    (4, b"TFL3", f"a TensorFlow Lite model: {NO_CHECKPOINT}"),
    (0, b"GGUF", f"a GGUF file: {NO_CHECKPOINT}"),
    (0, b"\x93NUMPY", "a single array of numpy's: expected an .npz of all, named"),
    (0, b"\xff\xd8\xff", f"a JPEG picture: {NO_CHECKPOINT}"),
    (0, b"\x89PNG", f"a PNG picture: {NO_CHECKPOINT}"),
    (0, b"%PDF", f"a PDF document: {NO_CHECKPOINT}"),
)
WEB_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")


def kind_of(file):
    """ "torch", "npz", "pickle" or "safetensors", of an open file that can be sought in; it is at its beginning then.
    What is none of them is an DataError that says what it is."""
    head = file.read(HEAD)
    size = file.seek(0, 2)
    if size == 0:
        raise DataError("the file is empty")
    kind = kind_of_zip(file, head) or kind_of_pickle(head) or kind_of_safetensors(head, size)
    if not kind:
        raise DataError(f"this is {stranger(head)}")
    file.seek(0)
    return kind


def kind_of_zip(file, head):
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    if not zipfile.is_zipfile(file):
        raise DataError("the file is cut short: it begins as a zip archive, and the end of one is missing")
    with zipfile.ZipFile(file) as members:
        names = members.namelist()
    if any(name.endswith("/constants.pkl") for name in names):
        raise DataError("this is a TorchScript archive, a program with its weights: save net.state_dict() with "
                           "torch.save() instead")
    if any(name.endswith("data.pkl") for name in names):
        return "torch"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "nothing"
    raise DataError(f"this is a zip archive of {some}: {PACKED}")


def kind_of_pickle(head):
    return "pickle" if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5 else None


def kind_of_safetensors(head, size):
    if len(head) < 9 or head[8:9] != b"{":
        return None
    length, = struct.unpack("<Q", head[:8])
    if length >= 1 << 40:  # eight letters
        return None
    if length + 8 > size:
        raise DataError(f"the file is cut short: its header has {length} bytes, and the file {size}")
    return "safetensors"


def stranger(head):
    for at, mark, name in STRANGERS:
        if head[at:at + len(mark)] == mark:
            return name
    if b"onnx" in head[:64].lower() or b"pytorch" in head[:64]:
        return f"an ONNX model, as it seems: {NO_CHECKPOINT}"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.lower().startswith(WEB_PAGES):
        title = re.search(rb"<title[^>]*>\s*([^<]{1,60})", text, re.IGNORECASE)
        called = f" called '{' '.join(title[1].decode(errors='replace').split())}'" if title else ""
        return f"a web page{called}, and not what it was to bring: load it again, from the link that gives the file"
    if is_text(head):
        line = text.splitlines()[0].decode(errors="replace")[:40] if text else ""
        return f"text that begins '{line}': {NO_CHECKPOINT}"
    return f"no kind of file that I know (it begins with the bytes {head[:8].hex(' ')}): {NO_CHECKPOINT}"


def is_text(head):
    return not any(byte < 9 or 13 < byte < 32 for byte in head) and not head.startswith(b"\xff")
