#!/usr/bin/env bash
# Guess: under READ COMMITTED an UPDATE that had to wait for another transaction decides anew about everything in its WHERE,
#        by what is committed when the wait ends. So "mark this delivery held if an earlier one of the contact is open"
#        cannot be wrong by the time it is written.
# Seen:  after the wait only the row waited for is read anew. What the WHERE asks of other rows (EXISTS over the same
#        table) is answered by the snapshot from before the wait: the row is marked although nothing is open any more.
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
import threading
import time

import psycopg

where = f"host=127.0.0.1 port={sys.argv[1]} user=postgres"
first, second, watcher = (psycopg.connect(where, autocommit=each) for each in (False, False, True))
watcher.execute("CREATE TABLE owed (id int PRIMARY KEY, contact int, open bool, held bool DEFAULT false)")
watcher.execute("INSERT INTO owed VALUES (1, 7, true), (2, 7, true)")

# One transaction closes the earlier delivery and touches the later one; the other wants to hold the later one meanwhile.
first.execute("UPDATE owed SET open = false WHERE id = 1")
first.execute("UPDATE owed SET held = false WHERE id = 2")
hold = (
    "UPDATE owed SET held = true WHERE id = 2 AND EXISTS"
    " (SELECT 1 FROM owed AS earlier WHERE earlier.contact = owed.contact AND earlier.id < owed.id AND earlier.open)"
)
thread = threading.Thread(target=lambda: (second.execute(hold), second.commit()))
thread.start()
waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
while watcher.execute(waiting).fetchone()[0] == 0:
    time.sleep(0.01)
first.commit()
thread.join()
rows = watcher.execute("SELECT id, open, held FROM owed ORDER BY id").fetchall()
print("expected [(1, False, False), (2, True, False)], seen", rows)
sys.exit(0 if rows == [(1, False, False), (2, True, True)] else 1)
PY
