#!/usr/bin/env bash
# Installs and builds what run.sh and reload.sh need; they call it with their options.
#   tests/bench/build.sh [OPTION...]     --upgate: the release build of upgate is not needed; other options mean nothing here
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

shipped=yes
for option; do
  [[ $option != --upgate && $option != --upgate=* ]] || shipped=
done

"$root/deploy/install-deps.sh" --bench
[[ -z $shipped ]] || "$root/deploy/release.sh" >&2
cd "$root"
{
  cmake --preset release -D UPGATE_BENCH=ON >/dev/null
  cmake --build --preset release --parallel "$(nproc)" --target bench
} >&2
