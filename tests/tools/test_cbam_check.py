#!/usr/bin/env python3
"""cbam-run --check: what it says where all is right, and where one thing after another is not.

    test_cbam_check.py CBAM-RUN [PLUGIN-FOLDER]

Without the folder (a build without the element, or one with sanitisers, which GStreamer's programs cannot load) only
what is said of GStreamer is left out. Needs a Vulkan device.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from common import HERE, check_one_error, read_safetensors, run
from tap import Skip, Tap

CBAM_RUN = os.path.abspath(sys.argv[1])
PLUGINS = sys.argv[2] if len(sys.argv) > 2 else None
MODELS = os.path.join(HERE, "..", "..", "models")
SHIPPED_NAME = "stairnet-cbam-shufflenet-voc.safetensors"
SHIPPED = os.path.join(MODELS, SHIPPED_NAME)
SHAPES = os.path.join(HERE, "..", "models", "shapes.safetensors")
PLUGIN = "libgstcbamdetect.so"
FIGURES = {"map_11point": "11-point", "map_area": "area", "map_50_95": "0.50:0.95"}
LINE = re.compile(r"(ok|note|FAIL) +(\w+) +(\S.*)")
ADVICE = re.compile(r"      -> (\S.*)")


class Checker:
    """Runs --check in an environment of its own: GStreamer sees no plugin but ours, through a registry of our own."""

    def __init__(self, folder):
        self.folder = folder
        self.registries = 0
        empty = os.path.join(folder, "no-plugins")
        os.mkdir(empty)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("GST_PLUGIN", "GST_REGISTRY", "CBAM_MODEL"))}
        self.environment.update({"GST_PLUGIN_SYSTEM_PATH": empty, "GST_PLUGIN_SYSTEM_PATH_1_0": empty})
        if PLUGINS:
            self.environment["GST_PLUGIN_PATH"] = PLUGINS

    def run(self, *arguments, program=CBAM_RUN, **changes):
        """The finished process; `changes` to the environment, None unsets."""
        self.registries += 1
        environment = dict(self.environment, GST_REGISTRY=os.path.join(self.folder, f"registry-{self.registries}"))
        environment.update(changes)
        return run(program, "--check", *arguments,
                   env={name: value for name, value in environment.items() if value is not None})

    def findings(self, status, *arguments, **changes):
        """What the table says: [[state, part, text, advice]], without the closing line."""
        process = self.run(*arguments, **changes)
        assert process.returncode == status, f"exit status {process.returncode}: {process.stdout}{process.stderr}"
        assert process.stderr == "", process.stderr
        *lines, summary = process.stdout.splitlines()
        found = []
        for line in lines:
            advice, finding = ADVICE.fullmatch(line), LINE.fullmatch(line)
            assert advice or finding, f"not a line of the table: {line}"
            if finding:
                found.append([*finding.groups(), None])
            else:
                found[-1][3] = advice.group(1)
        wrong = [one for one in found if one[0] == "FAIL"]
        assert (summary == "everything that detection needs is in place") == (not wrong), summary
        assert (status == 1) == bool(wrong), found
        assert all(advice for *_, advice in wrong), f"a failure without advice: {wrong}"
        return found


def about(found, part, state=None):
    """The findings about a part, of a state."""
    return [one for one in found if one[1] == part and state in (None, one[0])]


def only_failure(found, part):
    """(text, advice) of the one failure, which is about this part."""
    wrong = [one for one in found if one[0] == "FAIL"]
    assert len(wrong) == 1 and wrong[0][1] == part, wrong
    return wrong[0][2:]


def sum_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


SILENT = "licence: the file does not say; average precision: the file does not say"


def with_provenance(path, provenance):
    """The small model, saying something else of where it comes from."""
    with open(SHAPES, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    document = {**json.loads(header["__metadata__"]["cbamdetect"]), "provenance": provenance}
    text = json.dumps({**header, "__metadata__": {"cbamdetect": json.dumps(document)}}).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)
    return path


def test_all_right(tap, checker):
    with tap.point("all is right"):
        found = checker.findings(0)
        assert about(found, "vulkan", "ok") and len(about(found, "device", "ok")) == 1, found
        where, what, origin, which = (text for _, _, text, _ in about(found, "model", "ok"))
        assert SHIPPED_NAME in where and "(the default)" in where, where
        for word in ('"stairnet-cbam-shufflenet-voc"', "format 1", "stairnet on shufflenet_v2", "attention cbam",
                     "20 classes, aeroplane to tvmonitor"):
            assert word in what, f"no {word} in {what}"
        metrics = read_safetensors(SHIPPED)[0]["provenance"]["metrics"]
        shares = ", ".join(f"{100 * metrics[key]:.1f} % {name}" for key, name in FIGURES.items())
        assert origin == (f"licence: Apache-2.0; average precision: {shares} on {metrics['set']} "
                          f"({metrics['pictures']} pictures)"), origin
        assert which.endswith(f"SHA-256 {sum_of(SHIPPED)}: the model that ships"), which
        (_, _, answer, _), = about(found, "answer", "ok")
        assert answer.startswith("4 of 4 drawn shapes found: disc "), answer
        (_, _, frame, _), = about(found, "frame", "ok")
        assert re.match(r"\d+\.\d ms with this model .* best score [01]\.\d\d \(\w+\), \d+ above the threshold", frame)
    with tap.point("the element's plugin"):
        if not PLUGINS:
            raise Skip("no plugin that GStreamer's programs can load")
        (_, _, plugin, _), = about(found, "plugin")
        assert re.fullmatch(r"cbamdetect \d+\.\S+ from " + re.escape(os.path.join(PLUGINS, PLUGIN)), plugin), plugin
    with tap.point("a table that lines up"):
        lines = checker.run("--model", SHAPES).stdout.splitlines()[:-1]
        starts = {re.match(r"\w+ +\w+ +", line).end() for line in lines if not line.startswith(" ")}
        assert len(starts) == 1, lines


def test_json(tap, checker):
    with tap.point("--json says the same"):
        table = checker.findings(0, "--model", SHAPES)
        process = checker.run("--model", SHAPES, "--json")
        assert process.returncode == 0 and process.stderr == "", process.stderr
        document = json.loads(process.stdout)
        assert set(document) == {"ok", "version", "findings", "summary"} and document["ok"] is True, document
        for one, line in zip(document["findings"], table, strict=True):
            assert set(one) == {"state", "part", "text", "advice", "details"}, one
            state, part, text, advice = line
            assert [one["state"], one["part"], one["advice"]] == [state.lower(), part, advice], (one, line)
            assert one["text"] == text or part == "frame", (one, line)
    with tap.point("--json has the details"):
        details = {}
        for one in document["findings"]:
            details.update({(one["part"], key): value for key, value in one["details"].items()})
        assert details["model", "sha256"] == sum_of(SHAPES) and details["model", "bytes"] == os.path.getsize(SHAPES)
        assert details["model", "name"] == "shapes" and details["model", "classes"] == 4, details
        assert (details["model", "width"], details["model", "height"]) == (96, 96), details
        assert details["frame", "kernels"] in ("plain", "texel", "texel and plain"), details
        assert details["frame", "seconds"] > 0 and 0 <= details["frame", "best_score"] <= 1, details
        assert details["device", "name"] and details["device", "driver"], details
        assert details["model", "path"] == os.path.normpath(SHAPES), details
    with tap.point("--json has what the file says of licence and figures, as far as it does"):
        for provenance, words, expected in (
                ({"license": "MIT", "metrics": {"set": "mine", "pictures": 9, "map_area": 0.5}},
                 "licence: MIT; average precision: 50.0 % area on mine (9 pictures)",
                 {"licence": "MIT", "measured_on": "mine", "measured_pictures": 9, "map_area": 0.5, "map_50_95": None}),
                ({"license": "unknown: name it with --licence", "metrics": {}}, SILENT, {"licence": None}),
                ({"license": 3, "metrics": {"map_area": "0.5", "map_11point": 70, "pictures": -1, "set": []}}, SILENT,
                 {"licence": None}),
                (None, SILENT, {"licence": None})):
            path = with_provenance(os.path.join(checker.folder, "said.safetensors"), provenance)
            findings = json.loads(checker.run("--model", path, "--json").stdout)["findings"]
            said, = (one for one in findings if "licence" in one["details"])
            assert said["text"] == words, said
            assert {key: said["details"].get(key) for key in expected} == expected, said
    with tap.point("--json of what is wrong"):
        process = checker.run("--json", "--device", "abacus 2000", "--model", SHAPES)
        document = json.loads(process.stdout)
        assert process.returncode == 1 and document["ok"] is False, document
        wrong, = (one for one in document["findings"] if one["state"] == "fail")
        assert "abacus 2000" in wrong["text"] and "--device" in wrong["advice"], wrong


def test_devices(tap, checker, folder):
    nowhere = os.path.join(folder, "no-driver.json")
    with tap.point("no driver"):
        found = checker.findings(1, "--model", SHAPES, VK_DRIVER_FILES=nowhere, VK_ICD_FILENAMES=nowhere)
        text, advice = only_failure(found, "vulkan")
        assert "no Vulkan driver" in text and "mesa-vulkan-drivers" in text and "unset" in advice, (text, advice)
        notes = [text for _, _, text, _ in about(found, "vulkan", "note")]
        assert notes == [f"{name} names '{nowhere}', which is not there"
                         for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")], notes
        assert about(found, "model", "ok") and not about(found, "answer") and not about(found, "frame"), found
    with tap.point("no such device"):
        text, advice = only_failure(checker.findings(1, "--model", SHAPES, "--device", "abacus 2000"), "device")
        assert "abacus 2000" in text and "--device" in advice, (text, advice)
    with tap.point("a device that is named"):
        found = checker.findings(0, "--model", SHAPES, "--device", "0")
        (_, _, text, _), = about(found, "device", "ok")
        assert text.startswith('0 "'), text


def test_models(tap, checker, folder):
    with tap.point("a bad model file"):
        bad = write(os.path.join(folder, "bad.safetensors"), "this is no model, but it is long enough to be one\n")
        found = checker.findings(1, "--model", bad)
        text, advice = only_failure(found, "model")
        assert bad in text and "named by --model" in text and "models/README.md" in advice, (text, advice)
        error = run(CBAM_RUN, "--describe", bad, env=checker.environment).stderr
        assert text.startswith(error.removeprefix("cbam-run: ").strip()), (error, text)
        assert about(found, "answer", "ok") and not about(found, "frame"), found
    with tap.point("a model that CBAM_MODEL names and is not there"):
        missing = os.path.join(folder, "missing.safetensors")
        text, advice = only_failure(checker.findings(1, CBAM_MODEL=missing), "model")
        assert missing in text and "named by CBAM_MODEL" in text and "CBAM_MODEL" in advice, (text, advice)
    with tap.point("a model of one's own"):
        where, what, _, which = (text for _, _, text, _ in about(checker.findings(0, CBAM_MODEL=SHAPES), "model", "ok"))
        assert "(named by CBAM_MODEL)" in where and '"shapes"' in what and "disc to ring" in what, (where, what)
        assert which.endswith(f"SHA-256 {sum_of(SHAPES)}: not the model that ships"), which
    with tap.point("a preset's name names no file"):
        text, _ = only_failure(checker.findings(1, "--model", "ssd-mobilenet"), "model")
        assert "ssd-mobilenet" in text, text
    with tap.point("a default that is not the one that ships"):
        library = os.path.join(os.path.dirname(CBAM_RUN), "..", "compute", "libcbamdetect.so.0")
        if not os.path.exists(library):
            raise Skip("no libcbamdetect.so.0 beside this build's tools")
        for part in ("compute", "models"):
            os.mkdir(os.path.join(folder, part))
        shutil.copy(library, os.path.join(folder, "compute"))
        shutil.copy(SHAPES, os.path.join(folder, "models", SHIPPED_NAME))
        found = checker.findings(1, LD_LIBRARY_PATH=os.path.join(folder, "compute"))
        text, advice = only_failure(found, "model")
        assert "not the model that ships" in text and "again" in advice, (text, advice)


def make_inspect(folder, name, script):
    """A folder with a gst-inspect-1.0 that answers as the shell script says."""
    place = os.path.join(folder, name)
    os.mkdir(place)
    path = write(os.path.join(place, "gst-inspect-1.0"), "#!/bin/sh\n" + script)
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return place + os.pathsep + os.environ["PATH"]


def test_answers_of_gstreamer(tap, checker, folder):
    """With a gst-inspect-1.0 of our own."""
    arguments = ("--model", SHAPES)
    with tap.point("no gst-inspect-1.0 is no failure"):
        found = checker.findings(0, *arguments, PATH=os.path.join(folder, "no-plugins"))
        (state, _, text, advice), = about(found, "plugin")
        assert state == "note" and "gst-inspect-1.0" in text and "gstreamer1.0-tools" in advice, found
    with tap.point("a plugin of another version"):
        path = make_inspect(folder, "old", f"echo '  Filename   {CBAM_RUN}'\necho '  Version   0.0.1'\n")
        text, advice = only_failure(checker.findings(1, *arguments, PATH=path), "plugin")
        assert CBAM_RUN in text and "version 0.0.1" in text and advice, (text, advice)
    with tap.point("a plugin that cannot be loaded"):
        version = run(CBAM_RUN, "--version").stdout.split()[1]
        path = make_inspect(folder, "broken", '[ "$1" = --plugin ] || exit 1\n'
                                              f"echo '  Filename   {CBAM_RUN}'\necho '  Version   {version}'\n")
        text, advice = only_failure(checker.findings(1, *arguments, PATH=path), "plugin")
        assert "cannot load" in text and "ldd" in advice, (text, advice)
    with tap.point("a plugin that is blacklisted"):
        path = make_inspect(folder, "blacklist", '[ "$1" = --print-blacklist ] || exit 1\n'
                                                 f"printf 'Blacklisted files:\\n  {PLUGIN}\\n'\n")
        text, advice = only_failure(checker.findings(1, *arguments, PATH=path), "plugin")
        assert "blacklisted" in text and re.search(r"rm .*registry", advice), (text, advice)


def test_plugin(tap, checker, folder):
    """With GStreamer's own gst-inspect-1.0."""
    arguments = ("--model", SHAPES)
    with tap.point("a plugin that is not on the path"):
        text, advice = only_failure(checker.findings(1, *arguments, GST_PLUGIN_PATH=None), "plugin")
        assert os.path.join(PLUGINS, PLUGIN) in text and advice == f"export GST_PLUGIN_PATH={PLUGINS}", (text, advice)
    with tap.point("GST_PLUGIN_PATH names a folder that is gone"):
        gone = os.path.join(folder, "gone")
        found = checker.findings(1, *arguments, GST_PLUGIN_PATH=gone)
        assert only_failure(found, "plugin")[1] == f"export GST_PLUGIN_PATH={PLUGINS}", found
        (_, _, text, advice), = about(found, "plugin", "note")
        assert f"'{gone}'" in text and "GST_PLUGIN_PATH" in advice, found
        found = checker.findings(0, *arguments, GST_PLUGIN_PATH=gone + os.pathsep + PLUGINS)
        assert len(about(found, "plugin", "note")) == len(about(found, "plugin", "ok")) == 1, found
    copies = os.path.join(folder, "copies")
    os.mkdir(copies)
    shutil.copy(os.path.join(PLUGINS, PLUGIN), copies)
    libraries = os.path.join(PLUGINS, "..", "compute")
    environment = {"GST_PLUGIN_PATH": copies, "LD_LIBRARY_PATH": libraries}
    with tap.point("another file than this program's own"):
        found = checker.findings(0, *arguments, **environment)
        (_, _, text, advice), = about(found, "plugin", "note")
        assert os.path.join(PLUGINS, PLUGIN) in text and PLUGINS in advice, found
    with tap.point("a stale registry"):
        environment["GST_REGISTRY"] = os.path.join(folder, "stale.bin")
        subprocess.run(["gst-inspect-1.0", "cbamdetect"], env=dict(checker.environment, **environment), check=True,
                       capture_output=True)
        os.unlink(os.path.join(copies, PLUGIN))
        found = checker.findings(1, *arguments, **environment, GST_REGISTRY_UPDATE="no")
        text, advice = only_failure(found, "plugin")
        assert "stale" in text and os.path.join(copies, PLUGIN) in text, text
        assert advice == f"rm '{environment['GST_REGISTRY']}'", advice


def test_options(tap, checker):
    for words in (["photo.jpg"], ["--threshold", "0.5"], ["--output", "x.png"], ["--list-devices"],
                  ["--describe", "ssd-vgg16"], ["--profile"]):
        with tap.point("no --check with " + words[0]):
            check_one_error(checker.run(*words), "--check", status=2)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(folder)
        if not PLUGINS:  # so that what is said of GStreamer does not depend on what else is installed
            checker.environment["PATH"] = os.path.join(folder, "no-plugins")
        test_all_right(tap, checker)
        test_json(tap, checker)
        test_devices(tap, checker, folder)
        test_models(tap, checker, folder)
        test_answers_of_gstreamer(tap, checker, folder)
        if PLUGINS:
            if shutil.which("gst-inspect-1.0"):
                test_plugin(tap, checker, folder)
            else:
                with tap.point("GStreamer's own answers"):
                    raise Skip("no gst-inspect-1.0")
        test_options(tap, checker)
    tap.done()


if __name__ == "__main__":
    main()
