#!/usr/bin/env bash
# Starts the gateway on a machine that has Python 3.11 or newer and nothing else. Safe to run again at any time.
#
#   ./run.sh                       set up what is missing, check the settings, start; Ctrl-C stops
#   ./run.sh install [FILE]        only make .venv and install what FILE (requirements.txt) needs: its .lock, by hashes
#   ./run.sh words                 collect the texts of the pages into the catalogues, and compile these
#   ./run.sh lock [--upgrade]      write the .lock files anew, after a change of a requirements.txt
#   ./run.sh audit                 ask PyPI what is known against the packages in requirements.lock
#   ./run.sh sbom [FILE]           write a bill of materials (CycloneDX, JSON) of them: sbom.json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

stopped="Stopped before anything was started."
child=""
trap 'stop 130' INT
trap 'stop 143' TERM
trap '' PIPE

# Nobody may be there (any more) who reads this, and that is no reason not to start.
say() {
    printf '%s\n' "$*" >&2 2>/dev/null || true
}

# Run what may take its time. A shell hears a signal at once only while it waits, and this one then ends it, too.
step() {
    local status=0
    "$@" &
    child=$!
    wait "$child" || status=$?
    child=""
    return "$status"
}

quietly() {
    exec >"$1" 2>&1
    exec "${@:2}"
}

stop() {
    if [ -n "$child" ]; then
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    say "$stopped"
    exit "$1"
}

fail() {
    say "$@"
    exit 1
}

is_python_311() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3; do
        if is_python_311 "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found. Install it (Debian, Ubuntu: apt install python3" \
        "python3-venv; macOS: brew install python; otherwise https://www.python.org/downloads/) and run this again."
}

need_writable_folder() {
    [ -w . ] || fail "This user cannot write in $PWD, where $1 must be made. Run this as the folder's owner," \
        "or copy the project to a folder of your own."
}

# While .venv is made or installed into, this file is in it. One that is left behind means that somebody was stopped
# half way, and what pip left half installed it takes for whole: such a .venv is made anew.
unfinished=.venv/.unfinished

is_whole() {
    is_python_311 .venv/bin/python && [ ! -e "$unfinished" ]
}

make_venv() {
    local python=$1 output=.venv/.output said
    need_writable_folder .venv
    say "Making .venv with $python ..."
    rm -rf .venv
    mkdir .venv
    : >"$unfinished"
    if ! step quietly "$output" "$python" -m venv .venv; then
        said=$(cat "$output")
        rm -rf .venv
        say "$said"
        fail "Python could not make .venv. On Debian and Ubuntu, apt install python3-venv, then run this again."
    fi
    rm -f "$output"
}

