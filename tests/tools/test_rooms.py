#!/usr/bin/env python3
"""tools/rooms.py: what it finds in made-up trees, and that this one keeps its order.

    test_rooms.py SOURCES

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import rooms

from common import TOOLS, run
from tap import Tap

ROOT, = sys.argv[1:]

PARTS = {
    "include": ("", "include/house"),
    "house": ("include/house", """
        house/cellar
        house/kitchen  house/bath
        house
        """),
    "garden": ("include/house", "garden"),
}
OTHERS = {"<pipes>": (r"pipes/", "house/cellar house/bath")}

CLEAN = {
    "include/house/house.h": "",
    "house/door.c": '#include "kitchen/table.h"\n#include <stdio.h>\n',
    "house/kitchen/table.c": '#include "table.h"\n#include "made-by-the-build.h"\n',
    "house/kitchen/table.h": '  #  include "cellar/jar.h"\n#include <house/house.h>\n',
    "house/cellar/jar.h": "",
    "house/bath/tub.h": '#include "cellar/jar.h"\n#include <pipes/tap.h>\n',
    "garden/tree.c": "#include <house/house.h>\n",
}


def look_at(changes, without_circles=()):
    """(arrows, breaches) of the clean tree with these files beside or instead of its own; None takes one away."""
    sources = {path: text for path, text in {**CLEAN, **changes}.items() if text is not None}
    links = rooms.links_of(sources, PARTS, OTHERS)
    return rooms.arrows_of(links), list(rooms.breaches_of(links, PARTS, OTHERS, without_circles))


def expect_breaches(changes, *wanted, **options):
    _, found = look_at(changes, **options)
    assert found == list(wanted), "\n".join(found) or "nothing found"


def test_made_up_trees(tap):
    with tap.point("a clean tree: its arrows, and nothing else"):
        arrows, breaches = look_at({})
        assert breaches == [], breaches
        assert arrows == {("house", "house/kitchen"): 1, ("house/kitchen", "house/cellar"): 1,
                          ("house/kitchen", "include/house"): 1, ("house/bath", "house/cellar"): 1,
                          ("house/bath", "<pipes>"): 1, ("garden", "include/house"): 1}, arrows
    with tap.point("upwards"):
        expect_breaches({"house/cellar/rat.c": '#include "door.h"\n', "house/door.h": "", "house/door.c": None},
                        "upwards: house/cellar -> house (house/cellar/rat.c)")
    with tap.point("to the side"):
        expect_breaches({"house/kitchen/pan.c": '#include "../bath/soap.h"\n', "house/bath/soap.h": "",
                         "house/kitchen/pot.c": '#include "bath/soap.h"\n'},
                        "sideways: house/kitchen -> house/bath (house/kitchen/pan.c, house/kitchen/pot.c)")
    with tap.point("a circle is told beside the arrow that closes it"):
        expect_breaches({"house/cellar/rat.c": '#include "table.h"\n'},
                        "upwards: house/cellar -> house/kitchen (house/cellar/rat.c)",
                        "circle: house/cellar -> house/kitchen -> house/cellar")
    with tap.point("a room that has no place"):
        expect_breaches({"house/attic/box.c": '#include "cellar/jar.h"\n'}, "unknown room: house/attic")
    with tap.point("a place without a room"):
        expect_breaches({"garden/tree.c": None}, "no such room: garden")
    with tap.point("inside of another part"):
        for text in ('#include "../house/cellar/jar.h"\n', "#include <cellar/jar.h>\n", '#include "cellar/jar.h"\n'):
            expect_breaches({"garden/thief.c": text},
                            "not to be included there: garden -> house/cellar (garden/thief.c)")
    with tap.point("others' headers, by name"):
        expect_breaches({"garden/hose.c": "#include <pipes/tap.h>\n"},
                        "not to be included there: garden/hose.c -> <pipes>")
    with tap.point("others' headers, through one of ours"):
        expect_breaches({"house/cellar/valve.h": "#include <pipes/tap.h>\n",
                         "house/kitchen/sink.c": '#include "cellar/valve.h"\n'},
                        "not to be included there: house/kitchen/sink.c -> house/cellar/valve.h -> <pipes>")
    with tap.point("shaders include, Python imports"):
        arrows, _ = look_at({"house/warm.comp": '#include "bath/tub.h"\n',
                             "house/kitchen/cook.py": "import os\nfrom cellar.jar import lid\n",
                             "house/kitchen/dish.py": "from . import cook\n    import cellar.jar\n",
                             "house/sweep": "from kitchen import cook, dish\n",
                             "house/cellar/jar.py": ""})
        assert arrows["house", "house/bath"] == 1 and arrows["house", "house/kitchen"] == 3, arrows
        assert arrows["house/kitchen", "house/cellar"] == 3, arrows
    with tap.point("files that include each other, where that is not wanted"):
        circle = {"garden/bee.c": '#include "flower.h"\n', "garden/bee.h": "", "garden/flower.h": '#include "bee.h"\n'}
        expect_breaches(circle)
        expect_breaches(circle, "circle of files: garden/bee -> garden/flower -> garden/bee",
                        without_circles=("garden",))


def part_of(breach):
    """The part of the room or file that a breach names first."""
    return breach.split(": ")[1].split(" ")[0].split("/")[0]


def test_this_tree(tap):
    links = rooms.links_of(rooms.read_sources(ROOT, rooms.PARTS), rooms.PARTS, rooms.OTHERS)
    breaches = list(rooms.breaches_of(links, rooms.PARTS, rooms.OTHERS, rooms.WITHOUT_CIRCLES))
    for part in rooms.PARTS:
        with tap.point(f"{part}/ keeps its order"):
            found = [breach for breach in breaches if part_of(breach) == part]
            assert not found, "\n" + "\n".join(found)


def test_program(tap, folder):
    program = os.path.join(TOOLS, "rooms.py")
    with tap.point("the program: exit status and last line"):
        process = run(sys.executable, program, folder)
        assert process.returncode == 1 and process.stderr == "", process
        assert "no such room: drawing" in process.stdout.splitlines(), process.stdout
        process = run(sys.executable, program, ROOT)
        assert process.returncode == 0, process
        assert re.search(r"^compute -> compute/base \(\d+ includes?\)$", process.stdout, re.MULTILINE), process.stdout
        assert process.stdout.splitlines()[-1].endswith(" breaches"), process.stdout


def main():
    tap = Tap()
    test_made_up_trees(tap)
    test_this_tree(tap)
    with tempfile.TemporaryDirectory() as folder:
        test_program(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
