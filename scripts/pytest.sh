#!/bin/sh
# Runs pytest in the environment that ./test made; exit code 77 (skipped) where it could not be made.
root=$(cd "$(dirname "$0")/.." && pwd)
if ! "$root/.venv/bin/python" -c 'import pytest, openai, anthropic, botocore, jwt, cryptography' 2>/dev/null; then
  echo "SKIPPED: $* needs packages from PyPI, which could not be fetched (see build/pip.log)"
  exit 77
fi
exec "$root/.venv/bin/python" -m pytest -q -x --no-header -p no:cacheprovider "$@"
