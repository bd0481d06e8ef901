#!/usr/bin/env python3
"""train --quick --recipe quick-classifier: from drawn pictures to a model file that the engine answers with as PyTorch
does.

    test_quick_classifier.py CBAM-EVAL CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import setting

from class_files import said_by_engine, write_classes
from common import expect_ok, run
from shared.need import have
from tap import Tap, skip_all

if not have("numpy", "torch", "PIL"):
    skip_all("needs PyTorch and PIL")

import shapes
from accuracy import accuracy, scores_of
from class_folders import ClassPicture
from crops import middle
from modelfile import network_of, read_model

CBAM_EVAL, CBAM_RUN = sys.argv[1:]
TRAIN = os.path.join(setting.TRAIN, "train")
COUNT = 200
SLACK = 0.01  # of a score: weights are halves, and PIL rounds what filters make of pixels
tap = Tap()


def use_one_processor():
    """Two threads that have to share with other tests take longer than one."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


with tempfile.TemporaryDirectory() as work:
    drawn = [shapes.draw_one(number, 77) for number in range(COUNT)]
    folder, labels = os.path.join(work, "shapes"), [label for _, label in drawn]
    paths = write_classes(folder, drawn, shapes.NAMES)
    trained = os.path.join(work, "model.safetensors")

    with tap.point("the recipe runs through"):
        expect_ok(run(TRAIN, "--quick", "--recipe", "quick-classifier", "--out", work, timeout=540,
                      preexec_fn=use_one_processor))
        assert os.path.getsize(trained) <= 500_000

    document, tensors = read_model(trained, or_classifier=True)
    pictures = [ClassPicture("", label, kept=middle(pixels, document["input"])) for pixels, label in drawn]
    scores = scores_of(network_of(document, tensors), document, pictures)

    with tap.point("it knows shapes that it has not seen"):
        own = accuracy(scores, labels)
        print(f"# top-1 {100 * own['top1']:.1f} %, of classes {100 * own['mean_top1']:.1f} %")
        assert own["top1"] > 0.9 and "top5" not in own, own

    with tap.point("cbam-run gives the same scores"):
        answers = said_by_engine(CBAM_RUN, trained, paths)
        worst = max(abs(answer[name] - float(row[k])) for answer, row in zip(answers, scores)
                    for k, name in enumerate(shapes.NAMES))
        print(f"# largest difference of a score: {worst:.4f}")
        assert worst < SLACK, worst

    with tap.point("cbam-eval counts the same"):
        said = json.loads(expect_ok(run(CBAM_EVAL, "-m", trained, "--json", folder)).stdout)
        assert said["pictures"] == COUNT and abs(said["top1"] - own["top1"]) <= 1.5 / COUNT, said
        assert abs(said["mean_top1"] - own["mean_top1"]) < 0.01, said

    with tap.point("its document says where it comes from"):
        provenance = document["provenance"]
        assert all(provenance[key] for key in ("data", "recipe", "metrics", "license", "source")), provenance
        assert provenance["metrics"]["top1"] > 0.9 and provenance["metrics"]["pictures"] == 400, provenance

tap.done()
