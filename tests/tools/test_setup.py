#!/usr/bin/env python3
"""tools/setup.sh, and tools/test.sh and tools/demo.sh as far as they set up: what is missing is installed, and with
--no-install only named. Every program that would install or build is replaced, by PATH, with one that writes down how
it was called.

    test_setup.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

from common import TOOLS, check_one_error, expect_ok, run
from stubs import take_calls, write_stubs
from tap import Tap

SETUP, TEST, DEMO = (os.path.join(TOOLS, name) for name in ("setup.sh", "test.sh", "demo.sh"))
CAMERA = "/dev/null"  # a device, as a camera is
# What the scripts cannot do without; PATH has nothing else beside the stubs.
REAL = ("bash", "basename", "cat", "dirname", "env", "mkdir", "rm", "sh", "touch")
BUILDING = ("glslangValidator", "meson", "ninja", "pkg-config", "python3")
STUBS = {
    "apt-get": "",
    "dpkg-query": 'for asked; do :; done\ncase " $STUB_MISSING " in *" $asked "*) ;; *) printf installed ;; esac\n',
    "gst-launch-1.0": "",
    "id": 'echo "${STUB_USER-0}"\n',
    "sudo": "shift\nexec \"$@\"\n",
    "timeout": "",
}


class Machine:
    """One on which some packages are not installed and some programs are not there."""

    def __init__(self, folder):
        self.folder = folder
        self.log = os.path.join(folder, "log")

    def run(self, *command, packages=(), programs=(), user=0):
        """(the finished process, its calls of apt-get, sudo, meson and ninja)"""
        path = tempfile.mkdtemp(dir=self.folder)
        write_stubs(path, {name: script for name, script in STUBS.items() if name not in programs})
        write_stubs(path, {name: "" for name in BUILDING if name not in programs})
        for name in REAL:
            os.symlink(shutil.which(name), os.path.join(path, name))
        environment = {"PATH": path, "BUILD": os.path.join(self.folder, "build"), "STUB_LOG": self.log,
                       "STUB_MISSING": " ".join(packages), "STUB_USER": str(user), "HOME": self.folder}
        process = run("bash", *command, env=environment, cwd=self.folder)
        return process, [call for call in take_calls(self.log)
                         if call.split()[0] in ("apt-get", "sudo", "meson", "ninja")]


def installs_of(calls):
    """The packages that were installed."""
    found = [call.split("install ")[1].split() for call in calls if call.startswith("apt-get ") and " install " in call]
    return [package for packages in found for package in packages]


def test_program(tap, machine):
    with tap.point("nothing is missing: silence"):
        process, calls = machine.run(SETUP)
        assert (process.returncode, process.stdout, process.stderr, calls) == (0, "", "", []), (process, calls)
    with tap.point("what is missing is installed, and nothing else"):
        process, calls = machine.run(SETUP, packages=("meson", "libcairo2-dev"))
        expect_ok(process)
        assert installs_of(calls) == ["meson", "libcairo2-dev"] and calls[0] == "apt-get -qq update", calls
    with tap.point("further packages by name"):
        process, calls = machine.run(SETUP, "figlet", "cowsay", packages=("cowsay", "meson"))
        assert installs_of(expect_ok(process) and calls) == ["meson", "cowsay"], calls
    with tap.point("by sudo where we are not root"):
        process, calls = machine.run(SETUP, packages=("meson",), user=1000)
        assert installs_of(expect_ok(process) and calls) == ["meson"] and calls[0].startswith("sudo "), calls
    with tap.point("neither root nor sudo: one error that names the packages"):
        process, calls = machine.run(SETUP, packages=("meson", "gcc"), programs=("sudo",), user=1000)
        check_one_error(process, "setup.sh: not root", "meson gcc")
        assert calls == [], calls
    with tap.point("no Debian: says what is needed"):
        process, calls = machine.run(SETUP, programs=("dpkg-query",))
        for word in ("no Debian", "libjson-glib-dev"):
            assert word in expect_ok(process).stderr, process
        assert calls == [], calls
    with tap.point("an unknown option"):
        check_one_error(machine.run(SETUP, "--install")[0], "usage: tools/setup.sh [--no-install] [PACKAGE...]")


def test_no_install(tap, machine):
    with tap.point("--no-install, nothing is missing: silence"):
        process, calls = machine.run(SETUP, "--no-install")
        assert (process.returncode, process.stderr, calls) == (0, "", []), (process, calls)
    with tap.point("--no-install names what is missing and goes on"):
        process, calls = machine.run(SETUP, "--no-install", "cowsay", packages=("libcairo2-dev", "cowsay"))
        assert expect_ok(process).stderr == "setup.sh: not installed: libcairo2-dev cowsay\n", process
        assert calls == [], calls
    with tap.point("--no-install without what builds: one error"):
        process, calls = machine.run(SETUP, "--no-install", programs=("meson", "ninja"))
        check_one_error(process, "nothing can be built without meson ninja", "tools/setup.sh")
        assert calls == [], calls
    with tap.point("--no-install elsewhere than on Debian"):
        process, calls = machine.run(SETUP, "--no-install", programs=("dpkg-query",))
        assert (process.returncode, process.stderr, calls) == (0, "", []), (process, calls)


def test_sourced(tap, machine):
    with tap.point("sourced, it does nothing by itself"):
        process, calls = machine.run("-c", f'set -eu; . "{SETUP}"; echo "$cbam_root"', "script", packages=("meson",))
        root = os.path.dirname(os.path.realpath(TOOLS))
        assert os.path.realpath(expect_ok(process).stdout.strip()) == root and calls == [], (process, calls)


def test_scripts(tap, machine):
    for script, arguments, more in ((TEST, (), ["python3-torch"]), (DEMO, ("--camera", CAMERA, "--output", "out"), [])):
        name, missing = os.path.basename(script), ("meson", "python3-torch")
        with tap.point(f"{name} installs and builds"):
            _, calls = machine.run(script, *arguments, packages=missing)
            assert installs_of(calls) == ["meson", *more] and calls[-1].split()[0] in ("ninja", "meson"), calls
        with tap.point(f"{name} --no-install says what is missing, and builds"):
            process, calls = machine.run(script, *arguments, "--no-install", packages=missing)
            assert f"{name}: not installed: {' '.join(['meson', *more])}\n" in process.stderr, process
            assert calls and not any(call.split()[0] in ("apt-get", "sudo") for call in calls), calls
        with tap.point(f"{name} --no-install without what builds stops"):
            process, calls = machine.run(script, *arguments, "--no-install", programs=("glslangValidator",))
            check_one_error(process, f"{name}: nothing can be built without glslangValidator")
            assert calls == [], calls


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder)
        test_program(tap, machine)
        test_no_install(tap, machine)
        test_sourced(tap, machine)
        test_scripts(tap, machine)
    tap.done()


if __name__ == "__main__":
    main()
