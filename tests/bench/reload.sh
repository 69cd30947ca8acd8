#!/usr/bin/env bash
# Measures what reloads of the configuration do to clients, for upgate and its peers: installs and builds what is needed, runs,
# prints a table and writes JSON. Fails if upgate misses a goal.
#   tests/bench/reload.sh [OPTION...]     5,500 clients and 100 reloads: about four minutes for each system
#   tests/bench/reload.sh --quick         a smoke test of upgate, in some seconds once it is built
#   tests/bench/reload.sh --quick --build build/dev     the same with what is built there (UPGATE_BENCH=ON)
#   tests/bench/reload.sh --help          the options
# README.md explains the results.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH=$bench PYTHONDONTWRITEBYTECODE=1

built=
for option; do
  [[ $option != --build && $option != --build=* ]] || built=yes
  [[ $option != --list && $option != --help && $option != -h ]] || exec python3 -m harness.reload "$@"
done
# Reports wrong options before the long build.
python3 -m harness.reload --list "$@" >/dev/null
[[ -n $built ]] || "$bench/build.sh" "$@"

exec python3 -m harness.reload "$@"
