#!/usr/bin/env bash
# Builds the fuzzers and runs them over their corpora, two at a time on two cores or more; ends with a table of the results.
#   tests/fuzz/run.sh SECONDS [NAME...]     SECONDS for each fuzzer; default: all
# New inputs are kept in build/fuzz/corpus/NAME and used by the next run. A finding is saved as build/fuzz/findings/NAME-* and fails the
# script; build/fuzz/logs/NAME has the details. FUZZ_BUILD_DIR replaces build/fuzz.
set -euo pipefail

if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
seconds=$1
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FUZZ_BUILD_DIR:-$root/build/fuzz}
jobs=$(($(nproc) > 1 ? 2 : 1))

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
  for source in "$root"/tests/fuzz/*_fuzz.cc; do
    names+=("$(basename "$source" _fuzz.cc)")
  done
fi

"$root/deploy/install-deps.sh" --fuzz
cd "$root"
cmake --preset fuzz -B "$build" >/dev/null
cmake --build "$build" --parallel "$jobs" --target "${names[@]/#/fuzz_}"
mkdir -p "$build/findings" "$build/logs"

fuzz() {
  local name=$1
  local options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 -artifact_prefix="$build/findings/$name-")
  local words=$root/tests/fuzz/dictionaries/$name
  if [[ -f $words ]]; then options+=(-dict="$words"); fi
  mkdir -p "$build/corpus/$name"
  "$build/tests/fuzz/fuzz_$name" "${options[@]}" "$build/corpus/$name" "$root/tests/fuzz/corpus/$name" >"$build/logs/$name" 2>&1
  echo $? >"$build/logs/$name.status"
}

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-19)
export ASAN_SYMBOLIZER_PATH

echo "fuzzing ${#names[@]}, $jobs at a time, $seconds s each"
running=0
for name in "${names[@]}"; do
  rm -f "$build/logs/$name.status"
  if ((running == jobs)); then
    wait -n || true
    running=$((running - 1))
  fi
  fuzz "$name" &
  running=$((running + 1))
done
wait || true

# Prints the number after a word in libFuzzer's last status line ("#8192 pulse cov: 345 ft: 567 corp: 89/1234b …").
number() { sed -nE "s/^#.* $2: ([0-9]+).*/\1/p" "$build/logs/$1" | tail -1; }

failed=0
printf '%-18s %12s %10s %8s %10s %8s  %s\n' fuzzer executions each/s edges features inputs finding
for name in "${names[@]}"; do
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$name")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$build/logs/$name")
  finding=none
  if [[ $(cat "$build/logs/$name.status" 2>/dev/null) != 0 ]]; then
    failed=1
    finding=$(sed -n 's/.*Test unit written to //p' "$build/logs/$name" | tail -1)
    finding=${finding:-see $build/logs/$name}
  fi
  printf '%-18s %12s %10s %8s %10s %8s  %s\n' "$name" "${executions:--}" "${rate:--}" "$(number "$name" cov)" "$(number "$name" ft)" \
    "$(number "$name" corp)" "$finding"
done
exit $failed
