#!/usr/bin/env bash
# Builds the fuzzers and runs them over their corpora.
#   tests/fuzz/run.sh SECONDS [NAME...]     SECONDS for each; without names all
# New inputs are kept in build/fuzz/corpus/NAME, so that the next run goes on from there; a finding is left as
# build/fuzz/findings/NAME-crash-* and ends the script with 1.
set -euo pipefail

seconds=${1:?usage: tests/fuzz/run.sh SECONDS [NAME...]}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${FUZZ_BUILD_DIR:-$root/build/fuzz}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for source in "$root"/tests/fuzz/*_fuzz.cc; do
    names+=("$(basename "$source" _fuzz.cc)")
  done
fi

cd "$root"
cmake --preset fuzz -B "$build" >/dev/null
cmake --build "$build" --target "${names[@]/#/fuzz_}"

mkdir -p "$build/findings"
failed=0
for name in "${names[@]}"; do
  echo "== $name, $seconds s"
  mkdir -p "$build/corpus/$name"
  "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$name-" "$build/corpus/$name" "$root/tests/fuzz/corpus/$name" || failed=1
done
exit $failed
