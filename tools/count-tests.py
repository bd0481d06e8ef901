#!/usr/bin/env python3
"""Adds up meson's test logs and prints one line: "N passed, N failed, N skipped".

    count-tests.py TESTLOG.json...

A test that speaks TAP counts once for each of its points, any other counts once. Exits with 1 when something failed or
nothing ran.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import re
import sys
from collections import Counter

POINT = re.compile(r"^(not )?ok\b[^#\n]*(#\s*(SKIP|TODO)\b)?", re.IGNORECASE | re.MULTILINE)
PASSED, SKIPPED = ("OK", "EXPECTEDFAIL"), ("SKIP", "IGNORED")


def count_test(test):
    """The outcomes of one test as meson logged it."""
    counts = Counter()
    for failed, _, directive in POINT.findall(test["stdout"] or ""):
        counts["skipped" if directive else "failed" if failed else "passed"] += 1
    if test["result"] in SKIPPED:
        return counts if counts else Counter(skipped=1)
    if test["result"] in PASSED:
        return counts if counts else Counter(passed=1)
    if not counts["failed"]:
        counts["failed"] = 1  # it crashed, ran too long or broke off its TAP
    return counts


def main():
    total = Counter()
    for path in sys.argv[1:]:
        try:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    total += count_test(json.loads(line))
        except (OSError, ValueError) as error:
            print(f"count-tests: {path}: {error}", file=sys.stderr)
            total["failed"] += 1
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(0 if total["passed"] and not total["failed"] else 1)


if __name__ == "__main__":
    main()
