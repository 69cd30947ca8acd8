#!/usr/bin/env bash
# Builds upgate as it ships: build/trained/upgate. A first build notes which code runs often while it is sent through all that a
# gateway does; the second is optimised by that. Installs what it needs (Debian), and takes three times as long as the preset release.
#   deploy/release.sh
# gcc only: it knows where each function came from by -fprofile-prefix-path, which it has since version 12.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ $# -eq 0 ]] || {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

"$root/deploy/install-deps.sh" --release
cd "$root"
cmake --preset train
cmake --build --preset train --parallel "$(nproc)" --target upgate bench_load_program bench_backend_program
# Counts are of one program: those of another, or of another training, are not mixed with them.
noted=build/train/profile/complete
if [[ ! -e $noted || -n $(find build/train/upgate tests/bench/harness/train.py tests/bench/peers/training.yaml.in -newer "$noted") ]]; then
  echo "training: about a minute"
  rm -rf build/train/profile build/trained
  PYTHONPATH=$root/tests/bench PYTHONDONTWRITEBYTECODE=1 python3 -m harness.train
  touch "$noted"
fi
cmake --preset trained
cmake --build --preset trained --parallel "$(nproc)"
