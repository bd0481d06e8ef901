"""Programs that stand in for others, by PATH: each writes down how it was called and does no more than its script says.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os

NOTE = 'echo "${0##*/} $*" >> "$STUB_LOG"\n'


def write_stubs(folder, scripts):
    """scripts: {program: the rest of its script}"""
    os.makedirs(folder, exist_ok=True)
    for name, script in scripts.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + NOTE + script)
        os.chmod(path, 0o755)


def take_calls(log):
    """The lines that the programs have written since the last time."""
    if not os.path.exists(log):
        return []
    with open(log, encoding="utf-8") as file:
        calls = file.read().splitlines()
    os.unlink(log)
    return calls
