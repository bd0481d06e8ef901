#!/usr/bin/env python3
"""cbam-run as a user meets it: help, errors, tables, JSON and drawings. Needs a Vulkan device, but no trained weights.

    test_cbam_run.py CBAM-RUN CLASSIFIER

CLASSIFIER is a model file of seven classes, a to g.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import re
import shutil
import struct
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True

from noise_models import MAPS, attention_model
from common import HERE, TOOLS, check_one_error, expect_ok, fake_model, json_lines, png_size, run, write_png
from tap import Tap

CBAM_RUN, CLASSIFIER = sys.argv[1:]
PHOTO = os.path.join(TOOLS, "..", "models", "stairnet-cbam-shufflenet-voc", "dog.jpg")
DETECTION_KEYS = {"label", "score", "x", "y", "width", "height"}
MAP_KEYS = {"width", "height", "over"}
OPACITY = (0.15, 0.7)  # of heat 0 and 1
# Every quarter of matplotlib's inferno, which is not quite straight between them.
INFERNO = ((0.001, 0.000, 0.014), (0.342, 0.062, 0.429), (0.736, 0.216, 0.330), (0.978, 0.558, 0.035),
           (0.988, 0.998, 0.645))


def cbam_run(*arguments, **options):
    return run(CBAM_RUN, *arguments, **options)


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


def check_map(rows, width, height):
    """Rows of numbers from 0 to 1. Returns the least and the largest."""
    assert len(rows) == height and all(len(row) == width for row in rows), rows
    values = [value for row in rows for value in row]
    assert all(0 <= value <= 1 for value in values), rows
    return min(values), max(values)


def is_whole(over):
    """Whether a map lies over the whole of the picture."""
    return all(abs(a - b) < 0.01 for a, b in zip(over, (0, 0, 160, 100), strict=True))


def read_png(path):
    """(width, height, rows of pixels as tuples) of a PNG with 8 bits a channel."""
    with open(path, "rb") as file:
        content = file.read()
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert depth == 8 and kind in (2, 6), (depth, kind)
    step, packed, at = {2: 3, 6: 4}[kind], b"", 8
    while at < len(content):
        length, name = struct.unpack(">I4s", content[at:at + 8])
        packed += content[at + 8:at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    data, rows, above = zlib.decompress(packed), [], bytes(width * step)
    for y in range(height):
        line = bytearray(data[y * (width * step + 1) + 1:(y + 1) * (width * step + 1)])
        for i in range(len(line)):
            left, up, corner = (line[i - step], above[i], above[i - step]) if i >= step else (0, above[i], 0)
            guess = left + up - corner
            paeth = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[data[y * (width * step + 1)]]) & 255
        rows.append([tuple(line[x:x + step]) for x in range(0, len(line), step)])
        above = line
    return width, height, rows


def grey_of(pixel):
    return 0.3 * pixel[0] + 0.59 * pixel[1] + 0.11 * pixel[2]


def blended(pixel, heat):
    """The picture's colour, most of it gone towards grey, under the colour of that heat."""
    grey = grey_of(pixel)
    opacity = OPACITY[0] + (OPACITY[1] - OPACITY[0]) * heat
    quarter = min(int(4 * heat), 3)
    colour = [a + (b - a) * (4 * heat - quarter) for a, b in zip(INFERNO[quarter], INFERNO[quarter + 1])]
    return [(1 - opacity) * (0.7 * grey + 0.3 * a) + opacity * 255 * b for a, b in zip(pixel, colour)]


