#!/usr/bin/python3
"""Another language finds objects: a model, a picture, and what the library says of both, by way of the typelib alone.

    test_introspection.py PICTURE

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

from common import read_safetensors
from tap import Skip, Tap


def load_default():
    from gi.repository import CbamDetect as Cbam
    return Cbam.Model.load(Cbam.Device.open(None), None, None)


def detect(path):
    """The five lines."""
    from gi.repository import CbamDetect as Cbam, GdkPixbuf
    detector = Cbam.Detector.new(Cbam.Model.load(Cbam.Device.open(None), None, None), None)
    p = GdkPixbuf.Pixbuf.new_from_file(path)
    image = Cbam.Image.new(Cbam.Format.RGB, p.get_width(), p.get_height(), p.get_rowstride(), p.read_pixel_bytes())
    found = detector.detect(image, None)
    return [found.get_detection(i) for i in range(found.get_n_detections())]


def check_detections():
    detections, threshold = detect(sys.argv[1]), load_default().get_info().threshold
    assert detections, "nothing was found"
    for d in detections:
        print(f"# {d.label} {d.score:.2f} at {d.x:.0f},{d.y:.0f} size {d.width:.0f}x{d.height:.0f}")
        assert d.label and threshold < d.score <= 1 and d.width > 0 and d.height > 0, d.label


def check_info():
    from gi.repository import CbamDetect as Cbam
    info = load_default().get_info()
    document = read_safetensors(info.origin)[0]
    assert (info.task, info.attention, info.input_width) == ("detect", "cbam", document["input"]["width"]), info.name
    assert [info.get_label(k) for k in (0, 19, 20)] == ["aeroplane", "tvmonitor", None]
    assert info.spatial_levels == 0xf and info.parameters > 1e6 and 0 < info.map_11point < 1
    assert abs(info.nms_across - document["nms"].get("across", 1)) < 1e-6, info.nms_across
    assert Cbam.DetectParams().nms_across == 0


def check_params():
    from gi.repository import CbamDetect as Cbam, GLib
    detector = Cbam.Detector.new(load_default(), None)
    gray = Cbam.Image.new(Cbam.Format.GRAY8, 40, 30, 0, GLib.Bytes.new(bytes(1200)))
    params = Cbam.DetectParams()
    params.threshold, params.max_detections = -1, 3
    assert detector.detect(gray, params).get_n_detections() == 3


def check_errors():
    from gi.repository import CbamDetect as Cbam, GLib
    device = Cbam.Device.open(None)
    config = Cbam.ModelConfig()
    config.precision = Cbam.Precision.BF16
    short = Cbam.Image.new(Cbam.Format.NV12, 40, 30, 0, GLib.Bytes.new(bytes(1799)))
    detector = Cbam.Detector.new(Cbam.Model.load(device, None, None), None)
    for expected, call in (
            ("no/such.safetensors: ", lambda: Cbam.Model.load(device, "no/such.safetensors", None)),
            ("short: ", lambda: Cbam.Model.load_bytes(device, GLib.Bytes.new(b"x"), "short", None)),
            ("precision: expected one of auto, fp32", lambda: Cbam.Model.load(device, None, config)),
            ("1799 bytes of pixels; expected plane 1 of a 40x30 NV12 frame", lambda: detector.detect(short, None))):
        try:
            call()
        except GLib.Error as error:
            assert expected in error.message, error.message
        else:
            raise AssertionError(f"no error: {expected}")


def main():
    try:
        import gi
        gi.require_version("CbamDetect", "0.1")
        gi.require_version("GdkPixbuf", "2.0")
        problem = None
    except (ImportError, ValueError) as error:
        problem = str(error)
    tap = Tap()
    for name, check in (("objects in a picture, in five lines", check_detections),
                        ("what a model is", check_info),
                        ("parameters of a frame", check_params),
                        ("errors are exceptions", check_errors)):
        with tap.point(name):
            if problem:
                raise Skip(problem)
            check()
    tap.done()


if __name__ == "__main__":
    main()
