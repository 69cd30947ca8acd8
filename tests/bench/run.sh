#!/usr/bin/env bash
# Measures upgate and its peers on this machine: installs and builds what is needed, runs, prints a table and writes JSON.
#   tests/bench/run.sh [OPTION...] [SCENARIO...]     default: all scenarios (about 45 minutes)
#   tests/bench/run.sh smoke                         a few scenarios, in less than three minutes
#   tests/bench/run.sh --list                        lists the scenarios;  --help  the options
# README.md explains the results.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH=$bench PYTHONDONTWRITEBYTECODE=1

for option; do
  [[ $option != --list && $option != --help && $option != -h ]] || exec python3 -m harness "$@"
done
# Reports wrong options before the long build.
python3 -m harness --list "$@" >/dev/null
"$bench/build.sh" "$@"

exec python3 -m harness "$@"
