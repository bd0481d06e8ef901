"""Pictures as files hold them: upright, in red, green and blue.

tools/shared/picture.c is the programs' twin: the same pixels, and the same answer to files that are cut short. Where
their libraries differ, the rules are: of 16 bits the upper 8 count; CMYK is Adobe's; what is transparent keeps its
colour, but in GIF and TIFF it lies on black, as gdk-pixbuf gives it out.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

from jpeg import is_complete
from shared.faults import DataError

Image.MAX_IMAGE_PIXELS = None  # whose pictures these are knows how large they are

ORIENTATION = 0x0112  # EXIF's
TURNS = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
         6: Image.ROTATE_270, 7: Image.TRANSVERSE, 8: Image.ROTATE_90}


def read_picture(path):
    """The picture as PIL has it, RGB."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise DataError(f"'{path}': {error.strerror}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of EXIF that is broken
            return decode(content)
    except Exception as error:  # PIL's readers raise whatever a broken file makes them run into
        reason = "it is no picture that PIL knows" if isinstance(error, Image.UnidentifiedImageError) else error
        raise DataError(f"'{path}': expected a whole picture, found one that cannot be read ({reason})") from error


def decode(content):
    with Image.open(io.BytesIO(content)) as image:
        turn = TURNS.get(orientation_of(image))
        image.load()
        check_end(content, image)
        upright = image if turn is None else image.transpose(turn)
        return to_rgb(upright, image.format)


def orientation_of(image):
    if image.format == "TIFF":  # PIL turns these itself
        return 1
    for key in ("XML:com.adobe.xmp", "xmp"):  # which PIL asks too, in some formats
        image.info.pop(key, None)
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # broken EXIF is no reason not to show a picture
        return 1


def check_end(content, image):
    """PIL reads these to the last pixel that it wants; whether all is there up to the file's end, it does not ask."""
    whole = {"PNG": png_is_whole, "GIF": gif_is_whole}.get(image.format)
    is_jpeg = image.format in ("JPEG", "MPO")
    if (whole and not whole(content)) or (is_jpeg and not is_complete(content, image)):
        raise ValueError("it is cut short or damaged")


def png_is_whole(content):
    """Whether all chunks are there, and the check sums of those that pictures need are right."""
    at, name = 8, b""
    while at + 12 <= len(content) and name != b"IEND":
        length, name = struct.unpack_from(">I4s", content, at)
        check_sum = content[at + 8 + length:at + 12 + length]
        if name[:1].isupper() and check_sum != struct.pack(">I", zlib.crc32(content[at + 4:at + 8 + length])):
            return False
        at += length + 12
    return name == b"IEND"


def gif_is_whole(content):
    """Whether its blocks go on to the one that ends it."""
    def after_colours(at, flags):
        return at + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    def after_data(at):
        while content[at]:
            at += content[at] + 1
        return at + 1

    try:
        at = after_colours(13, content[10])
        while content[at] != 0x3b:
            at = after_data(at + 2) if content[at] == 0x21 else after_data(after_colours(at + 10, content[at + 9]) + 1)
    except IndexError:
        return False
    return True


def to_rgb(image, kind):
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(deep_grey(image)).convert("RGB")
    if image.mode == "CMYK":
        inks = 255 - np.asarray(image).astype(np.uint16)
        return Image.fromarray((inks[..., :3] * inks[..., 3:] // 255).astype(np.uint8))
    if kind == "GIF" and "transparency" in image.info:
        return on_black(image.convert("RGBA"))
    if kind == "TIFF" and image.mode == "RGBA":
        return on_black(image)
    image.info.pop("transparency", None)  # or PIL warns of it
    return image.convert("RGB")


def on_black(image):
    pixels = np.asarray(image).astype(np.uint16)
    return Image.fromarray(((pixels[..., :3] * pixels[..., 3:] + 127) // 255).astype(np.uint8))


def deep_grey(image):
    """Grey of 16 bits in 8: PIL's own conversion cuts off what is above 255."""
    deep = np.asarray(image)
    if image.mode == "F" or deep.min() < 0 or deep.max() > 65535:
        raise ValueError("it has more than 16 bits a channel")
    return (deep >> 8).astype(np.uint8)
