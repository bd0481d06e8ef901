#!/usr/bin/env bash
# Tests the tests: breaks one line of the project at a time and expects the suite to notice.
#
#     tools/mutate.sh [--list] [--part I/N] [PATTERN]
#
# Works on a copy of the checkout, new files included, in a scratch folder that goes at the end ($TMPDIR says where).
# There every sabotage of tools/sabotages.sh whose name, file or tests match PATTERN (an extended regular expression; all
# without one) is applied, built, put before the tests that must catch it, and undone. One line each says "caught" or
# "SURVIVED"; the last line is "N passed, N failed", passed being caught. A sabotage that does not apply (its text must
# occur exactly once) or does not build has failed. --list only lists. --part I/N takes every N-th, from the I-th on, for N
# runs beside each other.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

set -eu
# shellcheck source=tools/setup.sh
. "$(dirname "$0")/setup.sh"

# ---- The table ------------------------------------------------------------------------------------------------------

names=() files=() finds=() replacements=() tests=()

# sabotage NAME FILE TEXT REPLACEMENT TEST...: of the tests at least one must fail once TEXT has become REPLACEMENT.
sabotage() {
  names+=("$1") files+=("$2") finds+=("$3") replacements+=("$4")
  shift 4
  tests+=("$*")
}
# shellcheck source=tools/sabotages.sh
. "$(dirname "$0")/sabotages.sh"

# ---- The run --------------------------------------------------------------------------------------------------------

# matches N PATTERN
matches() {
  [[ "${names[$1]} ${files[$1]} ${tests[$1]}" =~ $2 ]]
}

# Puts the replacement for sabotage N into the file; fails unless its text occurs exactly once.
apply() {
  python3 - "$tree/${files[$1]}" "${finds[$1]}" "${replacements[$1]}" <<'PYTHON'
import sys

path, find, replacement = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    text = file.read()
if text.count(find) != 1:
    sys.exit(f"{text.count(find)} places instead of one")
with open(path, "w", encoding="utf-8") as file:
    file.write(text.replace(find, replacement))
PYTHON
}

build_tree() {
  ninja -C "$scratch/build" >"$scratch/log" 2>&1
}

run_tests() {
  meson test -C "$scratch/build" --no-rebuild "$@" >"$scratch/log" 2>&1
}

# check N: prints what becomes of the sabotage; succeeds if it is caught.
check() {
  local verdict=SURVIVED reason names_of_tests
  read -ra names_of_tests <<<"${tests[$1]}"
  cp "$tree/${files[$1]}" "$scratch/original"
  if ! reason=$(apply "$1" 2>&1); then
    verdict="DOES NOT APPLY ($reason)"
  elif ! build_tree; then
    verdict='DOES NOT BUILD'
  elif ! run_tests "${names_of_tests[@]}"; then
    verdict=caught
  fi
  cat "$scratch/original" >"$tree/${files[$1]}" # with a new time, so that it is built again
  printf '%s: %s [%s; %s]\n' "$verdict" "${names[$1]}" "${files[$1]}" "${tests[$1]}"
  [ "$verdict" = caught ]
}

# A test that fails anyway catches everything, and one that does not exist as well.
check_tests() {
  local wanted unknown
  mapfile -t wanted < <(for n in "${chosen[@]}"; do tr ' ' '\n' <<<"${tests[n]}"; done | sort -u)
  unknown=$(printf '%s\n' "${wanted[@]}" |
    grep -vxF -f <(meson test -C "$scratch/build" --no-rebuild --list 2>/dev/null | sed 's/.* //') || true)
  [ -z "$unknown" ] || cbam_die "no such tests: $unknown"
  if ! run_tests "${wanted[@]}"; then
    cat "$scratch/log"
    cbam_die "some tests fail without any sabotage"
  fi
}

list=no part=1 parts=1
while [[ "${1-}" = -* ]]; do
  case "$1" in
    --list) list=yes ;;
    --part)
      [[ "${2-}" =~ ^([1-9][0-9]*)/([1-9][0-9]*)$ ]] && [ "${BASH_REMATCH[1]}" -le "${BASH_REMATCH[2]}" ] ||
        cbam_die "expected --part I/N with I from 1 to N, found \"${2-}\""
      part=${BASH_REMATCH[1]} parts=${BASH_REMATCH[2]}
      shift
      ;;
    *) cbam_die "usage: tools/mutate.sh [--list] [--part I/N] [PATTERN]" ;;
  esac
  shift
done
[ $# -le 1 ] || cbam_die "usage: tools/mutate.sh [--list] [--part I/N] [PATTERN]"

chosen=() n_matching=0
for n in "${!names[@]}"; do
  if matches "$n" "${1-}"; then
    n_matching=$((n_matching + 1))
    if [ $((n_matching % parts)) = $((part % parts)) ]; then
      chosen+=("$n")
    fi
  fi
done
[ ${#chosen[@]} -gt 0 ] || cbam_die "nothing matches \"$1\""
if [ $list = yes ]; then
  for n in "${chosen[@]}"; do
    printf '%s [%s; %s]\n' "${names[n]}" "${files[n]}" "${tests[n]}"
  done
  exit 0
fi

cbam_install_packages
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
mkdir "$tree"
git -C "$cbam_root" ls-files -z --cached --others --exclude-standard |
  tar -C "$cbam_root" --null --ignore-failed-read -cf - -T - | tar -C "$tree" -xf -
cbam_root=$tree
cbam_build "$scratch/build" >"$scratch/log" 2>&1 || { cat "$scratch/log"; cbam_die "the tree does not build"; }
check_tests

passed=0 failed=0
for n in "${chosen[@]}"; do
  if check "$n"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
