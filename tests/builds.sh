#!/usr/bin/env bash
# Builds the project in the ways that a normal run leaves out, warnings being errors, and runs the tests that are quick.
#
#     tests/builds.sh [NAME...]
#
# NAMEs are those of the ways at the end of this script; without one, all of them. The builds lie in build-clang/ and so
# on ($BUILD-clang). The last line is "N passed, N failed, N skipped"; a build that fails counts as one that failed.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/../tools/setup.sh"

build=${BUILD:-$cbam_root/build}
asked=" $* "
logs=()

# way NAME C-COMPILER C++-COMPILER [MESON OPTION...]: builds and tests, unless other ways are asked for.
way() {
  local name=$1 folder=$build-$1 log=$build-$1/meson-logs/testlog.json
  [[ $asked == "  " || $asked == *" $name "* ]] || return 0
  command -v "$2" >/dev/null || cbam_die "$name: there is no $2"
  cbam_say "$name: $2 ${*:4}"
  logs+=("$log")
  rm -f "$log"
  CC=$2 CXX=$3 cbam_build "$folder" --werror "${@:4}" || { cbam_say "$name: does not build"; return 0; }
  meson test -C "$folder" --no-rebuild --print-errorlogs --suite unit --suite api --suite fuzz --suite nets ||
    cbam_say "$name: some tests did not pass"
}

way clang clang clang++
way bare gcc g++ -Dgst=disabled
way static gcc g++ -Ddefault_library=static
way release gcc g++ --buildtype=release
[ $# = 0 ] || [ ${#logs[@]} = $# ] || cbam_die "not all of these are ways to build: $*"
exec python3 "$cbam_root/tools/count-tests.py" "${logs[@]}"