def test_without_model(tap, folder, picture):
    with tap.point("--help"):
        text = expect_ok(cbam_run("--help")).stdout
        for option in ("--model", "--device", "--list-devices", "--threshold", "--nms-iou", "--nms-across",
                       "--max-detections", "--output", "--json", "--attention", "--grad-cam", "--profile", "--describe", "--fused",
                       "--check", "--version"):
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
    with tap.point("the model that ships, where none is named"):
        shown = expect_ok(cbam_run("--json", "--attention", "mean", picture)).stdout
        assert len(json_lines(shown)[0]["attention"]) == 4
    with tap.point("CBAM_MODEL names another one"):
        elsewhere = dict(os.environ, CBAM_MODEL=os.path.join(folder, "elsewhere.safetensors"))
        check_one_error(cbam_run(picture, env=elsewhere), "elsewhere.safetensors")
    # What the CBAM paper's table says in millions, to the last one (SSD512: Caffe's own count for 20 classes;
    # ShuffleNetV2 and MobileNetV2: torchvision's trunks, and what docs/networks.md adds up behind them; ResNet-50:
    # NVIDIA's SSD300, with 21 classes instead of 81).
    for preset, parameters in (("ssd-vgg16", 26515936), ("ssd512-vgg16", 27188676), ("ssd-mobilenet", 5813536),
                               ("ssd-shufflenet", 2137784), ("stairnet-cbam-shufflenet", 2228180),
                               ("ssd-mobilenet-v2", 3319108), ("ssd-resnet50", 15428142), ("ssd-cbam-resnet50", 16381042)):
        with tap.point("--describe " + preset):
            text = json.loads(expect_ok(cbam_run("--describe", preset, "--json")).stdout)
            assert set(text) == {"name", "parameters", "macs", "layers"} and text["name"] == preset
            assert text["parameters"] == parameters == sum(layer["parameters"] for layer in text["layers"])
            assert text["macs"] == sum(layer["macs"] for layer in text["layers"])
            assert str(parameters) in expect_ok(cbam_run("--describe", preset)).stdout
    with tap.point("--describe --fused: what runs, with the multiply-adds of what was described"):
        layers = json.loads(expect_ok(cbam_run("--describe", "ssd-mobilenet", "--json")).stdout)
        for device in (["--device", "llvmpipe"], []):
            fused = json.loads(expect_ok(cbam_run("--describe", "ssd-mobilenet", "--fused", "--json", *device)).stdout)
            steps = fused["dispatches"]
            assert fused["macs"] == layers["macs"] == sum(step["macs"] for step in steps), fused["macs"]
            assert len(steps) < len(layers["layers"]) and fused["bytes"] == sum(step["bytes"] for step in steps)
            assert 0 < fused["barriers"] == sum(step["barrier"] for step in steps) < len(steps)
            table = expect_ok(cbam_run("--describe", "ssd-mobilenet", "--fused", *device)).stdout.splitlines()
            assert len(table) == len(steps) + 3 and str(fused["bytes"]) in table[-1], table[-1]
            for line, step in zip(table[2:], steps):
                assert line.split()[:3] == [step["name"], step["kind"], step["kernel"]], line
                assert line.endswith("waits") == step["barrier"], line
    with tap.point("--describe of nothing"):
        check_one_error(cbam_run("--describe", "no-such-preset"), "no-such-preset")
    with tap.point("unknown device"):
        check_one_error(cbam_run("--model", "m", "--device", "abacus 2000", picture), "abacus 2000")
    for name, arguments, word in (
            ("no picture named", ["--model", "m"], "picture"),
            ("threshold above 1", ["--model", "m", "--threshold", "1.5", picture], "--threshold"),
            ("threshold below 0", ["--model", "m", "--threshold", "-1", picture], "--threshold"),
            ("overlap above 1", ["--model", "m", "--nms-across", "1.1", picture], "--nms-across"),
            ("overlap below 0", ["--model", "m", "--nms-across", "-1", picture], "--nms-across"),
            ("overlap that is no number", ["--model", "m", "--nms-across", "nan", picture], "--nms-across"),
            ("negative number of detections", ["--model", "m", "--max-detections", "-1", picture], "--max-detections"),
            ("attention of nothing known", ["--model", "m", "--json", "--attention", "most", picture], "'most'"),
            ("attention that nobody sees", ["--model", "m", "--attention", "mean", picture], "--output"),
            ("Grad-CAM of no detection", ["--model", "m", "--json", "--grad-cam", "0", picture], "--grad-cam"),
            ("Grad-CAM that nobody sees", ["--model", "m", "--grad-cam", "1", picture], "--output"),
            ("attention and Grad-CAM over one picture",
             ["--model", "m", "--attention", "0", "--grad-cam", "1", "--output", "o.png", picture], "--grad-cam"),
            ("unknown option", ["--models", "m", picture], "--models")):
        with tap.point(name):
            check_one_error(cbam_run(*arguments), word, status=2)


