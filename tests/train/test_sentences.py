#!/usr/bin/env python3
"""What tools/train says before the first step of options, sets and classes that cannot work; that a model is there
before it is measured; and what model files say of where they come from.

    test_sentences.py

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import stat
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from common import check_one_error, expect_ok, run
from devkits import write_devkit
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import numpy as np

import checks
import devkit
from calling import call, train
from fail import explain
from modelfile import read_model, write_model
from network import Network
from recipes import quick
from session import Session
from shapes import draw_picture
from start import read_map

MARK = b"\xef\xbb\xbf"
SHIPPED = os.path.join(setting.ROOT, "models", "stairnet-cbam-shufflenet-voc.safetensors")
SMALL = ("--recipe", "quick", "--passes", "1", "--batch", "1")
# What of its options makes a recipe.
OPTIONS = ("passes", "batch", "rate", "trunk_rate", "attend", "distil", "mimic", "still", "mosaic", "size", "classes",
           "start", "threshold", "name")
tap = Tap()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def make_set(folder, name, objects, pictures=("one",)):
    """A devkit's year with a drawn picture of 160 by 120 pixels for each name, all with the same objects."""
    root = write_devkit(os.path.join(folder, name), "train",
                        {picture: [(label, (10, 10, 90, 90), False) for label in objects] for picture in pictures})
    for picture in pictures:
        draw_picture(1, 1).pixels.save(os.path.join(root, "JPEGImages", picture + ".jpg"))
    return root + ":train"


def small_model(path, **said):
    recipe = quick()
    recipe.document["provenance"] = said
    write_model(path, recipe.document, Network(recipe.document, recipe.form).tensors())
    return path


# ---- What cannot work ----


