# shellcheck shell=bash
# Shared code of the tests that set up a whole Debian system. To be sourced. Becomes root if necessary, or exits with 77, which ctest
# treats as "skipped".
#   $name     name of the test
#   $source   the top folder          $folder   a temporary folder under TMPDIR or /var/tmp; removed at the end
#   $suite    the Debian release to set up

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

# need PROGRAM=PACKAGE...: installs the packages of missing programs.
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

# Prints the Debian mirror that this machine's apt uses; nothing if it is unknown.
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
    # Deleted but uncommitted files are listed, too.
    if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
  done | tar --null --no-recursion --files-from=- --create | tar --extract --no-same-owner --directory="$to"
)

# Sets up a minimal system that uses this machine's mirror and apt settings.
make_root() {
  local root=$1 archive
  archive=$(mirror)
  # Without a mirror, debootstrap uses its default.
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" ${archive:+"$archive"}
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
  apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$root/etc/apt/apt.conf.d/90host" || true
}

# in_root ROOT COMMAND...: runs a command in ROOT. A mount namespace protects /proc from the clean-up; a process namespace ends with
# the command.
in_root() {
  local root=$1 enter
  shift
  enter=(unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root")
  if ! unshare --mount --pid --fork true 2>/dev/null; then
    echo "$name: namespaces are not available; continuing without /proc" >&2
    enter=(chroot "$root")
  fi
  "${enter[@]}" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" JOBS="$(nproc)" "$@"
}

# alone COMMAND...: runs a command with only a loopback interface, so that fixed ports are free.
alone() {
  # shellcheck disable=SC2016
  unshare --net --mount --pid --fork --kill-child --mount-proc bash -c 'ip link set lo up && exec "$@"' alone "$@"
}

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/upgate-$suite.XXXXXX")
trap 'rm -rf --one-file-system "$folder"' EXIT
trap 'exit 130' INT TERM
