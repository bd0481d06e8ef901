#!/bin/sh
# Runs pipelines under GStreamer's leak tracer; an object that is left over fails the test.
#
#     leaks.sh SOAK
#
# SOAK is the program of soak.c, which changes the model on the way.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
soak=$1

# check COMMAND...: it must end as $expected, and leave nothing.
check ()
{
  out=$(GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1 "$@" 2>&1)
  rc=$?
  # The tracer also prints the format of its lines, with %s for the type.
  alive=$(echo "$out" | grep 'object-alive, type-name=' | grep -v 'type-name=(string)%s')
  ended=success
  [ "$rc" -eq 0 ] || ended=failure
  if [ "$ended" != "$expected" ] || [ -n "$alive" ]; then
    echo "exit status $rc (expected $expected), or objects left: $*"
    echo "$alive"
    echo "$out" | grep -E 'ERROR|WARN|FAIL|soak:'
    exit 1
  fi
}

launch ()
{
  check gst-launch-1.0 -q "$@"
}

raw=video/x-raw,width=320,height=240,framerate=25/1
small=video/x-raw,width=96,height=72,framerate=25/1
model=$CBAM_TEST_MODEL
attention_model=$CBAM_TEST_ATTENTION_MODEL
classifier=$CBAM_TEST_CLASSIFIER
everything=boxes+labels+attention+grad-cam

expected=success
launch videotestsrc num-buffers=30 ! $raw ! cbamdetect model=$model threshold=0 post-messages=true ! fakesink
launch videotestsrc num-buffers=30 ! $raw,format=NV12 ! cbamdetect model=$model threshold=0 overlay=boxes+labels \
  ! videoconvert ! fakesink
launch videotestsrc num-buffers=30 is-live=true ! $raw,format=RGB ! cbamdetect model=$model threshold=0 queue-depth=1 \
  overlay=labels ! fakesink
launch videotestsrc num-buffers=10 ! $raw ! tee name=t t. ! queue ! cbamdetect model=$model threshold=0 overlay=boxes \
  ! fakesink t. ! queue ! cbamdetect model=$model threshold=0 ! fakesink
launch videotestsrc num-buffers=30 ! $raw ! cbamdetect model=$model threshold=0 classes=dog,1 roi=10,10,200,100 \
  interval=3 attention=true overlay=boxes ! fakesink
launch videotestsrc num-buffers=60 is-live=true ! $raw ! cbamdetect model=$model threshold=0 carry=none ! fakesink \
  sync=true
launch videotestsrc num-buffers=20 ! $raw ! cbamdetect model=$model threshold=0 interval=1 grad-cam=true ! queue \
  ! cbamoverlay overlay=boxes+grad-cam ! fakesink
launch videotestsrc num-buffers=1000 ! $raw ! cbamdetect model=$model ! identity eos-after=5 ! fakesink
launch videotestsrc num-buffers=30 ! $raw ! cbamdetect model=$model threshold=0 max-detections=5 \
  ! cbamclassify model=$classifier reclassify-interval=3 grad-cam=true attention=true top-k=3 post-messages=true \
  ! videoscale ! $small ! cbamoverlay overlay=$everything ! cbamjson ! fakesink
launch videotestsrc num-buffers=60 is-live=true ! $raw ! cbamdetect model=$model threshold=0 max-detections=20 \
  ! cbamclassify model=$classifier ! cbamclassify model=$classifier on=frame ! fakesink

# A thousand frames, in which what one frame in ten leaves would be a hundred.
launch videotestsrc num-buffers=1000 pattern=ball ! $small ! cbamdetect model=$attention_model threshold=0.3 \
  attention=true overlay=$everything post-messages=true ! queue ! videoscale ! video/x-raw,width=120,height=100 \
  ! tee name=t t. ! queue ! cbamoverlay overlay=boxes+labels+attention ! fakesink t. ! queue ! cbamjson ! fakesink
check "$soak" --frames 1000 --size 96x72 --model "$model" --switch "$attention_model" \
  --properties "threshold=0.3 interval=1 attention=true overlay=$everything"

expected=failure
launch videotestsrc ! $raw ! cbamdetect model=/nonexistent ! fakesink
launch videotestsrc ! $raw ! cbamdetect model=$model classes=unheard-of ! fakesink
launch videotestsrc ! $raw ! cbamclassify model=$model ! fakesink
launch videotestsrc ! $raw ! cbamdetect model=$model threshold=0 ! identity error-after=5 ! fakesink
