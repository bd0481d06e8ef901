#!/usr/bin/env bash
# Installs what building, testing and the demo need and this machine lacks.
#
#     tools/setup.sh [--no-install] [PACKAGE...]
#
# PACKAGEs are further ones, by their Debian names. With --no-install nothing is installed: what is missing is said, and
# without the programs that build there is one error. Elsewhere than on Debian nothing is installed either.
#
# It also holds what the project's scripts share (packages, the build, the test data): they source it.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

cbam_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's names of everything that building, testing and the demo need. The last line is what the element's tests and
# the demo play, and what labels are written with.
cbam_packages=(
  meson ninja-build pkg-config gcc g++ glslang-tools spirv-tools
  libvulkan-dev libvulkan-volk-dev mesa-vulkan-drivers vulkan-validationlayers
  libjson-glib-dev libcairo2-dev libpango1.0-dev libgdk-pixbuf-2.0-dev
  libjpeg-dev libxml2-dev libdnnl-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  libgstreamer-plugins-bad1.0-dev libxkbcommon-dev libxkbcommon-x11-dev
  python3 python3-numpy
  gobject-introspection libgirepository1.0-dev python3-gi gir1.2-gdkpixbuf-2.0
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-libav fonts-dejavu-core
)

cbam_say() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

cbam_die() {
  cbam_say "$*"
  exit 1
}

# The packages of the list that are not installed, one a line.
cbam_missing_packages() {
  local package
  for package in "${cbam_packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# Runs a command as root, by sudo where we are not.
cbam_as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo -- "$@"
  fi
}

# Installs what is missing, and nothing else: where nothing is, apt is not called at all.
cbam_install_packages() {
  local missing
  if ! command -v dpkg-query >/dev/null; then
    cbam_say "this is no Debian system, so nothing is installed; needed are what Debian calls ${cbam_packages[*]}"
    return
  fi
  mapfile -t missing < <(cbam_missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    cbam_die "not root and no sudo: please have these packages installed first: ${missing[*]}"
  fi
  cbam_say "installing ${missing[*]}"
  cbam_as_root apt-get -qq update
  cbam_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends install "${missing[@]}"
}

# The programs without which nothing is built.
cbam_missing_programs() {
  local program
  for program in meson ninja pkg-config glslangValidator python3; do
    command -v "$program" >/dev/null || echo "$program"
  done
}

# Installs nothing: says which packages are missing, and goes on where a build may do without them.
cbam_check_packages() {
  local missing programs
  if command -v dpkg-query >/dev/null; then
    mapfile -t missing < <(cbam_missing_packages)
    [ ${#missing[@]} = 0 ] || cbam_say "not installed: ${missing[*]}"
  fi
  mapfile -t programs < <(cbam_missing_programs)
  [ ${#programs[@]} = 0 ] || cbam_die "nothing can be built without ${programs[*]}; tools/setup.sh installs what is missing"
}

# cbam_set_up [--no-install] [PACKAGE...]: what this file does when it is run.
cbam_set_up() {
  local step=cbam_install_packages
  if [ "${1-}" = --no-install ]; then
    step=cbam_check_packages
    shift
  fi
  case "${1-}" in
    -*) cbam_die "usage: tools/setup.sh [--no-install] [PACKAGE...]" ;;
  esac
  cbam_packages+=("$@")
  $step
}

# cbam_build FOLDER [MESON OPTION...]: configures the folder if it is new, and builds.
cbam_build() {
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] || meson setup "$folder" "$cbam_root" "$@"
  ninja -C "$folder"
}

# Names the test data in CBAM_TEST_DATA: what is already named wins, else the folder beside the checkout if it is there.
cbam_find_test_data() {
  if [ -z "${CBAM_TEST_DATA-}" ] && [ -d "$cbam_root/../shared/data" ]; then
    CBAM_TEST_DATA=$(cd "$cbam_root/../shared/data" && pwd)
    export CBAM_TEST_DATA
  fi
}

# cbam_make_coco_model FILE: converts the test data's detector and names it in CBAM_COCO_MODEL, unless one is named.
cbam_make_coco_model() {
  [ -z "${CBAM_COCO_MODEL-}" ] && [ -d "${CBAM_TEST_DATA-}/coco-ssd-mobilenet" ] || return 0
  [ -f "$1" ] || "$cbam_root/tools/convert" "$CBAM_TEST_DATA/coco-ssd-mobilenet" "$1"
  export CBAM_COCO_MODEL=$1
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -eu
  cbam_set_up "$@"
fi