# pip is only asked when a list of requirements changed since it last went through: a restart needs no network.
is_installed() {
    is_whole && [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

# Only one ./run.sh at a time sets up. The lock belongs to the open file, which this shell keeps, and ends with it.
wait_for_turn() {
    need_writable_folder .venv
    exec 9>.venv.lock
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null && return
    say "Another ./run.sh is setting up here; waiting for it ..."
    step "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
}

install_by_pip() {
    step .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$1"
}

# What only tests need is so much that pip works on it for minutes. uv, which is in their list, takes a part of that. It
# reads none of pip's files of settings: where it comes to nothing, pip has its turn.
install_by_uv() {
    local uv=.venv/.uv.txt
    [ "$1" = tests/requirements.lock ] || return
    awk '/^[^ ]/ { wanted = /^uv==/ } wanted' "$1" >"$uv"
    install_by_pip "$uv" || return
    # What is built here (uWSGI) is built once and run a little.
    step env ${PIP_INDEX_URL:+UV_DEFAULT_INDEX="$PIP_INDEX_URL"} CFLAGS="${CFLAGS:-} -O0" \
        .venv/bin/python -m uv pip install --quiet --python .venv/bin/python --require-hashes -r "$1"
}

install() {
    local list=${1%.txt}.lock python stamp wanted
    stamp=".venv/.installed-$(printf '%s' "$list" | tr '/' '-')"
    wanted=$(cat "$list")
    is_installed "$stamp" "$wanted" && return
    python=$(find_python)
    stopped="Stopped before everything was installed. Nothing was started; run this again to go on."
    wait_for_turn "$python"
    if ! is_installed "$stamp" "$wanted"; then
        if ! is_whole || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
            make_venv "$python"
        fi
        : >"$unfinished"
        say "Installing $list ..."
        if ! install_by_uv "$list" && ! install_by_pip "$list"; then
            rm -f "$unfinished"
            fail "pip could not install $list; its reason is above. With a network connection, run this again."
        fi
        ln -sfn ../../gateway .venv/bin/whatsapp-service
        printf '%s\n' "$wanted" >"$stamp"
        rm -f "$unfinished"
    fi
    exec 9>&-
    stopped="Stopped before anything was started."
}

random_key() {
    .venv/bin/python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'
}

# Never touches an .env that is there: its secrets protect what is stored. An environment that brings its own needs none.
make_env() {
    local text target=.env
    if [ -e .env ] || [ -n "${SECRET_KEY:-}${SECRET_KEY_FILE:-}" ]; then
        return
    fi
    # In the image `.env` is a link to where data is kept: the project's own folder is read-only there.
    if [ -L .env ]; then
        target=$(readlink .env)
    else
        need_writable_folder .env
    fi
    text="# Made by run.sh; .env.example explains every setting.
# Keep a copy in a safe place: without ENCRYPTION_KEY, what was encrypted with it cannot be read again.
PORT=${PORT:-8000}
API_KEY=$(random_key)
SECRET_KEY=$(random_key)
ENCRYPTION_KEY=$(random_key)
WHATSAPP_VERIFY_TOKEN=$(random_key)
SIMULATOR_APP_SECRET=$(random_key)

# While the token is empty, the simulator stands in for Meta. Fill these in to talk to Meta itself.
WHATSAPP_ACCESS_TOKEN=
WHATSAPP_APP_SECRET=
WHATSAPP_APP_ID=
WHATSAPP_PHONE_NUMBER_ID=
WHATSAPP_BUSINESS_ACCOUNT_ID="
    # noclobber: of two first starts at once, one writes the file and the other uses it.
    if (umask 077 && set -o noclobber && printf '%s\n' "$text" >"$target") 2>/dev/null; then
        say "Made .env with new secrets; the API key is in it."
    fi
}

# The tools that look at our packages stay away from them, in an environment of their own.
install_tools() {
    local list=deploy/supply-chain/requirements.lock stamp=.venv-tools/.installed
    if [ -f "$stamp" ] && cmp -s "$list" "$stamp"; then
        return
    fi
    need_writable_folder .venv-tools
    say "Installing $list ..."
    rm -rf .venv-tools
    "$(find_python)" -m venv .venv-tools
    .venv-tools/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$list" ||
        fail "pip could not install $list; its reason is above. With a network connection, run this again."
    cp "$list" "$stamp"
}

case "${1:-}" in
"")
    install requirements.txt
    make_env
    trap - TERM
    trap '' INT
    exec .venv/bin/python -m app.start.serve
    ;;
install)
    install "${2:-requirements.txt}"
    ;;
lock)
    install tests/requirements.txt
    for list in requirements tests/requirements deploy/supply-chain/requirements; do
        .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
            --no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate "${@:2}" --output-file "$list.lock" "$list.txt"
    done
    ;;
audit)
    install_tools
    .venv-tools/bin/python deploy/supply-chain/audit.py requirements.lock "${@:2}"
    ;;
sbom)
    install_tools
    .venv-tools/bin/cyclonedx-py requirements requirements.lock --mc-type application --output-format JSON \
        --spec-version 1.6 --output-reproducible --output-file "${2:-sbom.json}"
    say "Wrote ${2:-sbom.json}."
    ;;
words)
    install tests/requirements.txt
    pot=$(mktemp)
    .venv/bin/pybabel -q extract --mapping babel.cfg --keyword N_ --no-location --sort-output --output "$pot" .
    .venv/bin/pybabel -q update --input-file "$pot" --output-dir app/translations --no-fuzzy-matching \
        --ignore-obsolete --ignore-pot-creation-date --width 120
    .venv/bin/pybabel -q compile --directory app/translations
    rm -f "$pot"
    ;;
*)
    fail "Usage: ./run.sh, or ./run.sh words, or ./run.sh install [FILE], or ./run.sh lock [--upgrade]," \
        "or ./run.sh audit, or ./run.sh sbom [FILE]"
    ;;
esac
