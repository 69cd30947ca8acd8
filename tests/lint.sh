#!/usr/bin/env bash
# Finds mistakes and bad style that compilers accept.
#   tests/lint.sh [BASE]       clang-tidy on the C++ files that differ from BASE (default: main), committed or not
#   tests/lint.sh --all        clang-tidy on all C++ files, those of a unity build together: an hour of processor time
#   tests/lint.sh --scripts    shellcheck on shell scripts, and a style check of JavaScript; part of the test run
# .clang-tidy selects the checks. deploy/install-deps.sh --lint installs the tools, and --test those for --scripts.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

need() {
  command -v "$1" >/dev/null || {
    echo "lint.sh: $1 is missing; see deploy/install-deps.sh --help" >&2
    exit 1
  }
}

# Hand-written files with a matching name.
files_named() {
  find . \( -name build -o -name node_modules -o -name .git -o -name .cache -o -path ./tests/fuzz/corpus \) -prune \
    -o -type f -name "$1" -print | sed 's|^\./||' | sort
}

# By extension, because sourced files have no shebang, or by shebang.
shell_scripts() {
  files_named '*.sh'
  files_named '*.bash'
  files_named '*' | xargs -d '\n' awk 'FNR == 1 && /^#!.*[\/ ](ba|da)?sh( |$)/ { print FILENAME } { nextfile }'
}

lint_scripts() {
  need shellcheck
  need node
  local scripts javascript failed=0
  mapfile -t scripts < <(shell_scripts | sort -u)
  shellcheck --external-sources "${scripts[@]}" || failed=1
  mapfile -t javascript < <(files_named '*.mjs' && files_named '*.js')
  node tests/system/style.mjs "${javascript[@]}" || failed=1
  return "$failed"
}

# The C++ sources that differ from a commit. For a header, the source with the same name.
changed_sources() {
  local base file
  base=$(git merge-base "$1" HEAD)
  {
    git diff --name-only --diff-filter=d "$base"
    git ls-files --others --exclude-standard
  } | while IFS= read -r file; do
    case $file in
      *.cc) echo "$file" ;;
      *.h) [[ ! -e ${file%.h}.cc ]] || echo "${file%.h}.cc" ;;
    esac
  done | sort -u
}

# configure FOLDER [OPTION...]. Without precompiled headers, because clang cannot read those of gcc.
configure() {
  cmake --preset dev -B "$1" -D UPGATE_PRECOMPILE=OFF -D UPGATE_BENCH=ON "${@:2}" >/dev/null
}

# Calls clang-tidy for each file named on standard input. tidy FOLDER [OPTION...]
tidy() {
  xargs -d '\n' -r -n 1 -P "$(nproc)" clang-tidy-19 -p "$1" --quiet \
    --extra-arg=-Wno-unused-command-line-argument --extra-arg=-Wno-unknown-warning-option "${@:2}"
}

lint_changed() {
  need clang-tidy-19
  configure build/lint
  local sources file
  mapfile -t sources < <(changed_sources "$1" | while IFS= read -r file; do
    ! grep -qF "\"$PWD/$file\"" build/lint/compile_commands.json || echo "$file"
  done)
  echo "lint.sh: ${#sources[@]} files"
  [[ ${#sources[@]} -eq 0 ]] || printf '%s\n' "${sources[@]}" | tidy build/lint
}

# The headers that files share are what takes the time; a unity build has them once for many files.
lint_all() {
  need clang-tidy-19
  configure build/lint-all -D UPGATE_UNITY=GROUPS
  cmake --build build/lint-all --target demo_page.cc >/dev/null
  sed -nE "s#^ *\"file\": \"($PWD/.*\.(cc|cxx))\".*#\1#p" build/lint-all/compile_commands.json | sort -u |
    tidy build/lint-all --checks=-bugprone-suspicious-include "--header-filter=^$PWD/(docs|gateway|plugins|tests)/.*\.(h|cc)\$"
}

case ${1:-} in
  --scripts) lint_scripts ;;
  --all) lint_all ;;
  -*)
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
  *) lint_changed "${1:-main}" ;;
esac
