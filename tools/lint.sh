#!/bin/sh
# The static gates: style, types, who imports whom, generated documents, firmware size. Stops at the first failure.
set -eu
cd "$(dirname "$0")/.."
BIN=.venv/bin
PYRIGHT=$(mktemp)
trap 'rm -f "$PYRIGHT"' EXIT

step() { echo "lint: $1"; shift; "$@"; }

# pytest takes a test file by its bare name: a second one of a name is an error only where one worker reads both.
names_once() {
    twice=$(find tests hil_tests -name 'test_*.py' | sed 's|.*/||' | sort | uniq -d)
    [ -z "$twice" ] || { echo "two test files are named $twice: rename one of them" >&2; return 1; }
}

step "test files' names" names_once
step "ruff" "$BIN/ruff" check .
step "format" "$BIN/ruff" format --check .
# It takes as long as mypy: they run side by side.
"$BIN/basedpyright" --project firmware/pyrightconfig.json >"$PYRIGHT" 2>&1 &
pyright=$!
step "mypy (strict)" "$BIN/mypy" || { kill "$pyright"; exit 1; }
step "import-linter" env PYTHONPATH=hil_tests "$BIN/lint-imports" --no-cache
step "schemas and reference page match the contract" "$BIN/haidang" schema --check
step "mpy-cross of every firmware file, size budget" "$BIN/python" tools/mpy_budget.py
echo "lint: basedpyright on firmware/ with the ESP32 stubs"
wait "$pyright" || { cat "$PYRIGHT"; exit 1; }
tail -n 1 "$PYRIGHT"
