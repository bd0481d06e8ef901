#!/usr/bin/env python3
"""The man pages: every option of a program's --help is in its page and the other way round, with the same letter and
the same kind of value; every section is there; and groff finds nothing to warn of.

    test_man_pages.py FOLDER PROGRAM...

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

from common import expect_ok, run
from tap import Skip, Tap

FOLDER, *PROGRAMS = sys.argv[1:]
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO")
OPTION = re.compile(r"(?:-(\w), )?--([\w-]+)(?:=(\S+))?")


def options_of_help(text):
    """{long name: (letter, value)}"""
    found = {}
    for line in text.splitlines():
        match = re.match(r"  (-.*?)(?:  |$)", line)
        option = match and OPTION.fullmatch(match.group(1).strip())
        if option:
            found[option.group(2)] = (option.group(1), option.group(3))
    return found


def plain(line):
    """A line of a page without its macro, fonts, quotes and the spaces between a macro's arguments."""
    line = re.sub(r"^\.(B|BR|IR|I|RB|RI) ", "", line)
    parts = re.findall(r'"([^"]*)"|(\S+)', line)
    line = "".join(quoted or word for quoted, word in parts)
    return re.sub(r"\\f.", "", line).replace("\\-", "-")


def options_of_page(text):
    """The same, of what stands under .TP in the section OPTIONS."""
    section = re.search(r"^\.SH OPTIONS$(.*?)^\.SH ", text, re.MULTILINE | re.DOTALL).group(1)
    found = {}
    for line in re.findall(r"^\.TP\n(.*)$", section, re.MULTILINE):
        option = OPTION.fullmatch(plain(line))
        assert option, f"not an option: {line}"
        found[option.group(2)] = (option.group(1), option.group(3))
    return found


def check_rendering(path):
    if shutil.which("groff") is None:
        raise Skip("no groff")
    process = expect_ok(run("groff", "-man", "-Tutf8", "-ww", path))
    assert process.stderr == "", process.stderr
    assert "EXIT STATUS" in re.sub(r".\x08", "", process.stdout)


def check_program(tap, program):
    name = os.path.basename(program)
    path = os.path.join(FOLDER, name + ".1")
    with open(path, encoding="utf-8") as file:
        page = file.read()
    with tap.point(f"{name}: the options of --help and of the page"):
        helped, written = options_of_help(expect_ok(run(program, "--help")).stdout), options_of_page(page)
        assert len(helped) > 4, helped
        assert set(helped) == set(written), set(helped) ^ set(written)
        assert helped == written, [(key, helped[key], written[key]) for key in helped if helped[key] != written[key]]
    with tap.point(f"{name}: sections"):
        found = [title for title in re.findall(r"^\.SH (.*)$", page, re.MULTILINE) if title in SECTIONS]
        assert found == list(SECTIONS), found
    with tap.point(f"{name}: groff finds nothing to warn of"):
        check_rendering(path)


def main():
    tap = Tap()
    for program in PROGRAMS:
        check_program(tap, program)
    with tap.point("a page for every program, and no other"):
        assert sorted(os.listdir(FOLDER)) == sorted(os.path.basename(program) + ".1" for program in PROGRAMS)
    tap.done()


if __name__ == "__main__":
    main()
