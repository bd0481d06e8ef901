#!/usr/bin/env bash
# From a fresh machine to pictures and a video with boxes on them, in one command.
#
#     tools/demo.sh [--model FILE] [--output FOLDER] [--no-install]
#     tools/demo.sh --camera [DEVICE] [--model FILE] [--output FOLDER] [--no-install]
#
# Installs what is missing (with --no-install it only says what is), builds, brings sample media out of Debian's own
# packages (kept in the user's cache for the next time), and detects: with the model that ships with cbamdetect unless
# --model names another.
#
# With --camera it detects in what a camera sees (DEVICE as /dev/video0; else the first that gives a picture), in a
# window with boxes, labels and the network's attention as a heat map. With --output, or where there is no display, 20
# seconds of it are recorded instead, to camera.mkv.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

build=${BUILD:-$cbam_root/build}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cbamdetect
output=
model=
with_camera=no
camera=
record_seconds=20
no_install=
export GST_PLUGIN_PATH=$build/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}

usage() {
  cbam_die "usage: tools/demo.sh [--camera [DEVICE]] [--model FILE] [--output FOLDER] [--no-install]"
}

while [ $# -gt 0 ]; do
  case "$1" in
    --model)
      [ $# -ge 2 ] || usage
      model=$2
      shift 2
      ;;
    --output)
      [ $# -ge 2 ] || usage
      output=$2
      shift 2
      ;;
    --no-install)
      no_install=yes
      shift
      ;;
    --camera)
      with_camera=yes
      shift
      case "${1-}" in
        '' | --*) ;;
        *)
          camera=$1
          shift
          ;;
      esac
      ;;
    *) usage ;;
  esac
done
[ -z "$model" ] || [ -f "$model" ] || cbam_die "no such model file: '$model'"

