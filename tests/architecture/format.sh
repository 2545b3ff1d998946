#!/bin/sh
# Every C++ file is as clang-format writes it.
cd "$1" || exit 1
command -v clang-format-19 >/dev/null || { echo "SKIPPED: clang-format-19 is not installed"; exit 77; }
git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format-19 --dry-run --Werror
