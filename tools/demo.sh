#!/usr/bin/env bash
# From a fresh machine to pictures and a video with boxes on them, in one command.
#
#     tools/demo.sh [--model FILE] [--output FOLDER]
#
# Installs what is missing, builds, brings sample media out of Debian's own packages (kept in the user's cache for the
# next time), and detects: with the model that ships with cbamdetect unless --model names another.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

build=${BUILD:-$cbam_root/build}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cbamdetect
output=$build/demo
model=

usage() {
  cbam_die "usage: tools/demo.sh [--model FILE] [--output FOLDER]"
}

while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case "$1" in
    --model) model=$2 ;;
    --output) output=$2 ;;
    *) usage ;;
  esac
  shift 2
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
  if ! apt-cache show darknet >/dev/null 2>&1; then
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

draw_video() {
  local video=$cache/opencv-doc/vtest.avi
  [ -e "$video" ] || return 0
  cbam_say "detecting in $(basename "$video"), a minute and a half of pedestrians"
  GST_PLUGIN_PATH=$build/gst${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH} gst-launch-1.0 -q \
    filesrc location="$video" ! decodebin ! videoconvert ! \
    cbamdetect ${model:+model="$model"} overlay=boxes+labels ! videoconvert ! \
    jpegenc quality=80 ! matroskamux ! filesink location="$output/vtest.mkv"
  cbam_say "annotated video: $output/vtest.mkv"
}

cbam_install_packages
cbam_build "$build"
mkdir -p "$output"
with_model=()
[ -z "$model" ] || with_model=(--model "$model")
bring_media
draw_stills
draw_video
