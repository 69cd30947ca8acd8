#!/usr/bin/env bash
# Counts the instructions of fixed in-memory workloads (guard/) with callgrind. Fails if one takes 3 % more than guard.json says. The
# counts do not depend on the load of the machine, but on the compiler and its options.
#   tests/bench/guard.sh                    those of the preset `release`, which it builds
#   tests/bench/guard.sh --build FOLDER     those of a build folder with tests, as it is (part of tests/run.sh)
#   tests/bench/guard.sh [...] --update     record the current counts
# Exits with 77 if there are no counts for this compiler and these options.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$bench/../.." && pwd)

build=
update=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --update) update=("$1") ;;
    --build)
      build=$(cd "${2:?--build needs a folder}" && pwd)
      shift
      ;;
    *)
      sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
  shift
done
command -v valgrind >/dev/null || {
  echo "guard.sh: valgrind is missing (deploy/install-deps.sh --test)"
  exit 77
}

cd "$root"
if [[ -z $build ]]; then
  build=$root/build/release
  cmake --preset release -D UPGATE_BENCH=ON >/dev/null
  cmake --build --preset release --parallel "$(nproc)" --target guard >/dev/null
fi

cached() {
  sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}

compiler=$(cached CMAKE_CXX_COMPILER)
version=$("$compiler" -dumpversion)
kind=gcc
if "$compiler" --version | grep -q clang; then kind=clang; fi
options=$(cached CMAKE_BUILD_TYPE)-unity-$(cached UPGATE_UNITY)

counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$counts/callgrind.out" \
  "$build/tests/bench/guard/guard" >"$counts/log" 2>&1 || {
  cat "$counts/log" >&2
  exit 1
}
PYTHONPATH=$bench PYTHONDONTWRITEBYTECODE=1 python3 -m harness.guard "$kind-${version%%.*}-${options,,}" "$counts" "${update[@]}"
