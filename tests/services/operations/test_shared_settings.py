"""Workers with unequal settings on one database: none undoes what another's settings ask for, and each is told."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import select

from app.clock import utc_now
from app.config.errors import ConfigError
from app.config.parsers import ROOT
from app.config.settings import Config
from app.container import Gateway
from app.db.database import Database
from app.domain.endpoints import OF_THE_SETTINGS
from app.models import Alert
from app.models import Endpoint as Row
from app.models import WebSeen, WorkerSeen
from app.security.encryption import Encryptor
from app.security.standard_webhooks import new_secret
from app.services.alerts.raising import Alerts
from app.services.health_checks.catalogue import CHECKS
from app.services.health_checks.run import RunHealthChecks
from app.services.operations import FailingWork
from app.services.operations.shared_settings import SharedSettings
from app.services.operations.tell_web_settings import TellWebSettings
from app.services.registries.endpoints import EndpointDirectory
from app.services.registries.numbers import NumberDirectory
from app.services.registries.versions import Registry
from app.store import endpoints, workers
from tests.conftest import SETTINGS, Clock, with_settings
from tests.factories import PNID

SECRET = new_secret()
TO_A = {"forward_url": "https://a.example/events", "forward_secret": SECRET}
TO_B = {"forward_url": "https://b.example/events", "forward_secret": SECRET}
KEY = SETTINGS["ENCRYPTION_KEY"]
OTHER_KEY = Fernet.generate_key().decode()

NewWorker = Callable[..., SharedSettings]


@pytest.fixture
def new_worker(config: Config, database: Database, clock: Clock) -> NewWorker:
    """Another worker, whose settings differ in these."""
    clock.now = utc_now()

    def new_worker_(**changes: Any) -> SharedSettings:
        settings = with_settings(config, **changes)
        encryptor = Encryptor(settings.encryption_key)
        directory = EndpointDirectory(settings, database, encryptor, Registry(database), clock)
        return SharedSettings(settings, database, directory, Alerts(database, (), clock), clock, FailingWork(clock))

    return new_worker_


@pytest.fixture
def context(gateway: Gateway, clock: Clock) -> Callable[[], list[tuple[str, str]]]:
    """Watch as workers do; what is open then."""
    kinds = ("settings_unequal", "endpoint_changed", "worker_refused")
    checks = [check for check in CHECKS if check.kind in kinds]
    alerts = Alerts(gateway.database, (), clock)
    watch = RunHealthChecks(gateway.config, gateway.database, gateway.directory, gateway.graph, alerts, clock, checks)

    def look_() -> list[tuple[str, str]]:
        watch()
        with gateway.database.read() as session:
            return sorted((each.kind, each.subject) for each in session.scalars(select(Alert)) if not each.closed_at)

    return look_


def goes_to(database: Database) -> str | None:
    """Where events go that are posted to the settings' endpoint."""
    with database.read() as session:
        row: Row | None = endpoints.find_any(session, OF_THE_SETTINGS)
    return row.url if row is not None and row.removed_at is None else None


def test_a_forgotten_worker_takes_nobodys_endpoint_away_and_is_told_of(
    new_worker: NewWorker, database: Database, clock: Clock, client: FlaskClient, context: Callable[[], Any]
) -> None:
    ours, forgotten = new_worker(**TO_A), new_worker()
    ours.beat("big")
    for _ in range(12):
        clock.pass_by(seconds=5)
        forgotten.beat("small")
        ours.beat("big")

    assert goes_to(database) == TO_A["forward_url"]
    assert context() == [("settings_unequal", "FORWARD_SECRET"), ("settings_unequal", "FORWARD_URL")]
    clock.now = utc_now()
    ours.beat("big")
    forgotten.beat("small")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["settings"]) == (
        200, "unequal between workers, or here: FORWARD_SECRET, FORWARD_URL"
    )  # fmt: skip


def test_changed_settings_count_as_soon_as_the_last_old_worker_has_stopped(
    new_worker: NewWorker, database: Database, clock: Clock, context: Callable[[], Any]
) -> None:
    old, also_old, new = new_worker(**TO_A), new_worker(**TO_A), new_worker(**TO_B)
    for worker in (old, also_old, new):
        worker.beat("host")
        clock.pass_by(seconds=1)
    old.leave()
    new.beat("host")
    assert goes_to(database) == TO_A["forward_url"]
    assert not new.may_follow("FORWARD_URL")

    also_old.leave()
    clock.pass_by(seconds=5)
    new.beat("host")

    assert goes_to(database) == TO_B["forward_url"]
    assert new.may_follow("FORWARD_URL")
    assert context() == [("endpoint_changed", "redirected to b.example")]
    clock.pass_by(hours=1)
    context()
    clock.pass_by(seconds=61)
    assert context() == []


