#!/usr/bin/env python3
"""Writes what PyTorch makes of a network and a picture, for test-golden to compare the engine with.

    make_golden.py cases FOLDER [NAME...]     the small networks of cases.py; kept under cases/
    make_golden.py presets FOLDER [NAME...] --documents TEST-GOLDEN     those known by name, at full size

Weights and pictures are made up from a seed on both sides (seeded.py), so a file holds only results: for each level
what its heads see, both heads' outputs and the attention weights; the detections; Grad-CAM maps of the first three. Of a
classifier the scores, the best classes, what attention is to be seen, and the same maps.

A result that hangs by a thread would tell rounding errors from nothing, so the seed (of a case) and the threshold are
the first with which no score is near the threshold, no overlap near the limit, and no two scores whose order matters
are near each other.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools"), os.path.join(HERE, "..", "..", "tools", "train")]
from shared.need import need

need("numpy", "torch")

import numpy as np
import torch

import seeded
from cases import all_cases
from classifier import Classifier
from classifier import grad_cam as explain_class
from detect import Answer, grad_cam, reported
from form import Form, Gate, Neck
from network import Network

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.3, 0.95, 0.25, 0.2)
FEWEST, MOST = 5, 60  # detections
MARGIN = 1e-4  # of scores from the threshold, of overlaps from the limit
GAP = 2e-5  # between scores whose order matters
CUT = 0.02  # pixels by which a box reaches into the picture or misses it
CAMS = 3
CAM_REST = 0.01  # the sum behind a map's maximum, against the largest sum of its terms' sizes: less is cancellation
CERTAIN = 0.99  # a softmax score's gradient is a difference, lost in float32 as the score comes near 1
TENSORS = ("features", "loc", "conf", "spatial", "channel")  # of a level
LARGEST = 2600  # floats of a level's tensor in the file of a case; larger ones are left out
SEEDS = 100
TOP_K = 5  # a classifier's, where its document does not say
CLASS_GAP = 1e-3  # between scores of classes whose order matters
CLASS_GAP_PRESET = 0.01  # the same, as a share: a thousand classes of a network without training are near each other
CROWD = 100  # of the highest scores, between which a preset's threshold may lie


# ---- Files ----


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, values in tensors.items():
        values = np.ascontiguousarray(values, "<f4")
        header[name] = {"dtype": "F32", "shape": list(values.shape),
                        "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    os.replace(path + ".new", path)


# ---- Running ----


def load_weights(network, seed):
    shapes = {}
    for name, tensor in network.tensors().items():
        shapes[name] = list(tensor.shape)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(seeded.weights(name, shapes[name], seed)))
    return shapes


def tree(shapes):
    """{"a.b": x, "a.c": y} as {"a": {"b": x, "c": y}}: half as long where there are many names."""
    root = {}
    for name, shape in shapes.items():
        *path, leaf = name.split(".")
        node = root
        for key in path:
            node = node.setdefault(key, {})
        node[leaf] = shape
    return root


def preprocess(document, pixels, dtype):
    """[1, 3, H, W]: (pixel - mean) * scale, in the document's order of channels. The picture has the input's size."""
    spec = document["input"]
    x = torch.from_numpy(pixels.copy()).to(dtype)
    x = x.flip(2) if spec["channels"] == "bgr" else x
    mean, scale = (torch.tensor(spec.get(key, [usual] * 3), dtype=dtype) for key, usual in (("mean", 0), ("scale", 1)))
    return ((x - mean) * scale).permute(2, 0, 1)[None]


def flaw(answer):
    """Why this answer is no good to compare with, or None."""
    for what, value, least in (("detections", len(answer.found), FEWEST), ("margin", answer.margin, MARGIN),
                               ("gap", answer.gap, GAP), ("cut", answer.cut, CUT)):
        if value < least:
            return f"{what} {value}"
    return f"detections {len(answer.found)}" if len(answer.found) > MOST else None


def explain(network, document, levels, answer):
    """Grad-CAM of the first detections, or None where one is ill-conditioned."""
    score, cams = document["output"]["score"], []
    for value, prior, k in answer.found[:CAMS]:
        level, cam, rest = grad_cam(network, levels, prior, k, score)
        if rest < CAM_REST or (score == "softmax" and value > CERTAIN):
            return None
        cams.append((level, cam))
    return cams


def thresholds_between(network, document, levels):
    """In the middle of wide gaps between the highest scores, the lowest first."""
    answer = Answer(document, levels, network.per_cell, 1)
    scores = np.sort(answer.scores[:, answer.reported].ravel())[::-1][:CROWD]
    return [float(a + b) / 2 for a, b in zip(scores[:FEWEST:-1], scores[-2::-1]) if b - a > 3 * MARGIN]


def decide(network, document, levels, thresholds):
    """(answer, Grad-CAMs) at the first threshold that is good, or None."""
    for threshold in thresholds:
        answer = Answer(document, levels, network.per_cell, threshold)
        cams = None if flaw(answer) else explain(network, document, levels, answer)
        if cams:
            return answer, cams
    return None


def collect(levels, answer, cams, largest):
    """What goes into the file: {name: array}"""
    tensors = {}
    for l, level in enumerate(levels):
        for name in TENSORS:
            values = getattr(level, name)
            if values is not None and values.numel() <= largest:
                values = values[0, 0] if name == "spatial" else values[0]
                tensors[f"golden.level.{l}.{name}"] = values.numpy()
    tensors["golden.detections"] = answer.rows
    for i, (_, cam) in enumerate(cams):
        tensors[f"golden.grad_cam.{i}"] = cam.numpy()
    return tensors


def make_case(folder, name, document, form, say=print):
    """Tries seeds 1, 2, ... and writes the first good answer."""
    network = Network({**document, "anchors": {**document["anchors"]}}, form)
    document["anchors"] = {"maps": [list(size) for size in network.maps], **document["anchors"]}
    network.double()
    for seed in range(1, SEEDS):
        shapes = load_weights(network, seed)
        pixels = seeded.picture(document["input"]["width"], document["input"]["height"], seed)
        with torch.no_grad():
            levels = network(preprocess(document, pixels, torch.float64))
        decision = decide(network, document, levels, THRESHOLDS)
        if decision:
            break
    else:
        raise RuntimeError(f"{name}: none of {SEEDS} seeds gives a good answer")
    answer, cams = decision
    document["nms"]["threshold"] = answer.threshold
    assert all(level.conf.numel() <= LARGEST for level in levels), f"{name}: too large for its file"
    write(folder, name, document, levels, answer, cams, LARGEST, {
        "seed": seed, "parameters": network.count_parameters(), "tensors": tree(shapes)}, say)


def write(folder, name, document, levels, answer, cams, largest, golden, say):
    golden = {"threshold": answer.threshold, **golden,
              "grad_cam": [{"detection": i, "level": level} for i, (level, _) in enumerate(cams)]}
    path = os.path.join(folder, name + ".safetensors")
    write_safetensors(path, collect(levels, answer, cams, largest),
                      {"cbamdetect": json.dumps(document), "golden": json.dumps(golden, separators=(",", ":"))})
    maps = " ".join("x".join(map(str, level.loc.shape[:1:-1])) for level in levels)
    say(f"{name}: seed {golden['seed']}, threshold {answer.threshold}, {len(answer.found)} detections, maps {maps}, "
        f"{golden['parameters']} parameters, {os.path.getsize(path)} bytes")


def make_any_case(folder, name, document, form, say=print):
    make = make_classifier_case if document.get("task") == "classify" else make_case
    make(folder, name, document, form, say)


# ---- Classifiers ----


def rank(document, scores):
    """The best classes, (number, score), and the least gap between two scores whose order matters."""
    logits = scores[0].double()
    values = torch.sigmoid(logits) if document["output"]["score"] == "sigmoid" else torch.softmax(logits, 0)
    order = sorted(reported(document), key=lambda k: -values[k])
    found = [(k, float(values[k])) for k in order]
    gaps = [a[1] - b[1] for a, b in zip(found, found[1:])]
    n = document["output"].get("top_k", TOP_K) or len(found)
    return found[:n], min(gaps[:n])


def explain_classes(classifier, document, answer, best):
    """Grad-CAM of the first classes, or None where one is ill-conditioned."""
    score, cams = document["output"]["score"], []
    if classifier.hidden:  # the engine has none
        return cams
    for k, value in best[:CAMS]:
        cam, rest = explain_class(classifier, answer.features, k, score)
        if rest < CAM_REST or (score == "softmax" and value > CERTAIN):
            return None
        cams.append(cam)
    return cams


def write_classified(folder, name, document, answer, best, cams, largest, golden, say):
    tensors = {"golden.scores": answer.scores[0].numpy(), "golden.classes": np.array(best)}
    for l, seen in enumerate(answer.seen):
        for kind, values in (("spatial", seen.spatial), ("channel", seen.channel)):
            if values is not None and values.numel() <= largest:
                tensors[f"golden.level.{l}.{kind}"] = (values[0, 0] if kind == "spatial" else values[0]).numpy()
    for i, cam in enumerate(cams):
        tensors[f"golden.grad_cam.{i}"] = cam.numpy()
    path = os.path.join(folder, name + ".safetensors")
    write_safetensors(path, tensors, {"cbamdetect": json.dumps(document),
                                      "golden": json.dumps(golden, separators=(",", ":"))})
    say(f"{name}: seed {golden['seed']}, best {best[0]}, end {'x'.join(map(str, answer.features.shape[:1:-1]))}, "
        f"{len(answer.seen)} maps with attention, {golden['parameters']} parameters, {os.path.getsize(path)} bytes")


def make_classifier_case(folder, name, document, form, say=print):
    """As make_case()."""
    classifier = Classifier(document, form).double()
    for seed in range(1, SEEDS):
        shapes = load_weights(classifier, seed)
        pixels = seeded.picture(document["input"]["width"], document["input"]["height"], seed)
        with torch.no_grad():
            answer = classifier(preprocess(document, pixels, torch.float64))
        best, gap = rank(document, answer.scores)
        cams = explain_classes(classifier, document, answer, best) if gap >= CLASS_GAP else None
        if cams is not None:
            write_classified(folder, name, document, answer, best, cams, LARGEST, {
                "seed": seed, "parameters": classifier.count_parameters(), "tensors": tree(shapes)}, say)
            return
    raise RuntimeError(f"{name}: none of {SEEDS} seeds gives a good answer")


# ---- Networks known by name ----

VGG_NECK = Neck(channels=256, lateral="bn", up="full bn", post="3x3 bn")
MOBILENET_NECK = Neck(channels=128, lateral="", up="depthwise", post="1x1 bn")
GATE = Gate(reduction=16)

# name: what its tensors are, and how many parameters the CBAM paper's table or SSD's authors say it has, or on ResNet
# docs/networks.md counts from others'. The two on ShuffleNetV2 are not here: with made-up weights maps grow so much in
# sixteen units that all scores are zeros or ones.
PRESETS = {
    "ssd-vgg16": (Form(), 26515936),
    "ssd512-vgg16": (Form(), 27188676),
    "ssd-mobilenet": (Form(head=1), 5813536),
    "stairnet-vgg16": (Form(neck=VGG_NECK), 32005600),
    "stairnet-se-vgg16": (Form(neck=VGG_NECK, gate=GATE), 32056384),
    "stairnet-cbam-vgg16": (Form(neck=VGG_NECK, gate=GATE), 32056984),
    "stairnet-mobilenet": (Form(head=1, neck=MOBILENET_NECK), 5981600),
    "stairnet-se-mobilenet": (Form(head=1, neck=MOBILENET_NECK, gate=GATE), 5994704),
    "stairnet-cbam-mobilenet": (Form(head=1, neck=MOBILENET_NECK, gate=GATE), 5995304),
    "stairnet-bam-mobilenet": (Form(head=1, neck=MOBILENET_NECK, gate=GATE), None),
    "ssd-mobilenet-v2": (Form(head=1), 3319108),
    "ssd-resnet50": (Form(), 15428142),
    "ssd-cbam-resnet50": (Form(gate=GATE), 16381042),
}
PRESET_SEED = 1
# Without trained batch norms activations stay as large as the input, and softmax would make ones and zeros of noise of
# all 256 values. So the picture is noise of few values near the mean: of six, or, where a network still is too sure,
# a few ones among zeros; of more where its gates leave next to nothing.
PRESET_SPANS = {"ssd-mobilenet": 6, "stairnet-cbam-mobilenet": 6, "stairnet-mobilenet": 2, "stairnet-bam-mobilenet": 2,
                "stairnet-se-mobilenet": 6, "stairnet-vgg16": 1.02, "ssd-cbam-resnet50": 20, "ssd-mobilenet-v2": 6}
PRESET_SPAN = 1.1


def make_preset(folder, name, document, dtype, say=print):
    form, parameters = PRESETS[name]
    network = Network(document, form).to(dtype)
    assert network.count_parameters() == parameters or parameters is None, \
        f"{name}: {network.count_parameters()} parameters, {parameters} in the tables"
    assert [list(size) for size in network.maps] == [list(size) for size in document["anchors"]["maps"]]
    load_weights(network, PRESET_SEED)
    spec, span = document["input"], PRESET_SPANS.get(name, PRESET_SPAN)
    low = [round(mean) - int(span / 2) for mean in spec["mean"]]
    low = low[::-1] if spec["channels"] == "bgr" else low
    pixels = seeded.picture(spec["width"], spec["height"], PRESET_SEED, low, span)
    with torch.no_grad():
        levels = network(preprocess(document, pixels, dtype))
    decision = decide(network, document, levels, thresholds_between(network, document, levels))
    if not decision:
        raise RuntimeError(f"{name}: no threshold gives a good answer")
    write(folder, name, document, levels, *decision, sys.maxsize, {
        "seed": PRESET_SEED, "parameters": network.count_parameters(), "preset": name,
        "picture": {"low": low, "span": span}}, say)


# Not those with CBAM on MobileNetV1, whose 27 gates let nothing of made-up maps through, and not GhostNet, whose sums of
# linear maps grow until one score is one.
CLASSIFIER_PRESETS = {
    "resnet18-cbam": (Form(gate=GATE), 11779392),
    "resnet50-se": (Form(gate=GATE), 28088024),
    "resnet50-cbam": (Form(gate=GATE), 28089624),
    "resnet50-cbam-parallel": (Form(gate=GATE), 28089624),
    "resnet50-bam": (Form(gate=GATE), 25915099),
    "resnext50-cbam": (Form(gate=GATE), 27561496),
    "wrn18x1.5-cbam": (Form(gate=GATE), 26075516),
    "mobilenet": (Form(), 4231976),
    "mobilenet-v2": (Form(), 3504872),
    "mobilenet-v3": (Form(), 5483032),
    "efficientnet-lite0": (Form(), 4652008),
}
CLASSIFIER_PRESET_SPAN = 6


def clear_order(best):
    """The first of the best classes, up to the first that a rounding error could exchange for the next."""
    pairs = list(zip(best, best[1:]))
    unclear = [i for i, ((_, a), (_, b)) in enumerate(pairs) if a - b < CLASS_GAP_PRESET * a]
    return best[:unclear[0]] if unclear else best[:-1]


def make_classifier_preset(folder, name, document, dtype, say=print):
    form, parameters = CLASSIFIER_PRESETS[name]
    classifier = Classifier(document, form).to(dtype)
    assert classifier.count_parameters() == parameters or parameters is None, \
        f"{name}: {classifier.count_parameters()} parameters, {parameters} in the tables"
    load_weights(classifier, PRESET_SEED)
    spec = document["input"]
    low = [round(mean) - CLASSIFIER_PRESET_SPAN // 2 for mean in spec["mean"]]
    pixels = seeded.picture(spec["width"], spec["height"], PRESET_SEED, low, CLASSIFIER_PRESET_SPAN)
    with torch.no_grad():
        answer = classifier(preprocess(document, pixels, dtype))
    best = clear_order(rank(document, answer.scores)[0])
    if not best:
        raise RuntimeError(f"{name}: the first two classes are as good as each other")
    cams = explain_classes(classifier, document, answer, best) or []
    write_classified(folder, name, document, answer, best, cams, sys.maxsize, {
        "seed": PRESET_SEED, "parameters": classifier.count_parameters(), "preset": name,
        "picture": {"low": low, "span": CLASSIFIER_PRESET_SPAN}}, say)


def make_any_preset(folder, name, document, dtype, say=print):
    make = make_classifier_preset if name in CLASSIFIER_PRESETS else make_preset
    make(folder, name, document, dtype, say)


def read_document(program, name):
    return json.loads(subprocess.run([program, "--document", name], check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("cases", "presets"))
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--documents", metavar="TEST-GOLDEN", help="the program that prints a preset's document")
    parser.add_argument("--float64", action="store_true", help="presets in double precision: ten times the time")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    if arguments.what == "presets":
        if not arguments.documents:
            parser.error("presets need --documents")
        for name in arguments.names or [*PRESETS, *CLASSIFIER_PRESETS]:
            start = time.monotonic()
            make_any_preset(arguments.folder, name, read_document(arguments.documents, name),
                        torch.float64 if arguments.float64 else torch.float32)
            print(f"# {time.monotonic() - start:.1f} s", flush=True)
        return
    for name, document, form in all_cases():
        if not arguments.names or name in arguments.names:
            make_any_case(arguments.folder, name, document, form)


if __name__ == "__main__":
    main()