def wrong_calls(folder):
    """(what is wrong, the options, words of the sentence)"""
    good, capital = make_set(folder, "good", ["disc", "ring"]), make_set(folder, "capital", ["Disc", "Disc", "bolt"])
    nothing, difficult = make_set(folder, "nothing", []), make_set(folder, "difficult", ["disc"])
    xml = os.path.join(folder, "difficult", "Annotations", "one.xml")
    with open(xml, encoding="utf-8") as file:
        text = file.read()
    write(xml, text.replace("<difficult>0", "<difficult>1").encode())
    empty = make_set(folder, "empty", ["disc"], ())
    text = write(os.path.join(folder, "text"), b"hello\n")
    model = small_model(os.path.join(folder, "small.safetensors"))
    bare = os.path.join(folder, "bare.safetensors")
    shutil.copy(os.path.join(setting.ROOT, "tests", "models", "shapes.safetensors"), bare)
    with open(bare, "r+b") as file:
        file.truncate(100_000)
    on_good = ("--data", good)
    cases = [
        ("no data", (), ("--data", "--quick")),
        ("no folder", ("--data", folder + "/nowhere:train"), ("nowhere:train", "no folder")),
        ("no split", ("--data", good + "x"), ("trainx.txt", "No such file")),
        ("no colon", ("--data", "good"), ("--data good", "FOLDER:SPLIT")),
        ("an empty list", ("--data", empty), ("train.txt", "found none")),
        ("an empty list beside a good one", (*on_good, "--data", empty), ("train.txt", "found none")),
        ("capital letters", ("--data", capital), ("capital:train", "none of them", "Disc (2)", "bolt (1)",
                                                  "'Disc' for 'disc'")),
        ("no objects at all", ("--data", nothing), ("nothing:train", "no objects at all")),
        ("difficult objects only", ("--data", difficult), ("difficult:train", "no objects at all")),
        ("a class without objects", (*on_good, "--classes", "disc,rings"), ("none of rings", "'ring' for 'rings'")),
        ("validation without objects", (*on_good, "--val", nothing), ("nothing:train", "no objects at all")),
        ("validation with other classes", (*on_good, "--val", capital), ("capital:train", "Disc (2)")),
        ("a validation set that is not there", (*on_good, "--val", "nowhere:val"), ("--val", "no folder 'nowhere'")),
        ("a start that is not there", (*on_good, "--start", folder + "/none"), ("--start", "/none'")),
        ("a start that is text", (*on_good, "--start", text), (text, "safetensors")),
        ("a start that is cut short", (*on_good, "--start", bare), (bare, "cut short")),
        ("a start that is a folder", (*on_good, "--start", folder), ("--start", "a folder", folder)),
        ("a teacher without the classes", ("--data", make_set(folder, "nuts", ["nut"]), "--classes", "nut", "--teacher",
                                           model), (model, "no class for nut")),
        ("a map of nothing", (*on_good, "--map", text), ("--map", "--start, --teacher or --lessons")),
        ("a map that is none", (*on_good, "--start", model, "--map", text), (text, "line 1", "hello")),
        ("a partial set without a teacher", (*on_good, "--partial", text), ("--partial", "--lessons", "--teacher")),
        ("answers without a teacher", (*on_good, "--distil", "0.5"), ("--distil", "--teacher")),
        ("answers of a teacher with other cells", (*on_good, "--recipe", "default", "--teacher", model, "--mimic", "0.5"),
         ("--mimic", "default", ".param", model)),
        ("a partial file of other classes", (*on_good, "--teacher", model, "--partial",
                                             write(os.path.join(folder, "partial"), b"a = nut\n")), ("line 1", "nut")),
        ("--quick with data", (*on_good, "--quick"), ("--quick", "--data")),
        ("a device that is not there", (*on_good, "--device", "abacus"), ("--device abacus",)),
        ("a list of classes that is not there", (*on_good, "--classes", "@" + folder + "/none"), ("/none", "No such")),
        ("a checkpoint that is none", ("--data", good, "--out", os.path.join(folder, "broken")),
         ("checkpoint.pt", "remove it")),
        ("a folder that cannot be made", (*on_good, "--out", os.path.join(text, "out")), (text, "Not a directory")),
        ("a folder that is a file", (*on_good, "--out", text), (text, "File exists")),
        ("a favour of no class", (*on_good, "--favour", "gnu=2"), ("--favour", "CLASS=TIMES", "gnu=2")),
        ("an unknown option", (*on_good, "--pases", "1"), ("--pases", "--help")),
    ]
    os.mkdir(os.path.join(folder, "broken"))
    write(os.path.join(folder, "broken", "checkpoint.pt"), b"none")
    for text, words in (("disc,", ("comma", "disc,")), ("disc,,ring", ("comma",)), (",disc", ("comma",)),
                        ("disc,ring,disc", ("once", "disc")), ("background,disc", ("background",)), ("???", ("???",))):
        cases.append((f"--classes {text}", (*on_good, "--classes", text), ("--classes", *words)))
    for option, value, words in (
            ("threshold", "2", "0 to 1"), ("threshold", "-0.1", "0 to 1"), ("threshold", "nan", "0 to 1"),
            ("mosaic", "1.5", "0 to 1"), ("passes", "0", "more than 0"), ("passes", "inf", "more than 0"),
            ("minutes", "-1", "more than 0"), ("batch", "0", "1 to 65536"), ("rate", "0", "more than 0"),
            ("trunk-rate", "-1", "0 or more"), ("attend", "-1", "0 or more"), ("distil", "nan", "0 or more"),
            ("seed", "-1", "0 or more"), ("loaders", "-1", "0 to 1024"), ("batch", "many", "many")):
        cases.append((f"--{option} {value}", (*on_good, f"--{option}={value}"), (f"--{option}", words)))
    return cases


with tempfile.TemporaryDirectory() as folder:
    for number, (label, options, words) in enumerate(wrong_calls(folder)):
        with tap.point(f"one sentence before the first step: {label}"):
            out = os.path.join(folder, f"out-{number}")
            recipe = () if "--quick" in options else SMALL[:2]
            said, printed = call("--out", out, *recipe, *options)
            assert said and said.startswith("train: ") and "\n" not in said, said
            assert "Traceback" not in printed, printed
            for word in words:
                assert word in said, f"no {word} in {said}"
            made = os.listdir(out) if os.path.isdir(out) else []
            assert not {"checkpoint.pt", "model.safetensors"} & set(made), made

# ---- What can ----

with tap.point("a teacher is asked at every step only where it looks at the recipe's cells"):
    for recipe, teacher, weight in (("default", "a.param", 1), ("default", "a.safetensors", 0), ("default", None, 0),
                                    ("default-mobilenet", "a.safetensors", 0.5)):
        given = argparse.Namespace(**{**dict.fromkeys(OPTIONS), "recipe": recipe, "teacher": teacher})
        assert train.recipe_of(given).distil == weight, (recipe, teacher)

