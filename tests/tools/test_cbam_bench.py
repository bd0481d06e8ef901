#!/usr/bin/env python3
"""cbam-bench: the shape of what it prints. That the figures are good ones is no matter of a test.

    test_cbam_bench.py CBAM-BENCH

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True

from common import expect_ok, fake_model, run
from tap import Tap

CBAM_BENCH = sys.argv[1]


# lavapipe has a worker for every processor that it may use, up to some maximum, which is 16 in the oldest Mesa known.
MAX_WORKERS = 16


def processors():
    return len(os.sched_getaffinity(0))


def check_pinned(document):
    pinned = document["pinned_workers"]
    assert pinned in (0, processors()), pinned
    if document["driver"].startswith("llvmpipe") and 2 <= processors() <= MAX_WORKERS:
        assert os.path.exists("/proc/self/schedstat") and pinned == processors(), pinned


def check_document(document):
    assert document["device"] and document["peak_gflops"] > 0
    assert document["host_mul_add_gflops"] is None or document["host_mul_add_gflops"] > 0
    network, = document["networks"]
    assert network["precision"] in ("fp32", "fp16", "bf16"), network["precision"]
    assert network["name"] == "coco-ssd-mobilenet-v1"
    assert network["min_ms"] <= network["p25_ms"] <= network["median_ms"] <= network["p75_ms"]
    assert network["p75_ms"] <= network["p99_ms"]
    assert network["cpu_over_wall"] > 0 and network["runs"] == 3
    # SSD-MobileNetV1 at three quarters of its width and 91 classes: about 0.8 GMAC.
    assert 1.2 < network["gflop"] < 2.0, network["gflop"]
    ops = network["ops"]
    assert all({"name", "kind", "median_ms", "gflop"} <= set(op) for op in ops)
    assert abs(sum(op["gflop"] for op in ops) - network["gflop"]) < 0.01 * network["gflop"]
    # Pointwise convs 6 to 11 of the trunk.
    assert network["pointwise_19x19"]["count"] == 6, network["pointwise_19x19"]


def use_one_processor():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        model = fake_model(folder)
        with tap.point("--json"):
            document = json.loads(expect_ok(run(CBAM_BENCH, "--json", "--runs", "3", model)).stdout)
            check_document(document)
        with tap.point("each worker of a CPU device has a processor"):
            check_pinned(document)
        with tap.point("one processor"):
            process = run(CBAM_BENCH, "--json", "--no-peak", "--runs", "1", model, preexec_fn=use_one_processor)
            assert json.loads(expect_ok(process).stdout)["pinned_workers"] == 0
        with tap.point("a missing model among good ones, workers left alone"):
            process = run(CBAM_BENCH, "--no-pin", "--runs", "1", "no.safetensors", model)
            assert process.returncode == 1
            assert "workers not pinned" in process.stdout or document["type"] != "cpu"
            assert len(process.stderr.splitlines()) == 1 and "no.safetensors" in process.stderr
            assert "coco-ssd-mobilenet-v1" in process.stdout and "of peak" in process.stdout
        with tap.point("the model that ships, where none is named"):
            process = run(CBAM_BENCH, "--json", "--no-peak", "--no-pin", "--runs", "1")
            assert "stairnet-cbam-shufflenet-voc" in expect_ok(process).stdout
        with tap.point("--interleave"):
            process = run(CBAM_BENCH, "--json", "--no-peak", "--no-pin", "--interleave", "--runs", "2", model,
                          "no.safetensors", model)
            assert process.returncode == 1 and len(process.stderr.splitlines()) == 1, process
            networks = json.loads(process.stdout)["networks"]
            assert [(network["runs"], network["profiled"]["runs"]) for network in networks] == [(2, 2), (2, 2)]
        with tap.point("--no-peak"):
            process = run(CBAM_BENCH, "--json", "--no-pin", "--no-peak", "--precision", "fp32", "--runs", "1", model)
            document = json.loads(expect_ok(process).stdout)
            network, = document["networks"]
            assert document["peak_gflops"] is None and document["host_mul_add_gflops"] is None, document
            assert network["precision"] == "fp32" and network["share"] is None and network["gflops"] > 0
        with tap.point("--no-peak and a table"):
            assert run(CBAM_BENCH, "--no-peak", model).returncode == 2
        with tap.point("--step: a time for each line"):
            process = expect_ok(run(CBAM_BENCH, "--no-pin", "--step", model, input="\n\n"))
            ready, *times = process.stdout.splitlines()
            assert ready == "ready coco-ssd-mobilenet-v1" and len(times) == 2, process
            assert all(float(time.split()[0]) > 0 for time in times), times
        for arguments in (("--step", model, model), ("--step", "--json", model), ("--step", "--interleave", model)):
            with tap.point("--step and " + os.path.basename(arguments[1])):
                assert run(CBAM_BENCH, *arguments).returncode == 2
        with tap.point("--list-presets"):
            assert {"ssd-vgg16", "stairnet-cbam-mobilenet"} < set(run(CBAM_BENCH, "--list-presets").stdout.split())
        with tap.point("no runs"):
            assert run(CBAM_BENCH, "--runs", "0", model).returncode == 2
        with tap.point("--help"):
            assert "--runs" in expect_ok(run(CBAM_BENCH, "--help")).stdout
    tap.done()


if __name__ == "__main__":
    main()
