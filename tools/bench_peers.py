#!/usr/bin/env python3
"""How fast cbamdetect is beside other engines: the same networks, weights and processors, in turns.

    tools/bench_peers.py [--json] [--runs N] [--end-to-end] [--networks default,ssd-mobilenet] [--devices 0,llvmpipe]

The peers are ONNX Runtime, OpenVINO, OpenCV's DNN module and ncnn, on the processor, and ncnn on the first Vulkan
device; one that Python does not find is skipped, and that is said. They come from PyPI into a folder of yours:

    python3 -m venv peers-venv
    peers-venv/bin/pip install onnxruntime openvino opencv-python-headless ncnn
    tools/bench_peers.py --python peers-venv/bin/python

A network is a preset, with made-up weights, a model file, or `default`, the model that ships. tools/peers/export
writes it for everybody, from its twin in PyTorch (which Debian has). Everyone has a process, two threads, and computes
alone: in each of the N rounds one after the other, with a pause between, because their threads spin for a while when
there is nothing to do. A round counts with the median of its frames; printed are all rounds, and their median, least
and most. A frame that did not get its processors is taken again. Use a machine that does nothing else.

What is timed is the network: from its input in memory to the outputs of all heads. Ours is measured from a 1280x720
NV12 frame to the sorted boxes, less the share that resizing, colours, scores and boxes have in the profile of the
device. With --end-to-end everyone is timed from that frame to the boxes, too: the peers with what their users write
around them, OpenCV's resizing, colours and non-maximum suppression.

Everyone computes in fp32, and is measured with its own choice of numbers as well where that is another one. ratio is
theirs / ours, on our first device: below 1 they are faster. max error is the largest difference of a head from what
PyTorch computes, in parts of the head's largest number; for us, of a score: proof that all computed the same.

Exit status: 0, 1 when something could not be measured or outputs differ, 2 for wrong options, 77 without any peer.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
from shared.need import SYSTEM_PYTHON, need

need("numpy")
import numpy as np

from peers import detections
from shared.safetensors import change_document, read_document

NO_PEER = 77  # what test harnesses take for "skipped"
HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_BENCH = os.path.join(HERE, "..", "build", "tools", "cbam-bench")
NETWORKS = ("default", "ssd-mobilenet", "stairnet-cbam-mobilenet", "ssd-vgg16")
PEERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "opencv": "OpenCV", "ncnn-cpu": "ncnn",
         "ncnn-vulkan": "ncnn, Vulkan"}

PAUSE = 0.3  # seconds between one and the next: threads spin for some milliseconds
PROFILED = 5  # samples, for the share of the network
LEAST = 3  # samples in a round
OUTSIDE = ("preprocess", "detect")  # kinds of our operations that are no part of the network
MAX_ERROR = 1e-3  # in fp32; sums in another order differ by 1e-5
AIMS = {"ssd-vgg16": 1.05}  # ours / the faster of MEASURES; of other networks 1.1
USUAL_AIM = 1.1
MEASURES = ("onnxruntime", "openvino")


class BenchError(Exception):
    """Why nothing could be measured, in one sentence."""


class Missing(Exception):
    """Why a peer is left out, in one sentence."""


@dataclass
class Row:
    """What somebody took for one network, with the one precision."""
    network: str
    what: str  # heads or frame
    who: str
    precision: str
    default: bool  # its own choice
    device: str
    max_error: float
    rounds_ms: list = field(default_factory=list)
    starved: int = 0

    def as_dict(self, ours):
        median = statistics.median(self.rounds_ms)
        return {**vars(self), "median_ms": median, "min_ms": min(self.rounds_ms), "max_ms": max(self.rounds_ms),
                "ratio": median / statistics.median(ours.rounds_ms)}


def run_program(*command):
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BenchError(f"cannot run '{command[0]}': {error.strerror}") from error
    if process.returncode != 0:
        raise BenchError(f"{os.path.basename(command[0])}: {process.stderr.strip()}")
    return process.stdout


# ---- Processes that compute when they are told to ------------------------------------------------------------------

class Contender:
    """One of them. Subclasses set who, precision, default, device and max_error."""

    def __init__(self, *command):
        self.command, self.errors = command, tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                            text=True)
        except OSError as error:
            raise BenchError(f"cannot run '{command[0]}': {error.strerror}") from error

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def ask(self, line):
        with contextlib.suppress(BrokenPipeError):  # read() says it
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        return self.read()

    def read(self):
        line = self.process.stdout.readline()
        if line:
            return line
        status = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines() or [f"ended with status {status}"]
        raise (Missing if status == NO_PEER else BenchError)(said[-1])


class Peer(Contender):
    def __init__(self, python, engine, precision, folder, threads, vulkan_device):
        device = [vulkan_device] if engine == "ncnn-vulkan" else []
        super().__init__(python, os.path.join(HERE, "peers", "peer"), engine, precision, folder, str(threads), *device)
        self.engine, self.default = engine, precision == "default"
        self.device = vulkan_device if device else ""
        try:
            loaded = json.loads(self.read())
        except (Missing, BenchError):
            self.close()
            raise
        self.who = f"{PEERS[engine]} {loaded['version']}"
        self.precision, self.max_error = loaded["precision"], loaded["max_error"]

    def measure(self, what, seconds):
        """(milliseconds, starved)"""
        answer = json.loads(self.ask(f"{what} {seconds}"))
        if "error" in answer:
            raise Missing(f"{self.who}: {answer['error']}")
        return answer["ms"], answer["starved"]


class Profile:
    """What cbam-bench says of a network on one of our devices."""

    def __init__(self, bench, *arguments):
        options = ("--json", "--no-pin", "--no-peak", "--runs", str(PROFILED))
        document = json.loads(run_program(bench, *options, *arguments))
        network = document["networks"][0]
        whole = sum(op["median_ms"] for op in network["ops"])
        outside = sum(op["median_ms"] for op in network["ops"] if op["kind"] in OUTSIDE)
        self.share = 1 - outside / whole if whole > 0 else 1
        self.file, self.precision = network["file"], network["precision"]
        self.device = document["device"]


class Ours(Contender):
    """cbam-bench on one of our devices. It is timed whole; `share` of that is the network."""

    who = "cbamdetect"

    def __init__(self, bench, device, precision, folder, profile, max_error):
        self.device, self.precision = profile.device, profile.precision
        self.share, self.default, self.max_error = profile.share, precision == "auto", max_error
        super().__init__(bench, "--step", "--device", device, "--precision", precision,
                         os.path.join(folder, "model.safetensors"))
        try:
            self.read()
        except BenchError:
            self.close()
            raise

    def measure(self, what, seconds):
        factor, samples, starved = self.share if what == "heads" else 1, [], 0
        self.ask("")  # caches and clocks settle
        start = time.monotonic()
        while len(samples) < LEAST or time.monotonic() - start < seconds:
            milliseconds, *unfit = self.ask("").split()
            samples.append(factor * float(milliseconds))
            starved += len(unfit)
        return samples, starved


# ---- Who takes part ------------------------------------------------------------------------------------------------

def list_devices(bench):
    """[(index, type, name, driver)] as cbam-run lists them."""
    run = os.path.join(os.path.dirname(bench), "cbam-run")
    return [re.split("  +", line.strip(), maxsplit=3) for line in run_program(run, "--list-devices").splitlines()]


def check_ours(bench, device, folder):
    """The largest difference of a score of ours, on one device in fp32, from what PyTorch's heads say."""
    run, model = os.path.join(os.path.dirname(bench), "cbam-run"), os.path.join(folder, "all.safetensors")
    document = read_document(os.path.join(folder, "model.safetensors"))
    truth = np.load(os.path.join(folder, "truth.npz"))
    heads = {name: truth[name][0] for name in truth.files if name.startswith(("loc.", "conf."))}
    classes = document["output"]["classes"]
    boxes, scores = detections.from_heads(document, truth["anchors"], heads)
    threshold = detections.threshold_for(classes, scores)
    shutil.copyfile(os.path.join(folder, "model.safetensors"), model)
    change_document(model, lambda document: {**document, "nms": {"top_k": 0, "keep": 0}})
    line = run_program(run, "--device", device, "--precision", "fp32", "--json", "--threshold", f"{threshold:.8f}",
                       "--nms-iou", "1", "--max-detections", "0", "--model", model, os.path.join(folder, "picture.png"))
    os.unlink(model)
    try:
        return detections.compare(line, classes, boxes, scores, threshold)
    except detections.Mismatch as mismatch:
        raise BenchError(str(mismatch)) from mismatch