with tempfile.TemporaryDirectory() as folder:
    good = make_set(folder, "good", ["disc", "ring", "Ring"], ("one", "two"))
    out = os.path.join(folder, "out")
    path, seen = os.path.join(out, "model.safetensors"), []

    with tap.point("the model is there before it is measured, and after that has failed"):
        def fail(*_):
            seen.append(read_model(path)[0]["provenance"]["metrics"])
            raise ValueError("measured into the ground")
        measure, train.measure = train.measure, fail
        said, _ = call(*SMALL, "--data", good, "--val", good, "--out", out)
        train.measure = measure
        assert said == "train: measured into the ground" and seen == [{}] and os.path.exists(path), (said, seen)

    with tap.point("what is no class is said, with what it is nearly"):
        said, printed = call(*SMALL, "--data", good, "--val", good, "--out", out, "--licence", "CC0-1.0")
        assert said is None, said
        assert f"{good}: none of the classes, and taken for background: Ring (2); beware: 'Ring' is nearly 'ring'" \
            in printed, printed

    with tap.point("its document names the licence, and the figures with their pictures"):
        provenance = read_model(path)[0]["provenance"]
        assert provenance["license"] == "CC0-1.0"
        assert provenance["metrics"].keys() == {"set", "map_11point", "map_area", "pictures"}, provenance
        assert provenance["metrics"]["set"] == "good:train" and provenance["metrics"]["pictures"] == 2

    with tap.point("a training takes over the licence of its start"):
        other = os.path.join(folder, "other")
        said, _ = call(*SMALL, "--data", good, "--out", other, "--start", path)
        assert said is None, said
        assert read_model(os.path.join(other, "model.safetensors"))[0]["provenance"]["license"] == "CC0-1.0"

    with tap.point("no licence is said where there is none"):
        said, _ = call(*SMALL, "--data", good, "--out", os.path.join(folder, "third"))
        document = read_model(os.path.join(folder, "third", "model.safetensors"))[0]
        assert said is None and document["provenance"]["license"].startswith("unknown"), document["provenance"]

    with tap.point("a checkpoint goes through a link"):
        target, linked = os.path.join(folder, "elsewhere.pt"), os.path.join(folder, "linked")
        os.mkdir(linked)
        os.symlink(target, os.path.join(linked, "checkpoint.pt"))
        said, _ = call(*SMALL, "--data", good, "--out", linked)
        assert said is None and stat.S_ISLNK(os.lstat(os.path.join(linked, "checkpoint.pt")).st_mode), said
        assert os.path.getsize(target) > 10_000

    with tap.point("a checkpoint that finds no room is an error that names it"):
        recipe, full = quick(), os.path.join(folder, "full")
        session = Session(recipe, Network(recipe.document, recipe.form), [draw_picture(1, 1)], np.ones(1), full)
        os.mkdir(full)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            session.save()
            raise AssertionError("no error")
        except OSError as error:
            assert explain(error) == f"'{session.checkpoint}': File too large", error
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert os.listdir(full) == []

# ---- Lists ----

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "list.txt")
    for label, encode in (("Windows", lambda text: MARK + text.replace("\n", "\r\n").encode()),
                          ("UTF-16", lambda text: text.encode("utf-16"))):
        with tap.point(f"lists from {label}: pictures, classes, maps, partial sets"):
            spec = make_set(folder, label, ["écrou"], ("one", "two"))
            write(os.path.join(folder, label, "ImageSets", "Main", "train.txt"), encode("one\n\ntwo \n"))
            assert [picture.labels.tolist() for picture in devkit.read_set(spec, ["écrou"])] == [[0], [0]]
            write(path, encode("écrou\nnut, large \n\n"))
            assert checks.parse_classes("@" + path) == ["écrou", "nut, large"]
            write(path, encode("couch = sofa # so\n\ntrain =\n"))
            assert read_map(path) == {"couch": "sofa", "train": ""}
            write(path, encode("ships_ = boat\n"))
            assert devkit.read_partial(path, ["boat"]) == [("ships_", {0})]

with tap.point("names that are nearly the same"):
    assert checks.nearest("tv monitor", ["tvmonitor", "television"]) == "tvmonitor"
    assert checks.nearest("dog", ["Dog", "dogs"]) == "Dog" and checks.nearest("cat", ["person"]) is None

# ---- What a file says of itself ----

RESULT = {"model": "m", "split": "test", "pictures": 498, "map_11point": 0.69491, "map_area": 0.707, "map_50_95": 0.426,
          "nms_across": 1}
METRICS = {"set": "VOC 2007 test", "pictures": 498, "map_11point": 0.6949, "map_area": 0.707, "map_50_95": 0.426}

