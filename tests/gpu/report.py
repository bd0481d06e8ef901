#!/usr/bin/env python3
"""The library on this machine's GPU: what is missing, do its tests pass, how fast are the presets. See tests/gpu.sh.

Writes report.json and report.md, one page, into the folder --out.

Exit status: 0, 1 when a test failed or something could not be measured, 2 for wrong options, 3 when something that
everything else needs is missing.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import ctypes
import glob
import json
import os
import platform
import re
import subprocess
import sys
import time

from carried import Build, BuildError

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.dirname(os.path.dirname(HERE))
SMALL_PRESET = "ssd-mobilenet"
DETECTORS = ("ssd", "stairnet")  # begin their names; all are measured, and of the classifiers these
CLASSIFIERS = ("resnet18-cbam", "resnet50", "resnet50-cbam", "resnext50-cbam", "mobilenet", "mobilenet-cbam",
               "mobilenet-v3", "efficientnet-lite0")
PRECISIONS = ("fp32", "fp16")
SUITES = ("unit", "model", "ops", "nets", "golden")
TESTS_SHARE = 0.6  # of the time, at most; the rest is for measuring
FEWEST_RUNS = 3
START_SECONDS = 30  # a driver that compiles everything anew may take so long for its first frame
MANIFESTS = ("/etc/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d",
             "/usr/local/share/vulkan/icd.d", "~/.local/share/vulkan/icd.d")
POINT = re.compile(r"^(not )?ok\b([^\n]*)", re.MULTILINE)


class Missing(Exception):
    """What everything else needs: (part, what was found, what to do)."""


# ---- What there is ---------------------------------------------------------------------------------------------------

def check_loader():
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError as error:
        raise Missing("loader", str(error), "install the Vulkan loader (Debian, Ubuntu: libvulkan1)") from error
    return "libvulkan.so.1 is there"


def check_driver():
    named = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES")
    places = named.split(":") if named else [os.path.expanduser(place) for place in MANIFESTS]
    found = [name for place in places for name in ([place] if os.path.isfile(place)
                                                   else sorted(glob.glob(os.path.join(place, "*.json"))))]
    if not found:
        raise Missing("driver", "no driver's manifest in " + ", ".join(places),
                      "install the GPU's Vulkan driver (Debian: mesa-vulkan-drivers, or NVIDIA's own), or name its "
                      "manifest in VK_DRIVER_FILES")
    return ", ".join(found)


def check_libraries(build):
    programs = [build.program("cbam-bench")] + [command[0] for _, _, command, _ in build.tests(SUITES)]
    absent = sorted(name for name, path in build.needed(programs).items() if path is None)
    if absent:
        raise Missing("libraries", "not here: " + ", ".join(absent),
                      "install them, or run tests/gpu.sh --libraries where the build was made, and carry them along")
    return "all there"


def bench(build, *arguments, seconds):
    """cbam-bench's document."""
    process = subprocess.run([build.program("cbam-bench"), "--json", *arguments], capture_output=True, text=True,
                             timeout=max(seconds, 1), check=False, env=build.environment())
    if not process.stdout:
        raise subprocess.SubprocessError(process.stderr.strip() or f"cbam-bench ended with {process.returncode}")
    return json.loads(process.stdout)


def check_device(build, allow_cpu, seconds):
    advice = "see that the driver belongs to the GPU, and that this user may open /dev/dri/renderD* or /dev/nvidia*"
    try:
        document = bench(build, "--runs", "1", SMALL_PRESET, seconds=seconds)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Missing("device", str(error), advice) from error
    text = f"{document['device']} ({document['type']}, {document['driver']})"
    if document["type"] == "cpu" and not allow_cpu:
        raise Missing("device", f"no GPU: the best device is {text}", advice + "; --cpu runs on this one all the same")
    return text


def find_precisions(build, seconds):
    """Those of PRECISIONS that the device has."""
    found = []
    for precision in PRECISIONS:
        try:
            bench(build, "--runs", "1", "--no-peak", "--precision", precision, SMALL_PRESET, seconds=seconds)
            found.append(precision)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            say(f"{precision}: {error}")
    return found


