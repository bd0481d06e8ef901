"""What people marked in a picture, as Pascal VOC writes it down.

docs/training.md says what is read and what is refused; tools/eval/annotation.c is cbam-eval's twin, and
tests/eval/annotations.py the table that both are tested with.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import codecs
import math
import re
from dataclasses import dataclass, field
from xml.parsers import expat

from shared.faults import DataError

BLANKS = " \t\r\n"  # XML's
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DIFFICULT = {"true": True, "yes": True, "": False, "false": False, "no": False, "unspecified": False}
SIDES = ("xmin", "ymin", "xmax", "ymax")
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
UNMARKED = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
DECLARED = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")


@dataclass
class Object:
    name: str
    box: tuple        # VOC's: xmin, ymin, xmax, ymax, counted from 1, the last pixel inside
    difficult: bool


@dataclass
class Annotation:
    objects: list
    filename: str     # without folders; "" where it says none
    size: tuple       # width, height; 0 where it says none


@dataclass
class Element:
    name: str
    line: int
    text: list = field(default_factory=list)  # of all that is within
    children: list = field(default_factory=list)


class Refused(Exception):
    """What is wrong, and in which line."""

    def __init__(self, line, text):
        super().__init__(text)
        self.line = line


def read_annotation(path):
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise DataError(f"'{path}': {error.strerror}") from error
    try:
        return read_root(parse(decode(content)))
    except Refused as error:
        raise DataError(f"'{path}' line {error.line}: {error}") from error


def decode(content):
    """The text of an XML file. Expat itself knows few encodings; Python knows those that tools write."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            content = content[len(mark):]
            break
    else:
        encoding = next((name for start, name in UNMARKED if content.startswith(start)), None)
        declared = DECLARED.match(content)
        if encoding is None:
            encoding = declared[1].decode("ascii") if declared else "utf-8"
            if encoding.lower().startswith(("utf-16", "utf16", "utf-32", "ucs")):
                raise Refused(1, f"expected XML in {encoding}, as it says, found another encoding")
    try:
        return content.decode(encoding)
    except LookupError as error:
        raise Refused(1, f"expected XML in an encoding that is known, found '{encoding}'") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(line, f"expected XML in {encoding}, found the byte {content[error.start]:#04x}") from error


def parse(text):
    """The outermost element, with what is in it."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    outside = Element("", 0)
    stack = [outside]

    def start(name, _):
        stack.append(Element(name.rpartition(":")[2], parser.CurrentLineNumber))
        stack[-2].children.append(stack[-1])

    def end(_):
        inner = stack.pop()
        stack[-1].text += inner.text

    def entity(name, *_):
        raise Refused(parser.CurrentLineNumber, f"expected no entities but XML's own, found '{name}'")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda data: stack[-1].text.append(data)
    parser.EntityDeclHandler = parser.SkippedEntityHandler = entity
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Refused(error.lineno, f"expected XML: {expat.errors.messages[error.code]}") from error
    return outside.children[0]


def find_child(parent, name, required=True):
    """The one element of that name right below; None where there is none and need not be one."""
    found = [child for child in parent.children if child.name == name]
    if len(found) > 1:
        raise Refused(found[1].line, f"expected one <{name}> in <{parent.name}>, found two")
    if not found and required:
        raise Refused(parent.line, f"expected a <{name}> in <{parent.name}>, found none")
    return found[0] if found else None


def text_of(element):
    return "".join(element.text).strip(BLANKS) if element else ""


def number_of(text):
    """Decimal, with a point; None if it is anything else."""
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def read_number(parent, name):
    element = find_child(parent, name)
    value = number_of(text_of(element))
    if value is None:
        raise Refused(element.line, f"<{name}>: expected a number of pixels, found '{text_of(element)}'")
    return value


def read_difficult(thing):
    """Tools write more than 0 and 1 here; what is not known is not difficult."""
    element = find_child(thing, "difficult", required=False)
    text = text_of(element)
    flag = {0: False, 1: True}.get(number_of(text), DIFFICULT.get(text.lower()))
    if flag is None:
        raise Refused(element.line, f"<difficult>: expected 0 or 1, found '{text}'")
    return flag


def read_object(thing):
    element = find_child(thing, "name")
    name = text_of(element)
    if not name:
        raise Refused(element.line, "<name>: expected the name of a class, found none")
    difficult = read_difficult(thing)
    bndbox = find_child(thing, "bndbox")
    box = tuple(read_number(bndbox, side) for side in SIDES)
    if box[2] <= box[0] - 1 or box[3] <= box[1] - 1:  # the last pixel is inside, and may be a fraction of one
        raise Refused(bndbox.line, "<bndbox>: expected corners with an area between them, found "
                                   f"{box[0]:g}, {box[1]:g} and {box[2]:g}, {box[3]:g}")
    return Object(name, box, difficult)


def read_side(size, name):
    """A side that is missing, empty or 0 says nothing: many tools write <size> so."""
    element = find_child(size, name, required=False)
    text = text_of(element)
    value = number_of(text) if text else 0
    if value is None or value < 0:
        raise Refused(element.line, f"<{name}>: expected a number of pixels, found '{text}'")
    return value


def read_root(root):
    if root.name != "annotation":
        raise Refused(root.line, f"expected <annotation>, found <{root.name}>")
    filename = text_of(find_child(root, "filename", required=False)).replace("\\", "/").rpartition("/")[2]
    size = find_child(root, "size", required=False)
    return Annotation(objects=[read_object(child) for child in root.children if child.name == "object"],
                      filename=filename,
                      size=(read_side(size, "width"), read_side(size, "height")) if size else (0, 0))
