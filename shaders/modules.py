#!/usr/bin/env python3
"""The modules that the shaders are compiled into, one a line for Meson: name, source, defines.

A shader says at its head what becomes of it:

    // module: NAME [-DDEFINE ...] [(FLAVOUR ...)] [of TILES (PARAMETER, ...)]

A flavour adds to the names: `texel` makes NAME_texel, which reads maps as texel buffers (-DTEXELS), `plain` makes
NAME_plain, which runs on every device; and all but the plain ones have a twin NAME_narrow for devices without 64-bit
integers (-DNARROW) where `narrow` stands. With `half` there is the plain one once more as NAME_half, for maps and
weights of 16-bit floats (-DHALF). TILES is a list of args/*.h that C reads too, TILE (number, ...) for each: a
module is made of each, with its parameters defined, and NAME may have them as {PARAMETER}.

    modules.py --sources    what there is to read, one a line, for Meson to look out for changes
    modules.py FILE...      the modules

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import re
import sys

MODULE = re.compile(r"// module: (?P<name>\S+)(?P<defines>(?: -D\S+)*)(?: \((?P<flavours>[^)]*)\))?"
                    r"(?: of (?P<tiles>\w+) \((?P<parameters>[^)]*)\))?$")
TILES = re.compile(r"^#define (\w+)\(TILE\)((?:.*\\\n)*.*)$", re.MULTILINE)


def find_tiles(sources):
    """The lists of all headers by name: of each tile the numbers."""
    tiles = {}
    for source in sources:
        with open(source, encoding="utf-8") as file:
            for name, body in TILES.findall(file.read()):
                tiles[name] = [re.findall(r"\d+", tile) for tile in re.findall(r"TILE \(([^)]*)\)", body)]
    return tiles


def flavours_of(name, defines, flavours):
    """The modules that one becomes, as (name, defines)."""
    modules = [(name, defines)]
    if "texel" in flavours:
        modules = [(name + "_texel", defines + ["-DTEXELS"]), (name + "_plain", defines)]
    if "narrow" in flavours:
        modules.insert(1, (modules[0][0] + "_narrow", modules[0][1] + ["-DNARROW"]))
    if "half" in flavours:
        modules.append((name + "_half", defines + ["-DHALF"]))
    return modules


def modules_of(source, tiles):
    """Those that @source names, as (name, defines)."""
    with open(source, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.startswith("// module:")]
    for line in lines:
        match = MODULE.match(line)
        if not match or (match["tiles"] and match["tiles"] not in tiles):
            sys.exit(f"{source}: cannot read '{line}'")
        defines, flavours = match["defines"].split(), (match["flavours"] or "").split()
        parameters = (match["parameters"] or "").split(", ")
        for tile in tiles[match["tiles"]] if match["tiles"] else [[]]:
            values = dict(zip(parameters, tile))
            yield from flavours_of(match["name"].format(**values),
                                   defines + [f"-D{name}={value}" for name, value in values.items()], flavours)
    if not lines:
        sys.exit(f"{source}: names no module")


def main(arguments):
    if arguments == ["--sources"]:
        os.chdir(os.path.dirname(os.path.abspath(__file__)))
        print("\n".join(sorted(glob.glob("*.comp") + glob.glob("args/*.h"))))
        return
    tiles = find_tiles([source for source in arguments if source.endswith(".h")])
    for source in arguments:
        if source.endswith(".comp"):
            for name, defines in modules_of(source, tiles):
                print(name, source, *defines)


if __name__ == "__main__":
    main(sys.argv[1:])
