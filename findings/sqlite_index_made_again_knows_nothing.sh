#!/usr/bin/env bash
# Guess: an index that is dropped, to fill a table faster, and made again by the very statement that sqlite_master keeps
#        serves queries as before: CREATE INDEX reads every row, so SQLite knows how many share a value.
# Seen:  what ANALYZE (or an INSERT into sqlite_stat1) said of an index is deleted with it and does not come back. The
#        planner falls back to its defaults, takes the other index, and reads a thousand times as many rows.
set -euo pipefail
python3 - <<'PY'
import sqlite3
import sys

db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, state, contact, place)")
db.executemany("INSERT INTO messages VALUES (?, 'read', ?, ?)", ((n, n // 2, n) for n in range(100_000)))
db.execute("CREATE INDEX by_contact ON messages (contact)")
db.execute("CREATE INDEX by_state_and_place ON messages (state, place)")
db.execute("ANALYZE")


def plan():
    query = "SELECT id FROM messages WHERE contact = 5 AND state = 'read' AND place > 0"
    return db.execute(f"EXPLAIN QUERY PLAN {query}").fetchone()[3]


before, known = plan(), db.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0]
for name, statement in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'").fetchall():
    db.execute(f"DROP INDEX {name}")
    db.execute(statement)
after, left = plan(), db.execute("SELECT count(*) FROM sqlite_stat1 WHERE idx IS NOT NULL").fetchone()[0]
print("SQLite", sqlite3.sqlite_version)
print(f"before: {known} rows in sqlite_stat1, {before}")
print(f"after:  {left} rows in sqlite_stat1, {after}")
sys.exit(0 if known == 2 and left == 0 and "by_contact" in before and "by_state" in after else 1)
PY
