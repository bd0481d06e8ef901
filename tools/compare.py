#!/usr/bin/env python3
"""How much slower or faster one build is than another: both run beside each other and get a frame in turns.

    tools/compare.py [--pairs N] [--frames N] [--json] OLD-BUILD NEW-BUILD NETWORK...

A NETWORK is a preset or a model file; OLD-BUILD and NEW-BUILD are build folders with tools/cbam-bench in them. Of each
network N pairs of processes are started, one of each build, because processes of one build differ by up to a tenth.
In a pair the two take turns frame by frame, so that what else the machine does meets both, and who goes first changes
from frame to frame and from pair to pair. A pair counts with the median of its frames' ratios, new over old; the result
is the median over pairs with an interval that holds the true median in at least 95 of 100 such runs, whatever the
noise's shape (order statistics of a binomial). Frames that did not have the processors to themselves are left out
and counted. Use a machine that does nothing else.

Exit status: 0, 1 when something could not be measured, 2 for wrong options.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys

LEAST_PAIRS = 6  # fewer have no such interval
CONFIDENCE = 0.95


class CompareError(Exception):
    """Why nothing could be measured, in one sentence."""


class Stepper:
    """A cbam-bench that computes a frame when it is told to."""

    def __init__(self, build, network):
        self.program = os.path.join(build, "tools", "cbam-bench")
        try:
            self.process = subprocess.Popen([self.program, "--step", network], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise CompareError(f"cannot run '{self.program}': {error.strerror}") from error
        if not self.read().startswith("ready"):
            raise CompareError(f"'{self.program}' does not know --step")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise CompareError(f"'{self.program}' ended with status {self.process.wait()}")
        return line

    def step(self):
        """(milliseconds, whether the frame had the processors to itself)"""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # read() says it
        milliseconds, *starved = self.read().split()
        return float(milliseconds), not starved


def measure_pair(builds, network, frames, first):
    """([old ms], [new ms], frames left out) of one pair of processes."""
    times, starved = ([], []), 0
    with Stepper(builds[0], network) as old, Stepper(builds[1], network) as new:
        for frame in range(frames):
            order = (0, 1) if (frame + first) % 2 == 0 else (1, 0)
            samples = {which: (old, new)[which].step() for which in order}
            if not all(fit for _, fit in samples.values()):
                starved += 1
                continue
            for which, (milliseconds, _) in samples.items():
                times[which].append(milliseconds)
    if not times[0]:
        raise CompareError(f"{network}: no frame had the processors to itself; something else takes them")
    return *times, starved


def interval(values, confidence=CONFIDENCE):
    """The order statistics that hold the median with at least that probability: the narrowest such pair, and symmetric."""
    ordered, n = sorted(values), len(values)
    low, outside = 0, 2 * 0.5 ** n
    while low + 1 < n // 2 and outside + 2 * math.comb(n, low + 1) * 0.5 ** n <= 1 - confidence:
        low += 1
        outside += 2 * math.comb(n, low) * 0.5 ** n
    return ordered[low], ordered[n - 1 - low]


def compare(builds, network, pairs, frames):
    """The row of one network."""
    ratios, medians, starved = [], ([], []), 0
    for pair in range(pairs):
        old, new, left_out = measure_pair(builds, network, frames, pair)
        ratios.append(statistics.median(after / before for before, after in zip(old, new)))
        for into, times in zip(medians, (old, new)):
            into.append(statistics.median(times))
        starved += left_out
    low, high = interval(ratios)
    return {"network": network, "old_ms": statistics.median(medians[0]), "new_ms": statistics.median(medians[1]),
            "ratio": statistics.median(ratios), "low": low, "high": high, "pairs": pairs, "frames": frames,
            "starved": starved, "ratios": ratios}


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="compare.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__.split("\n\n    ")[0], epilog=__doc__.split("\n\n", 2)[2].rsplit("\n\n", 1)[0])
    parser.add_argument("--pairs", type=int, default=15, metavar="N", help="pairs of processes (default: 15)")
    parser.add_argument("--frames", type=int, default=20, metavar="N", help="frames of each in a pair (default: 20)")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    parser.add_argument("builds", nargs=2, metavar="BUILD", help="the old build's folder, and the new one's")
    parser.add_argument("networks", nargs="+", metavar="NETWORK", help="preset or model file")
    arguments = parser.parse_args()
    if arguments.pairs < LEAST_PAIRS:
        parser.error(f"--pairs is a number from {LEAST_PAIRS}, below which there is no interval")
    if arguments.frames < 1:
        parser.error("--frames is a number from 1")
    return arguments


def main():
    arguments = parse_arguments()
    rows = []
    try:
        for network in arguments.networks:
            rows.append(compare(arguments.builds, network, arguments.pairs, arguments.frames))
    except CompareError as error:
        sys.exit(f"compare.py: {error}")
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'network':32}  {'old ms':>8}  {'new ms':>8}  {'new/old':>7}  95 % interval   left out")
    for row in rows:
        print(f"{os.path.basename(row['network']):32}  {row['old_ms']:8.2f}  {row['new_ms']:8.2f}  {row['ratio']:7.4f}"
              f"  {row['low']:.4f}..{row['high']:.4f}  {row['starved']} of {row['pairs'] * row['frames']}")


if __name__ == "__main__":
    main()
