#!/bin/sh
# The static gates: style, types, who imports whom, generated documents, firmware size. Stops at the first failure.
set -eu
cd "$(dirname "$0")/.."
BIN=.venv/bin

step() { echo "lint: $1"; shift; "$@"; }

step "ruff" "$BIN/ruff" check .
step "format" "$BIN/ruff" format --check .
step "mypy (strict)" "$BIN/mypy"
step "basedpyright on firmware/ with the ESP32 stubs" "$BIN/basedpyright" --project firmware/pyrightconfig.json
step "import-linter" "$BIN/lint-imports" --no-cache
step "schemas and reference page match the contract" "$BIN/haidang" schema --check
step "mpy-cross of every firmware file, size budget" "$BIN/python" tools/mpy_budget.py
