#!/usr/bin/env bash
# Guess: psycopg's binary package is compiled, so a list of 5,000 texts as a parameter costs little more than joining them: a
#        millisecond or two.
# Seen:  a list is dumped by Python code, which asks for a dumper and calls it for each element, also in the binary package.
#        The text of the same array, made by one join and named text[] at the parameter, is handed over in a fraction of
#        that time, and PostgreSQL gets the same array.
# Needs Debian's postgresql; starts a server of its own.
set -euo pipefail
work=$(mktemp -d); bin=$(echo /usr/lib/postgresql/*/bin); runner=()
stop() { "${runner[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; rm -rf "$work"; }
trap stop EXIT
if [ "$(id -u)" = 0 ]; then chown postgres "$work"; runner=(setpriv --reuid postgres --regid postgres --clear-groups); fi
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
"${runner[@]}" "$bin/initdb" -D "$work/data" -U postgres -A trust >/dev/null
"${runner[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w -o "-p $port -k $work -c listen_addresses=127.0.0.1" start >/dev/null
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "psycopg[binary]==3.3.9"
"$bin/postgres" --version
"$work/venv/bin/python" - "$port" <<'PY'
import statistics
import sys
import time

import psycopg

database = psycopg.connect(f"host=127.0.0.1 port={sys.argv[1]} user=postgres", autocommit=True)
wamids = [f"wamid.HBgLMzQ2MDAwMDAwMDAVAgASGBQ{number:08d}" for number in range(5000)]


def as_list() -> object:
    return wamids


def as_text() -> object:
    return '{"' + '","'.join(wamids) + '"}'


statement = "SELECT cardinality(given), given[5000] FROM (SELECT %s::text[] AS given) AS x"
spent, seen = {"a list": [], "its text": []}, set()
for _ in range(15):
    for name, make in (("a list", as_list), ("its text", as_text)):
        began = time.thread_time()
        seen.add(database.execute(statement, [make()]).fetchone())
        spent[name].append(time.thread_time() - began)
middle = {name: statistics.median(times) for name, times in spent.items()}
print(f"psycopg {psycopg.__version__}, implementation: {psycopg.pq.__impl__}; both give {seen}")
for name, seconds in middle.items():
    print(f"{name}: {1000 * seconds:.2f} ms of processor time for 5,000 wamids")
ratio = middle["a list"] / middle["its text"]
print(f"expected: about the same; seen: the list takes {ratio:.0f} times as long")
sys.exit(0 if len(seen) == 1 and psycopg.pq.__impl__ == "binary" and ratio > 4 else 1)
PY
