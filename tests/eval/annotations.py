"""Sets of one picture with its annotation, and what is to be read of them: one table for all readers of annotations.

    for case in CASES:
        folder = case.write(folder)   # ... and then read split "test" of it

The rules are those of docs/training.md.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))

from common import write_png

WIDTH, HEIGHT = 40, 30


@dataclass
class Case:
    name: str
    xml: bytes
    expected: object  # [(class, (xmin, ymin, xmax, ymax), difficult)], or the words of an error as a tuple
    picture: str = "a.jpg"
    also: tuple = ()  # other files that lie beside the picture, and are none
    annotation: str = "a.xml"
    listed: bytes = b"a\n"

    def write(self, folder):
        for part in ("JPEGImages", "Annotations", os.path.join("ImageSets", "Main")):
            os.makedirs(os.path.join(folder, part))
        for name, content in ((os.path.join("ImageSets", "Main", "test.txt"), self.listed),
                              (os.path.join("Annotations", self.annotation), self.xml),
                              *((os.path.join("JPEGImages", name), b"no picture") for name in self.also)):
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        if self.picture:
            os.makedirs(os.path.dirname(os.path.join(folder, "JPEGImages", self.picture)), exist_ok=True)
            write_png(os.path.join(folder, "JPEGImages", self.picture), WIDTH, HEIGHT)
        return folder


def corners(*sides):
    return "<bndbox>" + "".join(f"<{name}>{side}</{name}>"
                                for name, side in zip(("xmin", "ymin", "xmax", "ymax"), sides)) + "</bndbox>"


def thing(name="<name>dog</name>", rest=corners(3, 5, 20, 25)):
    return f"<object>{name}{rest}</object>"


def document(inside, head=""):
    return f"{head}<annotation>{inside}</annotation>"


def good(name, inside, expected=None, head="", encoding="utf-8", **others):
    return Case(name, document(inside, head).encode(encoding), DOG if expected is None else expected, **others)


def boxed(name, sides, expected, **others):
    """One dog with these corners; `expected` is a box or the words of an error."""
    wanted = expected if isinstance(expected[0], str) else [("dog", expected, False)]
    return good(name, thing(rest=corners(*sides)), wanted, **others)


def sized(name, size, *words):
    """A <size>; it is as good as none where there are no words."""
    return good(name, f"<size>{size}</size>" + thing(), words or None)


def hard(text, is_difficult):
    wanted = [("dog", (3, 5, 20, 25), is_difficult)] if isinstance(is_difficult, bool) else is_difficult
    return good(f"difficult '{text}'", thing(rest=f"<difficult>{text}</difficult>" + corners(3, 5, 20, 25)), wanted)


DOG = [("dog", (3, 5, 20, 25), False)]
CHINESE, LATIN = "狗", "café"
DECLARED = "<?xml version='1.0' encoding='{}'?>"
NAMED = thing("<name>{}</name>")


def in_encoding(label, codec, name, mark=b""):
    text = document(NAMED.format(name), DECLARED.format(label))
    return Case(f"encoding {label}{' with a mark' if mark else ''}", mark + text.encode(codec),
                [(name, (3, 5, 20, 25), False)])


ENCODINGS = [
    in_encoding("utf-8", "utf-8", CHINESE),
    in_encoding("UTF-8", "utf-8", CHINESE, b"\xef\xbb\xbf"),
    in_encoding("utf-16", "utf-16-le", CHINESE, b"\xff\xfe"),
    in_encoding("UTF-16", "utf-16-be", CHINESE, b"\xfe\xff"),
    in_encoding("UTF-16LE", "utf-16-le", CHINESE),
    in_encoding("ISO-8859-1", "latin-1", LATIN),
    in_encoding("ISO-8859-15", "iso-8859-15", LATIN),
    in_encoding("windows-1252", "cp1252", LATIN),
    in_encoding("us-ascii", "ascii", "dog"),
    in_encoding("gb2312", "gb2312", CHINESE),
    in_encoding("GBK", "gbk", CHINESE),
    in_encoding("gb18030", "gb18030", CHINESE),
    in_encoding("Big5", "big5", CHINESE),
    in_encoding("Shift_JIS", "shift_jis", "犬"),
    in_encoding("EUC-JP", "euc_jp", "犬"),
    in_encoding("EUC-KR", "euc_kr", "개"),
    in_encoding("windows-1251", "cp1251", "собака"),
    in_encoding("KOI8-R", "koi8-r", "собака"),
    Case("a mark and no declaration", b"\xef\xbb\xbf" + document(thing()).encode(), DOG),
    Case("UTF-16 with a mark and no declaration", document(thing()).encode("utf-16"), DOG),
    Case("an encoding that nobody knows", document(thing(), DECLARED.format("x-klingon")).encode(), ("x-klingon",)),
    Case("UTF-8 that calls itself UTF-16", document(thing(), DECLARED.format("utf-16")).encode(), ("line 1",)),
    Case("Latin-1 that calls itself nothing", document(NAMED.format(LATIN)).encode("latin-1"), ("line 1",)),
    Case("bytes that are no GB2312", document(NAMED.format("\xff\xff"), DECLARED.format("gb2312")).encode("latin-1"),
         ("line 1",)),
]

DOCUMENTS = [
    good("plain", thing()),
    good("a declaration and a comment before it", thing(), head="<?xml version='1.0'?>\n<!-- labelImg -->\n"),
    good("lines of Windows", "\r\n" + thing().replace("><", ">\r\n<") + "\r\n"),
    good("CDATA", thing("<name><![CDATA[dog]]></name>")),
    good("CDATA and text", thing("<name>d<![CDATA[o]]>g</name>")),
    good("a comment in a name", thing("<name>do<!-- g -->g</name>")),
    good("a comment in a number", thing(rest=corners(3, 5, "2<!-- -->0", 25))),
    good("an instruction in between", "<?labelImg 1.8?>" + thing()),
    good("a character by number", thing("<name>&#100;o&#x67;</name>")),
    good("an ampersand", thing("<name>d&amp;g</name>"), [("d&g", (3, 5, 20, 25), False)]),
    good("blanks around everything", thing("<name>\n\t dog \n</name>", corners(" 3 ", "\n5", "20\t", " 25"))),
    good("a name of two words", thing("<name>dining  table</name>"), [("dining  table", (3, 5, 20, 25), False)]),
    good("attributes", thing("<name lang='en'>dog</name>")),
    good("a document type", thing(), head="<!DOCTYPE annotation>\n"),
    good("a document type in a file", thing(), head="<!DOCTYPE annotation SYSTEM 'voc.dtd'>\n"),
    good("an entity", thing("<name>&d;</name>"), ("a.xml", "entities"),
         head="<!DOCTYPE annotation [<!ENTITY d 'dog'>]>"),
    good("an entity of an entity", thing("<name>&b;</name>"), ("a.xml", "entities"),
         head="<!DOCTYPE annotation [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>"),
    good("an entity from a file", thing("<name>&d;</name>"), ("a.xml", "entities"),
         head="<!DOCTYPE annotation [<!ENTITY d SYSTEM '/etc/hostname'>]>"),
    good("an entity that is not there", thing("<name>&d;</name>"), ("a.xml", "line 1")),
    Case("two documents", (document(thing()) + "\n" + document(thing())).encode(), ("a.xml", "line 2")),
    Case("text behind the document", (document(thing()) + "\nthe end").encode(), ("a.xml", "line 2")),
    Case("nothing", b"", ("a.xml",)),
    Case("blanks", b" \n \n", ("a.xml",)),
    Case("a page", b"<html><body>404</body></html>", ("a.xml", "line 1", "<annotation>", "<html>")),
    Case("a list", b'{"shapes": []}', ("a.xml", "line 1")),
    Case("cut off", document(thing())[:60].encode(), ("a.xml", "line 1")),
    Case("tags that cross", b"<annotation>\n<object></annotation></object>", ("a.xml", "line 2")),
    good("no object", "<filename>a.jpg</filename>", [("cat", (1, 1, 2, 2), False)][:0]),
    good("objects elsewhere", "<part>" + thing() + "</part>", []),
]

OBJECTS = [
    good("several", thing() + thing("<name>cat</name>", corners(1, 1, 2, 2)) + thing(),
         DOG + [("cat", (1, 1, 2, 2), False)] + DOG),
    good("parts with boxes", thing(rest=corners(3, 5, 20, 25) + "<part><name>head</name>" + corners(1, 1, 2, 2)
                                   + "</part><part><name>foot</name>" + corners(4, 4, 5, 5) + "</part>")),
    good("a part before the name", "<object><part><name>head</name>" + corners(1, 1, 2, 2) + "</part><name>dog</name>"
         + corners(3, 5, 20, 25) + "</object>"),
    good("no name", thing(""), ("a.xml", "line 1", "<name>")),
    good("an empty name", thing("<name> </name>"), ("a.xml", "<name>", "none")),
    good("two names", thing("<name>dog</name>\n<name>cat</name>"), ("a.xml", "line 2", "one <name>")),
    good("no box", thing(rest=""), ("a.xml", "<bndbox>", "none")),
    good("a polygon", thing(rest="<polygon><x1>3</x1><y1>5</y1></polygon>"), ("a.xml", "<bndbox>", "none")),
    good("a turned box", thing(rest="<robndbox><cx>3</cx><cy>5</cy></robndbox>"), ("a.xml", "<bndbox>", "none")),
    good("a polygon beside the box", thing(rest="<polygon><x1>3</x1></polygon>" + corners(3, 5, 20, 25))),
    good("two boxes", thing(rest=corners(3, 5, 20, 25) * 2), ("a.xml", "one <bndbox>")),
    good("no ymax", thing(rest=corners(3, 5, 20)), ("a.xml", "<ymax>", "none")),
    good("an empty corner", thing(rest=corners(3, "", 20, 25)), ("a.xml", "<ymin>", "''")),
    good("a corner twice", thing(rest=corners(3, 5, 20, 25).replace("<xmax>", "<xmax>9</xmax><xmax>")),
         ("a.xml", "one <xmax>")),
    good("corners in another order", thing(rest="<bndbox><ymax>25</ymax><xmax>20</xmax><ymin>5</ymin><xmin>3</xmin>"
                                                "</bndbox>")),
    good("the line of a fault", "\n\n" + thing(rest="\n<bndbox>\n<xmin>x</xmin></bndbox>"), ("a.xml", "line 5", "'x'")),
    hard("0", False), hard("1", True), hard("", False), hard(" 1 ", True), hard("Unspecified", False),
    hard("False", False), hard("true", True), hard("TRUE", True), hard("yes", True), hard("No", False),
    hard("1.0", True), hard("0.0", False), hard("2", ("a.xml", "<difficult>", "'2'")),
    hard("maybe", ("a.xml", "<difficult>", "'maybe'")), hard("-1", ("a.xml", "<difficult>", "'-1'")),
]

BOXES = [
    boxed("fractions", (3.5, 5.25, "20.", "+25.75"), (3.5, 5.25, 20, 25.75)),
    boxed("exponents", ("3e0", "5", "2E+1", "250e-1"), (3, 5, 20, 25)),
    boxed("one pixel", (7, 8, 7, 8), (7, 8, 7, 8)),
    boxed("the whole picture", (1, 1, WIDTH, HEIGHT), (1, 1, WIDTH, HEIGHT)),
    boxed("counted from 0", (0, 0, 39, 29), (1, 1, 39, 29)),
    boxed("over the edges", (-3, -0.5, 44, 31.5), (1, 1, WIDTH, HEIGHT)),
    boxed("a pixel of it inside", (40, 30, 60, 60), (40, 30, 40, 30)),
    boxed("outside on the right", (41, 5, 60, 25), ("a.xml", "'dog'", "40x30", "41")),
    boxed("outside below", (3, 31, 20, 50), ("a.xml", "'dog'", "40x30", "31")),
    boxed("outside on the left", (-9, 5, 0, 25), ("a.xml", "'dog'", "40x30", "-9")),
    boxed("outside above", (3, -9, 20, 0), ("a.xml", "'dog'", "40x30", "-9")),
    boxed("half a pixel of it inside", (3, -9, 20, 0.5), (3, 1, 20, 0.5)),
    boxed("half a pixel high", (3, 5, 20, 4.5), (3, 5, 20, 4.5)),
    boxed("no pixel high", (3, 5, 20, 4), ("a.xml", "line 1", "<bndbox>", "4")),
    boxed("left and right changed", (20, 5, 3, 25), ("a.xml", "line 1", "<bndbox>", "20", "3")),
    boxed("top and bottom changed", (3, 25, 20, 5), ("a.xml", "<bndbox>", "25", "5")),
    boxed("a decimal comma", ("3,5", 5, 20, 25), ("a.xml", "<xmin>", "'3,5'")),
    boxed("a word", (3, 5, "twenty", 25), ("a.xml", "<xmax>", "'twenty'")),
    boxed("a unit", (3, 5, "20px", 25), ("a.xml", "<xmax>", "'20px'")),
    boxed("nan", (3, 5, "nan", 25), ("a.xml", "<xmax>", "'nan'")),
    boxed("infinity", (3, 5, "inf", 25), ("a.xml", "<xmax>", "'inf'")),
    boxed("a number too large", (3, 5, "1e999", 25), ("a.xml", "<xmax>", "'1e999'")),
    boxed("hexadecimal", (3, 5, "0x14", 25), ("a.xml", "<xmax>", "'0x14'")),
    boxed("an underscore", (3, 5, "2_0", 25), ("a.xml", "<xmax>", "'2_0'")),
    boxed("digits of another script", (3, 5, "２０", 25), ("a.xml", "<xmax>", "'２０'")),
]

SIZES = [
    sized("the right size", "<width>40</width><height>30</height><depth>3</depth>"),
    sized("the right size as a fraction", "<width>40.0</width><height> 30 </height>"),
    sized("an empty size", ""),
    sized("empty sides", "<width></width><height/>"),
    sized("a size of 0", "<width>0</width><height>0</height><depth>0</depth>"),
    sized("half a size", "<width>40</width>"),
    sized("twice the size", "<width>80</width><height>60</height>", "a.xml", "size", "40x30", "80x60"),
    sized("a wrong height", "<width>40</width><height>29</height>", "a.xml", "size", "40x30", "40x29"),
    sized("the size swapped", "<width>30</width><height>40</height>", "a.xml", "size", "40x30", "30x40", "swapped"),
    sized("no size", "<width>wide</width>", "a.xml", "line 1", "<width>", "'wide'"),
    sized("less than nothing", "<width>-40</width><height>-30</height>", "a.xml", "<width>", "'-40'"),
    good("two sizes", "<size/><size/>" + thing(), ("a.xml", "one <size>")),
]


def placed(name, picture, inside="", **others):
    return good(name, inside + thing(), picture=picture, **others)


PICTURES = [
    placed("a .jpeg", "a.jpeg"), placed("a .png", "a.png"), placed("a .JPG", "a.JPG"), placed("a .JPEG", "a.JPEG"),
    placed("a .Tiff", "a.Tiff"),
    placed("a .jpg first", "a.jpg", also=("a.jpeg", "a.png", "a.JPG")),
    placed("a .jpeg before a .png", "a.jpeg", also=("a.png", "a.bmp")),
    placed("a .JPG before a .jpeg", "a.JPG", also=("a.jpeg",)),
    placed("no other's .png", "a.png", also=("aa.jpg", "b.jpg", "a.b.jpeg", "a.txt")),
    placed("<filename>", "other.png", "<filename>other.png</filename>"),
    placed("<filename> with a folder", "other.png", "<filename>/home/me/other.png</filename>"),
    placed("<filename> with a folder of Windows", "other.png", "<filename>C:\\Users\\me\\other.png</filename>"),
    placed("<filename> of another script", "照片.jpg", "<filename>照片.jpg</filename>"),
    placed("the list's name before <filename>", "a.png", "<filename>other.jpg</filename>", also=("other.jpg",)),
    placed("<filename> does not lead out", "a.jpg", "<filename>../a.xml</filename>"),
    good("no picture anywhere", "<filename>other.jpg</filename>" + thing(), ("a.jpg",), picture=None),
    placed("a blank in the name", "my dog.jpg", annotation="my dog.xml", listed=b"my dog\n"),
    placed("a name that ends in a number", "dog 1.jpg", annotation="dog 1.xml", listed=b"dog 1\n"),
    placed("blanks and a flag", "my dog.jpg", annotation="my dog.xml", listed=b"my dog  -1\n"),
    placed("a flag", "a.jpg", listed=b"a  1\r\n"), placed("a flag of 0", "a.jpg", listed=b" a\t0"),
    placed("a point in the name", "a.b.jpeg", annotation="a.b.xml", listed=b"a.b\n"),
    placed("a name of another script", "狗 一.png", annotation="狗 一.xml", listed="狗 一\n".encode()),
    placed("a name in Latin-1", os.fsdecode(b"caf\xe9.jpeg"), annotation=os.fsdecode(b"caf\xe9.xml"),
           listed=b"caf\xe9\n"),
    placed("a folder in the name", "day/a.png", annotation="day/a.xml", listed=b"day/a\n"),
    good("a picture twice", thing(), ("test.txt", "'a'", "twice"), listed=b"a\na 1\n"),
    good("an empty list", thing(), ("test.txt", "none"), listed=b"\n \n"),
    good("no such annotation", thing(), ("b.xml",), listed=b"b\n"),
]

CASES = [*DOCUMENTS, *ENCODINGS, *OBJECTS, *BOXES, *SIZES, *PICTURES]