# ---- What it does ----------------------------------------------------------------------------------------------------

def run_test(suite, name, command, environment, seconds):
    """The row of one test program, which speaks TAP."""
    row = {"suite": suite, "name": name, "passed": 0, "failed": 0, "skipped": 0, "said": []}
    start = time.monotonic()
    try:
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=max(seconds, 1),
                                 check=False, env=environment)
        output, status = process.stdout, process.returncode
        errors = process.stderr.splitlines()
    except subprocess.TimeoutExpired as expired:
        output, status = (expired.stdout or b"").decode(errors="replace"), None
        errors = [f"not finished after {seconds:.0f} s"]
    except OSError as error:
        output, status, errors = "", 1, [str(error)]
    for failed, rest in POINT.findall(output):
        row["failed" if failed else "skipped" if "# SKIP" in rest else "passed"] += 1
        if failed:
            row["said"].append(rest.strip())
    if status != 0:
        row["failed"] = max(row["failed"], 1)
        row["said"] += [f"exit status {status}"] + [line for line in output.splitlines() if line.startswith("#")][-3:]
        row["said"] += errors[-5:]
    return {**row, "status": status, "seconds": time.monotonic() - start}


def run_tests(build, suites, end):
    rows = []
    for test in build.tests(suites):
        left = end - time.monotonic()
        if left < 1:
            rows.append({"suite": test[0], "name": test[1], "passed": 0, "failed": 0, "skipped": 1, "status": None,
                         "said": ["no time was left"], "seconds": 0})
            continue
        rows.append(run_test(*test, left))
        say(f"{test[1]}: {rows[-1]['passed']} passed, {rows[-1]['failed']} failed, {rows[-1]['skipped']} skipped")
    return rows


def measure(build, presets, precisions, most, end):
    """A row for each preset in each precision: as many frames as its share of the time allows."""
    rows = []
    pairs = [(preset, precision) for preset in presets for precision in precisions]
    for i, (preset, precision) in enumerate(pairs):
        start = time.monotonic()
        share = (end - start) / (len(pairs) - i)
        try:
            if share <= 0:
                raise subprocess.SubprocessError("no time was left")
            first = bench(build, "--runs", "1", "--precision", precision, preset,
                          seconds=max(end - start, START_SECONDS))
            cost = time.monotonic() - start  # with the start of everything
            frame = first["networks"][0]["median_ms"] / 1e3
            # A run has two passes, and repeats what was disturbed; a third of the share is for that.
            runs = int(min(most, max(FEWEST_RUNS, (share / 1.5 - 2 * cost) / (2 * frame))))
            document = bench(build, "--runs", str(runs), "--precision", precision, preset,
                             seconds=max(end - time.monotonic(), START_SECONDS))
            network = document["networks"][0]
        except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
            rows.append({"network": preset, "precision": precision, "error": str(error)})
            say(f"{preset}, {precision}: {error}")
            continue
        rows.append({"network": preset, "precision": precision, "p50_ms": network["median_ms"], "p99_ms": network["p99_ms"],
                     "least_ms": network["min_ms"], "runs": network["runs"], "gflop": network["gflop"],
                     "share_of_peak": network["share"], "peak_gflops": document["peak_gflops"],
                     "ops": network["ops"]})
        say(f"{preset}, {precision}: {network['median_ms']:.2f} ms")
    return rows


# ---- What is said ----------------------------------------------------------------------------------------------------

def say(text):
    print(f"gpu.sh: {text}", file=sys.stderr, flush=True)


