#!/usr/bin/env python3
"""Lists that people write, as Windows, old Macs and spreadsheets save them: lists/text-file.c and
tools/shared/text_file.py
on one table, then the programs that read lists.

    test_text_files.py READ-LINES CBAM-EVAL

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "tools"), os.path.join(HERE, "..", "eval")]
from shared.need import have

from common import check_one_error, expect_ok, run, write_png
from devkits import write_devkit
from tap import Tap, skip_all

if not have("numpy"):
    skip_all("needs numpy")

from converter.document import set_labels
from shared.faults import DataError
from shared.text_file import read_lines, read_names, read_rules

READ_LINES, CBAM_EVAL = sys.argv[1:3]
MODEL = os.path.join(HERE, "..", "models", "shapes.safetensors")
MARK = b"\xef\xbb\xbf"

# (what it is, the bytes, the lines)
GOOD = (
    ("plain", b"bolt\nnut\n", ["bolt", "nut", ""]),
    ("without an end", b"bolt\nnut", ["bolt", "nut"]),
    ("empty", b"", [""]),
    ("Windows, with a byte order mark", MARK + b"bolt\r\nnut\r\n", ["bolt", "nut", ""]),
    ("old Macs", b"bolt\rnut\r", ["bolt", "nut", ""]),
    ("two files joined", MARK + b"bolt\n" + MARK + b"nut\n", ["bolt", "nut", ""]),
    ("marked twice", MARK + MARK + b"bolt", ["bolt"]),
    ("nothing but a mark", MARK, [""]),
    ("blanks around", b"  bolt \t\r\n\tnut\t\n", ["bolt", "nut", ""]),
    ("blanks within", b"traffic light\n", ["traffic light", ""]),
    ("empty lines", b"\n\nbolt\n \nnut\n\n", ["", "", "bolt", "", "nut", "", ""]),
    ("UTF-16, little", "\ufeffécrou\r\nnut\r\n".encode("utf-16-le"), ["écrou", "nut", ""]),
    ("UTF-16, big", "\ufeffécrou\r\nnut\r\n".encode("utf-16-be"), ["écrou", "nut", ""]),
    ("other scripts", "螺栓\nгайка\n🔩\n".encode(), ["螺栓", "гайка", "🔩", ""]),
    ("lines that only Unicode calls so", "a\u2028b\u0085c\x0bd\n".encode(), ["a\u2028b\u0085c\x0bd", ""]),
)

# (what it is, the bytes, what the error says)
BAD = (
    ("Latin-1", b"bolt\n\xe9crou\n", ("line 2", "UTF-8", "0xE9")),
    ("UTF-16 without a mark", "bolt\n".encode("utf-16-le"), ("line 1", "UTF-16", "0x00")),
    ("half a character of UTF-16", b"\xff\xfeb\0o", ()),
    ("cut short", "nut\nécrou".encode()[:5], ("line 2", "0xC3")),
    ("a surrogate", b"bolt\n\xed\xa0\x80\n", ("line 2", "0xED")),
)


def by_c(path):
    process = run(READ_LINES, path)
    if process.returncode:
        raise ValueError(process.stderr.strip())
    return process.stdout.split("\0")[:-1]


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def expect_error(function, error, *words):
    try:
        function()
    except error as found:
        for word in words:
            assert word in str(found), found
        assert "\n" not in str(found), found
    else:
        raise AssertionError("no error")


def test_lines(tap, path):
    for label, content, lines in GOOD:
        with tap.point(f"lines: {label}"):
            write(path, content)
            assert read_lines(path) == lines, read_lines(path)
            assert by_c(path) == lines, by_c(path)
    for label, content, words in BAD:
        with tap.point(f"refused: {label}"):
            write(path, content)
            expect_error(lambda: read_lines(path), ValueError, path, *words)
            expect_error(lambda: by_c(path), ValueError, path, *words)
    with tap.point("rules: comments and empty lines are left out"):
        write(path, MARK + b"# all of it\r\n\r\na = b # so\r\n")
        assert read_rules(path) == [(3, "a = b")]


def test_labels(tap, path):
    for label, content in (("without background", MARK + b"bolt\r\nnut\r\n"),
                           ("with it", MARK + b"BACKGROUND\r\nbolt\r\nnut\r\n\r\n"),
                           ("in UTF-16", "\ufeff__background__\r\nbolt\r\nnut".encode("utf-16-le"))):
        with tap.point(f"tools/convert --labels: a byte order mark, {label}"):
            document = {"output": {"classes": ["background", "class_1", "class_2"]}}
            set_labels(document, write(path, content))
            assert document["output"]["classes"] == ["background", "bolt", "nut"], document
    with tap.point("tools/convert --labels: Latin-1 is one error"):
        write(path, b"\xe9crou\nnut\n")
        expect_error(lambda: set_labels({"output": {"classes": [0, 0, 0]}}, path), DataError, path, "0xE9")
    with tap.point("tools/convert --labels: a file that is not there is one error"):
        expect_error(lambda: set_labels({"output": {"classes": [0]}}, path + "x"), DataError, path + "x", "No such")


def test_eval(tap, folder):
    objects = [("rond", (1, 1, 40, 40), False), ("ring", (1, 1, 9, 9), False)]
    root = write_devkit(os.path.join(folder, "set"), "test", {"one": objects})
    write_png(os.path.join(root, "JPEGImages", "one.jpg"), 64, 48)
    rules, listing = os.path.join(folder, "map.txt"), os.path.join(root, "ImageSets", "Main", "test.txt")
    for label, encode in (("UTF-8", lambda text: MARK + text.encode()), ("UTF-16", lambda text: text.encode("utf-16"))):
        with tap.point(f"cbam-eval: a list and a map from Windows, in {label}"):
            write(listing, encode("one\r\n\r\n"))
            write(rules, encode("disc = rond\r\n"))
            answer = json.loads(expect_ok(run(CBAM_EVAL, "-m", MODEL, "--map", rules, "--json", root)).stdout)
            assert answer["pictures"] == 1 and answer["classes"][1]["name"] == "rond", answer
    with tap.point("cbam-eval: a map in another encoding is one error"):
        write(rules, b"disc = \xe9t\xe9\n")
        check_one_error(run(CBAM_EVAL, "-m", MODEL, "--map", rules, root), rules, "line 1", "0xE9")
    with tap.point("cbam-eval: a list of names in the file system's bytes"):
        write(listing, MARK + b"\xe9t\xe9\r\n")
        for part, kind in (("JPEGImages", b"jpg"), ("Annotations", b"xml")):
            place = os.fsencode(os.path.join(root, part))
            os.rename(os.path.join(place, b"one." + kind), os.path.join(place, b"\xe9t\xe9." + kind))
        assert read_names(listing) == [os.fsdecode(b"\xe9t\xe9"), ""]
        assert json.loads(expect_ok(run(CBAM_EVAL, "-m", MODEL, "--json", root)).stdout)["pictures"] == 1
    with tap.point("cbam-eval: a list with zero bytes is one error"):
        write(listing, "one\n".encode("utf-16-le"))
        check_one_error(run(CBAM_EVAL, "-m", MODEL, root), listing, "line 1", "0x00")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "list.txt")
        test_lines(tap, path)
        test_labels(tap, path)
        test_eval(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
