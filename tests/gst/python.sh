#!/bin/sh
# Runs docs/read_metadata.py, the example of docs/metadata.md, on scaled frames; skipped where Python has no GStreamer.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
script=$1

for python in python3 /usr/bin/python3 none; do
  $python -c 'import gi; gi.require_version ("GstVideo", "1.0")' 2>/dev/null && break
done
[ $python != none ] || { echo "skipped: python3-gi or gir1.2-gst-plugins-base-1.0 is not installed"; exit 77; }

out=$($python "$script" "videotestsrc num-buffers=2 ! video/x-raw,width=320,height=240
  ! cbamdetect model=$CBAM_TEST_ATTENTION_MODEL attention=true grad-cam=true threshold=0.5 max-detections=3
  ! videoscale ! video/x-raw,width=640,height=480" 2>&1) || { echo "$out"; exit 1; }
echo "$out"
[ "$(echo "$out" | grep -c '^frame at 0.0')" -eq 2 ] || { echo "expected two frames"; exit 1; }
[ "$(echo "$out" | grep -cE '^  (cat|dog|bird|horse) 0\.[0-9]+: [0-9]+x[0-9]+ at [0-9]+,[0-9]+$')" -eq 6 ] ||
  { echo "expected three detections a frame"; exit 1; }
[ "$(echo "$out" | grep -cE '^  level-[012]: ([421])x\1 cells, 0\.[0-9]+ to 0\.[0-9]+, most at ')" -eq 6 ] ||
  { echo "expected maps of three levels"; exit 1; }
[ "$(echo "$out" | grep -cE '^  level-[012]: (128|256) channels, 0\.')" -eq 6 ] ||
  { echo "expected channels of three levels"; exit 1; }
[ "$(echo "$out" | grep -cE '^  grad-cam: ([421])x\1 cells, [01]\.[0-9]+ to [01]\.000, most at ')" -eq 2 ] ||
  { echo "expected Grad-CAM of two frames"; exit 1; }
[ "$(echo "$out" | grep -c 'Warning')" -eq 0 ] || { echo "expected no warnings"; exit 1; }
