#!/usr/bin/env bash
# Builds the image of docker/Dockerfile without docker, on a base system set up here, and runs it like docker: with its user,
# command, health check and stop signal. Prints the size of the image and of its packages.
# Needs root or sudo, a Debian mirror, 8 GB under TMPDIR (/var/tmp by default) and some 20 minutes.
# Exits with 77, which ctest treats as "skipped", if these are missing.
set -euo pipefail

# shellcheck source=tests/system/roots.sh
source "$(dirname "${BASH_SOURCE[0]}")/roots.sh"

need debootstrap=debootstrap buildah=buildah ip=iproute2 python3=python3
alone true 2>/dev/null || skip "needs namespaces"

# Keeps images and containers separate from any others.
export TMPDIR=$folder
printf 'unqualified-search-registries = ["docker.io"]\n' >"$folder/registries.conf"
printf '{ "default": [ { "type": "insecureAcceptAnything" } ] }\n' >"$folder/policy.json"
export CONTAINERS_REGISTRIES_CONF=$folder/registries.conf BUILDAH_ISOLATION=chroot
build() {
  buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs "$@"
}

# Builds an equivalent of debian:trixie-slim: a minimal system that excludes documentation.
make_base() {
  local base=$folder/base container kind
  make_root "$base"
  for kind in doc info locale man; do
    printf 'path-exclude /usr/share/%s/*\n' "$kind"
    rm -rf "${base:?}/usr/share/$kind"/*
  done >"$base/etc/dpkg/dpkg.cfg.d/slim"
  printf 'path-include /usr/share/doc/*/copyright\n' >>"$base/etc/dpkg/dpkg.cfg.d/slim"
  rm -rf "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/* "$base"/var/log/* "$base/etc/resolv.conf"
  container=$(build from scratch)
  cp -a "$base/." "$(build mount "$container")"
  build umount "$container" >/dev/null
  build config --cmd bash "$container"
  build commit --quiet "$container" docker.io/library/debian:trixie-slim >/dev/null
  build rm "$container" >/dev/null
}

# Prints one line per package: name, installed KiB.
packages_of() {
  # shellcheck disable=SC2016
  dpkg-query --admindir="$1/var/lib/dpkg" --show --showformat='${Package} ${Installed-Size}\n' | sort
}

make_base
copy_source "$folder/src"
build bud --pull-never --format docker --signature-policy "$folder/policy.json" --file "$folder/src/docker/Dockerfile" \
  --tag upgate "$folder/src"

container=$(build from --pull-never upgate)
# Prints a member of the image's configuration; commands are quoted for the shell.
config() {
  build inspect "$container" | python3 -c '
import json, shlex, sys
value = json.load(sys.stdin)["Docker"]["config"][sys.argv[1]]
if isinstance(value, dict): value = value["Test"][1:]
print(value if isinstance(value, str) else shlex.join(value))' "$1"
}
[[ $(config StopSignal) == SIGTERM ]] || fail "stops by $(config StopSignal)"
[[ $(config User) == 10001:10001 ]] || fail "runs as $(config User)"

# `buildah run` starts processes in the container of `buildah from`.
inside=(buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs run --isolation chroot "$container" --)
read -ra command <<<"$(config Entrypoint) $(config Cmd)"
echo "$name: running: ${command[*]}"
alone python3 "$source/tests/system/served.py" --probe "${inside[*]} $(config Healthcheck)" "${inside[@]}" "${command[@]}"
if [[ -n ${UPGATE_BINARY:-} ]]; then
  echo "$name: probing from outside"
  alone python3 "$source/tests/system/served.py" --probe "$UPGATE_BINARY probe ws://127.0.0.1:8080/echo" "${inside[@]}" "${command[@]}"
fi

mounted=$(build mount "$container")
[[ ! -e $mounted/src ]] || fail "the image contains the source code"
left=$(find "$mounted"/{mnt,tmp,package} -mindepth 1 2>/dev/null || true)
[[ -z $left ]] || fail "the image contains build files: $left"
size() {
  du --summarize --apparent-size --block-size=kB "$1" | cut -f1
}
echo "$name: image size: $(size "$mounted"), including the base, $(size "$folder/base"); additional packages, in KiB:"
comm -13 <(packages_of "$folder/base") <(packages_of "$mounted") | sort --key=2 --numeric-sort --reverse
build umount "$container" >/dev/null
build rm "$container" >/dev/null
