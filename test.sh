#!/usr/bin/env bash
# Sets up as run.sh does, then runs every check and every test. Arguments go to pytest: ./test.sh tests/domain -q
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./run.sh install tests/requirements.txt
PATH="$PWD/.venv/bin:$PATH"

failed=""
check() {
    printf '== %s\n' "$*"
    "$@" || failed="$failed $1"
}

check flake8
check isort --check-only .
check mypy
check lint-imports

# pytest's output is kept, because its summary is what a person looks for and so comes last.
output=$(mktemp)
trap 'rm -f "$output"' EXIT

printf '== pytest\n'
tests_status=0
pytest -n 2 --dist loadfile --no-loadscope-reorder --cov=app "$@" 2>&1 | tee "$output" || tests_status=$?

if [ -n "$failed" ]; then
    printf '\nFailed:%s\n' "$failed"
fi
printf '\n'
if grep -q 'short test summary info' "$output"; then
    sed -n '/short test summary info/,$p' "$output"
else
    tail -n 1 "$output"
fi
if [ "$tests_status" -ne 0 ]; then
    exit "$tests_status"
fi
[ -z "$failed" ]
