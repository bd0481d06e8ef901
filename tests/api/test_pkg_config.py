#!/usr/bin/env python3
"""What pkg-config says of the library: version, and the folder of the model that ships, wherever all was moved to.

    test_pkg_config.py FILE VERSION FOLDER

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

from tap import Skip, Tap

FILE, VERSION, FOLDER = sys.argv[1:]


def ask(folder, *options):
    environment = dict(os.environ, PKG_CONFIG_PATH=folder)
    return subprocess.run(["pkg-config", *options, "cbamdetect"], env=environment, capture_output=True, text=True,
                          check=True).stdout.strip()


def check_here():
    assert ask(os.path.dirname(FILE), "--modversion") == VERSION
    assert ask(os.path.dirname(FILE), "--variable=modeldir") == FOLDER


def check_moved():
    with tempfile.TemporaryDirectory() as root:
        folder = os.path.join(root, "lib", "pkgconfig")
        os.makedirs(folder)
        shutil.copy(FILE, folder)
        found = ask(folder, "--define-prefix", "--variable=modeldir")
        assert found == os.path.join(root, "share", "cbamdetect"), found


def main():
    tap = Tap()
    for name, check in (("version and folder", check_here), ("a tree that was moved", check_moved)):
        with tap.point(name):
            if shutil.which("pkg-config") is None:
                raise Skip("no pkg-config")
            check()
    tap.done()


if __name__ == "__main__":
    main()
