"""What most tests start from: a gateway on a fresh database of each kind, its HTTP client, and Meta's hand."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import runpy
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config.parsers import ROOT
from app.config.settings import Config, load_config
from app.container import Gateway
from app.db.database import Database
from app.jobs.process import process_due
from app.models import Base
from app.security.meta_signatures import sign_meta
from app.services.operations.tell_web_settings import TellWebSettings
from app.services.registries.numbers import NumberDirectory
from tests import made_once
from tests.factories import PNID, WABA, to_bytes
from tests.load import migrated
from tests.load.postgres import NoPostgres
from tests.order import mixed, pytest_xdist_make_scheduler
from tests.volatile import folder_in_memory

__all__ = ["pytest_xdist_make_scheduler"]

# A shell without job control starts what runs in its background with SIGINT ignored, and programs that tests start and
# stop by SIGINT would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is about what a disk keeps when the power fails, and to wait for it at each commit was half of their time.
if found := folder_in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(found))

made_once.keep_routes()
made_once.keep_web()

KINDS = ("sqlite", "postgresql")
API_KEY = "api-key-of-the-tests-0123456789"
APP_SECRET = "app-secret-of-the-tests-0123456789"
ACCESS_TOKEN = "EAAtoken-of-the-tests-0123456789"
VERIFY_TOKEN = "verify-token-of-the-tests"
SETTINGS = {
    "API_KEY": API_KEY,
    "SECRET_KEY": "secret-key-of-the-tests-0123456789abcdef",
    "ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "WHATSAPP_VERIFY_TOKEN": VERIFY_TOKEN,
    "WHATSAPP_ACCESS_TOKEN": ACCESS_TOKEN,
    "WHATSAPP_APP_SECRET": APP_SECRET,
    "WHATSAPP_PHONE_NUMBER_ID": PNID,
    "WHATSAPP_BUSINESS_ACCOUNT_ID": WABA,
    "GRAPH_API_URL": "https://graph.example",
    "GRAPH_API_VERSION": "v26.0",
    "WORKER": "external",
}
DELETES = ";".join(f'DELETE FROM "{each.name}"' for each in reversed(Base.metadata.sorted_tables)).encode()
SETTINGS_OF_EMPTYING = b"SET synchronous_commit = off; SET lock_timeout = '10s'"
"""Whoever still holds a row is a test that left something running."""
EMPTIES = "empties the database between tests"
"""The name of the one connection to it that is not of the test."""
ONE_CASE = "one_case_on_postgresql"
LONGER_THAN_ANY_LEASE = timedelta(hours=1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only the long form needs, and let processes find work that waits beside work that does not."""
    left_out = set(_more_cases(items)) if os.environ.get("DRILL") != "long" else set()
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
    items[:] = mixed([item for item in items if item not in left_out])


