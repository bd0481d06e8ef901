#!/usr/bin/env python3
"""cbam-run as a user meets it: help, errors, tables, JSON and drawings. Needs a Vulkan device, but no trained weights.

    test_cbam_run.py CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

from common import HERE, expect_ok, fake_model, json_lines, png_size, run, write_png
from tap import Tap

CBAM_RUN = sys.argv[1]
DETECTION_KEYS = {"label", "score", "x", "y", "width", "height"}


def cbam_run(*arguments, **options):
    return run(CBAM_RUN, *arguments, **options)


def check_one_error(process, *words, status=1):
    """One line on standard error with these words, nothing on standard output."""
    assert process.returncode == status, f"exit status {process.returncode}: {process.stderr}"
    assert process.stdout == "", process.stdout
    assert len(process.stderr.splitlines()) == 1, process.stderr
    for word in words:
        assert word in process.stderr, process.stderr


def check_line(line, path, width, height):
    """One line of --json: its keys, and boxes inside the picture by falling score."""
    assert set(line) == {"file", "width", "height", "detections"}, line
    assert (line["file"], line["width"], line["height"]) == (path, width, height), line
    scores = [detection["score"] for detection in line["detections"]]
    assert scores == sorted(scores, reverse=True)
    for found in line["detections"]:
        assert set(found) == DETECTION_KEYS, found
        assert 0 <= found["score"] <= 1 and found["label"] not in ("background", "???")
        assert found["x"] >= 0 and found["y"] >= 0 and found["width"] > 0 and found["height"] > 0
        assert found["x"] + found["width"] <= width + 0.01 and found["y"] + found["height"] <= height + 0.01


def test_without_model(tap, folder, picture):
    with tap.point("--help"):
        text = expect_ok(cbam_run("--help")).stdout
        for option in ("--model", "--device", "--list-devices", "--threshold", "--nms-iou", "--max-detections",
                       "--output", "--json", "--profile", "--describe", "--version"):
            assert option in text, f"{option} is not in the help"
    with tap.point("--version"):
        assert re.fullmatch(r"cbam-run \d+\.\d+\S*\n", expect_ok(cbam_run("--version")).stdout)
    with tap.point("--list-devices"):
        lines = expect_ok(cbam_run("--list-devices")).stdout.splitlines()
        assert lines and all(re.match(r"\d+ +(discrete|integrated|virtual|cpu|other) ", line) for line in lines), lines
    with tap.point("no Vulkan driver"):
        nowhere = os.path.join(folder, "no-driver.json")
        environment = dict(os.environ, VK_DRIVER_FILES=nowhere, VK_ICD_FILENAMES=nowhere)
        check_one_error(cbam_run("--list-devices", env=environment))
    with tap.point("missing model"):
        check_one_error(cbam_run("--model", os.path.join(folder, "no.safetensors"), picture), "no.safetensors")
    # What the CBAM paper's table says in millions, to the last one (SSD512: Caffe's own count for 20 classes).
    for preset, parameters in (("ssd-vgg16", 26515936), ("ssd512-vgg16", 27188676), ("ssd-mobilenet", 5813536)):
        with tap.point("--describe " + preset):
            text = json.loads(expect_ok(cbam_run("--describe", preset, "--json")).stdout)
            assert set(text) == {"name", "parameters", "macs", "layers"} and text["name"] == preset
            assert text["parameters"] == parameters == sum(layer["parameters"] for layer in text["layers"])
            assert text["macs"] == sum(layer["macs"] for layer in text["layers"])
            assert str(parameters) in expect_ok(cbam_run("--describe", preset)).stdout
    with tap.point("--describe of nothing"):
        check_one_error(cbam_run("--describe", "no-such-preset"), "no-such-preset")
    with tap.point("unknown device"):
        check_one_error(cbam_run("--model", "m", "--device", "abacus 2000", picture), "abacus 2000")
    for name, arguments, word in (
            ("no model named", [picture], "--model"),
            ("no picture named", ["--model", "m"], "picture"),
            ("threshold above 1", ["--model", "m", "--threshold", "1.5", picture], "--threshold"),
            ("threshold below 0", ["--model", "m", "--threshold", "-1", picture], "--threshold"),
            ("negative number of detections", ["--model", "m", "--max-detections", "-1", picture], "--max-detections"),
            ("unknown option", ["--models", "m", picture], "--models")):
        with tap.point(name):
            check_one_error(cbam_run(*arguments), word, status=2)


def test_reports(tap, model, picture):
    with tap.point("--json"):
        line, = json_lines(expect_ok(cbam_run("--model", model, "--json", "--threshold", "0", picture)).stdout)
        check_line(line, picture, 160, 100)
        assert line["detections"], "threshold 0 found nothing"
    with tap.point("twice the same bytes"):
        first, second = (cbam_run("-m", model, "-j", "-t", "0", picture).stdout for _ in range(2))
        assert first == second
    with tap.point("--max-detections"):
        line, = json_lines(cbam_run("-m", model, "-j", "-t", "0", "-n", "3", picture).stdout)
        assert len(line["detections"]) == 3
    with tap.point("--nms-iou"):
        counts = [len(json_lines(cbam_run("-m", model, "-j", "-t", "0.4", "-n", "0", "--nms-iou", iou, picture).stdout)
                      [0]["detections"]) for iou in ("0.1", "0.9")]
        assert counts[0] < counts[1], counts
    with tap.point("table"):
        text = expect_ok(cbam_run("-m", model, "-t", "0", "-n", "2", picture)).stdout.splitlines()
        assert len(text) == 3 and picture in text[0] and "thing " in text[1], text
    with tap.point("nothing found"):
        text = expect_ok(cbam_run("-m", model, "-t", "1", picture)).stdout
        assert "nothing above 1.00" in text, text
    with tap.point("--profile"):
        process = expect_ok(cbam_run("-m", model, "--profile", "--json", picture))
        assert len(json_lines(process.stdout)) == 1
        assert "base_net.13.3" in process.stderr and "GFLOP/s" in process.stderr, process.stderr
    with tap.point("EXIF orientation"):
        sideways = os.path.join(HERE, "sideways.jpg")  # 16x8 as stored, to be shown turned by 90 degrees
        line, = json_lines(expect_ok(cbam_run("-m", model, "-j", sideways)).stdout)
        check_line(line, sideways, 8, 16)


def test_many(tap, folder, model, picture):
    text = os.path.join(folder, "text.jpg")
    with open(text, "w", encoding="utf-8") as file:
        file.write("this is no picture\n")
    small = write_png(os.path.join(folder, "small.png"), 1, 1)
    missing = os.path.join(folder, "missing.jpg")
    with tap.point("unreadable pictures among good ones"):
        process = cbam_run("-m", model, "-j", "-t", "0.4", picture, text, small, missing, picture)
        assert process.returncode == 1
        lines = json_lines(process.stdout)
        for line, (path, *size) in zip(lines, ((picture, 160, 100), (small, 1, 1), (picture, 160, 100)), strict=True):
            check_line(line, path, *size)
        assert lines[0]["detections"] == lines[2]["detections"]
        errors = process.stderr.splitlines()
        assert len(errors) == 2 and "text.jpg" in errors[0] and "missing.jpg" in errors[1], errors
    with tap.point("progress of many pictures"):
        process = expect_ok(cbam_run("-m", model, "-j", *[picture] * 12))
        assert len(process.stdout.splitlines()) == 12 and "12 of 12" in process.stderr, process.stderr
    with tap.point("a name that is not UTF-8"):
        odd = os.path.join(os.fsencode(folder), b"caf\xe9.png")
        shutil.copy(picture, odd)
        process = run(CBAM_RUN, "-m", model, "-j", os.fsdecode(odd))
        assert len(json_lines(process.stdout)) == 1, process.stderr


def test_drawings(tap, folder, model, picture):
    with tap.point("--output of one picture"):
        drawn = os.path.join(folder, "drawn.png")
        expect_ok(cbam_run("-m", model, "-t", "0", "-n", "20", "-o", drawn, picture))
        assert png_size(drawn) == (160, 100)
        with open(drawn, "rb") as one, open(picture, "rb") as other:
            assert one.read() != other.read()
    with tap.point("--output of several"):
        out = os.path.join(folder, "new", "folder")
        twin = shutil.copy(picture, os.path.join(folder, "picture.jpeg"))  # gdk-pixbuf goes by content
        tall = write_png(os.path.join(folder, "tall.png"), 7, 300)
        expect_ok(cbam_run("-m", model, "-t", "0", "-o", out, picture, twin, tall))
        assert sorted(os.listdir(out)) == ["picture-2.png", "picture.png", "tall.png"]
        assert png_size(os.path.join(out, "tall.png")) == (7, 300)
    with tap.point("--output that cannot be written"):
        process = cbam_run("-m", model, "-j", "-o", os.path.join(folder, "nowhere", "x.png"), picture)
        assert process.returncode == 1 and len(json_lines(process.stdout)) == 1
        assert len(process.stderr.splitlines()) == 1 and "nowhere" in process.stderr, process.stderr
    with tap.point("--output of several to a file"):
        process = cbam_run("-m", model, "-o", picture, picture, picture)
        check_one_error(process, "picture.png")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        picture = write_png(os.path.join(folder, "picture.png"), 160, 100)
        test_without_model(tap, folder, picture)
        model = fake_model(folder)
        test_reports(tap, model, picture)
        test_many(tap, folder, model, picture)
        test_drawings(tap, folder, model, picture)
    tap.done()


if __name__ == "__main__":
    main()
