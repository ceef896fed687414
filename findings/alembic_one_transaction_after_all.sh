#!/usr/bin/env bash
# Guess: `transaction_per_migration=True` commits after each migration, whoever opened the connection. So a second migration
#        that fails leaves the first one in place, and an index can be built CONCURRENTLY in a migration of its own.
# Seen:  a connection on which any statement ran before (a SET, a lock, a look at the version) is in a transaction already,
#        by SQLAlchemy's autobegin. Alembic then takes that transaction for the caller's, commits nothing between
#        migrations, and says nothing: the failure of the second takes the first back as well.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check alembic==1.20.1 SQLAlchemy==2.1.9
mkdir -p "$work/migrations/versions"
cat >"$work/migrations/env.py" <<'PY'
from alembic import context

context.configure(
    connection=context.config.attributes["connection"], transaction_per_migration=True, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
PY
cat >"$work/migrations/versions/one.py" <<'PY'
from alembic import op

revision, down_revision = "one", None


def upgrade() -> None:
    op.execute("CREATE TABLE first (id INTEGER)")
PY
cat >"$work/migrations/versions/two.py" <<'PY'
revision, down_revision = "two", "one"


def upgrade() -> None:
    raise RuntimeError("the second migration fails")
PY
"$work/venv/bin/python" - "$work" <<'PY'
import importlib.metadata
import sys

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, inspect, text

folder = sys.argv[1]
print("alembic", importlib.metadata.version("alembic"), "SQLAlchemy", importlib.metadata.version("SQLAlchemy"))


def tables(name: str, statement_before: bool) -> list[str]:
    engine = create_engine(f"sqlite:///{folder}/{name}.db")
    # SQLite's own DDL in transactions, as PostgreSQL has it: BEGIN is sent by us.
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    config = Config()
    config.set_main_option("script_location", folder + "/migrations")
    with engine.connect() as connection:
        if statement_before:
            connection.execute(text("SELECT 1"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except RuntimeError:
            pass
    return sorted(set(inspect(engine).get_table_names()) - {"alembic_version"})


fresh, used = tables("fresh", False), tables("used", True)
print("fresh connection, second migration fails: expected ['first'], seen", fresh)
print("after one SELECT on it:                   expected ['first'], seen", used)
sys.exit(0 if (fresh, used) == (["first"], []) else 1)
PY