# bring PACKAGE PATTERN...: the package's files that match go to the cache, unless an earlier run brought them.
bring() {
  local package=$1 work
  shift
  [ ! -e "$cache/$package/complete" ] || return 0
  cbam_say "bringing sample media out of Debian's package $package"
  work=$(mktemp -d)
  # Root's downloads go through a user who cannot write here, about which apt would warn.
  if ! (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" && dpkg-deb -x ./*.deb .); then
    rm -rf "$work"
    cbam_say "$package could not be brought; going on without it"
    return 0
  fi
  mkdir -p "$cache/$package"
  for pattern in "$@"; do
    find "$work" -type f -path "*/$pattern" -exec cp -t "$cache/$package" {} +
  done
  rm -rf "$work"
  touch "$cache/$package/complete"
}

bring_media() {
  # A fresh machine has no package lists yet.
  if [ -z "$no_install" ] && ! apt-cache show darknet >/dev/null 2>&1; then
    cbam_as_root apt-get -qq update || true
  fi
  bring darknet 'darknet/data/*.jpg'
  bring opencv-doc 'examples/data/vtest.avi'
}

draw_stills() {
  local stills=("$cache"/darknet/*.jpg)
  [ -e "${stills[0]}" ] || return 0
  "$build/tools/cbam-run" "${with_model[@]}" --output "$output/stills" "${stills[@]}"
  "$build/tools/cbam-run" "${with_model[@]}" --grad-cam 1 --output "$output/why" "${stills[@]}" >/dev/null
  cbam_say "annotated stills: $output/stills/; where the evidence for the strongest object of each lies: $output/why/"
  # A model of the user's own may have no attention.
  if "$build/tools/cbam-run" "${with_model[@]}" --attention mean --output "$output/attention" "${stills[@]}" \
    >/dev/null 2>&1; then
    cbam_say "what the network's attention let through: $output/attention/"
  fi
}

# What computes here, and where that is the processor itself, one of the stills by Vulkan beside it.
show_device() {
  local stills=("$cache"/darknet/*.jpg)
  cbam_say "detecting on $("$build/tools/cbam-run" --list-devices | head -n 1)"
  "$build/tools/cbam-run" --list-devices | head -n 1 | grep -q '^[0-9]*  *host ' || return 0
  [ -e "${stills[0]}" ] || return 0
  if "$build/tools/cbam-run" "${with_model[@]}" --device llvmpipe --output "$output/vulkan.png" "${stills[0]}"; then
    cbam_say "the same still by Vulkan, in software: $output/vulkan.png"
  fi
}

draw_video() {
  local video=$cache/opencv-doc/vtest.avi
  [ -e "$video" ] || return 0
  cbam_say "detecting in $(basename "$video"), a minute and a half of pedestrians"
  gst-launch-1.0 -q \
    filesrc location="$video" ! decodebin ! videoconvert ! \
    cbamdetect ${model:+model="$model"} overlay=boxes+labels ! videoconvert ! \
    jpegenc quality=80 ! matroskamux ! filesink location="$output/vtest.mkv"
  cbam_say "annotated video: $output/vtest.mkv"
}

# The cameras to try, in $cameras: the one that was named, or all. A clear word where there is none, before anything is
# installed or built for it.
find_cameras() {
  cameras=("$camera")
  if [ -n "$camera" ]; then
    [ -c "$camera" ] || cbam_die "no camera: '$camera' is no device; ls /dev/video* shows those there are"
  else
    cameras=(/dev/video*)
    [ -c "${cameras[0]}" ] || cbam_die "no camera: there is no /dev/video*; plug one in (in a virtual machine or" \
      "container, hand it on), or see the demo without: tools/demo.sh"
  fi
  local device
  for device in "${cameras[@]}"; do
    [ ! -r "$device" ] || return 0
  done
  cbam_die "no camera: you may not read ${cameras[*]}; sudo usermod -aG video $(id -un), and log in again"
}

# Sets $camera to the first of $cameras that gives a picture: a camera has more devices than one, and not all capture.
choose_camera() {
  for camera in "${cameras[@]}"; do
    if timeout 15 gst-launch-1.0 -q v4l2src device="$camera" num-buffers=1 ! fakesink >/dev/null 2>&1; then
      return 0
    fi
  done
  cbam_die "no camera: none of ${cameras[*]} gives a picture; is another program using it? This says more:" \
    "gst-launch-1.0 v4l2src device=${cameras[0]} num-buffers=1 ! fakesink"
}

show_camera() {
  cbam_say "detecting in what $camera sees; close the window or press Ctrl+C to end"
  gst-launch-1.0 -q v4l2src device="$camera" ! videoconvert ! \
    cbamdetect ${model:+model="$model"} overlay=boxes+labels+attention ! videoconvert ! autovideosink ||
    cbam_say "the pipeline has ended"
}

# On SIGINT gst-launch-1.0 -e finishes the file; that the time was up is what timeout calls 124.
record_camera() {
  local status=0
  cbam_say "recording $record_seconds seconds of what $camera sees"
  timeout --foreground --signal=INT --kill-after=20 \
    "$record_seconds" gst-launch-1.0 -q -e v4l2src device="$camera" ! videoconvert ! \
    cbamdetect ${model:+model="$model"} overlay=boxes+labels+attention ! videoconvert ! \
    jpegenc quality=80 ! matroskamux ! filesink location="$output/camera.mkv" || status=$?
  [ $status = 124 ] || cbam_die "the recording broke off (exit status $status)"
  cbam_say "annotated video: $output/camera.mkv"
}

demo_camera() {
  find_cameras
  if [ -z "$output" ] && [ -z "${WAYLAND_DISPLAY-}${DISPLAY-}" ]; then
    output=$build/demo
    cbam_say "no display (neither WAYLAND_DISPLAY nor DISPLAY is set, as over SSH), so no window: recording to" \
      "$output/camera.mkv instead"
  fi
  cbam_set_up ${no_install:+--no-install}
  cbam_build "$build"
  choose_camera
  if [ -n "$output" ]; then
    mkdir -p "$output"
    record_camera
  else
    show_camera
  fi
}

demo_files() {
  output=${output:-$build/demo}
  with_model=()
  [ -z "$model" ] || with_model=(--model "$model")
  cbam_set_up ${no_install:+--no-install}
  cbam_build "$build"
  mkdir -p "$output"
  bring_media
  draw_stills
  show_device
  draw_video
}

if [ $with_camera = yes ]; then
  demo_camera
else
  demo_files
fi
