"""Lists that people write: labels, names of pictures, a line each.

lists/text-file.h says the rules and text-file.c is the same for the programs in C.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import codecs
import re

BLANKS = " \t\n\f\r"
MARK = "\ufeff"


def read_lines(path, errors="strict"):
    """The lines of a text file in UTF-8, or in UTF-16 that begins with a byte order mark, without the blanks around
    them; empty ones stay. A ValueError names the file and what was found; an OSError names it too."""
    with open(path, "rb") as file:
        content = file.read()
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8", "strict" if is_utf16 else errors)
        zero = text.find("\0")
        if zero >= 0:
            raise ValueError(unexpected(path, text[:zero].encode(errors="replace"), 0))
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}': no whole text in UTF-16" if is_utf16 else
                         unexpected(path, content[:error.start], content[error.start])) from error
    return [line.lstrip(MARK).strip(BLANKS) for line in re.split("\r\n|\r|\n", text)]


def read_names(path):
    """The same for names of files, which may be in other bytes than UTF-8, as the file system has them."""
    return read_lines(path, "surrogateescape")


def unexpected(path, before, byte):
    return (f"'{path}' line {before.count(10) + 1}: expected text in UTF-8, or in UTF-16 with a byte order mark, "
            f"found the byte 0x{byte:02X}")


def read_rules(path):
    """[(number of the line, the line)] without comments, which begin with #, and without empty lines."""
    lines = ((number, line.split("#")[0].strip(BLANKS)) for number, line in enumerate(read_lines(path), 1))
    return [(number, line) for number, line in lines if line]
