#!/usr/bin/env bash
# Builds everything and runs all tests; fails if anything fails. Installs missing packages (Debian).
#   tests/run.sh [dev|asan|tsan]     the preset to build; default: dev
# A build folder that does not exist yet gets a unity build, which takes a third of the time. For work on the code, run
# `cmake --preset PRESET` before: then a change recompiles single files, and compile_commands.json lists all sources.
# Excludes the tests that set up a whole Debian 13 system, for the build, the package and the image, and the guard of the release
# build (ctest --test-dir build/dev -L slow).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:-dev}
case $preset in
  dev | asan | tsan) ;;
  *)
    echo "usage: tests/run.sh [dev|asan|tsan]" >&2
    exit 2
    ;;
esac

"$root/deploy/install-deps.sh" --test
cd "$root"
unity=()
[[ -f build/$preset/CMakeCache.txt ]] || unity=(-D UPGATE_UNITY=GROUPS)
cmake --preset "$preset" "${unity[@]}"
cmake --build --preset "$preset" --parallel "$(nproc)"

# npm records what it installed in a lock file; if that is newer than ours, there is nothing to do.
system=tests/system
if [[ -f $system/package-lock.json && ! $system/node_modules/.package-lock.json -nt $system/package-lock.json ]]; then
  npm --prefix "$system" ci --no-audit --no-fund
fi

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

run=()
# Many tests wait more than they compute.
jobs=$(($(nproc) + 1))
# High-entropy address randomization breaks the shadow memory of older thread sanitizers.
if [[ $preset == tsan ]] && setarch -R true 2>/dev/null; then run=(setarch -R); fi
exec "${run[@]}" ctest --preset "$preset" --parallel "$jobs" --output-on-failure --no-tests=error
