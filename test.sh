#!/usr/bin/env bash
# Sets up as run.sh does, then runs every check and every test. Arguments go to pytest: ./test.sh tests/domain -q
# Coverage is measured on request, since it takes half as much time again: ./test.sh --cov=app
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./run.sh install tests/requirements.txt
PATH="$PWD/.venv/bin:$PATH"

# Every process of a run imports the same files: compiled by the first, they are read by the others.
unset PYTHONDONTWRITEBYTECODE

# mypy looks again at what changed since it last looked, in whichever copy of the project: its notes go by content.
export MYPY_CACHE_DIR=${MYPY_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-$PWD}/.cache}/whatsapp-service-mypy}
mkdir -p "$MYPY_CACHE_DIR" 2>/dev/null || unset MYPY_CACHE_DIR

# What is printed is kept, because a summary is what a person looks for and so comes last.
kept=$(mktemp -d)
checking=""
trap '[ -z "$checking" ] || kill "$checking" 2>/dev/null || true; rm -rf "$kept"' EXIT
output=$kept/pytest

checks=(flake8 "isort --check-only ." mypy lint-imports)
{
    for place in "${!checks[@]}"; do
        # One after the other, beside the tests: they need one processor, and many tests wait.
        # shellcheck disable=SC2086
        ${checks[place]} >"$kept/$place" 2>&1 || touch "$kept/$place.failed"
    done
} &
checking=$!

printf '== pytest\n'
tests_status=0
python -m tests.load.forgetful_postgres \
    pytest -n "${TEST_PROCESSES:-3}" --dist loadfile --no-loadscope-reorder --durations=20 "$@" 2>&1 | tee "$output" || tests_status=$?

wait "$checking"
failed=""
for place in "${!checks[@]}"; do
    printf '\n== %s\n' "${checks[place]}"
    cat "$kept/$place"
    if [ -e "$kept/$place.failed" ]; then
        failed="$failed ${checks[place]%% *}"
    fi
done
if [ -n "$failed" ]; then
    printf '\nFailed:%s\n' "$failed"
fi
printf '\n'
sed -n '/^=* slowest [0-9]* durations/,/^\($\|[^0-9=]\)/p' "$output"
if grep -q 'short test summary info' "$output"; then
    sed -n '/short test summary info/,$p' "$output"
else
    tail -n 1 "$output"
fi
if [ "$tests_status" -ne 0 ]; then
    exit "$tests_status"
fi
[ -z "$failed" ]
