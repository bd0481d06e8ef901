#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, and closes with "N passed, N failed, N skipped".
#
#     tools/test.sh [--asan] [--no-install]
#
# --asan runs everything a second time, built with the address and undefined-behaviour sanitisers. --no-install installs
# nothing and says what is missing. The builds lie in build/ (or $BUILD) and build-asan/ ($BUILD-asan). Tests of real
# pictures and weights read the folder named by CBAM_TEST_DATA, and the model file named by CBAM_COCO_MODEL, which is
# converted from there.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

build=${BUILD:-$cbam_root/build}
asan_build=$build-asan
with_asan=no
no_install=
for option in "$@"; do
  case "$option" in
    --asan) with_asan=yes ;;
    --no-install) no_install=yes ;;
    *) cbam_die "usage: tools/test.sh [--asan] [--no-install]" ;;
  esac
done

# run_tests FOLDER [MESON TEST OPTION...]; the counting below tells whether they passed.
run_tests() {
  local folder=$1
  shift
  rm -f "$folder/meson-logs/testlog.json"
  meson test -C "$folder" --no-rebuild --print-errorlogs "$@" || cbam_say "some tests in $folder did not pass"
}

# What the networks are proved against, and what reads .pth checkpoints; where it cannot be had, those tests are skipped.
cbam_set_up ${no_install:+--no-install} python3-torch python3-pil
cbam_find_test_data
logs=("$build/meson-logs/testlog.json")
cbam_build "$build"
cbam_make_coco_model "$build/coco.safetensors"
run_tests "$build"

# A leak in a library that is unloaded before the report has no name left to be told from one of ours, so the sanitised
# run keeps every library loaded.
make_keeper() {
  printf 'int dlclose (void *handle) { return 0; }\n' | gcc -shared -fPIC -x c -o "$asan_build/keep-loaded.so" -
}

if [ $with_asan = yes ]; then
  logs+=("$asan_build/meson-logs/testlog.json")
  cbam_build "$asan_build" -Db_sanitize=address,undefined -Db_lundef=false
  make_keeper
  # GStreamer's own programs are not built with the sanitisers and load a plugin that is. Suppressed leaks are those of
  # drivers and font libraries, which keep what they made until the process ends. The sanitiser takes a library's
  # thread-local block that happens to lie 16 bytes into a page for one of glibc 2.19, and crashes: it is not to look.
  export ASAN_OPTIONS="${ASAN_OPTIONS:-verify_asan_link_order=0:intercept_tls_get_addr=0}"
  export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=$cbam_root/tests/lsan.supp:print_suppressions=0}"
  export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
  LD_PRELOAD="$asan_build/keep-loaded.so" run_tests "$asan_build" --timeout-multiplier 4
fi

exec python3 "$cbam_root/tools/count-tests.py" "${logs[@]}"
