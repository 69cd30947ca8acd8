# shellcheck shell=bash
# What the tests share that set up a whole Debian system to test in. Sourced; becomes root on the way, or ends the test with 77,
# which ctest takes for "skipped".
#   $name     of the test
#   $source   the top folder          $folder   a folder for everything, under TMPDIR or /var/tmp; removed at the end
#   $suite    the Debian that is set up

name=$(basename "$0")
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
suite=trixie

skip() {
  echo "$name: skipped: $1" >&2
  exit 77
}

fail() {
  echo "$name: $1" >&2
  exit 1
}

if [[ $EUID -ne 0 ]]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    exec sudo -n --preserve-env=TMPDIR,UPGATE_BINARY,http_proxy,https_proxy -- bash "$0" "$@"
  fi
  skip "needs root"
fi

# need PROGRAM=PACKAGE...: installs the packages of programs that are not there.
need() {
  local pair packages=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
  done
  [[ ${#packages[@]} -gt 0 ]] || return 0
  command -v apt-get >/dev/null || skip "needs ${packages[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${packages[@]}"
}

# The archive that this machine's apt gets Debian itself from; nothing where that is not known.
mirror() {
  command -v apt-get >/dev/null || return 0
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Identifier: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 !~ /-/ && $3 ~ /^https?:/ { print $3; exit }'
}

copy_source() (
  to=$1
  mkdir -p "$to"
  cd "$source" || exit
  if git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
  else
    find . -name .git -prune -o -path ./build -prune -o -name node_modules -prune -o ! -type d -print0
  fi | while IFS= read -r -d '' file; do
    # What is deleted but not committed is listed all the same.
    if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
  done | tar --null --no-recursion --files-from=- --create | tar --extract --no-same-owner --directory="$to"
)

# A minimal system, which asks this machine's archive in this machine's way.
make_root() {
  local root=$1 archive
  archive=$(mirror)
  # Without a mirror, debootstrap knows one.
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" ${archive:+"$archive"}
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
  apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$root/etc/apt/apt.conf.d/90host" || true
}

# in_root ROOT COMMAND...: a mount namespace keeps /proc out of the reach of the clean-up, and a process namespace ends with what
# runs in it.
in_root() {
  local root=$1 enter
  shift
  enter=(unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root")
  if ! unshare --mount --pid --fork true 2>/dev/null; then
    echo "$name: no namespaces here; going on without /proc" >&2
    enter=(chroot "$root")
  fi
  "${enter[@]}" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" JOBS="$(nproc)" "$@"
}

# alone COMMAND...: with a loopback interface of its own and no other network, so that fixed ports are free.
alone() {
  # shellcheck disable=SC2016
  unshare --net --mount --pid --fork --kill-child --mount-proc bash -c 'ip link set lo up && exec "$@"' alone "$@"
}

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/upgate-$suite.XXXXXX")
trap 'rm -rf --one-file-system "$folder"' EXIT
trap 'exit 130' INT TERM