def checked(contender):
    if not contender.default and not contender.max_error <= MAX_ERROR:
        raise BenchError(f"{contender.who}: outputs differ by {contender.max_error:.2g}, more than {MAX_ERROR}")
    return contender


def start_ours(arguments, folder, stack):
    """On each device in fp32, and in what it takes of itself, if that is something else."""
    contenders, model = [], os.path.join(folder, "model.safetensors")
    for device in arguments.devices:
        plain, own = (Profile(arguments.bench, "--device", device, "--precision", precision, model)
                      for precision in ("fp32", "auto"))
        error = check_ours(arguments.bench, device, folder)
        contenders.append(Ours(arguments.bench, device, "fp32", folder, plain, error))
        stack.callback(contenders[-1].close)
        checked(contenders[-1])
        if own.precision != plain.precision:
            contenders.append(Ours(arguments.bench, device, "auto", folder, own, float("nan")))
            stack.callback(contenders[-1].close)
    return contenders


def start_peers(arguments, folder, stack):
    contenders, vulkan_device = [], arguments.vulkan_device
    for engine in arguments.peers:
        try:
            if engine == "ncnn-vulkan" and not vulkan_device:
                raise Missing("there is no Vulkan device")
            for precision in ("fp32", "default"):
                peer = Peer(arguments.python, engine, precision, folder, arguments.threads, vulkan_device)
                if precision == "default" and peer.precision == "fp32":
                    peer.close()
                    continue
                stack.callback(peer.close)
                contenders.append(checked(peer))
        except (Missing, BenchError) as error:
            say(f"{PEERS[engine]} is left out: {error}")
    return contenders


