#!/usr/bin/env bash
# Builds upgate and runs its fast tests in a temporary Debian 13 system.
# Needs root or sudo, a Debian mirror, 3 GB under TMPDIR (/var/tmp by default) and some 15 minutes.
# Exits with 77, which ctest treats as "skipped", if it cannot become root.
set -euo pipefail

# shellcheck source=tests/system/roots.sh
source "$(dirname "${BASH_SOURCE[0]}")/roots.sh"

need debootstrap=debootstrap
make_root "$folder/root"
copy_source "$folder/root/src"
# shellcheck disable=SC2016
in_root "$folder/root" bash -euo pipefail -c '
  cd /src
  deploy/install-deps.sh --unit
  cmake --preset dev -D UPGATE_UNITY=GROUPS
  cmake --build --preset dev --parallel "$JOBS" -- -k 0
  # Without the checks of the sources, which need tools of their own.
  ctest --preset dev --label-regex "^fast$" --exclude-regex "^(format|lint_scripts|docs)$" --parallel "$JOBS" --no-tests=error
'
