"""What a training says: lines with the time on the terminal and in a log, and counters that count in place.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import sys
import time


class Log:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def __call__(self, text):
        line = f"{time.strftime('%H:%M:%S')}  {text}"
        print(line, flush=True)
        print(line, file=self.file, flush=True)


def counter(title):
    """A function of (done, all) that shows how far something is, on terminals only."""
    def show(done, count):
        if sys.stderr.isatty():
            print(f"\r{title}: {done}/{count}" + ("\n" if done >= count else ""), end="", file=sys.stderr, flush=True)
    return show
