"""Celery carries webhooks to the app, on a real RabbitMQ and a real Redis, by both commands that start a worker."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.container import Gateway
from app.models import Delivery, Endpoint, Event, Notification, Upkeep
from app.security.standard_webhooks import new_secret
from tests.conftest import APP_SECRET, SETTINGS, PostWebhook, on_postgresql
from tests.load.bodies import Maker
from tests.load.brokers import NoBroker, OwnRedis, or_skip, own_virtual_host
from tests.load.gateway import BIN, ROOT
from tests.subscriber import ALLOWED, subscriber

WEBHOOKS = 40
COMMANDS = {"rabbitmq": ("flask", "worker"), "redis": ("celery", "-A", "app.jobs.celery_app", "worker")}


@contextmanager
def broker_of(kind: str, folder: Path) -> Iterator[tuple[str, OwnRedis | None]]:
    """The URL of a broker that nobody else uses, and the broker if it may be killed."""
    try:
        if kind == "rabbitmq":
            with own_virtual_host() as url:
                yield url, None
        else:
            redis = OwnRedis(folder / "redis")
            redis.start()
            try:
                yield redis.url, redis
            finally:
                redis.close()
    except NoBroker as error:
        or_skip(error)


@contextmanager
def worker_of(kind: str, gateway: Gateway, folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the gateway's database; what it prints is in `output.txt`."""
    program, *arguments = COMMANDS[kind]
    url = gateway.database.url.render_as_string(hide_password=False)
    ours = {
        "DATABASE_URL": url, "LOG_DIR": str(folder / "logs"), "MEDIA_DIR": str(folder / "media"),
        "ERASURE_LEDGER": str(folder / "erasures.jsonl"), "PATH": os.environ["PATH"], "HOME": str(folder),
        "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "SETTINGS_FROM_PARENT": "1",
    }  # fmt: skip
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [str(BIN / program), *arguments], cwd=ROOT, env=SETTINGS | ours | settings, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)


@on_postgresql
@pytest.mark.parametrize("kind", list(COMMANDS))
def test_celery_carries_webhooks_to_the_app(
    gateway: Gateway, post_webhook: PostWebhook, tmp_path: Path, kind: str
) -> None:
    def count(model: type, *conditions: Any) -> int:
        with gateway.database.read() as session:
            return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0

    with broker_of(kind, tmp_path) as (broker, to_kill), subscriber() as app:
        settings = {"BROKER_URL": broker, "FORWARD_URL": app.url, "FORWARD_SECRET": new_secret(),
                    "FORWARD_ALLOW_NETS": ALLOWED}  # fmt: skip
        with worker_of(kind, gateway, tmp_path, settings) as worker:
            wait_for(worker, lambda: count(Endpoint) == 1)
            wait_for(worker, lambda: count(Upkeep, Upkeep.name.in_(["relay", "beat"]), Upkeep.place.is_not(None)) == 2)

            def post_and_wait(seed: int) -> None:
                for webhook in Maker(APP_SECRET, seed, contacts=20).mixed(WEBHOOKS):
                    assert post_webhook(webhook.body).status_code == 200
                wait_for(worker, lambda: not count(Notification, Notification.state == "pending"))
                wait_for(worker, lambda: not count(Delivery, Delivery.state == "pending"))

            post_and_wait(14)
            if to_kill is not None:
                to_kill.kill()
                post_and_wait(15)  # without a broker, while tasks were not acknowledged
                to_kill.start()  # empty
                wait_for(worker, lambda: count(Upkeep, Upkeep.name == "relay", Upkeep.place.is_not(None)) == 1)
                post_and_wait(16)
            worker.terminate()
            assert worker.wait(30) == 0
    with gateway.database.read() as session:
        assert sorted(app.ids) == sorted(session.scalars(select(Event.id)))
        held = select(Upkeep.name).where(Upkeep.name.in_(["relay", "beat"]), Upkeep.place.is_not(None))
        assert session.scalars(held).all() == []


def wait_for(worker: subprocess.Popen[bytes], condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return once it is true; fail after `seconds`, or when the worker has ended."""
    until = time.monotonic() + seconds
    while not condition():
        assert worker.poll() is None, "the worker has ended; output.txt says why"
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)
