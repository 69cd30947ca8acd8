#!/usr/bin/env bash
# Counts the instructions of fixed in-memory workloads (guard/) with callgrind, built with the preset `release`. Fails if one takes
# 3 % more than guard.json says. The counts do not depend on the load of the machine, but on the compiler.
#   tests/bench/guard.sh              compare; exits with 77 if there are no counts for this compiler
#   tests/bench/guard.sh --update     record the current counts
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$bench/../.." && pwd)

if [[ $# -gt 1 || ${1:---update} != --update ]]; then
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
command -v valgrind >/dev/null || {
  echo "guard.sh: valgrind is missing (deploy/install-deps.sh --test)"
  exit 77
}

cd "$root"
cmake --preset release -D UPGATE_BENCH=ON >/dev/null
cmake --build --preset release --parallel "$(nproc)" --target guard >/dev/null
build=$root/build/release
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
version=$("$compiler" -dumpversion)
kind=gcc
if "$compiler" --version | grep -q clang; then kind=clang; fi

counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$counts/callgrind.out" \
  "$build/tests/bench/guard/guard" >"$counts/log" 2>&1 || {
  cat "$counts/log" >&2
  exit 1
}
PYTHONPATH=$bench PYTHONDONTWRITEBYTECODE=1 python3 -m harness.guard "$kind-${version%%.*}" "$counts" "$@"
