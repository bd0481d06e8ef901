#!/usr/bin/env bash
# Tries the library on the GPU of this machine: says what is missing, runs its tests there, measures the detectors
# and some classifiers, and writes a report to send in. At most six minutes.
#
#     tests/gpu.sh [--build FOLDER] [--out FOLDER] [--cpu] [--seconds N] [--runs N] [--suite NAME]...
#                  [--preset NAME]...
#
# Nothing is installed and nothing is built. The build may come from another machine, in the checkout that it was made
# from: there
#
#     meson setup -Dgst=disabled --buildtype=release build && ninja -C build && tests/gpu.sh --libraries
#
# puts the libraries that the programs need, and that this machine may lack, into build/libraries. What is needed here
# is Python 3, the Vulkan loader and a driver.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v python3 >/dev/null; then
  echo "gpu.sh: there is no python3, which this script is written in" >&2
  exit 3
fi
exec python3 -B "$here/gpu/report.py" "$@"
