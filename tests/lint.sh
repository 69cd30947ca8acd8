#!/usr/bin/env bash
# Finds mistakes and bad style that compilers accept.
#   tests/lint.sh [BASE]       clang-tidy on the C++ files that differ from BASE (default: main), committed or not
#   tests/lint.sh --all        clang-tidy on all C++ files: ten seconds of processor time for each of some 400 files
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

lint_sources() {
  need clang-tidy-19
  # Clang cannot read gcc's precompiled headers.
  cmake --preset dev -B build/lint -D UPGATE_PRECOMPILE=OFF -D UPGATE_BENCH=ON >/dev/null
  local sources=() file
  while IFS= read -r file; do
    ! grep -qF "\"$PWD/$file\"" build/lint/compile_commands.json || sources+=("$file")
  done
  echo "lint.sh: ${#sources[@]} files"
  [[ ${#sources[@]} -eq 0 ]] ||
    printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" \
      clang-tidy-19 -p build/lint --quiet --extra-arg=-Wno-unused-command-line-argument
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
