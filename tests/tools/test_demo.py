#!/usr/bin/env python3
"""tools/demo.sh --camera: its words where something is missing, and the pipelines that it runs. Every program that it
would install, build or play with is replaced, by PATH, with one that writes down how it was called.

    test_demo.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import sys
import tempfile

sys.dont_write_bytecode = True

from common import TOOLS, run
from stubs import take_calls, write_stubs
from tap import Skip, Tap

DEMO = os.path.join(TOOLS, "demo.sh")
CAMERA = "/dev/null"  # a device, as a camera is
# What replaces a program: it notes the call and then does this.
STUBS = {
    "apt-get": "",
    "dpkg-query": "printf installed\n",  # whatever is asked for
    "gst-launch-1.0": 'echo "plugins $GST_PLUGIN_PATH" >> "$STUB_LOG"\nexit "${STUB_GST_STATUS-0}"\n',
    "meson": "",
    "ninja": "",
    "sudo": "",
    # A limit on a single frame, which is run; and the one that ends a recording.
    "timeout": '[ "$1" = --foreground ] || { shift; exec "$@"; }\nexit "${STUB_TIMEOUT_STATUS-124}"\n',
}


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.log = os.path.join(folder, "log")
        self.build = os.path.join(folder, "build")
        programs = os.path.join(folder, "bin")
        write_stubs(programs, STUBS)
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "GST_PLUGIN_PATH")}
        self.environment.update({"PATH": programs + os.pathsep + os.environ["PATH"], "BUILD": self.build,
                                 "STUB_LOG": self.log})

    def run(self, *arguments, **environment):
        """(the finished process, the calls it made)"""
        process = run(DEMO, *arguments, env=dict(self.environment, **environment))
        return process, take_calls(self.log)


def check_refused(answer, *words):
    """One line that says these words, exit status 1, and nothing was installed, built or played."""
    process, calls = answer
    assert process.returncode == 1 and calls == [], (process, calls)
    assert len(process.stderr.splitlines()) == 1 and process.stdout == "", process
    for word in words:
        assert word in process.stderr, f"no {word} in {process.stderr}"


def check_pipeline(call, *parts):
    for part in (f"v4l2src device={CAMERA} ! ", "overlay=boxes+labels+attention", *parts):
        assert part in call, f"no {part} in {call}"


def test_refusals(tap, demo, folder):
    with tap.point("a camera that is not there"):
        check_refused(demo.run("--camera", "/nonexistent/video7"), "no camera", "/nonexistent/video7", "ls /dev/video*")
    with tap.point("a camera that is a file"):
        file = os.path.join(folder, "video0")
        with open(file, "wb"):
            pass
        check_refused(demo.run("--camera", file), "no camera", file)
    with tap.point("no camera at all"):
        if glob.glob("/dev/video*"):
            raise Skip("this machine has /dev/video*")
        check_refused(demo.run("--camera"), "no camera", "/dev/video*")
        check_refused(demo.run("--camera", "--output", folder), "no camera", "/dev/video*")
    with tap.point("no such model"):
        missing = "/nonexistent/m.safetensors"
        check_refused(demo.run("--camera", CAMERA, "--model", missing), missing)
    for words in (["--model"], ["--output"], ["--cameras"], ["photo.jpg"], ["--camera", CAMERA, "another"]):
        with tap.point("usage: " + " ".join(words)):
            check_refused(demo.run(*words), "usage:", "--camera [DEVICE]")


def test_live(tap, demo, folder):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        with tap.point(f"a window on {variable}"):
            process, calls = demo.run("--camera", CAMERA, **{variable: "somewhere"})
            assert process.returncode == 0, process
            *_, call, plugins = calls
            check_pipeline(call, "autovideosink")
            assert call.startswith("gst-launch-1.0 ") and plugins == f"plugins {demo.build}/gst", calls
            assert any(line.startswith("ninja ") for line in calls), calls
    with tap.point("a model of one's own"):
        model = os.path.join(folder, "m.safetensors")
        with open(model, "wb"):
            pass
        _, calls = demo.run("--model", model, "--camera", CAMERA, DISPLAY=":0")
        check_pipeline(calls[-2], f"cbamdetect model={model} ")
    with tap.point("a camera that gives no picture"):
        process, calls = demo.run("--camera", CAMERA, DISPLAY=":0", STUB_GST_STATUS="1")
        assert process.returncode == 1 and f"none of {CAMERA} gives a picture" in process.stderr, process
        assert not any("cbamdetect" in line for line in calls if line.startswith("gst-launch")), calls


def test_recording(tap, demo, folder):
    with tap.point("no display: a recording, and why"):
        process, calls = demo.run("--camera", CAMERA)
        place = os.path.join(demo.build, "demo", "camera.mkv")
        assert process.returncode == 0, process
        for word in ("no display", "WAYLAND_DISPLAY", place, "20 seconds"):
            assert word in process.stderr, f"no {word} in {process.stderr}"
        check_pipeline(calls[-1], f"filesink location={place}", "--signal=INT", " 20 gst-launch-1.0 ", " -e ")
        assert os.path.isdir(os.path.dirname(place))
    with tap.point("--output records beside a display too"):
        place = os.path.join(folder, "out")
        process, calls = demo.run("--camera", CAMERA, "--output", place, DISPLAY=":0")
        assert process.returncode == 0 and "no display" not in process.stderr, process
        check_pipeline(calls[-1], f"filesink location={place}/camera.mkv")
    with tap.point("a recording that breaks off"):
        process, _ = demo.run("--camera", CAMERA, STUB_TIMEOUT_STATUS="1")
        assert process.returncode == 1 and "broke off" in process.stderr, process


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(folder)
        test_refusals(tap, demo, folder)
        test_live(tap, demo, folder)
        test_recording(tap, demo, folder)
    tap.done()


if __name__ == "__main__":
    main()
