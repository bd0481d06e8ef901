#!/usr/bin/env bash
# Builds the project and runs every test on Debian 13, whose GStreamer (1.26) has the analytics library, with a newer
# GLib, Mesa and GCC than the oldest that we support.
#
#     tests/debian13.sh [FOLDER]
#
# FOLDER (without one, cbamdetect/trixie in the user's cache) holds the system: made by debootstrap when it is not there
# yet, used again when it is. The working tree, new files included, is copied into it and tools/test.sh runs there, with
# the folder named by CBAM_TEST_DATA if there is one. Needs root and a network. The last line says what it ran on, and
# what tools/test.sh said last; the exit status is that of tools/test.sh.
#
# Mounts and processes live in namespaces of their own, which end with the script however it ends: nothing has to be
# unmounted, and nothing can be left mounted.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/../tools/setup.sh"

suite=trixie
folder=${1:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cbamdetect/$suite}
# Beside what tools/setup.sh lists: the analytics library, and Python's view of GStreamer for the test of the example.
more_packages=(libgstreamer-plugins-bad1.0-dev python3-gi gir1.2-gst-plugins-base-1.0)

[ $# -le 1 ] || cbam_die "usage: tests/debian13.sh [FOLDER]"
[ "$(id -u)" = 0 ] || cbam_die "expected to be root, who alone can make and enter another system"

# Once more, inside of the namespaces. unshare ignores polite signals while it waits, and takes all with it when it dies.
if [ "${CBAM_DEBIAN13_INSIDE-}" != yes ]; then
  CBAM_DEBIAN13_INSIDE=yes unshare --mount --pid --fork --kill-child --propagation private "$0" "$@" &
  trap 'kill -KILL $!' INT TERM
  wait $!
  exit
fi

# Where this system gets its packages from, so that a mirror chosen here is chosen there; nothing on other systems.
find_mirror() {
  # shellcheck disable=SC2016 # apt fills it in
  ! command -v apt-get >/dev/null ||
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p
}

# A folder that is there is complete: it gets its name last.
make_system() {
  local mirror
  [ ! -d "$folder" ] || return 0
  if ! command -v debootstrap >/dev/null; then
    cbam_packages=(debootstrap)
    cbam_install_packages
  fi
  mirror=$(find_mirror)
  cbam_say "making $folder"
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder.part" ${mirror:+"$mirror"} \
    >"$folder.log" 2>&1 ||
    cbam_die "debootstrap failed; $folder.log says how"
  mv "$folder.part" "$folder"
}

mount_system() {
  mount -t proc proc "$folder/proc"
  mount --rbind /dev "$folder/dev"
  mount --rbind /sys "$folder/sys"
  mount -t tmpfs tmpfs "$folder/tmp"
  cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
}

# The sources replace those of the last run; the build folder beside them stays. All of them count as new: another tree
# may have older files than what was built of the last one.
copy_sources() {
  rm -rf "$folder/cbamdetect/source"
  mkdir -p "$folder/cbamdetect/source"
  # A file that was deleted is still listed; tar says so, and goes on.
  git -C "$cbam_root" ls-files -z --cached --others --exclude-standard |
    tar -C "$cbam_root" --null --files-from - --ignore-failed-read --create --file - 2>/dev/null |
    tar -C "$folder/cbamdetect/source" --extract --touch --file -
}

mount_test_data() {
  cbam_find_test_data
  [ -n "${CBAM_TEST_DATA-}" ] || return 0
  mkdir -p "$folder/cbamdetect/data"
  mount --bind "$CBAM_TEST_DATA" "$folder/cbamdetect/data"
  mount -o remount,bind,ro "$folder/cbamdetect/data"
}

# inside COMMAND...: runs it in the other system, with nothing of our environment but the network's proxies.
inside() {
  chroot "$folder" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive ${http_proxy+http_proxy="$http_proxy"} ${https_proxy+https_proxy="$https_proxy"} \
    "$@"
}

version_of() {
  # shellcheck disable=SC2016 # dpkg fills it in
  inside dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo none
}

make_system
mount_system
copy_sources
mount_test_data
inside apt-get -qq update
inside apt-get -qq --no-install-recommends install "${more_packages[@]}"

log=$folder/cbamdetect/log
status=0
inside env BUILD=/cbamdetect/build ${CBAM_TEST_DATA:+CBAM_TEST_DATA=/cbamdetect/data} \
  /cbamdetect/source/tools/test.sh 2>&1 | tee "$log" || status=$?
printf 'Debian %s, GStreamer %s, GLib %s, Mesa %s, GCC %s: %s\n' "$(cat "$folder/etc/debian_version")" \
  "$(version_of libgstreamer1.0-0)" "$(version_of libglib2.0-0t64)" "$(version_of mesa-vulkan-drivers)" \
  "$(inside gcc -dumpfullversion)" "$(tail -n 1 "$log")"
exit "$status"
