#!/usr/bin/env bash
# Measures upgate beside its peers on this machine: installs them, builds all, runs, prints a table and writes JSON.
#   tests/bench/run.sh [OPTION...] [SCENARIO...]     all scenarios when none is given (about 45 minutes)
#   tests/bench/run.sh smoke                         a few, in less than three minutes
#   tests/bench/run.sh --list                        what there is;  --help  the options
# README.md says how to read the results.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$bench/../.." && pwd)

export PYTHONPATH=$bench PYTHONDONTWRITEBYTECODE=1
# A wrong option shows before all the work.
shipped=yes
for option; do
  [[ $option != --upgate && $option != --upgate=* ]] || shipped=
  [[ $option != --list && $option != --help && $option != -h ]] || exec python3 -m harness "$@"
done
python3 -m harness --list "$@" >/dev/null

"$root/deploy/install-deps.sh" --bench
[[ -z $shipped ]] || "$root/deploy/release.sh" >&2
(
  cd "$root"
  cmake --preset release -D UPGATE_BENCH=ON >/dev/null
  cmake --build --preset release --parallel "$(nproc)" --target bench
) >&2

exec python3 -m harness "$@"
