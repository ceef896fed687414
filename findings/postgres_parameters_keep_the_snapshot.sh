#!/usr/bin/env bash
# Guess: under READ COMMITTED a transaction that is idle between two statements has no snapshot: one that has done nothing
#        but take an advisory lock is waited for by nobody, neither by VACUUM nor by CREATE INDEX CONCURRENTLY.
# Seen:  true without parameters. With a parameter (the extended protocol) the snapshot of the last statement stays until
#        the next one, because its portal stays open: CREATE INDEX CONCURRENTLY on any table waits for that transaction.
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
import sys

import psycopg

where = f"host=127.0.0.1 port={sys.argv[1]} user=postgres"
other = psycopg.connect(where, autocommit=True)
other.execute("CREATE TABLE unrelated (id int)")
other.execute("SET statement_timeout = '3s'")
seen = {}
for name, statement, values in (
    ("without parameters", "SELECT pg_try_advisory_xact_lock(7)", None),
    ("with a parameter", "SELECT pg_try_advisory_xact_lock(%s)", [7]),
):
    with psycopg.connect(where) as idle:
        assert idle.execute(statement, values).fetchone() == (True,)
        state = "SELECT state, backend_xmin IS NOT NULL FROM pg_stat_activity WHERE pid = %s"
        state, has_snapshot = other.execute(state, [idle.info.backend_pid]).fetchone()
        assert state == "idle in transaction"
        try:
            other.execute("CREATE INDEX CONCURRENTLY of_test ON unrelated (id)")
            waits = False
        except psycopg.errors.QueryCanceled:
            waits = True
        seen[name] = (has_snapshot, waits)
        idle.rollback()
        other.execute("DROP INDEX IF EXISTS of_test")
print("(keeps a snapshot, is waited for): expected (False, False) twice, seen", seen)
sys.exit(0 if seen == {"without parameters": (False, False), "with a parameter": (True, True)} else 1)
PY
