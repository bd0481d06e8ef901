"""What these programs say when they cannot do what was asked: one line.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os


def explain(error):
    """An exception in one line, with the name of the file that it is about."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"'{error.filename}': {error.strerror}"
    return " ".join(str(error).split())


def one_line_errors(parser):
    """Has an argparse.ArgumentParser say what is wrong, without all that would be right."""
    parser.error = lambda message: parser.exit(2, f"{parser.prog}: {message} ({parser.prog} --help tells more)\n")


def printable(name):
    """A file's name, whose bytes need not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")
