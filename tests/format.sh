#!/usr/bin/env bash
# Checks that the C++ code is formatted according to .clang-format; part of the test run.
#   tests/format.sh          lists the files that are not, and fails if there are any
#   tests/format.sh --fix    formats them
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The version is fixed because each version formats slightly differently. Debian 12 and 13 have this one.
formatter=clang-format-19
command -v "$formatter" >/dev/null || {
  echo "format.sh: $formatter is missing; deploy/install-deps.sh --test installs it" >&2
  exit 1
}

mapfile -d '' files < <(find docs gateway plugins tests -name node_modules -prune -o \( -name '*.cc' -o -name '*.h' \) -print0)
case ${1:-} in
  --fix) exec "$formatter" -i "${files[@]}" ;;
  '') ;;
  *)
    echo "usage: tests/format.sh [--fix]" >&2
    exit 2
    ;;
esac

"$formatter" --dry-run -Werror "${files[@]}" || {
  echo "format.sh: run tests/format.sh --fix" >&2
  exit 1
}
