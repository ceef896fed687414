"""Kill a handler right after its send, and in the middle of it, and let it be tried again: no answer is doubled.

The handler's own process, the queue's own rows, and every kill a real one; only the pauses between tries are left out.
Long form, 500 kills on each database: `DRILL=long .venv/bin/pytest tests/drills/test_handlers.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.clock import utc_now
from app.container import Gateway
from app.domain import breaker, retry_schedule
from app.jobs.deliver import DeliverDue
from app.models import DeliveryAttempt, IdempotencyKey, Message, QueuedSend
from app.services.delivering.dispatch import DispatchDelivery
from app.services.delivering.handler_actions import HandlerActions
from app.services.delivering.handler_delivery import HandlerDelivery
from app.services.endpoints.sync_handlers import SyncHandlers
from tests.bots import new_pool
from tests.drills.conftest import sized
from tests.factories import message_body, text

DRILL_SECONDS = 600.0
EVENTS = 4
KILLS = sized(20, 500)

CODE = f"""
import os, random, signal, threading, time

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def die_soon():
    time.sleep(random.random() * 0.004)
    die()

def register(on):
    @on.message(max_age=None)
    def answer(message, client):
        # Which try this is. Only one runs at a time for a contact, and each contact sends one message here.
        with open(message["message"], "a+") as tries:
            tries.write("x")
            tries.flush()
            number = tries.tell()
        is_last = number > {KILLS // EVENTS}
        if not is_last and number % 4 == 1:
            threading.Thread(target=die_soon).start()
        client.reply(f"first {{message['message']}}")
        if not is_last and number % 4 in (1, 2):
            die()
        client.reply(f"second {{message['message']}}")
        if not is_last and number % 4 == 3:
            die()
        client.reply(f"third {{message['message']}}, in try {{number}}")
        if not is_last:
            die()
"""


def test_killed_right_after_its_send_it_never_answers_twice(
    gateway: Gateway, receive: Callable[..., None], deliver: DeliverDue
) -> None:
    now = int(utc_now().timestamp())
    receive(*(message_body(text(f"{n}", sender=f"54911{n:08}", timestamp=now)) for n in range(EVENTS)))

    until = time.monotonic() + DRILL_SECONDS
    while not deliver.in_flight.is_empty or not _is_done(gateway):
        assert time.monotonic() < until, "it did not come to an end in time"
        deliver()

    with gateway.database.read() as session:
        sent = session.scalars(select(Message.message).where(Message.direction == "outbound")).all()
        queued = session.scalar(select(func.count()).select_from(QueuedSend))
        keys = session.scalar(select(func.count()).select_from(IdempotencyKey))
        tries = Counter(session.scalars(select(DeliveryAttempt.error)))
    doubled = [said for said, count in Counter(said.partition(",")[0] for said in sent).items() if count > 1]
    print(f"{tries['the process was ended by signal 9']} kills, {len(doubled)} doubled answers")
    assert doubled == []
    assert sorted(said.partition(",")[0] for said in sent) == sorted(
        f"{which} {n}" for which in ("first", "second", "third") for n in range(EVENTS)
    )
    assert queued == keys == len(sent)
    assert tries == {None: EVENTS, "the process was ended by signal 9": KILLS}


def _is_done(gateway: Gateway) -> bool:
    with gateway.database.read() as session:
        succeeded = select(func.count()).select_from(DeliveryAttempt).where(DeliveryAttempt.error.is_(None))
        return session.scalar(succeeded) == EVENTS


@pytest.fixture
def gateway(app: Flask) -> Gateway:
    """The services over a database of each kind, not the whole gateway that other drills share."""
    found: Gateway = app.extensions["gateway"]
    return found


@pytest.fixture
def deliver(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverDue]:
    """A worker's delivery loop that retries at once and does not give up."""
    monkeypatch.setattr(retry_schedule, "PAUSES", (0,) * (KILLS + 2))
    monkeypatch.setattr(breaker, "SILENCES", 2 * KILLS)
    monkeypatch.setattr("app.services.delivering.handler_delivery.logger.disabled", True)
    monkeypatch.chdir(tmp_path)
    pool = new_pool(tmp_path, CODE, processes=EVENTS)
    files = gateway.media, gateway.upload_media
    acts = HandlerActions(gateway.send, gateway.mark_read, gateway.hand_over, *files, region=None)
    call = HandlerDelivery(pool, acts, gateway.hand_over.with_a_person, utc_now)
    dispatch = DispatchDelivery(gateway.post_event, call)
    worker = DeliverDue(
        gateway.database, gateway.endpoints, dispatch, utc_now, threads=8, serves=call.serves
    )  # fmt: skip
    SyncHandlers(gateway.database, gateway.endpoints, gateway.alerts, pool, utc_now)()
    yield worker
    worker.close()
    pool.close()
