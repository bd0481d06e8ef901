"""The commands that the documentation shows: where they stand, and their text, without comments and with lines that go
on joined.

    for command in documented_commands(root, helps):
        print(command.place, command.text)

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import re
from dataclasses import dataclass

PAGES = ("*.md", "docs/*.md", "models/README.md", "models/*/README.md")
MAN_PAGES = "docs/man/*.1"
ELEMENTS = "gst/*.c"

# What begins a command, as against a diagram, a listing of folders or a piece of Python.
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ +)*(?:\.\.\. !|(?:gst-[\w.-]+|(?:build/tools/)?cbam-\w+|tools/\S+|docs/\S+\.py"
                     r"|meson|ninja|sudo|apt|export|rm|unset)(?: |$))")


@dataclass
class Command:
    place: str  # file and line
    text: str
    exports: list  # what the lines before it in its block export


def code_blocks_of_page(lines):
    """[(number of the first line, lines)] of Markdown's code blocks, indented or fenced."""
    blocks, block, fenced = [], None, False
    for number, line in enumerate(lines, 1):
        fence = line.lstrip().startswith("```")
        if fence:
            fenced = not fenced
        code = not fence and (fenced or line.startswith("    "))
        if code and block is None:
            block = (number, [])
            blocks.append(block)
        if code:
            block[1].append(line)
        else:
            block = None
    return blocks


def code_blocks_between(lines, begin, end):
    """The same of blocks between lines that match `begin` and `end`."""
    blocks, block = [], None
    for number, line in enumerate(lines, 1):
        if block is not None and re.match(end, line):
            block = None
        if block is not None:
            block[1].append(line)
        if re.match(begin, line):
            block = (number + 1, [])
            blocks.append(block)
    return blocks


def code_blocks_of_man_page(lines):
    blocks = code_blocks_between(lines, r"\.EX\b", r"\.EE\b")
    return [(first, [line.replace("\\-", "-").replace("\\e", "\\") for line in block])
            for first, block in blocks]


def code_blocks_of_element(lines):
    """Those of gtk-doc comments."""
    blocks = code_blocks_between(lines, r" \* \|\[", r" \* \]\|")
    return [(first, [line.removeprefix(" *") for line in block]) for first, block in blocks]


def code_blocks_of_help(lines):
    return code_blocks_between(lines, "Examples:", "$")


def commands_of(name, blocks):
    found = []
    for first, lines in blocks:
        exports, at = [], 0
        while at < len(lines):
            number, text = first + at, lines[at].strip()
            while text.endswith("\\") and at + 1 < len(lines):
                at += 1
                text = text[:-1].rstrip() + " " + lines[at].strip()
            at += 1
            text = re.sub(r"\s+# .*", "", text)
            if text.startswith("export "):
                exports.append(text)
            elif COMMAND.match(text):
                found.append(Command(f"{name}:{number}", text, list(exports)))
    return found


def documented_commands(root, helps):
    """All of them. `helps`: {program's name: text of its --help}."""
    found = []
    for patterns, blocks_of in ((PAGES, code_blocks_of_page), ((MAN_PAGES,), code_blocks_of_man_page),
                                ((ELEMENTS,), code_blocks_of_element)):
        for path in sorted(path for pattern in patterns for path in glob.glob(os.path.join(root, pattern))):
            with open(path, encoding="utf-8") as file:
                found += commands_of(os.path.relpath(path, root), blocks_of(file.read().splitlines()))
    for program, text in helps.items():
        found += commands_of(program + " --help", code_blocks_of_help(text.splitlines()))
    return found