def _more_cases(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Where cases differ in what is said and not in what is asked of the database, one of a test's suffices there."""
    seen: set[str] = set()
    for item in items:
        cases = getattr(item, "callspec", None)
        if cases and cases.params.get("database_url") == "postgresql" and item.get_closest_marker(ONE_CASE):
            test = item.nodeid.partition("[")[0]
            if test in seen:
                yield item
            seen.add(test)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays until the end: thousands of tests, and every module."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Leave no template behind: a process of a run may be ended without what Python does at its end."""
    migrated.throw_away()


@pytest.fixture(scope="session")
def migrated_sqlite() -> Path:
    """A migrated SQLite file, to be copied."""
    return migrated.migrated_sqlite()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A migrated PostgreSQL database of this run's own. Skipped without a server, but not where CI promises one."""
    try:
        with migrated.migrated_postgres() as url:
            yield url
    except NoPostgres as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def empty_postgres(postgres_url: str) -> Iterator[Callable[[], object]]:
    """What deletes every row of this run's own PostgreSQL database, and numbers those of the next test from 1 on.

    As a function its plans are kept.
    """
    with psycopg.connect(postgres_url, autocommit=True, application_name=EMPTIES) as connection:
        connection.execute(SETTINGS_OF_EMPTYING)
        sequences = connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'").fetchall()
        restarts = "".join(f"PERFORM setval('\"{name}\"', 1, false);" for (name,) in sequences).encode()
        body = DELETES + b";" + restarts
        connection.execute(b"CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$BEGIN %b END$$" % body)
        yield lambda: connection.execute("SELECT pg_temp.empty()")


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), tmp_path / "whatsapp.db")
        return f"sqlite:///{tmp_path}/whatsapp.db"
    url: str = request.getfixturevalue("postgres_url")
    request.getfixturevalue("empty_postgres")()
    return url


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For tests that are not about the database, or about SQLite alone."""

one_case_on_postgresql = pytest.mark.one_case_on_postgresql
"""For tests of many cases that differ in what is said, and not in what is asked of the database: every case on SQLite,
and one of each test's on PostgreSQL; with `DRILL=long` every case on both."""

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""For tests about several writers at once, which SQLite does not have."""


def _places(database_url: str, folder: Path) -> dict[str, str]:
    """What a gateway writes goes into the test's own folder."""
    names = {"LOG_DIR": "logs", "MEDIA_DIR": "media", "ERASURE_LEDGER": "erasures.jsonl"}
    return {"DATABASE_URL": database_url} | {setting: str(folder / name) for setting, name in names.items()}


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Settings that work, with the real Graph out of reach."""
    return load_config(SETTINGS | _places(database_url, tmp_path))


@pytest.fixture
def app(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The WSGI application. It knows of every change at once, without a wait."""
    monkeypatch.setattr(NumberDirectory, "_keep_fresh", lambda directory: None)
    monkeypatch.setattr(TellWebSettings, "_keep_telling", lambda told: None)
    monkeypatch.setattr("app.services.registries.versions.VERSION_LIFETIME_SECONDS", 0.0)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    app = create_app(config)
    built = app.extensions["gateway"]
    yield app
    for gateway in (built, app.extensions["gateway"]):  # tests put others in its place
        gateway.database.dispose()
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
def gateway(app: Flask) -> Gateway:
    """The services of the application under test."""
    gateway: Gateway = app.extensions["gateway"]
    return gateway


@pytest.fixture
def database(gateway: Gateway) -> Database:
    """The database of the application under test."""
    return gateway.database


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An HTTP client without a key."""
    return app.test_client()


PostWebhook = Callable[..., TestResponse]


@pytest.fixture
def post_webhook(client: FlaskClient) -> PostWebhook:
    """Post a body, signed as Meta signs it."""

    def post(body: Any, secret: str = APP_SECRET) -> TestResponse:
        raw = to_bytes(body)
        headers = {"X-Hub-Signature-256": sign_meta(secret, raw), "Content-Type": "application/json"}
        return client.post("/webhook/whatsapp", data=raw, headers=headers)

    return post


@pytest.fixture
def process_all(gateway: Gateway) -> Callable[[], None]:
    """Work as a worker does until nothing is due."""

    def process() -> None:
        while process_due(gateway, lambda: False):
            pass

    return process


@pytest.fixture
def receive(post_webhook: PostWebhook, process_all: Callable[[], None]) -> Callable[..., None]:
    """Let Meta post some bodies, and process them."""

    def receive_(*bodies: Any, secret: str = APP_SECRET) -> None:
        for body in bodies:
            assert post_webhook(body, secret).status_code == 200
        process_all()

    return receive_


@pytest.fixture
def get(client: FlaskClient) -> Callable[..., Any]:
    """GET a route with the first key; return its JSON."""

    def get_(path: str, key: str = API_KEY, **query: Any) -> Any:
        response = client.get(path, query_string=query, headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    return get_


class Clock:
    """A present that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        """Let some time go by."""
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    """A clock for services that are given one."""
    return Clock()


def with_settings(config: Config, **changes: Any) -> Config:
    """The same settings but for these."""
    return dataclasses.replace(config, **changes)


def empty(url: str) -> None:
    """Delete every row of a PostgreSQL database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SETTINGS_OF_EMPTYING)
        connection.execute(DELETES)


@pytest.fixture
def gunicorn_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dict[str, Any]]]:
    """Run `gunicorn.conf.py` as gunicorn does. Afterwards this process has its own environment and signals again."""
    environ = dict(os.environ)
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    }

    def run() -> dict[str, Any]:
        for name, value in SETTINGS.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environ)