def test_settings_count_within_a_minute_after_the_last_old_worker_was_killed(
    new_worker: NewWorker, database: Database, clock: Clock, context: Callable[[], Any]
) -> None:
    old, new = new_worker(**TO_A), new_worker()
    old.beat("host")
    for _ in range(11):
        clock.pass_by(seconds=5)
        new.beat("host")

    assert goes_to(database) is None
    assert context() == [("endpoint_changed", "removed")]


def test_a_worker_that_was_frozen_does_not_turn_back_what_came_after(
    new_worker: NewWorker, database: Database, clock: Clock
) -> None:
    frozen, new = new_worker(**TO_A), new_worker(**TO_B)
    frozen.beat("host")
    clock.pass_by(seconds=31)
    new.beat("host")
    for _ in range(20):
        clock.pass_by(seconds=5)
        frozen.beat("host")
        new.beat("host")

    assert goes_to(database) == TO_B["forward_url"]
    assert (new.may_follow("FORWARD_URL"), frozen.may_follow("FORWARD_URL")) == (True, False)


def test_a_worker_without_handlers_leaves_those_of_an_older_one_alone(new_worker: NewWorker, clock: Clock) -> None:
    ours, forgotten = new_worker(handlers="mybot"), new_worker()
    assert not ours.may_follow("HANDLERS")  # nobody knows yet who else is there
    ours.beat("host")
    clock.pass_by(seconds=1)
    forgotten.beat("host")

    assert (ours.may_follow("HANDLERS"), forgotten.may_follow("HANDLERS")) == (True, False)


def test_a_database_that_was_away_for_all_makes_no_younger_worker_count(
    new_worker: NewWorker, database: Database, clock: Clock
) -> None:
    ours, forgotten = new_worker(**TO_A), new_worker()
    ours.beat("host")
    clock.pass_by(seconds=1)
    forgotten.beat("host")
    clock.pass_by(minutes=5)
    for _ in range(20):
        forgotten.beat("host")
        clock.pass_by(seconds=5)
        ours.beat("host")

    assert goes_to(database) == TO_A["forward_url"]


def test_a_worker_with_another_key_is_refused_by_name_and_leaves_no_trace(
    new_worker: NewWorker, database: Database, clock: Clock
) -> None:
    ours, other = new_worker(**TO_A), new_worker(**TO_A, encryption_key=(OTHER_KEY,))
    ours.beat("big")
    clock.pass_by(seconds=1)
    with database.read() as session:
        before = endpoints.find_any(session, OF_THE_SETTINGS).secret  # type: ignore[union-attr]

    with pytest.raises(ConfigError, match="ENCRYPTION_KEY.*on big") as refusal:
        other.beat("small")

    assert OTHER_KEY not in str(refusal.value)
    with database.read() as session:
        assert endpoints.find_any(session, OF_THE_SETTINGS).secret == before  # type: ignore[union-attr]
        assert [row.host for row in session.scalars(select(WorkerSeen))] == ["big"]
    clock.pass_by(seconds=31)
    other.beat("small")


def test_a_refused_worker_is_told_of(
    new_worker: NewWorker, clock: Clock, context: Callable[[], list[tuple[str, str]]]
) -> None:
    ours, other = new_worker(), new_worker(encryption_key=(OTHER_KEY,))
    ours.beat("big")
    clock.pass_by(seconds=1)

    with pytest.raises(ConfigError):
        other.beat("small")

    assert context() == [("worker_refused", "small")]
    for _ in range(2):
        clock.pass_by(hours=1)
        context()
    assert context() == []


@pytest.fixture
def new_web(config: Config, database: Database, clock: Clock) -> Callable[..., TellWebSettings]:
    """A web process whose settings differ in these."""
    return lambda **changes: TellWebSettings(with_settings(config, **changes), database, clock)


