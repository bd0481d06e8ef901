#!/usr/bin/env python3
"""The commands of the documentation run: those of the README, docs/, the man pages, the programs' help and the
elements' comments, word by word but for the few of SUBSTITUTIONS, in a scratch folder with files of the names they use.

    test_documented_commands.py programs|pipelines SOURCES BUILD CBAM-RUN CBAM-EVAL CBAM-BENCH

One that can neither be run here nor is named in ELSEWHERE or IMPOSSIBLE fails. Needs a Vulkan device.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
for neighbour in ("tools", "eval"):
    sys.path.insert(0, os.path.join(HERE, "..", neighbour))

from common import CONVERT, expect_ok, run, write_png
from devkits import write_devkit
from documents import documented_commands
from noise_models import classifier_model
from tap import Skip, Tap

KIND, ROOT, BUILD = sys.argv[1:4]
PROGRAMS = [os.path.abspath(program) for program in sys.argv[4:]]
TIMEOUT = 200  # seconds for one command
FRAMES = 4
SHAPES = os.path.join(ROOT, "tests", "models", "shapes.safetensors")

# What is written otherwise, and why.
SUBSTITUTIONS = (
    (r"\bv4l2src\b(?: device=\S+)?", f"videotestsrc is-live=true num-buffers={FRAMES}"),  # a camera
    (r"\bautovideosink\b", "fakesink"),  # a display
    (r"\bmqttsink\b", "fakesink"),  # a broker
    (r"^\.\.\. !", "gst-launch-1.0 filesrc location=street.avi ! decodebin ! videoconvert !"),  # its beginning
    (r"--runs \d+", "--runs 1"),  # time
    (r"(\bcbam-bench\b)(?!.*--runs)", r"\1 --runs 1"),  # time
    (r" --device cpu\b", ""),  # a machine may have a GPU alone
)

# What other tests run: a pattern, and the test.
ELSEWHERE = (
    (r"tools/test\.sh", "tools/test.sh"),  # which runs this
    (r"tools/demo\.sh", "tests/tools/test_demo.py"),
    (r"meson setup build ", "tools/test.sh"),
    (r"tools/setup\.sh", "tests/tools/test_setup.py"),
    (r"docs/read_metadata\.py", "tests/gst/python.sh"),
    (r"tools/bench_peers\.py", "tests/tools/test_bench_peers.py"),
    (r"tools/compare\.py", "tests/tools/test_compare.py"),
    (r"tools/convert ", "tests/tools/test_convert.py"),
    (r"tools/train/train ", "tests/train/test_quick.py"),
    (r"tools/train/lessons ", "tests/train/test_lessons.py"),
    (r"tools/train/average ", "tests/train/test_parts.py"),
    (r"tools/train/describe ", "tests/train/test_sentences.py"),
    (r"meson test -C build ", "tests/meson.build"),  # of which this is a part
    (r"(build/tools/)?cbam-run --check", "tests/tools/test_cbam_check.py"),
)

# What no test can run here: a pattern, and why.
IMPOSSIBLE = (
    (r".*\brtsp(src|://)", "needs a camera on the network"),
)

# Elements that tools/setup.sh does not install.
OPTIONAL_ELEMENTS = ("openh264enc", "rtspsrc", "vah264enc", "vaapih264enc", "x264enc", "nvh264enc")


def copy(source, *path):
    os.makedirs(os.path.dirname(os.path.join(*path)), exist_ok=True)
    shutil.copy(source, os.path.join(*path))


def make_coco_model(folder):
    """A model of noise with the labels that models/coco-to-voc.txt has a meaning for."""
    source = os.path.join(folder, "coco-ssd-mobilenet")
    expect_ok(run(sys.executable, os.path.join(HERE, "..", "tools", "fake_source.py"), source))
    with open(os.path.join(ROOT, "models", "coco-to-voc.txt"), encoding="utf-8") as file:
        labels = [line.split("=")[0].strip() for line in file if "=" in line and not line.startswith("#")]
    path = os.path.join(source, "labelmap.txt")
    with open(path, encoding="utf-8") as file:
        names = file.read().splitlines()
    names[:len(labels)] = labels
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(names) + "\n")
    expect_ok(run(CONVERT, source, os.path.join(folder, "coco.safetensors")))


def make_devkit(root, split):
    """Pictures with something for every model here."""
    objects = [(name, (2 + 9 * i, 3, 20 + 9 * i, 40), False) for i, name in enumerate(("person", "aeroplane", "disc"))]
    write_devkit(root, split, {"one": objects, "two": objects[1:]})
    for name in ("one", "two"):
        write_png(os.path.join(root, "JPEGImages", name + ".jpg"), 80, 60)


def make_classifiers(folder):
    """Models of noise that know ImageNet's classes and a few flowers, and pictures in the folders of some."""
    with open(os.path.join(ROOT, "models", "imagenet.txt"), encoding="utf-8") as file:
        labels = [*file.read().splitlines(), "rose", "wren"]
    for name in ("resnet18-cbam", "classifier"):
        classifier_model(folder, name, labels)
    copy(os.path.join(folder, "classifier.safetensors"), folder, "training", "birds", "model.safetensors")
    for place in ("flowers/daisy", "flowers/rose", "birds/val/robin", "birds/val/wren", "imagenet/val/n01440764",
                  "imagenet/val/n11939491"):
        os.makedirs(os.path.join(folder, *place.split("/")))
        write_png(os.path.join(folder, *place.split("/"), "one.jpg"), 80, 60)


