#!/usr/bin/env bash
# clang-tidy over the sources (not the tests): scripts/tidy.sh [FILE...]. Needs a configured build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
. scripts/setup.sh
install_packages "${LINT_PACKAGES[@]}"
[ -f build/release/compile_commands.json ] || configure release
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'gateway/**/*.cpp' 'gateway/*.cpp' '*/*.cpp' | grep -Ev '^(tests|bench)/' | sort -u)
say "clang-tidy over ${#files[@]} files"
printf '%s\n' "${files[@]}" | xargs -P "$(jobs)" -n 4 clang-tidy-19 -p build/release --quiet
say "clang-tidy is content"
