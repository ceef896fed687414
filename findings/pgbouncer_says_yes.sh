#!/usr/bin/env bash
# Guess: what cannot work through a pooler in transaction mode is refused: LISTEN, session settings, session locks.
# Seen:  PgBouncer answers all of them with success. What is notified goes to whichever client uses that
#        server connection next and not to the one that listens, one client's statement_timeout cancels the
#        statements of another, and a session lock is granted to two clients at once and stays after its owner has gone.
# Needs Debian's postgresql and pgbouncer; starts its own of both.
set -euo pipefail
work=$(mktemp -d); bin=$(echo /usr/lib/postgresql/*/bin); runner=()
stop() { "${runner[@]}" kill "$(cat "$work/pgb.pid")" 2>/dev/null; "${runner[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; rm -rf "$work"; }
trap stop EXIT
if [ "$(id -u)" = 0 ]; then chown postgres "$work"; runner=(setpriv --reuid postgres --regid postgres --clear-groups); fi
read -r server pooler <<<"$(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in held))')"
"${runner[@]}" "$bin/initdb" -D "$work/data" -U postgres -A trust >/dev/null
"${runner[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w -o "-p $server -k $work -c listen_addresses=127.0.0.1" start >/dev/null
cat >"$work/pgb.ini" <<CONF
[databases]
postgres = host=127.0.0.1 port=$server user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
logfile = $work/pgb.log
pidfile = $work/pgb.pid
CONF
chmod 644 "$work/pgb.ini"
"${runner[@]}" /usr/sbin/pgbouncer -q -d "$work/pgb.ini"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "psycopg[binary]==3.3.9"
/usr/sbin/pgbouncer --version | head -1; "$bin/postgres" --version
"$work/venv/bin/python" - "$server" "$pooler" <<'PY'
import sys

import psycopg


def connect(port):
    return psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True, prepare_threshold=None)


print("psycopg", psycopg.__version__)
direct, one, other = connect(sys.argv[1]), connect(sys.argv[2]), connect(sys.argv[2])
seen = {}

seen["LISTEN"] = one.execute("LISTEN news").statusmessage
direct.execute("NOTIFY news, 'something'")
other.execute("SELECT 1")
seen["notifications to the client that listens"] = len(list(one.notifies(timeout=1, stop_after=1)))
seen["notifications to the other"] = len(list(other.notifies(timeout=1, stop_after=1)))

one.execute("SET statement_timeout = '50ms'")
try:
    other.execute("SELECT pg_sleep(0.3)")
    seen["another client's statement"] = "ran"
except psycopg.errors.QueryCanceled:
    seen["another client's statement"] = "cancelled"
one.execute("RESET ALL")

one.execute("SELECT pg_advisory_lock(1)")
seen["the same lock for another client"] = other.execute("SELECT pg_try_advisory_lock(1)").fetchone()[0]
one.close(), other.close()
seen["locks after both have gone"] = direct.execute(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()[0]

for name, what in seen.items():
    print(f"{name}: expected an error, seen {what}")
sys.exit(0 if list(seen.values()) == ["LISTEN", 0, 1, "cancelled", True, 1] else 1)
PY
