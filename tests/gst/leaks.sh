#!/bin/sh
# Runs pipelines under GStreamer's leak tracer; an object that is left over fails the test.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u

check ()
{
  out=$(GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1 gst-launch-1.0 -q "$@" 2>&1)
  rc=$?
  # The tracer also prints the format of its lines, with %s for the type.
  alive=$(echo "$out" | grep 'object-alive, type-name=' | grep -v 'type-name=(string)%s')
  ended=success
  [ "$rc" -eq 0 ] || ended=failure
  if [ "$ended" != "$expected" ] || [ -n "$alive" ]; then
    echo "exit status $rc (expected $expected), or objects left: $*"
    echo "$alive"
    echo "$out" | grep -E 'ERROR|WARN'
    exit 1
  fi
}

raw=video/x-raw,width=320,height=240,framerate=25/1
model=$CBAM_TEST_MODEL
attention_model=$CBAM_TEST_ATTENTION_MODEL

expected=success
check videotestsrc num-buffers=30 ! $raw ! cbamdetect model=$model threshold=0 post-messages=true ! fakesink
check videotestsrc num-buffers=30 ! $raw,format=NV12 ! cbamdetect model=$model threshold=0 overlay=boxes+labels \
  ! videoconvert ! fakesink
check videotestsrc num-buffers=30 is-live=true ! $raw,format=RGB ! cbamdetect model=$model threshold=0 queue-depth=1 \
  overlay=labels ! fakesink
check videotestsrc num-buffers=10 ! $raw ! tee name=t t. ! queue ! cbamdetect model=$model threshold=0 overlay=boxes \
  ! fakesink t. ! queue ! cbamdetect model=$model threshold=0 ! fakesink
check videotestsrc num-buffers=30 ! $raw ! cbamdetect model=$model threshold=0 classes=dog,1 roi=10,10,200,100 \
  interval=3 attention=true overlay=boxes ! fakesink
check videotestsrc num-buffers=60 is-live=true ! $raw ! cbamdetect model=$model threshold=0 carry=none ! fakesink \
  sync=true
check videotestsrc num-buffers=30 ! $raw ! cbamdetect model=$attention_model threshold=0.3 attention=true ! queue \
  ! videoscale ! video/x-raw,width=200,height=200 ! tee name=t t. ! queue ! cbamoverlay overlay=boxes+labels+attention \
  ! fakesink t. ! queue ! cbamjson ! fakesink
check videotestsrc num-buffers=1000 ! $raw ! cbamdetect model=$model ! identity eos-after=5 ! fakesink

expected=failure
check videotestsrc ! $raw ! cbamdetect model=/nonexistent ! fakesink
check videotestsrc ! $raw ! cbamdetect model=$model classes=unheard-of ! fakesink
check videotestsrc ! $raw ! cbamdetect model=$model threshold=0 ! identity error-after=5 ! fakesink