def no_number(text):
    raise AssertionError(f"{text} is no number in JSON")


def test_no_numbers(picture):
    """Weights as large as can be make activations that are not finite; what is printed is JSON all the same."""
    with tempfile.TemporaryDirectory() as folder:
        model = attention_model(folder, "huge", {"kind": "cbam"})
        with open(model, "rb") as file:
            content = file.read()
        length = 8 + struct.unpack("<Q", content[:8])[0]
        with open(model, "wb") as file:
            file.write(content[:length] + struct.pack("<f", 3e38) * ((len(content) - length) // 4))
        process = expect_ok(cbam_run("-m", model, "-j", "-t", "0", "--attention", "mean", "--grad-cam", "1", picture))
        line, = (json.loads(line, parse_constant=no_number) for line in process.stdout.splitlines())
        weights = [value for level in line["attention"] for row in level["spatial"] for value in row]
        assert weights and all(value is None or 0 <= value <= 1 for value in weights), weights


def check_across(saying, given, silent, same, picture):
    """How much a model finds whose file says something where this is given; it is what another one finds with `same`."""
    found = []
    for model, across in ((saying, given), (silent, same)):
        option = ["--nms-across", across] if across else []
        found.append(json_lines(expect_ok(cbam_run("-m", model, "-j", "-t", "0", "-n", "0", *option, picture)).stdout)
                     [0]["detections"])
    assert found[0] == found[1], (given, same)
    return len(found[0])


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
    with tap.point("--nms-across"):
        with tempfile.TemporaryDirectory() as folder:
            silent = attention_model(folder, "silent", {"kind": "cbam"})
            saying = attention_model(folder, "saying", {"kind": "cbam"}, {"across": 0.5})
            counts = [check_across(saying, given, silent, same, picture)
                      for given, same in (("1", None), (None, "0.5"), ("0", "0"))]
            assert counts[0] > counts[1] > counts[2] > 1, counts
    with tap.point("numbers that are none"):
        test_no_numbers(picture)
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


def test_damage(tap, folder, model):
    with open(PHOTO, "rb") as file:
        photo = file.read()
    with open(write_png(os.path.join(folder, "whole.png"), 160, 100), "rb") as file:
        png = file.read()
    middle = len(photo) // 2
    broken = {"tenth.jpg": photo[:len(photo) // 10], "half.jpg": photo[:middle], "endless.jpg": photo[:-2],
              "hole.jpg": photo[:middle] + photo[middle + 4096:], "half.png": png[:len(png) // 2],
              "endless.png": png[:-12], "half.bmp": bmp(16, 8)[:-60]}
    whole = {"photo.jpg": (photo, (960, 360)), "longer.jpg": (photo + bytes(100), (960, 360)),
             "camera.jpg": (photo[:-2] + bytes(7) + photo[-2:], (960, 360)), "longer.png": (png + b"more", (160, 100)),
             "whole.bmp": (bmp(16, 8), (16, 8))}
    for name, content in [*broken.items(), *((name, content) for name, (content, _) in whole.items())]:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    for name in broken:
        with tap.point(f"a broken picture: {name}"):
            check_one_error(cbam_run("-m", model, "-j", os.path.join(folder, name)), name)
    with tap.point("broken pictures among whole ones, and such that have more than they need"):
        names = [name for pair in zip([*broken][:len(whole)], whole) for name in pair]
        process = cbam_run("-m", model, "-j", *(os.path.join(folder, name) for name in names))
        assert process.returncode == 1
        lines = json_lines(process.stdout)
        for line, (name, (_, size)) in zip(lines, whole.items(), strict=True):
            check_line(line, os.path.join(folder, name), *size)
        assert lines[0]["detections"] == lines[1]["detections"] == lines[2]["detections"]
        errors = [line for line in process.stderr.splitlines() if "cannot read" in line or "Failed" in line]
        assert len(errors) == len(whole), process.stderr


def bmp(width, height):
    """A BMP of 24 bits."""
    head = struct.pack("<2sIII", b"BM", 54 + 3 * width * height, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) \
        + bytes(range(256))[:width] * 3 * height


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


def test_grad_cam(tap, folder, model, picture):
    with tap.point("--grad-cam explains the strongest, and no more"):
        line, = json_lines(expect_ok(cbam_run("-m", model, "-j", "-t", "0", "-n", "5", "--grad-cam", "3",
                                              picture)).stdout)
        assert len(line["detections"]) == 5
        for place, found in enumerate(line["detections"]):
            cam = found.pop("grad_cam", None)
            assert (cam is not None) == (place < 3), place
            if cam is not None:
                assert set(cam) == MAP_KEYS | {"values"} and is_whole(cam["over"]), cam
                assert check_map(cam["values"], cam["width"], cam["height"])[1] in (0, 1), cam
        check_line(line, picture, 160, 100)
    with tap.point("--grad-cam of more than were found"):
        line, = json_lines(expect_ok(cbam_run("-m", model, "-j", "-t", "0", "-n", "2", "-g", "9", picture)).stdout)
        assert [set(found) for found in line["detections"]] == [DETECTION_KEYS | {"grad_cam"}] * 2
    with tap.point("--grad-cam drawn"):
        pictures = []
        for options in ("-n 1", "-n 2", "-n 1 -g 1", "-n 2 -g 1", "-n 2 -g 2"):
            drawn = os.path.join(folder, "why.png")
            expect_ok(cbam_run("-m", model, "-t", "0", "-o", drawn, *options.split(), picture))
            assert png_size(drawn) == (160, 100)
            with open(drawn, "rb") as file:
                pictures.append(file.read())
        assert pictures[2] == pictures[3], "boxes that are not explained were drawn"
        assert len(set(pictures)) == 4
    with tap.point("--grad-cam where nothing was found"):
        drawn = os.path.join(folder, "nothing.png")
        expect_ok(cbam_run("-m", model, "-t", "1", "-g", "1", "-o", drawn, picture))
        assert read_png(drawn) == read_png(picture)


def test_attention_text(tap, model, picture):
    with tap.point("--attention with --json alone"):
        line, = json_lines(expect_ok(cbam_run("-m", model, "-j", "--attention", "1", picture)).stdout)
        attention = line.pop("attention")
        check_line(line, picture, 160, 100)
        assert [entry["level"] for entry in attention] == [0, 1, 2]
        for entry, side in zip(attention, MAPS):
            assert set(entry) == MAP_KEYS | {"level", "min", "max", "spatial", "channel"}, entry
            assert (entry["width"], entry["height"]) == (side, side) and is_whole(entry["over"]), entry
            assert check_map(entry["spatial"], side, side) == (entry["min"], entry["max"]), entry
            check_map([entry["channel"]], 16, 1)
        assert attention[0]["min"] < attention[0]["max"]
    with tap.point("attention and Grad-CAM in one line"):
        line, = json_lines(expect_ok(cbam_run("-m", model, "-j", "-t", "0", "-a", "mean", "-g", "1", picture)).stdout)
        assert len(line["attention"]) == 3 and "grad_cam" in line["detections"][0]
    with tap.point("as many levels for every picture"):
        lines = json_lines(expect_ok(cbam_run("-m", model, "-j", "-a", "max", picture, picture, picture)).stdout)
        assert len(lines) == 3 and lines[0] == lines[1] == lines[2] and len(lines[0]["attention"]) == 3


def check_heat(spatial, before, after, scale=1, left=0, top=0, rows=slice(None)):
    """The cells in these rows have the colours of their heat on what was drawn: a copy of that scale at that place."""
    height, width = len(before), len(before[0])
    low, high = check_map(spatial, len(spatial[0]), len(spatial))
    for row in range(len(spatial))[rows]:
        for column, value in enumerate(spatial[row]):
            x, y = int((column + 0.5) * width / len(spatial[0])), int((row + 0.5) * height / len(spatial))
            found = after[top + y * scale + scale // 2][left + x * scale + scale // 2]
            expected = blended(before[y][x], (value - low) / (high - low))
            close = all(abs(a - b) < room for a, b, room in zip(expected, found, (20, 20, 32)))
            assert close, (row, column, expected, found)


def test_attention_drawn(tap, folder, model, picture):
    def draw(name, *options):
        drawn = os.path.join(folder, name + ".png")
        line, = json_lines(expect_ok(cbam_run("-m", model, "-j", "-t", "1", "-o", drawn, *options, picture)).stdout)
        return [entry["spatial"] for entry in line["attention"]], read_png(drawn)

    before = read_png(picture)[2]
    with tap.point("--attention of one level"):
        spatial, (width, height, after) = draw("level", "--attention", "0")
        assert (width, height) == (160, 100)
        check_heat(spatial[0], before, after, rows=slice(5, 7))  # the legend may hide others
    with tap.point("--attention lies over the whole picture"):
        changes = [max(abs(a - b) for a, b in zip(*pixels)) for rows in zip(before, after) for pixels in zip(*rows)]
        assert sum(change > 0 for change in changes) > 0.95 * len(changes)
    with tap.point("--attention mean and max"):
        pixels = [draw(which, "--attention", which)[1] for which in ("mean", "max")]
        assert pixels[0][:2] == pixels[1][:2] == (160, 100) and pixels[0] != pixels[1]
    with tap.point("--attention levels"):
        spatial, (width, height, after) = draw("levels", "--attention", "levels")
        assert width > 2 * 480 and height > 2 * 300, (width, height)  # three panels of 480x300, two to a row
        check_heat(spatial[0], before, after, 3, 8, 8)
    with tap.point("--attention of a level that is not there"):
        check_one_error(cbam_run("-m", model, "-j", "-a", "3", picture), "0 to 2", "found 3")


def test_attention(tap, folder, model, picture):
    with tap.point("--attention of a network without"):
        check_one_error(cbam_run("-m", model, "-j", "-a", "mean", picture), "found none", "coco")
    whole = attention_model(folder, "whole", {"kind": "cbam"})
    test_attention_text(tap, whole, picture)
    test_attention_drawn(tap, folder, whole, picture)

    half = attention_model(folder, "half", {"kind": "cbam", "spatial": False})
    with tap.point("attention to channels only has nothing to draw"):
        drawn = os.path.join(folder, "half.png")
        check_one_error(cbam_run("-m", half, "-o", drawn, "-a", "max", picture), "channels only")
    with tap.point("attention to channels only as text"):
        line, = json_lines(expect_ok(cbam_run("-m", half, "-j", "-a", "max", picture)).stdout)
        assert [set(entry) for entry in line["attention"]] == [{"level", "channel"}] * 3, line


def test_classifier(tap, folder, picture):
    def classes_of(*options):
        line, = json_lines(expect_ok(cbam_run("-m", CLASSIFIER, "-j", *options, picture)).stdout)
        assert set(line) == {"file", "width", "height", "classes"}, line
        return line["classes"]

    with tap.point("--json of a classifier"):
        best = classes_of()
        assert len(best) == 5 and len({found["class_id"] for found in best}) == 5, best
        for found in best:
            assert set(found) == {"label", "class_id", "score"} and 0 < found["score"] < 1, found
            assert found["label"] == "abcdefg"[found["class_id"]], found
        scores = [found["score"] for found in best]
        assert scores == sorted(scores, reverse=True), scores
    with tap.point("--max-detections of a classifier"):
        assert classes_of("-n", "2") == best[:2]
        assert len(classes_of("-n", "0")) == 7  # one has no name
    with tap.point("--threshold of a classifier"):
        assert classes_of("-t", str((scores[1] + scores[2]) / 2)) == best[:2]
        assert classes_of("-t", "1") == []
    with tap.point("--grad-cam of a classifier"):
        first, second, *rest = classes_of("-g", "2")
        for found in (first, second):
            check_map(found["grad_cam"]["values"], 2, 2)
            # The middle 64 pixels of a picture whose shorter side has 80: of 160x100 80x80.
            assert found["grad_cam"]["over"] == [40, 10, 80, 80], found
        assert all("grad_cam" not in found for found in rest)
    with tap.point("--grad-cam of a classifier lies where it looked"):
        drawn = os.path.join(folder, "explained.png")
        expect_ok(cbam_run("-m", CLASSIFIER, "-g", "1", "-o", drawn, picture))
        (width, height, before), (_, _, after) = read_png(picture), read_png(drawn)

        def share_grey(columns):
            pixels = [(before[y][x], after[y][x]) for y in range(12, height - 12) for x in columns]
            return sum(all(abs(a - 0.3 * b - 0.7 * grey_of(was)) < 3 for a, b in zip(now, was))
                       for was, now in pixels) / len(pixels)
        assert share_grey(range(125, width)) > 0.5 and share_grey(range(60, 100)) < 0.1, share_grey(range(125, width))
    for option in ("--nms-iou", "--nms-across"):
        with tap.point(f"{option} of a classifier"):
            check_one_error(cbam_run("-m", CLASSIFIER, option, "0.5", picture), option, "detect", "classify")
    with tap.point("--attention of a classifier without"):
        check_one_error(cbam_run("-m", CLASSIFIER, "-j", "-a", "mean", picture), "in its blocks, found none")
    with tap.point("a table of classes"):
        table = expect_ok(cbam_run("-m", CLASSIFIER, picture)).stdout.splitlines()
        assert [line.split() for line in table[1:]] == [[f["label"], f"{f['score']:.3f}"] for f in best], table
        assert "nothing above 1.00" in expect_ok(cbam_run("-m", CLASSIFIER, "-t", "1", picture)).stdout
    with tap.point("classes drawn"):
        drawn, plain = os.path.join(folder, "classes.png"), os.path.join(folder, "plain.png")
        expect_ok(cbam_run("-m", CLASSIFIER, "-o", drawn, picture))
        expect_ok(cbam_run("-m", CLASSIFIER, "-t", "1", "-o", plain, picture))
        (width, height, rows), (_, _, before) = read_png(drawn), read_png(plain)
        changed = {(x, y) for y in range(height) for x in range(width) if rows[y][x] != before[y][x]}
        assert changed and (0, 0) in changed and max(x for x, _ in changed) < width / 2, len(changed)
        assert max(y for _, y in changed) > 50, "five below each other"
    with tap.point("--check of a classifier"):
        report = cbam_run("--check", "-m", CLASSIFIER).stdout  # which may lack the plugin
        assert "classifier on mobilenet_v1, width 0.25" in report and "7 classes, a to g" in report, report


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        picture = write_png(os.path.join(folder, "picture.png"), 160, 100)
        test_without_model(tap, folder, picture)
        model = fake_model(folder)
        test_reports(tap, model, picture)
        test_many(tap, folder, model, picture)
        test_damage(tap, folder, model)
        test_drawings(tap, folder, model, picture)
        test_grad_cam(tap, folder, model, picture)
        test_attention(tap, folder, model, picture)
        test_classifier(tap, folder, picture)
    tap.done()


if __name__ == "__main__":
    main()