def turn_video(path):
    """Writes into the track's header that the video lies on its side, as phones do (ISO 14496-12, 8.3.2)."""
    with open(path, "r+b") as file:
        matrix = file.read().index(b"tkhd") + 44
        file.seek(matrix)
        file.write(struct.pack(">5i", 0, 1 << 16, 0, -1 << 16, 0))


def make_media(folder):
    """A photo and two videos by GStreamer, since its decoders go by the name's promise."""
    source = "videotestsrc num-buffers={} pattern=ball ! video/x-raw,width=160,height=120,framerate=25/1 ! jpegenc ! "
    for number, rest in ((1, "filesink location=photo.jpg"), (FRAMES, "avimux ! filesink location=street.avi"),
                         (FRAMES, "qtmux ! filesink location=phone.mp4")):
        command = "gst-launch-1.0 -q " + source.format(number) + rest
        subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True, timeout=TIMEOUT)
    turn_video(os.path.join(folder, "phone.mp4"))


def make_scratch(folder):
    """Files of the names that the commands use."""
    os.symlink(BUILD, os.path.join(folder, "build"))
    os.symlink(os.path.join(ROOT, "models"), os.path.join(folder, "models"))
    for name in ("coco-to-voc.txt", "imagenet-folders.txt"):
        copy(os.path.join(ROOT, "models", name), folder, name)
    for place in ("m.safetensors", "mine.safetensors", "training/bolts/model.safetensors",
                  "lite0.safetensors"):
        copy(SHAPES, folder, *place.split("/"))
    for name in ("photo.jpg", "a.jpg", "b.jpg"):
        write_png(os.path.join(folder, name), 160, 100)
    if KIND == "pipelines":
        make_media(folder)
        copy(os.path.join(BUILD, "tests", "support", "test-classifier.safetensors"), folder, "lite0.safetensors")
    else:
        make_coco_model(folder)
        make_classifiers(folder)
        for root in ("VOCdevkit/VOC2007", "VOCdevkit/VOC2012", "mine"):
            for split in ("test", "val"):
                make_devkit(os.path.join(folder, *root.split("/")), split)


def is_pipeline(text):
    return re.match(r"(?:[A-Z_]+=\S+ +)*(gst-|\.\.\. !)", text) is not None


