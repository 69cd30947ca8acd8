#!/usr/bin/env bash
# From a fresh checkout to a running gateway: installs the build dependencies, builds, and runs `upgate demo`.
#   deploy/quickstart.sh [OPTION of upgate demo...]
#   deploy/quickstart.sh --no-run                      only builds: build/quick/upgate
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/deploy/install-deps.sh" --build

# A compiler takes up to 2.0 GB.
fitting=$(awk '/^MemAvailable:/ { print int($2 / 2100000) }' /proc/meminfo)
jobs=$(nproc)
((jobs <= fitting)) || jobs=$((fitting > 1 ? fitting : 1))

(
  cd "$root"
  cmake --preset quick
  cmake --build --preset quick --parallel "$jobs" --target upgate
)

[[ ${1:-} != --no-run ]] || exit 0
exec "$root/build/quick/upgate" demo "$@"
