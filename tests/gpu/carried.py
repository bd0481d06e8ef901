"""A build folder, which may have come from another machine: its programs, its tests, and the libraries they need.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import re
import shutil
import subprocess

LIBRARIES = "libraries"  # the folder in the build for what the other machine may lack
# What belongs to each machine: its C library, and the way to its drivers.
NOT_CARRIED = re.compile(r"^(ld-linux|libc\.|libm\.|libdl\.|libpthread\.|librt\.|libresolv\.|libvulkan\.)")


class BuildError(Exception):
    """What is wrong with the folder, in one sentence."""


class Build:
    def __init__(self, folder, sources):
        self.folder = os.path.abspath(folder)
        try:
            with open(os.path.join(self.folder, "meson-info", "meson-info.json"), encoding="utf-8") as file:
                made = json.load(file)["directories"]
            with open(os.path.join(self.folder, "meson-info", "intro-tests.json"), encoding="utf-8") as file:
                self.entries = json.load(file)
        except (OSError, ValueError, KeyError) as error:
            raise BuildError(f"{folder} is no build folder of Meson's: {error}") from error
        # Longest first: the build lies in the sources as a rule.
        self.moves = sorted([(made["build"], self.folder), (made["source"], sources)], key=lambda move: -len(move[0]))

    def here(self, text):
        """`text` with the paths of where the build was made replaced by those of where it is."""
        for before, now in self.moves:
            if text == before or text.startswith(before + os.sep):
                return now + text[len(before):]
        return text

    def program(self, name):
        return os.path.join(self.folder, "tools", name)

    def environment(self, more=()):
        libraries = os.path.join(self.folder, LIBRARIES)
        environment = {**os.environ, **dict(more)}
        if os.path.isdir(libraries):
            environment["LD_LIBRARY_PATH"] = ":".join(filter(None, (libraries, environment.get("LD_LIBRARY_PATH"))))
        return environment

    def presets(self):
        try:
            process = subprocess.run([self.program("cbam-bench"), "--list-presets"], capture_output=True, text=True,
                                     check=False, env=self.environment())
        except OSError as error:
            raise BuildError(f"{self.program('cbam-bench')}: {error.strerror}") from error
        return process.stdout.split()

    def tests(self, suites):
        """(suite, name, command, environment) of the tests that are programs of the build."""
        found = []
        for entry in self.entries:
            command = [self.here(part) for part in entry["cmd"]]
            suite = entry["suite"][0].split(":")[-1]
            if suite in suites and command[0].startswith(self.folder + os.sep):
                settings = {key: self.here(value) for key, value in entry["env"].items()}
                found.append((suite, entry["name"], command, self.environment(settings)))
        return found

    def needed(self, programs):
        """{library: its path, or None where this machine lacks it} of what `programs` are linked with."""
        found = {}
        for program in programs:
            lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=False,
                                   env=self.environment()).stdout.splitlines()
            for match in filter(None, (re.match(r"\s*(\S+) => (not found|\S+)", line) for line in lines)):
                name, path = match.groups()
                found[name] = None if path == "not found" else path
        return found

    def collect_libraries(self, programs):
        """Copies what `programs` need beside the build. Returns the names."""
        target = os.path.join(self.folder, LIBRARIES)
        os.makedirs(target, exist_ok=True)
        names = []
        for name, path in self.needed(programs).items():
            if path is None:
                raise BuildError(f"{name} is not on this machine; collect the libraries where the build was made")
            inside = os.path.realpath(path).startswith(os.path.realpath(self.folder) + os.sep)
            if not inside and not NOT_CARRIED.match(name):
                shutil.copy(path, os.path.join(target, name))
                names.append(name)
        return names
