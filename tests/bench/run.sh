#!/usr/bin/env bash
# Measures upgate and its peers on this machine: installs and builds what is needed, runs, prints a table and writes JSON.
#   tests/bench/run.sh [OPTION...] [SCENARIO...]     default: all scenarios (about 45 minutes)
#   tests/bench/run.sh smoke                         a few scenarios, in less than three minutes
#   tests/bench/run.sh --list                        lists the scenarios;  --help  the options
# README.md explains the results.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$bench/../.." && pwd)

export PYTHONPATH=$bench PYTHONDONTWRITEBYTECODE=1
# Reports wrong options before the long build.
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
