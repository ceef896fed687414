"""A process may die at every step of a send: what is left is legal, is finished by the next, and nothing goes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import responses
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.domain import tags
from app.models import Message
from app.process import fault_points
from app.process.fault_points import Point
from app.services.operations.audit import audit_balance
from tests.conftest import Clock
from tests.factories import ANA, status, status_body
from tests.services.sending.conftest import all_answered, bodies, here, status_of

BY_CALLER = (Point.SYNC_SENDING, Point.SYNC_ANSWERED, Point.SYNC_RECORDED)


class Died(BaseException):
    """The process is gone: nothing of it goes on, and what it had not committed never was."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("point", Point)
def test_whoever_dies_at_a_step_leaves_nothing_lost_and_nothing_doubled(
    point: Point, gateway: Gateway, database: Database, now: Clock, accepting: responses.RequestsMock,
    post: Callable[..., object], receive: Callable[..., None], work: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    died: list[Point] = []

    def reach(reached: Point) -> None:
        if reached is point and not died:
            died.append(reached)
            raise Died

    with monkeypatch.context() as armed:
        armed.setattr(fault_points, "reach", reach)
        _run_until_it_dies(point, gateway, now, post, died)
    assert died == [point]
    message_id = _only(database)
    assert status_of(database, message_id) in ("queued", "sending", "accepted")

    # The next process takes over; the caller, who was told nothing, asks again with the same key.
    for _ in range(3):
        work(2)
        now.pass_by(seconds=gateway.config.graph_timeout_seconds + 31)
        gateway.sweep_sends.reap_orphans()
    _report_what_arrived(accepting, receive)
    now.pass_by(seconds=gateway.config.unknown_send_seconds + 1)
    gateway.sweep_sends.resolve_unknown()
    post("/send/whatsapp", _body(point), **{"Idempotency-Key": "k"})
    work(2)

    arrived = Counter(tag[0] for body in bodies(accepting) if (tag := tags.read(body["biz_opaque_callback_data"])))
    assert _only(database) == message_id
    assert arrived[message_id] <= 1
    assert status_of(database, message_id) == ("delivered" if arrived[message_id] else "held")
    assert audit_balance(database).problems == []


def _run_until_it_dies(
    point: Point, gateway: Gateway, now: Clock, post: Callable[..., object], died: list[Point]
) -> None:
    try:
        post("/send/whatsapp", _body(point), **{"Idempotency-Key": "k"})
    except Died:
        return
    sender = here(gateway, 2)
    try:
        for _ in range(10):
            sender.work()
            all_answered(sender)
            if died:  # in a thread, which the rest would wait for
                break
            now.pass_by(milliseconds=100)
    except Died:
        all_answered(sender)
    sender._caller.close()


def _body(point: Point) -> dict[str, str]:
    return {"to": f"+{ANA}", "message": "Hola", "mode": "sync" if point in BY_CALLER else "queued"}


def _report_what_arrived(graph: responses.RequestsMock, receive: Callable[..., None]) -> None:
    for place, body in enumerate(bodies(graph)):
        tag = body["biz_opaque_callback_data"]
        receive(status_body(status(f"wamid.{place}", "delivered", biz_opaque_callback_data=tag)))


def _only(database: Database) -> str:
    with database.read() as session:
        return session.scalars(select(Message.id)).one()
