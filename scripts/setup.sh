# Sourced by ./run, ./test and .ci/run: installs what is missing and says what it does. Debian 12.
# shellcheck shell=bash

say() { printf '\033[1m[%4ds]\033[0m %s\n' "$SECONDS" "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    die "Packages are missing and neither root nor sudo is available. As root: apt-get install ${*: -1}"
  fi
}

BUILD_PACKAGES=(
  ca-certificates curl git cmake ninja-build ccache clang-19 lld-19 libclang-rt-19-dev pkg-config
  libboost1.81-dev libssl-dev libcurl4-openssl-dev libre2-dev libhiredis-dev libpqxx-dev libsqlite3-dev
  libspdlog-dev prometheus-cpp-dev libsodium-dev nlohmann-json3-dev libsimdjson-dev libyaml-cpp-dev
  libcli11-dev libhowardhinnant-date-dev libpcre2-dev libutf8proc-dev)
TEST_PACKAGES=(
  libgtest-dev libgmock-dev libbenchmark-dev redis-server postgresql openssl
  python3 python3-venv nodejs npm clang-format-19)
BENCH_PACKAGES=(nginx-light wrk)
LINT_PACKAGES=(clang-tidy-19)

# install_packages NAME...: apt, only for what is missing.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || provided "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${#missing[@]} packages: ${missing[*]}"
  # Servers are started by the tests that need them, on free ports; packages must not start any.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
    say "apt-get update failed; trying with the package lists that are here"
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >build/apt.log 2>&1 ||
    { tail -20 build/apt.log >&2; die "apt-get could not install: ${missing[*]}"; }
}

# A tool may be there without its package (a newer node, say).
provided() {
  case "$1" in
    nodejs) command -v node >/dev/null ;;
    npm) command -v npm >/dev/null ;;
    python3) command -v python3 >/dev/null ;;
    python3-venv) python3 -c 'import venv, ensurepip' 2>/dev/null ;;
    curl | git | cmake | ccache | openssl) command -v "$1" >/dev/null ;;
    *) return 1 ;;
  esac
}

jobs() { nproc; }

# build PRESET TARGET...: configures when needed, builds, shows ninja's progress.
build() {
  local preset=$1
  shift
  say "building preset $preset: ${*:-everything} (log: build/$preset.log)"
  local started=$SECONDS
  if [ -t 1 ]; then
    NINJA_STATUS="[%f/%t %es] " cmake --build "build/$preset" --parallel "$(jobs)" ${1:+--target "$@"} || die "The build failed."
  else
    cmake --build "build/$preset" --parallel "$(jobs)" ${1:+--target "$@"} >"build/$preset.log" 2>&1 ||
      { grep -E 'error|FAILED' -A5 "build/$preset.log" | head -60 >&2; tail -5 "build/$preset.log" >&2; die "The build failed."; }
  fi
  say "built in $((SECONDS - started)) s"
}

# configure PRESET [cmake option...]
configure() {
  local preset=$1
  shift
  cmake --preset "$preset" "$@" >"build/$preset-configure.log" 2>&1 ||
    { tail -20 "build/$preset-configure.log" >&2; die "cmake could not configure preset $preset."; }
}

# free_port: a TCP port of the loopback interface that nobody listens on.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