def page(report):
    lines = ["# cbamdetect on a GPU", "",
             f"* version {report['version']}, {report['date']}, {report['seconds']:.0f} seconds",
             f"* {report['system']}, Python {report['python']}"]
    lines += [f"* {part}: {text}" for part, text in report["found"].items()]
    if "missing" in report:
        missing = report["missing"]
        lines += ["", f"**{missing['part']} is missing**: {missing['found']}. What to do: {missing['advice']}."]
    if report.get("tests"):
        lines += ["", "| tests | passed | failed | skipped | seconds |", "|---|---|---|---|---|"]
        lines += [f"| {row['name']} | {row['passed']} | {row['failed']} | {row['skipped']} | {row['seconds']:.0f} |"
                  for row in report["tests"]]
        for row in report["tests"]:
            if row["said"]:
                lines += ["", f"{row['name']}:", "", *(f"    {line}" for line in row["said"][:12])]
    if report.get("networks"):
        lines += ["", "| network | | p50 ms | p99 ms | least ms | frames | GFLOP | of the device's peak |",
                  "|---|---|---|---|---|---|---|---|"]
        lines += [f"| {row['network']} | {row['precision']} | {row['error']} | | | | | |" if "error" in row else
                  f"| {row['network']} | {row['precision']} | {row['p50_ms']:.3f} | {row['p99_ms']:.3f} | {row['least_ms']:.3f} "
                  f"| {row['runs']} | {row['gflop']:.2f} | {100 * row['share_of_peak']:.1f} % |"
                  for row in report["networks"]]
        lines += ["", "A frame is 1280x720 NV12 in system memory, from its submission to the sorted boxes, alone on the "
                  "device; the peak is that of fp32, in which sums are made."]
    return "\n".join(lines) + "\n"


def write(report, out):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "report.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    with open(os.path.join(out, "report.md"), "w", encoding="utf-8") as file:
        file.write(page(report))
    print(page(report))
    say(f"written to {out}/report.json and report.md")


def make_report(build, arguments):
    start = time.monotonic()
    report = {"date": time.strftime("%Y-%m-%d %H:%M:%S %z"), "system": platform.platform(),
              "python": platform.python_version(), "processors": os.cpu_count(), "found": {}}
    found = report["found"]
    try:
        report["version"] = subprocess.run([build.program("cbam-bench"), "--version"], capture_output=True, text=True,
                                           check=False, env=build.environment()).stdout.strip() or "unknown"
        found["libraries"] = check_libraries(build)
        found["loader"] = check_loader()
        found["driver"] = check_driver()
        presets = arguments.preset or [name for name in build.presets()
                                       if name.startswith(DETECTORS) or name in CLASSIFIERS]
        found["device"] = check_device(build, arguments.cpu, max(arguments.seconds / 4, START_SECONDS))
        say(found["device"])
        end = start + arguments.seconds
        report["tests"] = run_tests(build, arguments.suite, start + TESTS_SHARE * arguments.seconds)
        precisions = find_precisions(build, START_SECONDS)
        report["networks"] = measure(build, presets, precisions, arguments.runs, end)
    except Missing as missing:
        report["missing"] = dict(zip(("part", "found", "advice"), missing.args))
        say("{} is missing: {}. What to do: {}".format(*missing.args))
    report["seconds"] = time.monotonic() - start
    return report


def parse_arguments():
    parser = argparse.ArgumentParser(prog="gpu.sh", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--build", default=os.path.join(SOURCES, "build"), metavar="FOLDER")
    parser.add_argument("--out", default="gpu-report", metavar="FOLDER", help="default: gpu-report")
    parser.add_argument("--cpu", action="store_true", help="go on where the best device is no GPU")
    parser.add_argument("--seconds", type=float, default=330, metavar="N", help="time for all of it (default: 330)")
    parser.add_argument("--runs", type=int, default=200, metavar="N", help="frames of a preset, at most (default: 200)")
    parser.add_argument("--suite", action="append", choices=SUITES, help="default: all of them")
    parser.add_argument("--preset", action="append", metavar="NAME",
                        help="default: all detectors and eight classifiers")
    parser.add_argument("--libraries", action="store_true", help="put what the programs need into the build, and exit")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        build = Build(arguments.build, SOURCES)
        if arguments.libraries:
            programs = [build.program("cbam-bench")] + [command[0] for _, _, command, _ in build.tests(SUITES)]
            say(f"{len(build.collect_libraries(programs))} libraries in {build.folder}")
            return
        arguments.suite = arguments.suite or SUITES
        report = make_report(build, arguments)
    except BuildError as error:
        sys.exit(f"gpu.sh: {error}")
    write(report, arguments.out)
    if "missing" in report:
        sys.exit(3)
    failed = any(row["failed"] for row in report["tests"]) or any("error" in row for row in report["networks"])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
