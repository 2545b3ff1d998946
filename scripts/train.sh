#!/usr/bin/env bash
# Makes the profile that release builds are guided by (cmake/serve.profdata): builds a gateway that counts what it runs,
# puts it under the loads of bench/gateway, adds what the other dialects and dense text run, and keeps the counts. Takes
# about ten minutes on two cores; worth it when the path of a call has changed much. Commit the file that it writes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || { sed -n '2,4s/^# //p' "$0"; exit 2; }
mkdir -p build
# shellcheck source=scripts/setup.sh
. scripts/setup.sh
install_packages "${BUILD_PACKAGES[@]}" "${BENCH_PACKAGES[@]}" libbenchmark-dev llvm-19 redis-server openssl python3

PROGRAMS=(
  chat_request_bench dialects_bench http1_bench messages_bench native_bench pii_scan_bench responses_bench
  restore_bench sse_bench word_list_bench)
configure release -DTOLLGATE_BENCH=ON
build release bench_relay
say "configuring preset release for counting (log: build/train-configure.log)"
cmake --preset release -B build/train -DTOLLGATE_TRAIN=ON -DTOLLGATE_TESTS=OFF -DTOLLGATE_BENCH=ON >build/train-configure.log
build train tollgate "${PROGRAMS[@]}"

counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
say "counting under load, about two minutes"
LLVM_PROFILE_FILE="$counts/gateway-%p.profraw" python3 bench/gateway/bench.py --quick --binary build/train/tollgate
for program in "${PROGRAMS[@]}"; do  # briefly: beside these counts those of the gateway must not look small
  LLVM_PROFILE_FILE="$counts/$program.profraw" "build/train/bench/$program" --benchmark_min_time=0.005 >/dev/null
done
# Sparse: what was not run is not called cold, for calls of other kinds may run it.
llvm-profdata-19 merge --sparse -o cmake/serve.profdata "$counts"/*.profraw
say "wrote cmake/serve.profdata, $(stat -c %s cmake/serve.profdata) bytes"
