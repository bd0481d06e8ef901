#!/usr/bin/env python3
"""Prints everything that cbamdetect attaches to the frames of a video.

    docs/read_metadata.py "filesrc location=street.avi ! decodebin ! videoconvert
        ! cbamdetect attention=true grad-cam=true"

Any pipeline will do whose last element gives frames that cbamdetect has seen. Needs python3-gi and the introspection
data of GStreamer: on Debian python3-gi, gir1.2-gstreamer-1.0 and gir1.2-gst-plugins-base-1.0.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import sys
import warnings

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo

# The C library would rather have nobody use GValueArray, but Python gets GStreamer's lists as nothing else.
warnings.filterwarnings("ignore", message="GObject.ValueArray", category=DeprecationWarning)


def to_python(value):
    """A structure as a dictionary, and a buffer as its numbers (float32). All at once: what is inside a structure lives
    no longer than Python's view of that structure."""
    if isinstance(value, Gst.Structure):
        names = [value.nth_field_name(i) for i in range(value.n_fields())]
        return {name: field_to_python(value, name) for name in names}
    if isinstance(value, Gst.Buffer):
        return array.array("f", value.extract_dup(0, value.get_size()))
    return value


def field_to_python(structure, name):
    """PyGObject knows no list of GStreamer's own kind, so those come by another door."""
    is_list, values = structure.get_list(name)
    if is_list:
        return [to_python(values.get_nth(i)) for i in range(values.n_values)]
    return to_python(structure.get_value(name))


def read(buffer, name):
    """The fields of a custom metadata; {} where the buffer has none."""
    meta = buffer.get_custom_meta(name)
    return to_python(meta.get_structure()) if meta else {}


def regions(buffer):
    """(detection, region) for each. `detection` has id, label, label_id, confidence, x_min, y_min, x_max, y_max (0..1
    of the frame), and age if it was carried on from an earlier frame; `region` has x, y, w, h in pixels."""
    for detection in read(buffer, "CbamRegionsMeta").get("regions", []):
        region = GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, detection["id"])
        if region:
            yield detection, region


def print_maps(name, level):
    if "spatial" in level:
        width, height, values = level["width"], level["height"], level["spatial"]  # [height][width]
        hottest = max(range(width * height), key=values.__getitem__)
        x = level["over-x"] + (hottest % width + 0.5) * level["over-width"] / width
        y = level["over-y"] + (hottest // width + 0.5) * level["over-height"] / height
        low, high = level["min"], level["max"]
        print(f"  {name}: {width}x{height} cells, {low:.3f} to {high:.3f}, most at {x:.0f},{y:.0f}")
    if "channel" in level:
        print(f"  {name}: {level['channels']} channels, {max(level['channel']):.3f} at most")


def print_frame(buffer):
    print(f"frame at {buffer.pts / Gst.SECOND:.3f} s")
    for detection, region in regions(buffer):
        label, score = detection["label"], detection["confidence"]
        print(f"  {label} {score:.2f}: {region.w}x{region.h} at {region.x},{region.y}")
    for name, level in read(buffer, "CbamAttentionMeta").items():
        if isinstance(level, dict):  # level-0, level-1, ..., grad-cam
            print_maps(name, level)


def main(line):
    Gst.init(None)
    pipeline = Gst.parse_launch(line + " ! appsink name=sink sync=false")
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    while sample := sink.emit("pull-sample"):
        print_frame(sample.get_buffer())
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message:
        sys.exit(message.parse_error()[0].message)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
