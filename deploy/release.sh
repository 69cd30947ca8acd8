#!/usr/bin/env bash
# Makes the release build with profile-guided optimization (PGO): build/pgo-use/upgate. An instrumented build records a profile under
# a training load, and a second build uses it. Installs the build dependencies (Debian); takes three times as long as the preset release.
#   deploy/release.sh
# gcc 12 or newer only: -fprofile-prefix-path makes the profile usable in another build folder.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ $# -eq 0 ]] || {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

"$root/deploy/install-deps.sh" --release
cd "$root"
cmake --preset pgo-generate
cmake --build --preset pgo-generate --parallel "$(nproc)" --target upgate bench_load_program bench_backend_program
# A profile belongs to one program and one training run; never merge it with older ones.
recorded=build/pgo-generate/profile/complete
if [[ ! -e $recorded || -n $(find build/pgo-generate/upgate tests/bench/harness/train.py tests/bench/peers/training.yaml.in -newer "$recorded") ]]; then
  echo "running the training load: about a minute"
  rm -rf build/pgo-generate/profile build/pgo-use
  PYTHONPATH=$root/tests/bench PYTHONDONTWRITEBYTECODE=1 python3 -m harness.train
  touch "$recorded"
fi
cmake --preset pgo-use
cmake --build --preset pgo-use --parallel "$(nproc)"
