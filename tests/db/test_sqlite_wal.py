"""A copy put in the place of the database while the log of the old one is beside it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from app import migrations
from app.db import sqlite_wal
from app.db.database import Database
from app.db.failures import Trouble
from app.errors import Unavailable


def by_vacuum(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"VACUUM INTO '{copy}'")


def by_backup(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(copy)) as other:
        connection.backup(other)


def by_file(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(path, copy)


@pytest.mark.parametrize("make_copy", [by_vacuum, by_backup, by_file])
def test_a_copy_beside_the_old_log_is_refused_in_words_and_opened_without_it(
    used: Path, tmp_path: Path, make_copy: object
) -> None:
    assert callable(make_copy)
    copy = tmp_path / "copy.db"
    make_copy(used, copy)
    log = leave_log(used, tmp_path)
    shutil.copyfile(copy, used)
    shutil.copyfile(log, f"{used}-wal")

    database = Database(f"sqlite:///{used}")
    for act in (migrations.upgrade, read, write):
        with pytest.raises(Unavailable) as refused:
            act(database)
        assert refused.value.reason == Trouble.OTHERS_LOG
    assert Path(f"{used}-wal").read_bytes() == log.read_bytes()

    Path(f"{used}-wal").unlink()
    with suppress(FileNotFoundError):
        Path(f"{used}-shm").unlink()
    migrations.upgrade(database)
    assert read(database) == 1
    database.dispose()


def test_the_log_of_a_process_that_was_killed_is_read(used: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(used)) as connection:
        connection.execute("UPDATE things SET name = 'after'")
        connection.commit()
        for suffix in ("", "-wal", "-shm"):
            shutil.copyfile(f"{used}{suffix}", tmp_path / f"killed.db{suffix}")

    database = Database(f"sqlite:///{tmp_path}/killed.db")
    migrations.upgrade(database)
    with database.read() as session:
        assert session.execute(text("SELECT name FROM things")).scalar() == "after"
    database.dispose()


def test_whatever_is_done_with_a_database_its_own_log_is_never_taken_for_anothers(tmp_path: Path) -> None:
    path, dice = tmp_path / "busy.db", random.Random(7)

    def open_one() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA wal_autocheckpoint=20")
        return connection

    connections = [open_one() for _ in range(3)]
    connections[0].execute("PRAGMA journal_mode=WAL")
    connections[0].execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    deeds = [
        "INSERT INTO things (name) VALUES (hex(randomblob(500)))", "INSERT INTO things (name) VALUES ('a')",
        "DELETE FROM things WHERE id IN (SELECT id FROM things LIMIT 3)", "UPDATE things SET name = 'b' WHERE id % 7",
        "PRAGMA user_version = {}", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA wal_checkpoint(RESTART)",
    ]  # fmt: skip
    count = 0
    for _ in range(500):
        place = dice.choice([0, 0, 1, 2])
        if dice.random() < 0.03:
            connections[place].close()
            connections[place] = open_one()
        deed = dice.choices(deeds, [20, 20, 15, 10, 3, 1, 1])[0]
        count += "user_version" in deed
        connections[place].execute(deed.format(count)).fetchall()
        assert sqlite_wal.belongs(path)
    for connection in connections:
        connection.close()


def test_a_file_whose_pages_do_not_fit_together_is_said_to_be_damaged(used: Path) -> None:
    with closing(sqlite3.connect(used)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("UPDATE things SET name = 'after'")
        connection.commit()
        with used.open("r+b") as file:
            file.seek((root - 1) * 4096)
            file.write(b"\xff" * 200)
        shutil.copyfile(used, used.with_name("cut.db"))
        shutil.copyfile(f"{used}-wal", used.with_name("cut.db-wal"))

    database = Database(f"sqlite:///{used.with_name('cut.db')}")
    with pytest.raises(Unavailable) as refused:
        migrations.upgrade(database)
    assert refused.value.reason == Trouble.DAMAGED
    database.dispose()


@pytest.fixture
def used(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Path]:
    """A migrated database with a thing in it."""
    path = tmp_path / "whatsapp.db"
    shutil.copyfile(migrated_sqlite, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO things (name) VALUES ('before')")
        connection.commit()
    yield path


def leave_log(path: Path, folder: Path) -> Path:
    """Use the database after the copy, and keep the log that a process leaves that is killed."""
    kept = folder / "kept-wal"
    with closing(sqlite3.connect(path)) as connection:
        for beats in range(1, 5):  # as a worker does
            connection.execute(f"PRAGMA user_version = {beats}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("INSERT INTO things (name) VALUES ('later')")
        connection.execute("PRAGMA user_version = 5")
        connection.commit()
        shutil.copyfile(f"{path}-wal", kept)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").unlink()
    return kept


def read(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT count(*) FROM things")).scalar_one())


def write(database: Database) -> None:
    with database.write() as session:
        session.execute(text("DELETE FROM things"))
