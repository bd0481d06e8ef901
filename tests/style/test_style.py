#!/usr/bin/env python3
"""The dialect that CONTRIBUTING.md writes down, as far as a program can see it: C as .clang-format has it, the width and
the indent of GLSL, one form of headings, and a licence in every file.

    test_style.py SOURCES

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))

from common import expect_ok, run
from tap import Skip, Tap

(ROOT,) = sys.argv[1:]
FOLDERS = ("compute", "drawing", "gst", "include", "lists", "shaders", "tests", "tools")
WIDTH = 120
CLANG_FORMAT = 14  # others set some lines otherwise
C_HEADING, SCRIPT_HEADING = r"/\* ---- \S.* -{4,}( \*/)?", r"# ---- \S.* -{4,}"
HEADINGS = {".c": C_HEADING, ".h": C_HEADING, ".py": SCRIPT_HEADING, ".sh": SCRIPT_HEADING}
LIKE_A_HEADING = re.compile(r"(/\*|#|//) ?(-{3,} ?|-- )\w")


def files(*endings):
    return sorted(path for folder in FOLDERS for ending in endings
                  for path in glob.glob(os.path.join(ROOT, folder, "**", "*" + ending), recursive=True))


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().split("\n")


def find_clang_format():
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        if shutil.which(name) and f"version {CLANG_FORMAT}." in expect_ok(run(name, "--version")).stdout:
            return name
    raise Skip(f"no clang-format {CLANG_FORMAT}")


def check_c():
    process = run(find_clang_format(), "--dry-run", "-Werror", *files(".c", ".h"))
    wrong = sorted(set(re.findall(r"^(.*?):\d+:\d+: error", process.stderr, re.MULTILINE)))
    assert process.returncode == 0, "clang-format -i " + " ".join(os.path.relpath(path, ROOT) for path in wrong)


def code_of(lines):
    """(number, line without its comment) of GLSL that is neither blank nor a macro."""
    macro = False
    for number, line in enumerate(lines, 1):
        code = re.sub(r"\s*//.*", "", line)
        if code and not macro and not code.lstrip().startswith("#"):
            yield number, code
        macro = code.endswith("\\")


def is_open_control(statement):
    """Whether it is an `if` or a loop whose statement is yet to come."""
    return re.match(r"(\} )?(else$|(\[\[\w+\]\] )?((else )?if|for|while) \(.*\)$)", statement) is not None


def wrong_indents(lines):
    """Numbers of the lines that begin a statement elsewhere than two blanks deeper than the block or control that it is
    in, and of those that go on with one and are no deeper than the block."""
    blocks, expected, statement, begin, found = [-2], 0, "", 0, []
    for number, code in code_of(lines):
        indent = len(code) - len(code.lstrip())
        if code.lstrip().startswith("}"):
            expected = blocks.pop()
        if statement:
            right = indent > begin or indent == 0
        else:
            begin = indent
            right = indent == expected or code.lstrip().startswith("else") and indent > expected and indent % 2 == 0
        if not right:
            found.append(number)
        statement = (statement + " " + code.lstrip()).lstrip()
        if statement.count("(") > statement.count(")"):
            continue
        if is_open_control(statement):
            expected, statement = begin + 2, ""
        elif statement.endswith("{"):
            blocks.append(begin)
            expected, statement = begin + 2, ""
        elif statement.endswith((";", "}", ":")):
            expected, statement = blocks[-1] + 2, ""
    return found


def check_glsl():
    wrong = []
    for path in files(".comp", ".glsl"):
        lines, name = lines_of(path), os.path.relpath(path, ROOT)
        wrong += [f"{name}:{number}: {len(line)} columns" for number, line in enumerate(lines, 1) if len(line) > WIDTH]
        wrong += [f"{name}:{number}: a blank at the end, or a tab" for number, line in enumerate(lines, 1)
                  if line != line.rstrip() or "\t" in line]
        wrong += [f"{name}:{number}: its indent" for number in wrong_indents(lines)]
        if lines[-1] != "" or lines[-2:-1] == [""]:
            wrong.append(f"{name}: its last line")
    assert not wrong, "\n".join(wrong)


def check_reader():
    """That the reader of GLSL finds what is wrong, and no more."""
    right = ["void main ()", "{", "  for (uint i = 0;", "       i < 4; i++) // {", "    if (a)", "      b ();", "    else {",
             "      c (1,", "         2);", "    }", "  d ();", "}"]
    assert wrong_indents(right) == [], wrong_indents(right)
    for at in (3, 5, 6, 7, 8, 10, 11):
        wrong = right[:]
        wrong[at - 1] = " " + wrong[at - 1]
        assert at in wrong_indents(wrong), f"line {at} is taken for right"


def check_headings():
    wrong = []
    for path in files(*HEADINGS):
        form = re.compile(HEADINGS[os.path.splitext(path)[1]])
        wrong += [f"{os.path.relpath(path, ROOT)}:{number}: {line}" for number, line in enumerate(lines_of(path), 1)
                  if LIKE_A_HEADING.match(line) and not form.fullmatch(line)]
    assert not wrong, "\n".join(wrong)


def check_licences():
    silent = [os.path.relpath(path, ROOT) for path in files(".c", ".h", ".py", ".sh", ".comp", ".glsl")
              if "SPDX-License-Identifier: " not in "\n".join(lines_of(path))]
    assert not silent, silent


def main():
    tap = Tap()
    with tap.point("C as .clang-format has it"):
        check_c()
    with tap.point("indents of GLSL are read rightly"):
        check_reader()
    with tap.point("GLSL: 120 columns, two blanks a depth"):
        check_glsl()
    with tap.point("headings have one form"):
        check_headings()
    with tap.point("every file names its licence"):
        check_licences()
    tap.done()


if __name__ == "__main__":
    main()