def say(text):
    print(f"bench_peers.py: {text}", file=sys.stderr)


# ---- Measuring -----------------------------------------------------------------------------------------------------

def find_exporter():
    """A Python that has PyTorch, and a numpy that goes with it."""
    probe = "import numpy, torch; torch.zeros(1).numpy()"
    for python in (sys.executable, SYSTEM_PYTHON):
        with contextlib.suppress(OSError):
            if subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0:
                return python
    raise BenchError("needs PyTorch (on Debian: apt-get install python3-torch)")


def export(arguments, name, folder):
    source = Profile(arguments.bench).file if name == "default" else name
    process = subprocess.run([find_exporter(), os.path.join(HERE, "peers", "export"), source, folder],
                             capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise BenchError(process.stderr.strip())
    if process.stderr:
        say(process.stderr.strip())


def measure(arguments, name, folder):
    """Rows of one network: ours on the first device in fp32 before the others."""
    export(arguments, name, folder)
    with contextlib.ExitStack() as stack:
        peers = start_peers(arguments, folder, stack)
        if not peers:
            return []
        contenders, rows = start_ours(arguments, folder, stack) + peers, {}
        for number in range(arguments.runs):
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                for what in ("heads", "frame") if arguments.end_to_end else ("heads",):
                    measure_round(arguments, name, contender, what, rows)
    return [rows[key] for key in sorted(rows, key=lambda key: (key[0] == "frame", contenders.index(key[1])))]


def measure_round(arguments, name, contender, what, rows):
    time.sleep(PAUSE)
    try:
        milliseconds, starved = contender.measure(what, arguments.seconds)
    except Missing as error:
        if (what, contender) not in rows:
            say(f"not measured from frame to boxes: {error}")
        return
    row = rows.setdefault((what, contender), Row(name, what, contender.who, contender.precision, contender.default,
                                                 contender.device, contender.max_error))
    row.rounds_ms.append(statistics.median(milliseconds))
    row.starved += starved


# ---- Telling -------------------------------------------------------------------------------------------------------

def ours_for(row, rows):
    """Whom a row is compared with: us on the first device, with our own choice of numbers if it has its own, too."""
    ours = [one for one in rows if one.who == "cbamdetect" and one.what == row.what]
    return next((one for one in ours if row.default and one.default and one.device == ours[0].device), ours[0])


def print_table(rows, what):
    rows_of = [row for row in rows if row.what == what]
    if not rows_of:
        return
    boundary = {"heads": "the network's input to the heads", "frame": "a 1280x720 NV12 frame to the boxes"}[what]
    print(f"{rows_of[0].network}: {boundary}")
    print(f"  {'who':42} {'numbers':14} {'median':>8} {'min..max':>16} {'ratio':>6} {'max error':>9}  rounds")
    for row in rows_of:
        said = row.as_dict(ours_for(row, rows))
        who = f"{row.who}, {row.device}" if row.device else row.who
        numbers = row.precision if not row.default or row.precision == "default" else f"{row.precision} (default)"
        error = "" if np.isnan(row.max_error) else f"{row.max_error:.1e}"
        print(f"  {who[:42]:42} {numbers:14} {said['median_ms']:8.2f} {said['min_ms']:8.2f}..{said['max_ms']:<6.2f}"
              f" {said['ratio']:6.2f} {error:>9}  " + " ".join(f"{one:.2f}" for one in row.rounds_ms)
              + (f"  ({row.starved} starved)" if row.starved else ""))
    print("  " + verdict(rows_of, what) + "\n")


def verdict(rows, what):
    """In fp32: what the project aims at, and where it is."""
    plain = [row for row in rows if not row.default]
    best = {id(row): statistics.median(row.rounds_ms) for row in plain}
    ours = best[id(plain[0])]
    measures = tuple(PEERS[engine] for engine in MEASURES) if what == "heads" else ("",)
    others = [best[id(row)] for row in plain if row.who != "cbamdetect" and row.who.startswith(measures)]
    if not others:
        return "nobody to be measured by"
    aim = AIMS.get(rows[0].network, USUAL_AIM) if what == "heads" else 1
    whom = "the faster of " + " and ".join(measures) if what == "heads" else "the fastest"
    times = ours / min(others)
    return f"fp32: ours takes {times:.2f} times what {whom} takes; aim: {aim}, {'' if times <= aim else 'NOT '}reached"


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="bench_peers.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__.split("\n\n    ")[0], epilog=__doc__.split("\n\n", 2)[2].rsplit("\n\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of tables")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.5, metavar="S", help="of a round (default: 0.5)")
    parser.add_argument("--end-to-end", action="store_true", help="measure from a frame of video to boxes, too")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="and processors for each (default: 2)")
    parser.add_argument("--bench", default=DEFAULT_BENCH, metavar="PATH",
                        help="cbam-bench, with cbam-run beside it (default: build/tools/cbam-bench)")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the Python that has the peers")
    parser.add_argument("--networks", default=",".join(NETWORKS), metavar="NAME,...",
                        help="presets, model files, default (default: %(default)s)")
    parser.add_argument("--peers", default=",".join(PEERS), metavar="NAME,...", help="which (default: %(default)s)")
    parser.add_argument("--devices", metavar="DEVICE,...", help="ours, as cbam-run takes them (default: all it lists)")
    arguments = parser.parse_args()
    for key in ("networks", "peers", "devices"):
        value = getattr(arguments, key)
        setattr(arguments, key, value.split(",") if value else None)
    unknown = [name for name in arguments.peers if name not in PEERS]
    if unknown:
        parser.error(f"no such peer: '{unknown[0]}'")
    if arguments.runs < 1 or arguments.threads < 1 or not arguments.seconds > 0:
        parser.error("--runs and --threads are numbers from 1, --seconds one above 0")
    return arguments


def take_processors(arguments):
    """As many as there are to be threads: children have them from us."""
    processors = sorted(os.sched_getaffinity(0))[:arguments.threads]
    os.sched_setaffinity(0, processors)
    arguments.threads = len(processors)


def main():
    arguments = parse_arguments()
    take_processors(arguments)
    rows = []
    try:
        listed = list_devices(arguments.bench)
        arguments.devices = arguments.devices or [index for index, *_ in listed]
        arguments.vulkan_device = next((name for _, kind, name, *_ in listed if kind != "host"), None)
        for name in arguments.networks:
            with tempfile.TemporaryDirectory() as folder:
                found = measure(arguments, name, folder)
            if not found:
                say("no peer at all; --help says where they come from")
                sys.exit(NO_PEER)
            if not arguments.json:
                print_table(found, "heads")
                print_table(found, "frame")
            rows += [row.as_dict(ours_for(row, found)) for row in found]
    except (BenchError, Missing) as error:
        sys.exit(f"bench_peers.py: {error}")
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
