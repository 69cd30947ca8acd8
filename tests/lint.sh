#!/usr/bin/env bash
# Looks for mistakes and bad style that compilers let pass.
#   tests/lint.sh [BASE]       clang-tidy over the C++ code that differs from BASE (main when not given), committed or not
#   tests/lint.sh --all        clang-tidy over all C++ code: ten seconds of processor time for each of some 400 files
#   tests/lint.sh --scripts    shellcheck over shell scripts, and the style of JavaScript; part of the test run
# Checks are chosen in .clang-tidy. What they need is installed by deploy/install-deps.sh --lint, and for --scripts by --test.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

need() {
  command -v "$1" >/dev/null || {
    echo "lint.sh: $1 is missing; see deploy/install-deps.sh --help" >&2
    exit 1
  }
}

# What is written by hand and has such a name.
files_named() {
  find . \( -name build -o -name node_modules -o -name .git -o -name .cache -o -path ./tests/fuzz/corpus \) -prune \
    -o -type f -name "$1" -print | sed 's|^\./||' | sort
}

# Those that are sourced have no first line that names a shell.
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

# The C++ sources that differ from a commit; for a header the source of the same name.
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

lint_sources() {
  need clang-tidy-19
  # Clang cannot read the precompiled headers of gcc.
  cmake --preset dev -B build/lint -D UPGATE_PRECOMPILE=OFF -D UPGATE_BENCH=ON >/dev/null
  local sources=() file
  while IFS= read -r file; do
    ! grep -qF "\"$PWD/$file\"" build/lint/compile_commands.json || sources+=("$file")
  done
  echo "lint.sh: ${#sources[@]} files"
  [[ ${#sources[@]} -eq 0 ]] ||
    printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p build/lint --quiet
}

case ${1:-} in
  --scripts) lint_scripts ;;
  --all) lint_sources < <(files_named '*.cc') ;;
  -*)
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
  *) lint_sources < <(changed_sources "${1:-main}") ;;
esac
