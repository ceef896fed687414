#!/usr/bin/env bash
# Guess: a list of ids may be handed over as one text and cast to an array, `= ANY (CAST($1::text AS text[]))`: PostgreSQL makes
#        the array of it once and knows it as well as an array that is a parameter of its own type, `= ANY ($1::text[])`.
# Seen:  rows are compared with all elements by a hash only where the array is a constant of the plan, which a parameter of
#        its own type becomes. The cast stays in the plan, although the planner counts its elements well: each row is compared
#        with one element after the other. 500 ids among 20,000 rows without an index take hundreds of times as long.
#        With psycopg it is enough to name the type text[] right at the parameter, and to hand over the array's text.
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
import time

import psycopg

FORMS = {"its own type": "%s::text[]", "a cast text": "CAST(%s::text AS text[])"}
database = psycopg.connect(f"host=127.0.0.1 port={sys.argv[1]} user=postgres", autocommit=True, prepare_threshold=None)
database.execute("CREATE TABLE messages (id text)")
database.execute("INSERT INTO messages SELECT 'wamid.' || n FROM generate_series(1, 20000) n")
database.execute("ANALYZE messages")
ids = "{" + ",".join(f"wamid.{number}" for number in range(0, 20000, 40)) + "}"
plans, seconds = {}, {}
for name, form in FORMS.items():
    statement = f"SELECT id FROM messages WHERE id = ANY ({form})"
    plan = " ".join(line for (line,) in database.execute(f"EXPLAIN {statement}", [ids]))
    plans[name] = "constant" if "ANY ('{wamid.0," in plan else "expression"
    began = time.perf_counter()
    found = len(database.execute(statement, [ids]).fetchall())
    seconds[name] = time.perf_counter() - began
    print(f"{name}: {found} rows in {seconds[name] * 1000:.0f} ms; in the plan the array is a(n) {plans[name]}")
ratio = seconds["a cast text"] / seconds["its own type"]
print(f"expected: both alike; seen: the cast takes {ratio:.0f} times as long")
sys.exit(0 if list(plans.values()) == ["constant", "expression"] and ratio > 5 else 1)
PY
