"""Files of pictures of every kind that programs and trainer both read, made from arrays: whole ones, and such that are
cut short or damaged.

    WHOLE    {name: (bytes, the pixels [H, W, 3] that they are, or None where the file does not say them exactly)}
    BROKEN   {name: bytes}

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, features

HEIGHT, WIDTH = 40, 60
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
COLOURS = np.stack([X * 4, Y * 6, (X * 7 + Y * 13) % 256], 2).astype(np.uint8)
GREYS = ((X * 3 + Y) % 256).astype(np.uint8)
DEEP = (X * 1000 + Y * 150).astype(np.uint16)
TURNS = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
         5: lambda a: a.swapaxes(0, 1), 6: lambda a: a[::-1].swapaxes(0, 1),
         7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: a[:, ::-1].swapaxes(0, 1)}  # EXIF's, to upright


def three(grey):
    return np.repeat(np.asarray(grey)[:, :, None], 3, 2).astype(np.uint8)


def save(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(depth, kind, rows, *chunks):
    """What PIL cannot write: rows of packed bytes, in any depth, and chunks before them."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunk(*each) for each in chunks) \
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))) + chunk(b"IEND", b"")


def packed(values, depth):
    """Rows of grey values of less than 8 bits."""
    bits = np.unpackbits(values.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth:]
    return np.packbits(bits.reshape(len(values), -1), axis=1)


def with_exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def exif_segment(body):
    return b"\xff\xe1" + struct.pack(">H", len(body) + 8) + b"Exif\0\0" + body


def big_endian_exif(orientation):
    """Two entries before the one that counts, as cameras have them."""
    entries = [(0x010f, 2, 4, b"abc\0"), (0x0110, 2, 4, b"abc\0"), (0x0112, 3, 1, struct.pack(">HH", orientation, 0))]
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) \
        + b"".join(struct.pack(">HHI", *entry[:3]) + entry[3] for entry in entries) + b"\0\0\0\0"


def behind_start(jpeg, segment):
    return jpeg[:2] + segment + jpeg[2:]


