#!/usr/bin/env bash
# Builds upgate and runs its fast tests on Debian 13, in a root of its own that is thrown away afterwards.
# Needs root or sudo, a Debian archive, 3 GB under TMPDIR (/var/tmp when not set) and some 20 minutes.
# Exits with 77, which ctest takes for "skipped", where it cannot become root.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
suite=trixie

if [[ $EUID -ne 0 ]]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then exec sudo -n -- bash "${BASH_SOURCE[0]}"; fi
  echo "debian13.sh: skipped: needs root" >&2
  exit 77
fi

install_debootstrap() {
  if command -v debootstrap >/dev/null; then return 0; fi
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends debootstrap
}

# The archive that this machine's apt gets Debian itself from; nothing where that is not known.
mirror() {
  command -v apt-get >/dev/null || return 0
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Identifier: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 !~ /-/ && $3 ~ /^https?:/ { print $3; exit }'
}

copy_source() {
  local to=$1 file
  mkdir -p "$to"
  cd "$source"
  if git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
  else
    find . -name .git -prune -o -path ./build -prune -o -name node_modules -prune -o ! -type d -print0
  fi | while IFS= read -r -d '' file; do
    # What is deleted but not committed is listed all the same.
    if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
  done | tar --null --no-recursion --files-from=- --create | tar --extract --no-same-owner --directory="$to"
}

install_debootstrap
root=$(mktemp -d "${TMPDIR:-/var/tmp}/upgate-$suite.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM

archive=$(mirror)
# Without a mirror, debootstrap knows one.
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" ${archive:+"$archive"}
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$root/etc/apt/apt.conf.d/90host" || true
(copy_source "$root/src")

# A mount namespace keeps /proc out of the reach of the clean-up, and a process namespace ends with what runs in it.
enter=(unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root")
if ! unshare --mount --pid --fork true 2>/dev/null; then
  echo "debian13.sh: no namespaces here; going on without /proc" >&2
  enter=(chroot "$root")
fi
# shellcheck disable=SC2016
"${enter[@]}" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" JOBS="$(nproc)" \
  bash -euo pipefail -c '
    cd /src
    deploy/install-deps.sh --unit
    cmake --preset dev
    cmake --build --preset dev --parallel "$JOBS" -- -k 0
    ctest --preset dev --label-regex "^fast$" --parallel "$JOBS" --no-tests=error
  '
