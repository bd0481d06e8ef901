#!/usr/bin/env python3
"""How fast cbamdetect is beside ncnn: the same networks with the same weights, on the same machine, in turns.

    tools/bench_peers.py [--json] [--runs N] [--bench PATH-TO-cbam-bench] [--networks ssd-vgg16,ssd-mobilenet]

The peers are PyPI's `ncnn` on the Vulkan device that cbam-bench uses (ncnn-vulkan) and on the processor (ncnn-cpu).
In each of the N rounds everyone computes a few frames in turn; a round counts with its median, and the result is the
median over rounds. On a CPU device each worker of the driver gets a processor of its own, and a frame that did not get
its processors is taken again, for the peers as cbam-bench does it for us. Use a machine that does nothing else: the
threads of ncnn-cpu spin while they wait for each other, and one neighbour makes it ten times slower.

What is timed favours the peers. Theirs is from the network's input in memory to the outputs of all heads; ours is from
a 1280x720 NV12 frame to the sorted boxes, with resizing, colours, softmax, decoding and non-maximum suppression. Their
models have batch norms folded, ReLUs fused and shapes said beforehand. Everyone computes in fp32; ncnn-vulkan is also
measured with ncnn's own choice of 16-bit numbers, and the ratio is that of the faster of the two.

ratio is peer_ms / ours_ms: how many times faster we are. max_error is the largest difference between a score of ours
and the same score of the peer in fp32, over all boxes and classes of one picture: proof that both computed the same.
precision tells which of the peer's two was faster, the *_min_ms are the best rounds, which noise touches least.

Exit status: 0, 1 when something could not be measured or outputs differ, 2 for wrong options, 77 without ncnn.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.dont_write_bytecode = True
from shared.need import need

need("numpy")
import numpy as np

from peers import detections, networks
from peers.ncnn_peer import NcnnPeer, find_gpu, write_model
from shared.safetensors import write_safetensors

NO_NCNN = 77  # what test harnesses take for "skipped"
DEFAULT_BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "tools", "cbam-bench")

FRAMES = 3  # samples in a round
LOW_LOAD = 1.3  # process CPU over wall time below which a frame on two processors or more had only one: cbam-bench's
REPEAT_SECONDS = 0.7  # a round may take so much longer, per frame, for those that are repeated: cbam-bench's too
BUSY_PART = 0.5  # workers share a frame about evenly; a thread with less than this part of the busiest is none

MAX_ERROR = 1e-3  # of a score; fp32 sums in another order differ by 1e-5
TARGETS = {("ssd-mobilenet", "ncnn-vulkan"): 3.5, ("ssd-vgg16", "ncnn-vulkan"): 2.4}  # the project's own


class BenchError(Exception):
    """Why nothing could be measured, in one sentence."""


# ---- The picture ---------------------------------------------------------------------------------------------------

def make_picture():
    """RGB of the network's size, so that resizing changes nothing: coloured blocks with noise on them."""
    rng = np.random.default_rng(networks.SEED)
    blocks = rng.integers(24, 232, (networks.SIZE // 10, networks.SIZE // 10, 3))
    noise = rng.integers(-8, 9, (networks.SIZE, networks.SIZE, 3))
    return (blocks.repeat(10, axis=0).repeat(10, axis=1) + noise).astype(np.uint8)


def write_png(path, picture):
    height, width, _ = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
                           (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))


def as_input(net, picture):
    """What the network sees: planes of blue, green, red less the mean."""
    return (picture[:, :, ::-1] - np.float32(net.mean)).transpose(2, 0, 1)


# ---- Ours ----------------------------------------------------------------------------------------------------------

def run_program(*command):
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BenchError(f"cannot run '{command[0]}': {error.strerror}") from error
    if process.returncode != 0:
        raise BenchError(f"{os.path.basename(command[0])}: {process.stderr.strip()}")
    return process.stdout


def bench_ours(bench, model):
    """cbam-bench's document of a few frames."""
    return json.loads(run_program(bench, "--json", "--runs", str(FRAMES), model))


def detect_ours(bench, model, picture):
    """A line of JSON with every box and class of the picture."""
    run = os.path.join(os.path.dirname(bench), "cbam-run")
    return run_program(run, "--json", "--threshold", "0", "--nms-iou", "1", "--max-detections", "0", "--model", model,
                       picture)


# ---- Peers ---------------------------------------------------------------------------------------------------------

def thread_times():
    """{thread: ns it ran}, empty where the system does not tell."""
    times = {}
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/schedstat", encoding="ascii") as file:
                times[int(thread)] = int(file.read().split()[0])
    except OSError:
        return {}
    return times


def pin_workers(run):
    """Gives each thread that computes the frame a processor of its own, as cbam-bench does: else the scheduler at times
    puts two on one, and all takes twice as long."""
    before = thread_times()
    run()
    ran = {thread: time - before[thread] for thread, time in thread_times().items()
           if thread in before and thread != os.getpid()}
    processors = sorted(os.sched_getaffinity(0))
    workers = sorted(ran, key=ran.get, reverse=True)[:len(processors)]
    if len(workers) == len(processors) >= 2 and ran[workers[-1]] > BUSY_PART * ran[workers[0]]:
        for thread, processor in zip(workers, processors):
            os.sched_setaffinity(thread, {processor})


class Timer:
    """Times one peer's frames, round by round."""

    def __init__(self, name, precision, peer, on_cpu):
        self.name, self.precision, self.peer = name, precision, peer
        self.watch = on_cpu and len(os.sched_getaffinity(0)) >= 2
        self.rounds, self.starved = [], 0

    def measure_round(self):
        self.peer.run()  # caches and clocks settle
        deadline = time.monotonic() + FRAMES * REPEAT_SECONDS
        frames = []
        while len(frames) < FRAMES:
            wall, cpu = time.perf_counter(), time.process_time()
            self.peer.run()
            seconds = time.perf_counter() - wall
            unfit = self.watch and (time.process_time() - cpu) / seconds < LOW_LOAD
            if unfit and time.monotonic() < deadline:
                continue
            self.starved += unfit
            frames.append(1e3 * seconds)
        self.rounds.append(statistics.median(frames))


def make_timers(net, files, picture, device):
    gpu = find_gpu(device["device"])
    if gpu is None:
        raise BenchError(f"ncnn does not find the Vulkan device '{device['device']}'")
    threads = len(os.sched_getaffinity(0))
    on_cpu = device["type"] == "cpu"

    def timer(name, precision, is_cpu, **options):
        return Timer(name, precision, NcnnPeer(net, *files, picture, threads, **options), is_cpu)

    timers = [
        timer("ncnn-vulkan", "fp32", on_cpu, gpu=gpu),
        timer("ncnn-vulkan", "fp16", on_cpu, gpu=gpu, reduced=True),
        timer("ncnn-cpu", "fp32", True),
    ]
    if on_cpu:
        timers[0].peer.run()  # the driver compiles
        pin_workers(timers[0].peer.run)
    return timers


# ---- Measuring -----------------------------------------------------------------------------------------------------

def check_outputs(net, peer, line):
    """max_error; a peer that computes something else is nothing to be compared with."""
    try:
        error = detections.compare(line, *detections.from_heads(net, peer.outputs()))
    except detections.Mismatch as mismatch:
        raise BenchError(f"{net.name}: {mismatch}") from mismatch
    if not error <= MAX_ERROR:
        raise BenchError(f"{net.name}: scores differ by {error:.2g}, more than {MAX_ERROR}")
    return error


def measure(name, bench, runs, folder):
    """(cbam-bench's document of each round, timers, {peer: max_error}) of one network."""
    net, picture = networks.NETWORKS[name](), make_picture()
    tensors = networks.make_weights(net)
    png, model, *files = (os.path.join(folder, name + end) for end in (".png", ".safetensors", ".param", ".bin"))
    write_png(png, picture)
    write_safetensors(model, tensors, net.document())
    write_model(net, tensors, *files)

    line = detect_ours(bench, model, png)
    ours = [bench_ours(bench, model)]
    timers = make_timers(net, files, as_input(net, picture), ours[0])
    errors = {timer.name: check_outputs(net, timer.peer, line) for timer in timers if timer.precision == "fp32"}
    while True:
        for timer in timers:
            timer.measure_round()
        if len(ours) == runs:
            return ours, timers, errors
        ours.append(bench_ours(bench, model))


def make_rows(name, ours, timers, errors):
    """A row per peer, of the faster of its timers."""
    medians = [document["networks"][0]["median_ms"] for document in ours]
    rows = []
    for peer, error in errors.items():
        timer = min((timer for timer in timers if timer.name == peer), key=lambda t: statistics.median(t.rounds))
        peer_ms, ours_ms = statistics.median(timer.rounds), statistics.median(medians)
        rows.append({"network": name, "peer": peer, "peer_ms": peer_ms, "ours_ms": ours_ms, "ratio": peer_ms / ours_ms,
                     "max_error": error, "precision": timer.precision, "peer_min_ms": min(timer.rounds),
                     "ours_min_ms": min(medians)})
    return rows


def warn_of_noise(name, ours, timers):
    """On standard error: frames that never got their processors."""
    starved = {"cbamdetect": sum(document["networks"][0]["starved"] for document in ours)}
    for timer in timers:
        starved[f"{timer.name} {timer.precision}"] = timer.starved
    if any(starved.values()):
        print(f"bench_peers.py: {name}: BUSY, something else takes the processors; of {FRAMES * len(ours)} frames "
              f"were starved: " + ", ".join(f"{who} {n}" for who, n in starved.items()), file=sys.stderr)


def verdict(row):
    target = TARGETS.get((row["network"], row["peer"]))
    if target is None:
        return ""
    return f"target {target}: {'reached' if row['ratio'] >= target else 'NOT reached'}"


def print_table(device, rows, runs):
    print(f"device  {device['device']} ({device['type']}, {device['driver']})")
    print(f"rounds  {runs} of {FRAMES} frames; median of rounds (best round), in ms\n")
    print(f"{'network':14} {'peer':18} {'peer':>18} {'ours':>18} {'ratio':>6} {'max error':>10}")
    for row in rows:
        peer, peer_ms, ours_ms = (f"{row['peer']} {row['precision']}", *(
            f"{row[f'{who}_ms']:.1f} ({row[f'{who}_min_ms']:.1f})" for who in ("peer", "ours")))
        print(f"{row['network']:14} {peer:18} {peer_ms:>18} {ours_ms:>18} {row['ratio']:6.2f} "
              f"{row['max_error']:10.1e}  {verdict(row)}".rstrip())


def need_ncnn():
    try:
        import ncnn  # noqa: F401
    except ImportError as error:
        print(f"bench_peers.py: needs ncnn ({error}); for example:\n"
              "  python3 -m venv --system-site-packages peers-venv && peers-venv/bin/pip install ncnn\n"
              "  peers-venv/bin/python tools/bench_peers.py", file=sys.stderr)
        sys.exit(NO_NCNN)


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="bench_peers.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__.split("\n\n    ")[0], epilog=__doc__.split("\n\n", 2)[2].rsplit("\n\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds (default: 5)")
    parser.add_argument("--bench", default=DEFAULT_BENCH, metavar="PATH",
                        help="cbam-bench, with cbam-run beside it (default: build/tools/cbam-bench)")
    parser.add_argument("--networks", default=",".join(networks.NETWORKS), metavar="NAME,...",
                        help="which (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.networks = arguments.networks.split(",")
    unknown = [name for name in arguments.networks if name not in networks.NETWORKS]
    if unknown:
        parser.error(f"no such network: '{unknown[0]}'")
    if arguments.runs < 1:
        parser.error("--runs is a number from 1")
    return arguments


def main():
    arguments = parse_arguments()
    need_ncnn()
    rows = []
    try:
        for name in arguments.networks:
            with tempfile.TemporaryDirectory() as folder:
                ours, timers, errors = measure(name, arguments.bench, arguments.runs, folder)
            rows += make_rows(name, ours, timers, errors)
            warn_of_noise(name, ours, timers)
    except BenchError as error:
        sys.exit(f"bench_peers.py: {error}")
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(ours[0], rows, arguments.runs)


if __name__ == "__main__":
    main()
