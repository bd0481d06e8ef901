#!/usr/bin/env bash
# Looks for data races: builds with ThreadSanitizer and runs the tests that have threads, among them the element under
# stress.
#
#     tests/tsan.sh [SECONDS]
#
# ThreadSanitizer, because it follows every access of our code at a tenth of its speed, so that the element meets real
# timing; valgrind's checkers run one thread at a time, a hundred times slower, and know no more. GLib's locks are
# invisible to it: GLib is not built with it, and makes them of futexes. So tests/support/glib-locks.c, which makes the
# same of pthreads, is preloaded. Whether that tells right from wrong is tried first, by tests/tsan-control.c.
# GStreamer is not built with it either: accesses inside of it are not seen, but what we do before and after is.
#
# SECONDS is how long the stress test goes on; 20 without. The build lies in build-tsan/ ($BUILD-tsan). The last line is
# "N passed, N failed, N skipped". What cannot be judged is in tests/tsan.supp.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/../tools/setup.sh"

# The sanitiser needs a memory layout that some kernels' randomisation breaks.
if [ "${CBAM_TSAN_INSIDE-}" != yes ]; then
  CBAM_TSAN_INSIDE=yes exec setarch "$(uname -m)" --addr-no-randomize "$0" "$@"
fi

build=${BUILD:-$cbam_root/build}-tsan
locks=$build/tests/support/libglib-locks.so
options="suppressions=$cbam_root/tests/tsan.supp exitcode=66 history_size=5 second_deadlock_stack=1"
seconds=${1:-20}
tests=(team nets-host nets-detector nets-detector-host nets-classifier nets-sharing nets-vulkan-frames
  gst-stress gst-streams gst-flow gst-live gst-settings)

# control MODE STATUS: what it must exit with.
control() {
  local status=0
  TSAN_OPTIONS=$options LD_PRELOAD=$locks "$build/tests/tsan-control" "$1" 2>"$build/control.txt" || status=$?
  [ "$status" = "$2" ] || cbam_die "the control \"$1\" exited with $status, expected $2; $build/control.txt says why"
}

cbam_build "$build" -Db_sanitize=thread -Db_lundef=false
for mode in locked handed once counted; do
  control "$mode" 0
done
for mode in unlocked early freed; do
  control "$mode" 66
done

# run OPTIONS TEST...
run() {
  local more=$1
  shift
  CBAM_STRESS_SECONDS=$seconds meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 10 \
    --wrapper "env LD_PRELOAD=$locks CK_FORK=no G_SLICE=always-malloc 'TSAN_OPTIONS=$options $more'" "$@"
}

# The registry first, which is not ours: it looks into every plugin that is installed.
run report_bugs=0 gst-registry
rm -f "$build"/meson-logs/testlog*.json
run '' "${tests[@]}" || cbam_say "some tests did not pass"
exec python3 "$cbam_root/tools/count-tests.py" "$build"/meson-logs/testlog*.json
