#!/usr/bin/env python3
"""Who includes whom: the arrows between the folders of the source tree, held against the order that is declared here.

    tools/rooms.py [SOURCES]

A room is a folder with sources in it; files beside the folders of a part are a room of their own, named as the part.
Prints a line for every room that includes something of another one, by #include in C and GLSL or by import in Python,
then what breaks the rules, then a line that counts. Exits with 1 if a rule is broken.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import sys
from collections import Counter
from fnmatch import fnmatch

sys.dont_write_bytecode = True

# PART: (rooms of other parts that it may include, its own rooms from bottom to top). A room may include what is below
# it; rooms in one line stand side by side and do not know each other. Every room has its place here.
PARTS = {
    "include": ("", """
        include/cbamdetect
        """),
    "shaders": ("", """
        shaders/args
        shaders/common
        shaders
        """),
    "compute": ("include/cbamdetect shaders/args", """
        compute/base
        compute/engine  compute/host
        compute/ops
        compute/vk
        compute/run
        compute/run/reference  compute/run/vulkan
        compute/run/host
        compute/file
        compute/nets
        compute/presets
        compute/detect
        compute
        """),
    "drawing": ("include/cbamdetect", """
        drawing
        """),
    "lists": ("", """
        lists
        """),
    "gst": ("include/cbamdetect drawing lists", """
        gst/frame  gst/meta
        gst/draw
        gst/stream
        gst/classify
        gst
        """),
    "tools": ("include/cbamdetect drawing lists", """
        tools/shared
        tools/bench  tools/check  tools/converter  tools/eval  tools/train
        tools/converter/dialects  tools/peers  tools/run
        tools
        """),
    # A room of tools/ that looks into the library.
    "tools/stats": ("include/cbamdetect shaders/args compute/engine compute/ops compute/vk compute tools/shared", """
        tools/stats
        """),
}

# Headers of others that not everybody is to see: what they are called, and the rooms that may include them, whether by
# name or through headers of ours.
OTHERS = {
    "<gstreamer>": (r"gst/", "gst gst/*"),
    "<vulkan>": (r"vulkan/|volk\.h$", "include/cbamdetect compute/vk compute/run compute/run/vulkan compute/run/host "
                 "compute/detect compute gst gst/* tools/stats"),
    "<oneDNN>": (r"oneapi/", "compute/host"),
}

# Parts in which files, too, include each other in no circle; a .c and its .h are one.
WITHOUT_CIRCLES = ("drawing", "gst", "lists", "tools")

C_SOURCE = re.compile(r"\.(c|h|comp|glsl)(\.in)?$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
PYTHON = re.compile(r"#!.*\bpython3?\n")
IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+([\w., \t]+)", re.MULTILINE)


def read_sources(root, parts):
    """{path from the root: text} of all C, GLSL and Python in the parts."""
    sources = {}
    for place, _, names in (entry for part in parts for entry in os.walk(os.path.join(root, part))):
        for name in names:
            if C_SOURCE.search(name) or name.endswith(".py") or "." not in name:
                path = os.path.join(place, name)
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if "." in name or PYTHON.match(text):
                    sources[os.path.relpath(path, root)] = text
    return sources


def first_there(candidates, sources):
    return next((path for path in map(os.path.normpath, candidates) if path in sources), None)


def included(path, text, sources, parts, others):
    """What a file in C or GLSL includes: files of ours and names of `others`. What the build makes is neither."""
    own = path.split("/")[0]
    for quote, name in INCLUDE.findall(text):
        found = first_there([os.path.join(folder, name) for folder in (os.path.dirname(path), own, *parts)], sources)
        if not found and quote == '"':  # from a folder that Meson names
            found = next((other for other in sorted(sources)
                          if other.startswith(own + "/") and other.endswith("/" + name)), None)
        yield from [found] if found else (other for other, (names, _) in others.items() if re.match(names, name))


def imported(path, text, sources):
    """The files of ours that one in Python imports."""
    folder = os.path.dirname(path)
    for module, names in IMPORT.findall(text):
        parents = [folder] if module.startswith(".") else [folder, path.split("/")[0]]
        for name in re.findall(r"[\w.]+", names):
            whole = ".".join(filter(None, (module.lstrip("."), name))).replace(".", "/")
            steps = (whole, os.path.dirname(whole))
            found = first_there([os.path.join(parent, step + end) for step in steps if step for parent in parents
                                 for end in (".py", "/__init__.py")], sources)
            if found:
                yield found


def links_of(sources, parts, others):
    """{path: what it includes}"""
    return {path: set(included(path, text, sources, parts, others) if C_SOURCE.search(path)
                      else imported(path, text, sources))
            for path, text in sources.items()}


def room_of(target):
    return target if target.startswith("<") else os.path.dirname(target)


def file_of(target):
    return os.path.splitext(target)[0]


def arrows_of(links, place=room_of):
    """{(room, room it includes): number of includes}, or the same of other places"""
    return Counter((place(path), place(target)) for path, targets in links.items() for target in targets
                   if place(path) != place(target))


def way_back(room, arrows):
    """A shortest way by arrows from a room to itself, or None."""
    ways, seen = [[room]], set()
    for way in ways:  # grows as we go
        for start, target in sorted(arrows):
            if start != way[-1] or target in seen:
                continue
            if target == room:
                return [*way, room]
            seen.add(target)
            ways.append([*way, target])
    return None


def circles_of(arrows):
    """Circles as lists that begin and end with the same room: of each room that is in any, a shortest."""
    circles = {}
    for room in sorted({room for room, _ in arrows}):
        way = way_back(room, arrows)
        if way:
            circles.setdefault(frozenset(way), way)
    return circles.values()


def ways_to(other, links):
    """{room: the shortest way from a file of it to `other` by includes}"""
    ways, step = {}, {other: [other]}
    while step:
        ways.update(step)
        step = {path: [path, *ways[min(targets & set(ways))]] for path, targets in links.items()
                if path not in ways and targets & set(ways)}
    shortest = {}
    for path, way in sorted(ways.items(), key=lambda item: (len(item[1]), item[0])):
        shortest.setdefault(room_of(path), way)
    del shortest[other]
    return shortest


def places_of(parts):
    """{room: (part, layer)}"""
    return {room: (part, layer) for part, (_, rooms) in parts.items()
            for layer, line in enumerate(rooms.strip().splitlines()) for room in line.split()}


def judge_arrow(room, target, places, parts):
    """What is wrong with an arrow, if anything."""
    if room not in places or target not in places:
        return None  # said of the room
    (part, layer), (other_part, other_layer) = places[room], places[target]
    if part != other_part:
        return None if target in parts[part][0].split() else "not to be included there"
    return None if layer > other_layer else "sideways" if layer == other_layer else "upwards"


def breaches_of(links, parts, others, without_circles):
    """A sentence for everything that breaks the rules."""
    arrows, places = arrows_of(links), places_of(parts)
    rooms = {room_of(path) for path in links}
    yield from (f"unknown room: {room}" for room in sorted(rooms - set(places)))
    yield from (f"no such room: {room}" for room in sorted(set(places) - rooms))
    for room, target in sorted(arrows):
        wrong = judge_arrow(room, target, places, parts)
        if wrong:
            files = sorted(path for path, targets in links.items() if room_of(path) == room and
                           any(room_of(other) == target for other in targets))
            yield f"{wrong}: {room} -> {target} ({', '.join(files)})"
    for other, (_, allowed) in others.items():
        for room, way in sorted(ways_to(other, links).items()):
            if not any(fnmatch(room, pattern) for pattern in allowed.split()):
                yield f"not to be included there: {' -> '.join(way)}"
    yield from (f"circle: {' -> '.join(circle)}" for circle in circles_of(arrows))
    strict = {path: targets for path, targets in links.items() if path.split("/")[0] in without_circles}
    files = arrows_of(strict, file_of)
    yield from (f"circle of files: {' -> '.join(circle)}" for circle in circles_of(files))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    links = links_of(read_sources(root, PARTS), PARTS, OTHERS)
    arrows = arrows_of(links)
    breaches = list(breaches_of(links, PARTS, OTHERS, WITHOUT_CIRCLES))
    for (room, target), count in sorted(arrows.items()):
        print(f"{room} -> {target} ({count} include{'' if count == 1 else 's'})")
    for breach in breaches:
        print(breach)
    print(f"{len({room_of(path) for path in links})} rooms, {len(arrows)} arrows, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