with tempfile.TemporaryDirectory() as folder:
    describe, average = (os.path.join(setting.TRAIN, name) for name in ("describe", "average"))
    result = write(os.path.join(folder, "result.json"), json.dumps(RESULT).encode())
    a, b = (small_model(os.path.join(folder, name + ".safetensors"), license=licence, metrics={"pictures": 7})
            for name, licence in (("a", "MIT"), ("b", "Apache-2.0")))
    mean = os.path.join(folder, "mean.safetensors")

    with tap.point("tools/train/average: licences are taken over, figures of the parts are not the mean's"):
        expect_ok(run(average, mean, a + ":1", b + ":1"))
        provenance = read_model(mean)[0]["provenance"]
        assert provenance["license"] == "MIT; Apache-2.0" and provenance["metrics"] == {}, provenance

    with tap.point("tools/train/average: a licence and figures that are given"):
        figures = ("--metrics", result, "--on", METRICS["set"])
        expect_ok(run(average, mean, a + ":1", b + ":1", "--licence", "MIT", *figures))
        provenance = read_model(mean)[0]["provenance"]
        assert provenance["license"] == "MIT" and provenance["metrics"] == METRICS, provenance

    with tap.point("tools/train/describe: the weights stay byte for byte, all else that is not named stays too"):
        before = open(a, "rb").read()
        printed = json.loads(expect_ok(run(describe, a, "--licence", "CC-BY-4.0", "--metrics", result, "--on",
                                           METRICS["set"], "--data", "of our own")).stdout)
        after = open(a, "rb").read()
        assert printed == {"license": "CC-BY-4.0", "metrics": METRICS, "data": "of our own"}, printed
        start, end = (8 + int.from_bytes(content[:8], "little") for content in (before, after))
        assert before[start:] == after[end:] and end % 64 == 0
        headers = [json.loads(content[8:at]) for content, at in ((before, start), (after, end))]
        documents = [json.loads(header.pop("__metadata__")["cbamdetect"]) for header in headers]
        assert headers[0] == headers[1] and documents[1].pop("provenance") == printed
        assert documents[0].pop("provenance") and documents[0] == documents[1]

    with tap.point("tools/train/describe: thresholds, of what it is and only there"):
        before = read_model(a)[0]
        expect_ok(run(describe, a, "--threshold", "0.4", "--across", "0.85"))
        after = read_model(a)[0]
        assert after.pop("nms") == {**before.pop("nms", {}), "threshold": 0.4, "across": 0.85} and after == before, after
        check_one_error(run(describe, a, "--threshold", "1.5"), "expected 0 to 1, found 1.5", status=2)

    with tap.point("tools/train/describe: shows without changing"):
        before = open(a, "rb").read()
        assert json.loads(expect_ok(run(describe, a)).stdout)["license"] == "CC-BY-4.0"
        assert open(a, "rb").read() == before

    with tap.point("tools/train/describe: what is no model file or no result is one error"):
        check_one_error(run(describe, result), result, "safetensors")
        check_one_error(run(describe, a, "--metrics", a), a, "cbam-eval --json")
        check_one_error(run(describe, os.path.join(folder, "none")), "none", "No such file")
        check_one_error(run(describe, a, "--on", "x"), "--metrics", status=2)
        broken = write(os.path.join(folder, "result.json"), json.dumps({**RESULT, "map_area": 70.7}).encode())
        check_one_error(run(describe, a, "--metrics", broken), broken, "cbam-eval --json")
        own = write(os.path.join(folder, "own.json"), json.dumps({**RESULT, "nms_across": 0.5}).encode())
        check_one_error(run(describe, a, "--metrics", own), own, "--nms-across")

    with tap.point("the model that ships says what its card says"):
        provenance = read_model(SHIPPED)[0]["provenance"]
        with open(os.path.join(SHIPPED[:-len(".safetensors")], "README.md"), encoding="utf-8") as file:
            card = " ".join(file.read().split())
        metrics = provenance["metrics"]
        assert f"Weights: {provenance['license']}." in card, provenance
        shares = [re.escape(f"{100 * metrics[key]:.1f}") for key in ("map_11point", "map_area", "map_50_95")]
        row = rf"\| {metrics['set']}, {metrics['pictures']:,} [^|]*\| \**{shares[0]}\** [^|]*\| " \
            rf"{shares[1]} \| {shares[2]} \|"
        assert re.search(row, card), row

tap.done()
