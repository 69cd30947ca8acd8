#!/usr/bin/env bash
# Builds the Debian package on Debian 13, checks it with lintian, installs it in a clean system, runs it like systemd, and removes
# it again.
# Needs root or sudo, a Debian mirror, 4 GB under TMPDIR (/var/tmp by default) and some 15 minutes.
# Exits with 77, which ctest treats as "skipped", if these are missing.
set -euo pipefail

# shellcheck source=tests/system/roots.sh
source "$(dirname "${BASH_SOURCE[0]}")/roots.sh"

need debootstrap=debootstrap ip=iproute2 python3=python3
alone true 2>/dev/null || skip "needs namespaces"

make_root "$folder/clean"
cp -a "$folder/clean" "$folder/build"

copy_source "$folder/build/src"
# The suppressed tags apply only to packages in an archive.
# shellcheck disable=SC2016
in_root "$folder/build" bash -euo pipefail -c '
  cd /src
  deploy/release.sh
  umask 077    # must not affect the package
  (cd build/pgo-use && cpack -G DEB)
  apt-get -q install -y --no-install-recommends lintian
  lintian --allow-root --info --fail-on error,warning build/pgo-use/upgate_*.deb \
    --suppress-tags initial-upload-closes-no-bugs,no-manual-page
'
package=upgate_$(sed -n '1s/^upgate (\(.*\)).*/\1/p' "$source/deploy/debian/changelog")_$(dpkg --print-architecture).deb
cp "$folder/build/src/build/pgo-use/$package" "$folder/clean/root/"
dpkg-deb --info "$folder/clean/root/$package"
dpkg-deb --contents "$folder/clean/root/$package"
rm -rf --one-file-system "$folder/build"

clean=$folder/clean
in_root "$clean" sh -c "apt-get -q update && apt-get -q install -y --no-install-recommends /root/$package"

for file in usr/bin/upgate usr/share/man/man1/upgate.1.gz usr/share/bash-completion/completions/upgate etc/upgate/upgate.yaml \
  usr/lib/systemd/system/upgate.service usr/share/doc/upgate/{README.md,docs/configuration.md,copyright,changelog.gz,examples/upgate.example.yaml}; do
  [[ -f $clean/$file ]] || fail "/$file is missing"
done
enabled=etc/systemd/system/multi-user.target.wants/upgate.service
[[ -L $clean/$enabled ]] || fail "the unit is not enabled"
[[ $(dpkg-query --admindir="$clean/var/lib/dpkg" -W -f='${Conffiles}' upgate) == *" /etc/upgate/upgate.yaml "* ]] ||
  fail "/etc/upgate/upgate.yaml is no conffile"
in_root "$clean" dpkg --verify upgate

# shellcheck disable=SC2016
in_root "$clean" bash -euo pipefail -c '
  apt-get -q install -y --no-install-recommends bash-completion man-db systemd
  complaints=$(systemd-analyze verify /usr/lib/systemd/system/upgate.service 2>&1)
  [[ -z $complaints ]] || { echo "$complaints" >&2; exit 1; }
  systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/upgate.service | tail -1
  man --warnings --local-file /usr/share/man/man1/upgate.1.gz >/root/page 2>/root/warnings
  grep -q "upgate check" /root/page || { echo "the man page does not render" >&2; exit 1; }
  [[ ! -s /root/warnings ]] || { cat /root/warnings >&2; exit 1; }
'
# shellcheck disable=SC2016
in_root "$clean" bash -c '
  . /usr/share/bash-completion/bash_completion
  _comp_load upgate || exit 1
  function=$(complete -p upgate | sed -n "s/.* -F \([^ ]*\).*/\1/p")
  COMP_WORDS=(upgate che) COMP_CWORD=1 COMP_LINE="upgate che" COMP_POINT=10 COMP_TYPE=9 COMP_KEY=9
  $function upgate che upgate
  [[ " ${COMPREPLY[*]} " == *" check "* ]]
' || fail "the completion does not complete"

grep -qx Type=notify-reload "$clean/usr/lib/systemd/system/upgate.service" || fail "systemd does not wait for reloads"

# Runs the unit's commands as its user, without systemd.
unit=$clean/usr/lib/systemd/system/upgate.service
of_unit() {
  sed -n "s/^$1=//p" "$unit"
}
as_user=(chroot "--userspec=$(of_unit User):$(of_unit User)" "$clean")
export TMPDIR=/tmp
# shellcheck disable=SC2046
alone "${as_user[@]}" $(of_unit ExecStartPre)
# shellcheck disable=SC2046
alone python3 "$source/tests/system/served.py" --root "$clean" --probe "chroot $clean upgate probe http://127.0.0.1:9901/healthz" \
  "${as_user[@]}" $(of_unit ExecStart)

in_root "$clean" apt-get -q remove -y upgate
[[ -f $clean/etc/upgate/upgate.yaml ]] || fail "remove took the configuration"
in_root "$clean" apt-get -q purge -y upgate
left=$(find "$clean" -xdev \( -path "$clean/root" -o -path "$clean/var/log" -o -path "$clean/var/cache/man" \) -prune -o \
  -name '*upgate*' -print)
[[ -z $left ]] || fail "purge leaves $left"
echo "$name: $package is good"