def test_a_web_process_with_other_settings_is_seen_and_decides_nothing(
    new_worker: NewWorker, new_web: Callable[..., TellWebSettings], database: Database, clock: Clock,
    client: FlaskClient, context: Callable[[], Any],
) -> None:  # fmt: skip
    web, same, worker = new_web(**TO_B, messages_per_second=1.0), new_web(**TO_A), new_worker(**TO_A)
    web.tell()
    clock.pass_by(seconds=1)
    worker.beat("big")
    same.tell()
    clock.pass_by(seconds=1)
    worker.beat("big")
    assert context() == []  # so far the other might have stopped before the worker began
    clock.pass_by(seconds=11)
    for process in (web, same):
        process.tell()
    worker.beat("big")

    assert context() == [("settings_unequal", "FORWARD_URL"), ("settings_unequal", "MESSAGES_PER_SECOND")]
    with database.read() as session:
        details = session.scalars(select(Alert)).first().details  # type: ignore[union-attr]
        assert workers.strictest(session, clock(), workers.Limits(20.0, True, 60)).messages_per_second != 1.0
        assert workers.last_seen(session) is not None
    assert details["workers"] == f"big, {platform.node()} (web)"
    assert goes_to(database) == TO_A["forward_url"]
    assert "FORWARD_URL" in client.get("/readyz").json["settings"]


def test_a_web_process_that_was_stopped_before_a_change_of_settings_raises_nothing(
    new_worker: NewWorker, new_web: Callable[..., TellWebSettings], clock: Clock, context: Callable[[], Any]
) -> None:
    new_web(**TO_A).tell()
    clock.pass_by(seconds=2)
    worker, web = new_worker(**TO_B), new_web(**TO_B)
    for _ in range(3):
        worker.beat("host")
        web.tell()
        clock.pass_by(seconds=5)

    assert context() == []


def test_web_processes_alone_are_compared(
    new_web: Callable[..., TellWebSettings], clock: Clock, client: FlaskClient
) -> None:
    clock.now = utc_now()
    webs = [new_web(), new_web(**TO_A)]
    for web in webs * 2:
        web.tell()

    assert client.get("/readyz").json["settings"] == (
        "unequal between workers, or here: FORWARD_SECRET, FORWARD_URL"
    )  # fmt: skip


def test_a_request_begins_the_telling(
    gateway: Gateway, client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    monkeypatch.setattr(TellWebSettings, "_keep_telling", lambda web: (web.tell(), told.set()))
    client.get("/healthz")
    client.get("/healthz")

    assert told.wait(30)
    with database.read() as session:
        assert len(session.scalars(select(WebSeen)).all()) == 1


def test_keys_are_rotated_worker_by_worker(new_worker: NewWorker, clock: Clock) -> None:
    for keys in ((KEY,), (KEY, OTHER_KEY), (OTHER_KEY, KEY)):
        clock.pass_by(seconds=1)
        new_worker(encryption_key=keys).beat("host")
        if keys == (KEY, OTHER_KEY):
            clock.pass_by(seconds=31)  # the first is gone
            new_worker(encryption_key=keys).beat("host")


def test_the_stricter_limits_hold_for_all(
    new_worker: NewWorker, config: Config, gateway: Gateway, database: Database, clock: Clock
) -> None:
    new_worker(messages_per_second=20.0, unknown_send_policy="resend", unknown_send_seconds=900).beat("host")
    slow = new_worker(messages_per_second=10.0, unknown_send_seconds=60)
    slow.beat("host")
    settings = with_settings(config, messages_per_second=20.0)
    quick = NumberDirectory(settings, database, gateway.encryptor, Registry(database))

    assert quick.read().numbers[PNID].rate == 10.0
    own = workers.Limits(20.0, True, 600)
    with database.read() as session:
        assert workers.strictest(session, clock(), own) == workers.Limits(10.0, False, 900)
    slow.leave()
    assert quick.read().numbers[PNID].rate == 20.0


def test_no_setting_can_be_read_from_what_a_worker_leaves(new_worker: NewWorker, database: Database) -> None:
    new_worker(**TO_A).beat("host")

    with database.read() as session:
        left = session.scalars(select(WorkerSeen)).one().settings
    assert left is not None and "FORWARD_SECRET" in left
    for value in (SECRET, "a.example", KEY, SETTINGS["WHATSAPP_ACCESS_TOKEN"], SETTINGS["WHATSAPP_APP_SECRET"]):
        assert value not in left


def test_the_command_says_in_one_sentence_which_setting_is_wrong(
    new_worker: NewWorker, config: Config, clock: Clock
) -> None:
    new_worker().beat("big")
    given = {"DATABASE_URL": config.database_url, "LOG_DIR": config.log_dir, "ENCRYPTION_KEY": OTHER_KEY}
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | SETTINGS | given

    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "worker"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=25
    )

    assert done.returncode == 2, done.stderr
    assert "ENCRYPTION_KEY: is not that of the worker that already uses this database (on big)" in done.stderr