def whole_files():
    colours, greys = Image.fromarray(COLOURS), Image.fromarray(GREYS)
    see_through = Image.fromarray(np.dstack([COLOURS, GREYS]))
    inks = Image.fromarray(np.dstack([COLOURS, GREYS]), "CMYK")
    few = colours.quantize(50)
    indices, palette = np.asarray(few), np.array(few.getpalette()[:150], np.uint8).reshape(-1, 3)
    black_hole = np.where((indices == 3)[:, :, None], 0, palette[indices])
    not_inks = 255 - np.dstack([COLOURS, GREYS]).astype(int)
    files = {}
    for name, options in (("4:4:4", {"subsampling": 0}), ("4:2:2", {"subsampling": 1}), ("4:2:0", {"subsampling": 2}),
                          ("progressive", {"progressive": True}), ("of low quality", {"quality": 10})):
        files["JPEG " + name] = save(colours, "JPEG", **options), None
    files["JPEG grey"] = save(greys, "JPEG"), None
    files["JPEG CMYK"] = save(inks, "JPEG"), None
    plain = save(colours, "JPEG")
    stored = np.asarray(Image.open(io.BytesIO(plain)))
    files["JPEG with bytes before its end, as some cameras write them"] = plain[:-2] + bytes(7) + plain[-2:], stored
    files["JPEG with something behind it"] = save(colours, "JPEG") + b"\0" * 99 + b"more", None
    for orientation, turn in TURNS.items():
        files[f"JPEG, orientation {orientation}"] = save(colours, "JPEG", exif=with_exif(orientation)), turn(stored)
        files[f"PNG, orientation {orientation}"] = save(colours, "PNG", exif=with_exif(orientation)), turn(COLOURS)
        files[f"TIFF, orientation {orientation}"] = save(colours, "TIFF", tiffinfo={274: orientation}), turn(COLOURS)
    files["JPEG, orientation of a camera"] = behind_start(plain, exif_segment(big_endian_exif(6))), TURNS[6](stored)
    for name, body in (("0", big_endian_exif(0)), ("9", big_endian_exif(9)),
                       ("in broken EXIF", big_endian_exif(6)[:20]),
                       ("in EXIF that is none", b"what is this?"),
                       ("in EXIF that points out of itself", b"MM\0*\xff\xff\xff\xf0" + b"\0" * 40)):
        files["JPEG, orientation " + name] = behind_start(plain, exif_segment(body)), stored

    files["PNG of 16 bits, grey"] = png(16, 0, DEEP.astype(">u2")), three(DEEP >> 8)
    files["PNG of 16 bits"] = png(16, 2, np.stack([DEEP] * 3, 2).astype(">u2")), three(DEEP >> 8)
    files["PNG of 16 bits, grey and alpha"] = png(16, 4, np.stack([DEEP] * 2, 2).astype(">u2")), three(DEEP >> 8)
    for depth in (1, 2, 4):
        values = (X + Y) % (1 << depth)
        files[f"PNG of {depth} bits, grey"] = png(depth, 0, packed(values, depth)), three(values * 255
                                                                                        // ((1 << depth) - 1))
    files["PNG with alpha"] = save(see_through, "PNG"), COLOURS
    files["PNG, grey with alpha"] = save(see_through.convert("LA"), "PNG"), three(colours.convert("L"))
    files["PNG, palette"] = save(few, "PNG"), palette[indices]
    files["PNG, palette with a hole"] = save(few, "PNG", transparency=3), palette[indices]
    files["PNG, palette with alpha"] = save(few, "PNG", transparency=bytes(range(50))), palette[indices]
    files["PNG, grey with a hole"] = png(8, 0, GREYS, (b"tRNS", b"\0\5")), three(GREYS)
    files["PNG with a hole"] = png(8, 2, COLOURS, (b"tRNS", b"\0\5\0\5\0\5")), COLOURS
    files["PNG with a gamma"] = png(8, 2, COLOURS, (b"gAMA", struct.pack(">I", 100000))), COLOURS
    files["PNG with something behind it"] = save(colours, "PNG") + b"more", COLOURS

    files["GIF"] = save(few, "GIF"), palette[indices]
    files["GIF with a hole"] = save(few, "GIF", transparency=3), black_hole
    files["GIF that moves"] = save(few, "GIF", save_all=True, append_images=[few.transpose(Image.ROTATE_180)]), \
        palette[indices]
    files["GIF, grey"] = save(greys, "GIF"), three(GREYS)
    files["BMP"] = save(colours, "BMP"), COLOURS
    files["BMP, palette"] = save(few, "BMP"), palette[indices]
    files["BMP of 1 bit"] = save(Image.fromarray(GREYS > 99), "BMP"), three((GREYS > 99) * 255)
    files["BMP with alpha"] = save(see_through, "BMP"), COLOURS
    files["PPM"] = save(colours, "PPM"), COLOURS
    files["PGM of 16 bits"] = b"P5 60 40 65535\n" + DEEP.astype(">u2").tobytes(), three(DEEP >> 8)
    if features.check("webp"):
        files["WebP"] = save(colours, "WEBP", lossless=True), COLOURS
        files["WebP with loss"] = save(colours, "WEBP"), None
        files["WebP with alpha"] = save(see_through, "WEBP", lossless=True, exact=True), COLOURS
        for orientation, turn in TURNS.items():
            files[f"WebP, orientation {orientation}"] = \
                save(colours, "WEBP", lossless=True, exif=with_exif(orientation)), turn(COLOURS)
    files["TIFF"] = save(colours, "TIFF"), COLOURS
    files["TIFF, grey"] = save(greys, "TIFF"), three(GREYS)
    files["TIFF, palette"] = save(few, "TIFF"), palette[indices]
    files["TIFF of 1 bit"] = save(Image.fromarray(GREYS > 99), "TIFF"), three((GREYS > 99) * 255)
    files["TIFF of 16 bits, grey"] = save(Image.fromarray(DEEP), "TIFF"), three(DEEP >> 8)
    files["TIFF CMYK"] = save(inks, "TIFF"), (not_inks[..., :3] * not_inks[..., 3:] // 255).astype(np.uint8)
    files["TIFF with alpha"] = save(see_through, "TIFF"), ((COLOURS.astype(int) * GREYS[..., None] + 127)
                                                            // 255).astype(np.uint8)
    return files


def broken_files():
    files = {}
    for name in ("JPEG 4:2:0", "JPEG progressive", "JPEG grey", "PNG with alpha", "PNG of 16 bits, grey", "GIF",
                 "GIF that moves", "BMP", "BMP, palette", "PPM", "TIFF", *(name for name in WHOLE if name == "WebP")):
        content = WHOLE[name][0]
        for share in (10, 50, 95):
            files[f"{name}, {share} % of it"] = content[:len(content) * share // 100]
        files[f"{name}, all but the last byte"] = content[:-1]
        files[f"{name}, its first bytes"] = content[:3]
    for name in ("JPEG 4:4:4", "JPEG 4:2:0", "JPEG grey", "JPEG progressive", "JPEG CMYK"):
        content = WHOLE[name][0]
        data = content.index(b"\xff\xda") + 30
        files[f"{name} that lost a part"] = content[:data] + content[data + 150:]
        if name != "JPEG progressive":  # of which libjpeg takes these for data
            files[f"{name} with zeros inside"] = content[:data] + bytes(150) + content[data + 150:]
    png_bytes = bytearray(WHOLE["PNG with alpha"][0])
    png_bytes[-14] ^= 0x55  # in the check sum of the pixels
    files["PNG with a wrong check sum"] = bytes(png_bytes)
    files["nothing"] = b""
    files["text"] = b"version https://git-lfs.github.com/spec/v1\n"
    files["a page"] = b"<html><body>404</body></html>"
    return files


WHOLE = whole_files()
BROKEN = broken_files()
