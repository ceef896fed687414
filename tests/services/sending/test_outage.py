"""Meta is away for ten minutes: nothing is lost or doubled, and what may go then goes as fast as it is allowed to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from sqlalchemy import func, select

from app.db.database import Database
from app.domain import tags
from app.errors import GraphUnavailable
from app.models import Message
from tests.conftest import Clock, on_sqlite
from tests.services.sending.conftest import NUMBER_URL, URL, accept_all, bodies

MESSAGES = 100
THREADS = 8
AWAY: dict[str, tuple[dict[str, Any], bool]] = {
    "refused": ({"body": GraphUnavailable(meta={"reason": "refused"})}, False),
    "black hole": ({"body": requests.ReadTimeout()}, True),
    "5xx pages": ({"status": 502, "body": "<html>"}, True),
    "429": ({"status": 429, "json": {"error": {"code": 130429}}}, False),
}
"""How Meta is away, and whether a message may have got through."""


@on_sqlite
@pytest.mark.parametrize("kind", AWAY)
def test_what_waited_goes_when_meta_is_back(
    kind: str, post: Callable[..., Any], work: Callable[..., None], now: Clock, graph: responses.RequestsMock,
    database: Database,
) -> None:  # fmt: skip
    answer, is_ambiguous = AWAY[kind]
    graph.post(URL, **answer)
    graph.get(NUMBER_URL, **answer)
    items = [{"to": f"+34600{number:06}", "message": "x", "priority": "normal"} for number in range(MESSAGES)]
    assert all(each["success"] for each in post("/api/messages/bulk", {"messages": items}).get_json()["data"])

    work(600, step=2)
    tried = len([call for call in graph.calls if call.request.method == "POST"])
    graph.reset()
    graph.get(NUMBER_URL, json={"id": "1"})
    accept_all(graph)
    work(120, step=0.5)  # the longest pause before a probe, and before a rate that was cut has grown again
    left = states(database)["queued"]

    assert states(database) == Counter({"accepted": MESSAGES - states(database)["unknown"], **unknown(database)})
    assert left == 0
    # The first two doubts, and what was under way at that moment; after that Meta is only asked.
    assert tried <= 2 + THREADS or kind == "429"
    assert (states(database)["unknown"] > 0) == is_ambiguous
    assert states(database)["unknown"] <= 2 + THREADS
    went = Counter(tag[0] for body in bodies(graph) if (tag := tags.read(body["biz_opaque_callback_data"])))
    assert set(went.values()) == {1} and len(went) == states(database)["accepted"]


@on_sqlite
def test_the_backlog_of_an_outage_leaves_at_the_limit(
    post: Callable[..., Any], work: Callable[..., None], graph: responses.RequestsMock
) -> None:
    graph.post(URL, body=GraphUnavailable(meta={"reason": "refused"}))
    graph.get(NUMBER_URL, json={"id": "1"})
    items = [{"to": f"+34600{number:06}", "message": "x"} for number in range(900)]
    post("/api/messages/bulk", {"messages": items})
    work(30, step=0.5)
    graph.reset()
    graph.get(NUMBER_URL, json={"id": "1"})
    accept_all(graph)
    while len([call for call in graph.calls if call.request.method == "POST"]) < 2:
        work(0.5)
    begun = len(graph.calls)

    work(10)

    assert 0.9 * 800 <= len(graph.calls) - begun <= 1.02 * 840


def states(database: Database) -> Counter[str]:
    with database.read() as session:
        return Counter(dict(session.execute(select(Message.status, func.count()).group_by(Message.status)).all()))


def unknown(database: Database) -> dict[str, int]:
    count = states(database)["unknown"]
    return {"unknown": count} if count else {}
