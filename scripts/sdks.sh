# Sourced by ./test: the vendors' SDKs, as clients. What cannot be fetched is skipped by name, never silently.
# shellcheck shell=bash

PYTHON_SDKS=(pytest==9.2.0 openai==3.52.0 httpx==0.28.1 anthropic==2.12.0)
# What judges the gateway's signatures and assertions in tests/e2e/clouds.py.
PYTHON_SDKS+=(botocore==1.44.5 PyJWT==2.15.1 cryptography==50.0.2)
# What generateContent takes is checked by its types (tests/e2e/schemas.py).
PYTHON_SDKS+=(google-genai==3.4.0)
# Converse, as callers send it.
PYTHON_SDKS+=(boto3==1.44.5)
# A framework that calls the Responses API.
PYTHON_SDKS+=(langchain-openai==1.6.7)
NODE_SDKS=(openai@7)

if [ ! -x .venv/bin/python ]; then
  say "making .venv"
  python3 -m venv .venv
fi
stamp=.venv/installed
if [ "$(cat "$stamp" 2>/dev/null)" != "${PYTHON_SDKS[*]}" ]; then
  say "fetching Python SDKs: ${PYTHON_SDKS[*]}"
  if .venv/bin/python -m pip install -q --disable-pip-version-check "${PYTHON_SDKS[@]}" >build/pip.log 2>&1; then
    echo "${PYTHON_SDKS[*]}" >"$stamp"
  else
    say "PyPI could not be reached: the suites e2e and fault will be skipped (see build/pip.log)"
  fi
fi
if [ ! -d build/node/node_modules/openai ]; then
  say "fetching Node SDKs: ${NODE_SDKS[*]}"
  mkdir -p build/node
  (cd build/node && npm install --no-audit --no-fund --silent --prefix . "${NODE_SDKS[@]}") >build/npm.log 2>&1 ||
    say "npm could not be reached: the suite e2e-node will be skipped (see build/npm.log)"
fi
