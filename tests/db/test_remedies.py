"""What a database that refuses is said to be: its kind and the way out, and no secret."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from app.cli.commands import commands
from app.db.database import Database
from app.db.remedies import explain
from app.errors import Unavailable
from app.migrations import upgrade
from tests.conftest import SETTINGS
from tests.load.postgres import SERVER, own_database

PASSWORD = "hunter2-hunter2"


def said(url: str) -> str:
    database = Database(url)
    with pytest.raises(Unavailable) as caught:
        upgrade(database)
    database.dispose()
    words = explain(caught.value.__cause__, make_url(url))
    assert words is not None
    return words


def at(server: str, **parts: str) -> str:
    url = make_url(server.replace("postgresql://", "postgresql+psycopg://"))
    return url.set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


def test_a_database_that_is_not_there_is_named(server: str) -> None:
    assert "has no database nosuchdatabase. Create it" in said(at(server, database="nosuchdatabase"))


def test_a_role_that_is_not_there_is_named_and_its_password_is_not(server: str) -> None:
    words = said(at(server, username="nosuchrole", password=PASSWORD))

    assert "does not know the role nosuchrole" in words
    assert "hunter" not in words


def test_a_port_where_nobody_listens_is_named() -> None:
    words = said("postgresql+psycopg://u:hunter2@127.0.0.1:1/x")

    assert words.startswith("Nothing listens at 127.0.0.1:1.")
    assert "hunter" not in words


def test_a_host_that_cannot_be_found_is_not_quoted() -> None:
    assert said("postgresql+psycopg://u@no.such.host.invalid/x").startswith("The host in DATABASE_URL cannot be found.")


def test_a_server_that_does_not_answer_is_told_from_one_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        words = said(f"postgresql+psycopg://127.0.0.1:{deaf.getsockname()[1]}/x?connect_timeout=2")

    assert "does not answer" in words


def test_a_role_that_may_make_no_tables_is_told_what_to_ask_for(server: str, role: str) -> None:
    with own_database(server) as url:
        words = said(at(url, username=role, password=PASSWORD))

    assert f"lets the role {role} make no tables" in words
    assert "GRANT CREATE ON SCHEMA public" in words


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("28P01", "refuses the password of the role u"),
        ("53300", "has no connection left"),
        ("57P03", "is starting or stopping"),
        ("25006", "is read-only"),
        ("42P01", "not migrated yet"),
        ("XX999", "refuses (XX999)"),
    ],
)
def test_a_code_of_postgresql_has_its_words(sqlstate: str, expected: str) -> None:
    error = psycopg.errors.lookup("08006")("quoting hunter2")
    error.sqlstate = sqlstate

    words = explain(OperationalError(None, None, error), make_url("postgresql+psycopg://u:hunter2@db/x"))

    assert words is not None and expected in words
    assert "hunter" not in words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('FATAL:  password authentication failed for user "u"', "refuses the password of the role u"),
        ("fe_sendauth: no password supplied", "asks for a password"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.5", user "u"', "admits no connection"),
        ("server does not support SSL, but SSL was required", "do not agree about TLS"),
        ("FATAL:  sorry, too many clients already", "has no connection left"),
        ("FATAL:  Passwort-Authentifizierung fehlgeschlagen", "cannot be connected to. Its log says why"),
    ],
)
def test_a_connection_that_is_refused_has_words_and_no_code(text: str, expected: str) -> None:
    error = psycopg.OperationalError(f'connection to server at "db", port 5432 failed: {text}')

    words = explain(OperationalError(None, None, error), make_url("postgresql+psycopg://u:hunter2@db/x"))

    assert words is not None and expected in words


def test_sqlite_says_what_keeps_it_from_working(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is a text, and a rather long one, so that SQLite reads it as a header" * 9)

    assert said(f"sqlite:///{tmp_path}/text.db") == "The file that DATABASE_URL names is no SQLite database."
    assert "folder cannot be written" in said("sqlite:////proc/nowhere/x.db")
    assert explain(OperationalError(None, None, sqlite3.OperationalError("no such table: x")), make_url("sqlite://"))


@pytest.mark.parametrize(
    "command", [("keys", "list"), ("numbers", "list"), ("audit", "balance"), ("endpoints", "list")]
)
def test_every_command_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    """Here a database that nobody migrated."""
    settings = SETTINGS | {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.db", "LOG_DIR": str(tmp_path)}
    monkeypatch.setattr(os, "environ", os.environ.copy() | settings)
    sqlite3.connect(tmp_path / "empty.db").close()

    result = CliRunner().invoke(commands, command)

    assert (result.exit_code, result.output) == (
        1, "Error: The database is not migrated yet. Run `whatsapp-service migrate`.\n"
    )  # fmt: skip


@pytest.fixture
def server(postgres_url: str) -> str:
    """A PostgreSQL server."""
    return SERVER


@pytest.fixture
def role(server: str) -> Iterator[str]:
    """A role that may log in and nothing else."""
    name = f"gateway_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'".encode())
        yield name
        connection.execute(f"DROP ROLE {name}".encode())
