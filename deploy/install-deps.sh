#!/usr/bin/env bash
# Installs the Debian packages that upgate needs. If they are all installed, it does nothing and needs no network.
#   deploy/install-deps.sh --build    to build upgate (the default)
#   deploy/install-deps.sh --release  to make the release build (release.sh)
#   deploy/install-deps.sh --unit     to build upgate with its unit tests
#   deploy/install-deps.sh --test     to run all tests, including the servers and the browser they use
#   deploy/install-deps.sh --fuzz     to build and run the fuzzers: clang 19 and its sanitizers
#   deploy/install-deps.sh --lint     to build upgate and run clang-tidy (tests/lint.sh)
#   deploy/install-deps.sh --bench    to build upgate and compare it with other gateways
# Debian 12 or 13, as root or with sudo. Services in these packages are not started.
set -euo pipefail

mode=${1:---build}
case $mode in
  --build | --release | --unit | --test | --fuzz | --lint | --bench) ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

fail() {
  echo "install-deps.sh: $1" >&2
  exit 1
}

unsupported() {
  cat >&2 <<EOF
install-deps.sh: this is $1; only Debian 12 and 13 are supported. Install these yourself, with their
development files: a C++23 compiler (g++ 12, clang 19 or newer), CMake 3.25, ninja, pkg-config, libuv 1.44,
c-ares 1.18, OpenSSL 3.0, yaml-cpp, fmt, CLI11, nlohmann-json, simdjson 3.0, RE2, hiredis, cjose, libcrypt, zlib, llhttp 8.1
or newer, and GoogleTest for the tests.
Then: cmake --preset release && cmake --build --preset release
EOF
  exit 1
}

os_release() (
  # shellcheck source=/dev/null
  [[ -r /etc/os-release ]] && . /etc/os-release
  echo "${!1:-}"
)

# llhttp is part of the Node.js packages in Debian 12 and a library in Debian 13. Testing and unstable have no VERSION_ID.
llhttp_package() {
  case $(os_release VERSION_ID) in
    12) echo node-llhttp ;;
    13) echo libllhttp-dev ;;
    '')
      if apt-cache show libllhttp-dev >/dev/null 2>&1; then echo libllhttp-dev; else echo node-llhttp; fi
      ;;
    *) return 1 ;;
  esac
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    command -v sudo >/dev/null || fail "needs root or sudo to install packages"
    sudo "$@"
  fi
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Any Node.js from version 18 on will do, from any source.
has_node() {
  command -v npm >/dev/null || return 1
  local version
  version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  [[ ${version%%.*} -ge 18 ]]
}

policy=/usr/sbin/policy-rc.d
own_policy=

allow_services() {
  [[ -z $own_policy ]] || as_root rm -f "$policy"
  own_policy=
}

# Prevents packages from starting their services, unless the machine has its own policy.
forbid_services() {
  [[ ! -e $policy ]] || return 0
  own_policy=yes
  trap allow_services EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

name=$(os_release PRETTY_NAME)
name=${name:-an unknown system}
[[ $(os_release ID) == debian ]] || unsupported "$name"
llhttp=$(llhttp_package) || unsupported "$name"

packages=(build-essential ca-certificates ccache cmake file libc-ares-dev libcjose-dev libcli11-dev libcrypt-dev libfmt-dev libhiredis-dev
  libjansson-dev libre2-dev libsimdjson-dev libssl-dev libuv1-dev libyaml-cpp-dev ninja-build nlohmann-json3-dev pkg-config zlib1g-dev "$llhttp")
if [[ $mode == --release ]]; then
  packages+=(openssl python3)
fi
if [[ $mode == --unit || $mode == --test || $mode == --lint ]]; then
  packages+=(libgmock-dev libgtest-dev mold openssl)
fi
if [[ $mode == --test ]]; then
  packages+=(chromium-headless-shell clang-format-19 curl dnsmasq-base haproxy libwebsockets-test-server mosquitto nginx novnc procps python3
    python3-websockets python3-yaml redis-server shellcheck tigervnc-standalone-server valgrind websockify wrk
    x11-xserver-utils)
  has_node || packages+=(nodejs npm)
fi
if [[ $mode == --fuzz ]]; then
  packages+=(clang-19 libclang-rt-19-dev llvm-19)
fi
if [[ $mode == --lint ]]; then
  packages+=(clang-tidy-19 libbenchmark-dev)
fi
if [[ $mode == --bench ]]; then
  packages+=(caddy haproxy libbenchmark-dev nginx openssl python3 websockify wrk)
fi

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

echo "installing: ${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
forbid_services
# A third-party repository may be broken; if that matters, the installation fails.
as_root "${apt[@]}" update || echo "install-deps.sh: apt-get update failed; continuing with the cached package lists" >&2
as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
