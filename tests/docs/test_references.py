#!/usr/bin/env python3
"""What documents and comments point to is there: files and headings that pages link to, files of the project that any
of its texts names by its path, and functions that pages name.

    test_references.py SOURCES

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))

from documents import PAGES
from tap import Tap

(ROOT,) = sys.argv[1:]
FOLDERS = ("compute", "docs", "drawing", "gst", "include", "lists", "models", "shaders", "tests", "tools")
LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")
# A path from the root of the project: with the name of a file at its end, or of a folder and a slash.
PATH = re.compile(rf"(?<![\w./<-])((?:{'|'.join(FOLDERS)})/(?:[\w.-]+/)*"
                  r"(?:[\w-]+\.(?:c|h|py|sh|md|comp|glsl|build)\b)?)(?![\w*/.{-])")
FUNCTION = re.compile(r"\b([a-z_]\w+) \(\)")
TEXTS = ("*.md", "*.c", "*.h", "*.py", "*.sh", "*.comp", "*.glsl", "meson.build")
# GStreamer's headers, modules of other projects that a document quotes, and what stands for any name.
FOREIGN = re.compile(r"include/house/|gst/(base|check|video|tag|pbutils|vulkan|analytics|app)/|models/\w+\.py|.*\bNAME\b")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pages():
    return sorted(path for pattern in PAGES for path in glob.glob(os.path.join(ROOT, pattern)))


def without_code(text):
    """A page's lines but those of code, whose # are no headings."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def anchors_of(path):
    """The names by which GitHub and GitLab link to headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(read(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page):
    found = []
    for link in LINK.findall(without_code(read(page))):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = os.path.join(os.path.dirname(page), name) if name else page
        if not os.path.exists(target) or anchor and anchor not in anchors_of(target):
            found.append(link)
    return found


def texts():
    """The project's own, as far as they may name files: not those of build folders."""
    for pattern in TEXTS:
        yield from glob.glob(os.path.join(ROOT, pattern))
        for folder in FOLDERS:
            yield from glob.glob(os.path.join(ROOT, folder, "**", pattern), recursive=True)


def missing_files(text):
    return [name for name in PATH.findall(text)
            if not FOREIGN.match(name) and not os.path.exists(os.path.join(ROOT, name))]


def unknown_functions(text, sources):
    return [name for name in FUNCTION.findall(text) if not re.search(rf"\b{name} \(", sources)]


def main():
    tap = Tap()
    for page in pages():
        with tap.point(f"{os.path.relpath(page, ROOT)}: its links"):
            broken = broken_links(page)
            assert not broken, broken
    contents = {os.path.relpath(path, ROOT): read(path) for path in texts()}
    with tap.point("files that are named by their path"):
        missing = {path: names for path, text in contents.items() if (names := missing_files(text))}
        assert not missing, "not there:\n" + "\n".join(f"{path}: {names}" for path, names in sorted(missing.items()))
    with tap.point("functions that pages name"):
        sources = "\n".join(text for path, text in contents.items() if path.endswith((".c", ".h")))
        unknown = {path: names for path, text in contents.items()
                   if path.endswith(".md") and (names := unknown_functions(text, sources))}
        assert not unknown, unknown
    tap.done()


if __name__ == "__main__":
    main()
