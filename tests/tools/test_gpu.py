#!/usr/bin/env python3
"""tests/gpu.sh: what it says is missing, what it runs and measures, and a build that came from another folder.

    test_gpu.py CBAM-BENCH

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

from common import run
from tap import Tap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
GPU = os.path.join(ROOT, "tests", "gpu.sh")
BUILD = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))

# A cbam-bench for a device of every kind: the type is in a file beside it.
FAKE_BENCH = """#!/usr/bin/env python3
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
arguments = sys.argv[1:]
if "--version" in arguments:
    print("cbam-bench 9.9.9")
elif "--list-presets" in arguments:
    print("ssd-one\\nssd-two\\nresnet101")
elif arguments[-1] == "ssd-two":
    sys.exit("cbam-bench: the device was lost")
else:
    runs = int(arguments[arguments.index("--runs") + 1])
    with open(os.path.join(here, "type")) as file:
        kind = file.read()
    print(json.dumps({"device": "Fake 1", "type": kind, "driver": "fake", "peak_gflops": 100, "networks": [
        {"name": arguments[-1], "median_ms": 2.5, "p99_ms": 3.5, "min_ms": 2, "gflop": 1, "share": 0.4, "runs": runs,
         "ops": []}]}))
"""
FAKE_TEST = """#!/bin/sh
echo "ok 1 good"
echo "ok 2 elsewhere # SKIP $PLACE"
echo "not ok 3 bad"
exit 1
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def make_build(folder, kind):
    """What looks like a build that was made in /elsewhere."""
    build = os.path.join(folder, kind)
    tests = [{"name": "ops-fake", "suite": ["cbamdetect:ops"], "cmd": ["/elsewhere/build/tests/fake", "--tap"],
              "env": {"PLACE": "/elsewhere/build/here"}},
             {"name": "shell", "suite": ["cbamdetect:ops"], "cmd": ["/usr/bin/false"], "env": {}}]
    write(os.path.join(build, "meson-info", "meson-info.json"),
          json.dumps({"directories": {"source": "/elsewhere", "build": "/elsewhere/build"}}))
    write(os.path.join(build, "meson-info", "intro-tests.json"), json.dumps(tests))
    write(os.path.join(build, "tools", "cbam-bench"), FAKE_BENCH, 0o755)
    write(os.path.join(build, "tools", "type"), kind)
    write(os.path.join(build, "tests", "fake"), FAKE_TEST, 0o755)
    return build


def gpu(folder, *arguments, **options):
    """(exit status, report, page)"""
    out = os.path.join(folder, "out")
    shutil.rmtree(out, ignore_errors=True)
    process = run(GPU, "--out", out, *arguments, **options)
    assert "Traceback" not in process.stderr, process.stderr
    texts = []
    for name in ("report.json", "report.md"):
        with open(os.path.join(out, name), encoding="utf-8") as file:
            texts.append(file.read())
    return process.returncode, json.loads(texts[0]), texts[1]


def check_fake(folder):
    build = make_build(folder, "discrete")
    status, report, page = gpu(folder, "--build", build, "--seconds", "20")
    assert status == 1 and report["found"]["device"] == "Fake 1 (discrete, fake)", report
    test, = report["tests"]  # what is no program of the build is left out
    assert (test["passed"], test["failed"], test["skipped"]) == (1, 1, 1) and "3 bad" in test["said"][0], test
    good, half, bad, _ = report["networks"]
    assert (good["p50_ms"], good["p99_ms"], good["runs"]) == (2.5, 3.5, 200) and "lost" in bad["error"], report
    assert (good["precision"], half["precision"], half["network"]) == ("fp32", "fp16", "ssd-one"), half
    assert "| ssd-one | fp32 | 2.500 | 3.500 |" in page and "the device was lost" in page and "9.9.9" in page, page


def check_missing(folder):
    build = make_build(folder, "cpu")
    status, report, page = gpu(folder, "--build", build)
    assert status == 3 and report["missing"]["part"] == "device" and "no GPU" in page and "--cpu" in page, page
    status, report, page = gpu(folder, "--build", build, env={**os.environ, "VK_DRIVER_FILES": "/nonexistent"})
    assert status == 3 and report["missing"]["part"] == "driver" and "/nonexistent" in page, page


def check_moved(folder):
    """The real build, or what of it is needed, in another place."""
    build = os.path.join(folder, "moved")
    for part in ("meson-info", "compute", os.path.join("tests", "unit")):
        shutil.copytree(os.path.join(BUILD, part), os.path.join(build, part),
                        ignore=shutil.ignore_patterns("*.p", "*.o"))
    write(os.path.join(build, "tools", "x"), "")
    shutil.copy(os.path.join(BUILD, "tools", "cbam-bench"), os.path.join(build, "tools"))
    status, report, _ = gpu(folder, "--build", build, "--cpu", "--suite", "unit", "--preset", "ssd-mobilenet",
                            "--runs", "3", "--seconds", "120")
    assert status == 0 and report["found"]["libraries"] == "all there", report
    assert {"anchors", "nms"} <= {row["name"] for row in report["tests"]}, report["tests"]
    assert report["networks"][0]["p99_ms"] >= report["networks"][0]["p50_ms"] > 0, report


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with tap.point("tests and presets are reported"):
            check_fake(folder)
        with tap.point("what is missing is named"):
            check_missing(folder)
        with tap.point("a build in another place"):
            check_moved(folder)
        with tap.point("a folder that is no build"):
            process = run(GPU, "--build", folder)
            assert process.returncode == 1 and "no build folder" in process.stderr, process
    tap.done()


if __name__ == "__main__":
    main()