def substitute(text):
    for pattern, replacement in SUBSTITUTIONS:
        text = re.sub(pattern, replacement, text)
    return text


def outputs_of(text):
    """The files and folders that a command says it writes."""
    return re.findall(r"(?:filesink location=|(?:-o|--output|--plots|--detections) |> )([\w./-]+)", text)


def check_ran(text, process, folder):
    assert process.returncode == 0, f"exit status {process.returncode}\n{process.stdout}\n{process.stderr}"
    assert not re.search("^WARNING", process.stderr, re.MULTILINE), process.stderr
    for output in outputs_of(text):
        path = os.path.join(folder, output)
        assert os.listdir(path) if os.path.isdir(path) else os.path.getsize(path) > 0, f"nothing in {output}"
    if "post-messages=true" in text:
        message = "cbam-classifications" if "cbamclassify" in text else "cbam-detections"
        found = process.stdout.count(message)
        live = "cbamclassify" in text and "is-live" in text  # the last frames' classes come too late
        assert found == FRAMES or live and 0 < found < FRAMES, process.stdout
    if not is_pipeline(text) and ">" not in text:
        assert process.stdout.strip(), "it printed nothing"


def run_command(command, text, folder, environment):
    for output in outputs_of(text):
        path = os.path.join(folder, output)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
    script = "\n".join([*command.exports, text])
    process = run("bash", "-c", script, cwd=folder, env=environment, timeout=TIMEOUT)
    missing = re.search(r'no element "([\w-]+)"', process.stderr)
    if missing and missing.group(1) in OPTIONAL_ELEMENTS:
        raise Skip(f"no element {missing.group(1)}")
    check_ran(text, process, folder)


def reason_not_to_run(text, table):
    """What the table says beside the first pattern that fits, or None."""
    return next((reason for pattern, reason in table if re.match(pattern, text)), None)


def is_known(text):
    """Whether it is a program of ours or a pipeline, which run here."""
    return is_pipeline(text) or re.match(r"(build/tools/)?cbam-(run|eval|bench)( |$)", text) is not None


def check_tables(commands):
    unknown = [f"{command.place}: {command.text}" for command in commands
               if not is_known(command.text) and reason_not_to_run(command.text, ELSEWHERE + IMPOSSIBLE) is None]
    assert not unknown, "neither run nor named in ELSEWHERE or IMPOSSIBLE:\n" + "\n".join(unknown)
    for pattern, test in ELSEWHERE:
        assert any(re.match(pattern, command.text) for command in commands), f"no document says {pattern} any more"
        assert os.path.exists(os.path.join(ROOT, test)), f"{test} is not there"


def run_all(tap, commands, folder):
    environment = dict(os.environ, HOME=folder, PATH=os.path.join(BUILD, "tools") + os.pathsep + os.environ["PATH"])
    environment.pop("CBAM_MODEL", None)
    places = {}  # of commands that come to the same
    for command in commands:
        if is_pipeline(command.text) == (KIND == "pipelines") and reason_not_to_run(command.text, ELSEWHERE) is None:
            places.setdefault(substitute(command.text).replace("build/tools/", ""), []).append(command)
    assert places, "no commands at all"
    for text, same in places.items():
        with tap.point(f"{', '.join(command.place for command in same)}: {text}".replace("#", "\\#")):
            impossible = reason_not_to_run(same[0].text, IMPOSSIBLE)
            if impossible:
                raise Skip(impossible)
            run_command(same[0], text, folder, environment)


def main():
    tap = Tap()
    helps = {os.path.basename(program): expect_ok(run(program, "--help")).stdout for program in PROGRAMS}
    commands = documented_commands(ROOT, helps)
    if KIND == "programs":
        with tap.point("every command is run, here or by another test"):
            check_tables(commands)
    with tempfile.TemporaryDirectory() as folder:
        make_scratch(folder)
        run_all(tap, commands, folder)
    tap.done()


if __name__ == "__main__":
    main()
