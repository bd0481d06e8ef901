#!/bin/sh
# Runs one of the element's test programs under valgrind's memcheck: reads and writes outside of memory, use of what was
# never written, and definite leaks fail it. Skipped where there is no valgrind.
#
#     memcheck.sh SUPPRESSIONS PROGRAM [ARGUMENT...]
#
# All tests run in one process, which lets them share what the Vulkan driver has compiled: that takes most of the time.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u

command -v valgrind >/dev/null || { echo "skipped: valgrind is not installed"; exit 77; }
suppressions=$1
shift
# Memory that is freed is freed, and pointers in it are gone.
export G_SLICE=always-malloc G_DEBUG="${G_DEBUG-},gc-friendly" CK_FORK=no CBAM_TEST_WARM=yes
# GLib ships what it has to say about itself.
glib=/usr/share/glib-2.0/valgrind/glib.supp
[ -f $glib ] && set -- --suppressions=$glib "$@"
exec valgrind --quiet --error-exitcode=9 --num-callers=40 --leak-check=full --show-leak-kinds=definite \
  --errors-for-leak-kinds=definite --gen-suppressions=all --suppressions="$suppressions" "$@"
