#!/usr/bin/env python3
"""Whether the layer knows every call of the library that can fail: its table beside the sources and Vulkan's header.

    test_calls.py SOURCES VULKAN_CORE_H

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))

from tap import Tap

ROOT, HEADER = sys.argv[1:]

# Not of the library as its users run it.
LEFT_OUT = {"vkCreateDebugUtilsMessengerEXT": "of the validation layer, which only tests have"}


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def failing_calls():
    """The calls that Vulkan's header says give a VkResult."""
    return set(re.findall(r"typedef VkResult \(VKAPI_PTR \*PFN_(vk\w+)\)", read(HEADER)))


def library_calls():
    found = set()
    for place, _, names in os.walk(os.path.join(ROOT, "compute")):
        for name in names:
            if name.endswith((".c", ".h")):
                text = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"", "", read(place, name), flags=re.DOTALL)
                found |= set(re.findall(r"\b(vk[A-Z]\w+)", text))
    return found


def layer_calls():
    table = re.search(r"#define FAULTS_CALLS\(X\)(.*?)\n\n", read(ROOT, "tests", "faults", "faults.h"), re.DOTALL)
    return set(re.findall(r"X \((vk\w+),", table.group(1)))


def main():
    tap = Tap()
    with tap.point("the layer's table is what the library calls"):
        failing, called, known = failing_calls(), library_calls(), layer_calls()
        assert "vkQueueSubmit" in failing and "vkQueueSubmit" in called, "the test reads nothing"
        missing = (called & failing) - known - set(LEFT_OUT)
        assert not missing, f"not in the layer's table: {sorted(missing)}"
        assert known <= called, f"nobody calls {sorted(known - called)}"
        assert set(LEFT_OUT) <= called, f"nobody calls {sorted(set(LEFT_OUT) - called)}"
    tap.done()


if __name__ == "__main__":
    main()
