#!/usr/bin/env bash
# From a fresh checkout to a running gateway: installs the build dependencies, builds, and runs `upgate demo`.
#   deploy/quickstart.sh [OPTION of upgate demo...]
#   deploy/quickstart.sh --no-run                      only builds: build/release/upgate
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/deploy/install-deps.sh" --build
(
  cd "$root"
  cmake --preset release -D UPGATE_UNITY=GROUPS
  cmake --build --preset release --parallel "$(nproc)" --target upgate
)

[[ ${1:-} != --no-run ]] || exit 0
exec "$root/build/release/upgate" demo "$@"
