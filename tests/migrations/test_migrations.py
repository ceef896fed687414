from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from app import migrations
from app.db.database import Database
from app.migrations import snapshot
from app.models import Base, Traffic
from app.services.operations.readiness import check_health

MIGRATE = """
import sys
from app import migrations
from app.db.database import Database
migrations.upgrade(Database(sys.argv[1]))
"""


def test_there_is_one_head() -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    assert ScriptDirectory.from_config(config).get_heads() == [migrations.head()]


def test_from_an_empty_database_they_lead_to_the_models(empty: Database) -> None:
    migrations.upgrade(empty)

    with empty.engine.connect() as connection:
        assert migrations.current(connection) == migrations.head()
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_ours})
        assert compare_metadata(context, Base.metadata) == []


def is_ours(_object: Any, name: str | None, *_: Any) -> bool:
    """The index of words is of a kind that models cannot speak of; on SQLite it is a table with tables of its own."""
    return not (name or "").startswith("search_index")


def test_a_new_file_gets_what_all_migrations_would_have_made(tmp_path: Path) -> None:
    made = {}
    ways = {"first start": migrations.upgrade, "step by step": partial(migrations.go_to, revision=migrations.head())}
    for name, migrate in ways.items():
        database = Database(f"sqlite:///{tmp_path}/{name}.db")
        migrate(database)
        with database.engine.connect() as connection:
            made[name] = snapshot.take(connection)
        database.dispose()

    assert made["first start"] == made["step by step"]


def test_a_snapshot_of_an_earlier_revision_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = Database(f"sqlite:///{tmp_path}/earlier.db")
    migrations.go_to(earlier, "0039")
    monkeypatch.setattr(snapshot, "FILE", tmp_path / "snapshot.sql")
    with earlier.engine.connect() as connection:
        snapshot.FILE.write_text(snapshot.take(connection), "utf-8")
    earlier.dispose()
    database = Database(f"sqlite:///{tmp_path}/new.db")

    migrations.upgrade(database)

    with database.engine.connect() as connection:
        assert migrations.current(connection) == migrations.head()
    database.dispose()


def test_down_and_up_again_leads_to_the_same(empty: Database) -> None:
    migrations.upgrade(empty)
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with empty.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        connection.commit()

    migrations.upgrade(empty)

    with empty.engine.connect() as connection:
        assert migrations.current(connection) == migrations.head()


def test_what_was_counted_by_the_hour_is_counted_by_the_day(empty: Database) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with empty.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0009")
        connection.commit()
    night = datetime(2026, 3, 1, 23, tzinfo=UTC)
    with empty.write() as session:
        for hours, seconds in ((-1, 3600), (0, 3600), (1, 3600), (2, 60)):
            session.add(Traffic(seconds=seconds, starts_at=night + timedelta(hours=hours), phone_number_id="7",
                                what="call", times=2, took=1.5, longest=hours + 2.0))  # fmt: skip

    migrations.upgrade(empty)

    with empty.read() as session:
        days = session.scalars(select(Traffic).where(Traffic.seconds == 86400).order_by(Traffic.starts_at)).all()
        assert [(day.starts_at, day.times, day.took, day.longest) for day in days] == [
            (night.replace(hour=0), 4, 3.0, 2.0), (night.replace(hour=0) + timedelta(days=1), 2, 1.5, 3.0),
        ]  # fmt: skip


def test_once_more_changes_nothing(empty: Database) -> None:
    migrations.upgrade(empty)
    migrations.upgrade(empty)

    with empty.engine.connect() as connection:
        assert migrations.current(connection) == migrations.head()


def test_an_earlier_release_runs_on_a_later_schema(empty: Database) -> None:
    migrations.upgrade(empty)
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(text("CREATE TABLE of_a_later_release (id INTEGER)"))

    migrations.upgrade(empty)

    with empty.engine.connect() as connection:
        assert migrations.current(connection) == "9999"
    assert check_health(empty, datetime.now(UTC)).schema is True
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert check_health(empty, datetime.now(UTC)).schema is False


def test_revisions_are_numbers_in_order() -> None:
    """By this an earlier release tells a later schema from an older one."""
    names = [path.name for path in Path(migrations.__file__).parent.glob("versions/[0-9]*.py")]

    assert all(re.match("[0-9]{4}_", name) for name in names)
    assert migrations.head() == max(name[:4] for name in names)


def test_processes_that_migrate_at_once_all_succeed(empty: Database) -> None:
    url = empty.url.render_as_string(hide_password=False)

    processes = [subprocess.Popen([sys.executable, "-c", MIGRATE, url]) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with empty.engine.connect() as connection:
        assert migrations.current(connection) == migrations.head()


def test_sqlite_is_private_and_journals_ahead(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new-folder/whatsapp.db")

    migrations.upgrade(database)

    assert (tmp_path / "new-folder" / "whatsapp.db").stat().st_mode & 0o777 == 0o600
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    database.dispose()
