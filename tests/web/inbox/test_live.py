"""News reach open pages by a stream or by polling, each of what its person may see."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.clock import utc_now
from app.container import Gateway
from app.domain.outbound import Mode, OutboundRequest
from app.process import draining
from app.services.conversations import live as live_room
from app.store.conversation_list import ConversationFilter
from app.web.inbox import live
from tests.conftest import on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, PNID, message_body, status, status_body, text
from tests.people import Browser, sign_in

Receive = Callable[..., None]
NOW = int(utc_now().timestamp())
STREAM = {"Accept": "text/event-stream"}
POLL = {"Accept": "application/json", "X-Inbox-Background": "1"}


@pytest.fixture(autouse=True)
def quick(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """News come at once; the poller has ended before its database is closed."""
    monkeypatch.setattr(live_room, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(live_room, "COUNT_SECONDS", 0.0)
    monkeypatch.setattr(live, "can_stream", lambda: True)
    yield
    assert no_poller()


@pytest.fixture
def its(receive: Receive, gateway: Gateway) -> str:
    """The id of Ana's conversation."""
    receive(message_body(text("hello", timestamp=NOW - 100)))
    return the_id(gateway)


def no_poller() -> bool:
    deadline = time.monotonic() + 5
    while is_polling() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_polling()


def is_polling() -> bool:
    return "inbox" in {thread.name for thread in threading.enumerate()}


def the_id(gateway: Gateway, number: str = PNID) -> str:
    ((found,), _) = gateway.conversations.list(ConversationFilter(phone_number_id=number), limit=9)
    return found.id


def send(gateway: Gateway, to: str = ANA) -> str:
    request = OutboundRequest(type="text", content={"body": "x"}, to=f"+{to}", mode=Mode.QUEUED, force=True)
    return gateway.send(request).id


class Stream:
    """An open stream, as a browser reads it."""

    def __init__(self, browser: Browser, **headers: str) -> None:
        self.response = browser.get("/inbox/live", headers=STREAM | headers, buffered=False)
        self._parts: Iterator[bytes] = self.response.iter_encoded()

    def part(self) -> str:
        return next(self._parts).decode()

    def news(self) -> Any:
        while True:
            lines = dict(line.split(": ", 1) for line in self.part().strip().splitlines())
            if lines.get("event") == "news":
                return json.loads(lines["data"]) | {"id": lines["id"]}

    def until(self, is_it: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = self.news()
            if is_it(found):
                return found
        raise AssertionError("nothing came")


@pytest.fixture
def stream(app: Flask) -> Iterator[Callable[..., Stream]]:
    opened: list[Stream] = []

    def open_(browser: Browser, **headers: str) -> Stream:
        opened.append(Stream(browser, **headers))
        return opened[-1]

    yield open_
    for each in opened:
        each.response.close()


def test_a_stream_begins_small_and_tells_each_kind_of_change(
    app: Flask, gateway: Gateway, its: str, receive: Receive, stream: Callable[..., Stream]
) -> None:
    browser = sign_in(app)
    opened = stream(browser)

    assert opened.response.mimetype == "text/event-stream"
    assert "no-transform" in opened.response.headers["Cache-Control"]
    assert opened.response.headers["X-Accel-Buffering"] == "no"
    assert opened.part() == "retry: 3000\n\n"
    first = opened.news()
    assert (first["conversations"], first["unread"], first["waiting"], first["presence"]) == (None, 1, 0, [])

    receive(message_body(text("more", timestamp=NOW - 90)))
    opened.until(lambda found: found["conversations"] == [its])
    message = send(gateway)
    opened.until(lambda found: found["conversations"] == [its])
    gateway.conversation_acts.note(its, "for the team", None)
    opened.until(lambda found: found["conversations"] == [its])
    gateway.actions.cancel(message, None)
    opened.until(lambda found: found["conversations"] == [its])
    newest = [each.message.id for each in gateway.threads(its, None, limit=9).items if hasattr(each, "message")][1]
    gateway.conversation_acts.mark_seen(its, newest, None)
    opened.until(lambda found: found["unread"] == 0)


def test_who_types_is_told_and_is_over_when_they_leave(
    app: Flask, gateway: Gateway, its: str, stream: Callable[..., Stream]
) -> None:
    ana, bo = sign_in(app), sign_in(app, "Bo")
    opened = stream(ana)
    opened.news()

    assert bo.post(f"/inbox/{its}/presence", data={"typing": "1"}).status_code == 204
    (there,) = opened.until(lambda found: found["presence"])["presence"]
    assert (there["conversation"], there["name"], there["typing"]) == (its, "Bo", True)

    bo.post(f"/inbox/{its}/presence", data={})
    opened.until(lambda found: found["presence"] and not found["presence"][0]["typing"])
    bo.post(f"/inbox/{its}/presence", data={"gone": "1"})
    opened.until(lambda found: found["presence"] == [])


def test_whoever_may_see_one_number_hears_of_that_alone(
    app: Flask, gateway: Gateway, its: str, receive: Receive, stream: Callable[..., Stream]
) -> None:
    receive(message_body(text("elsewhere", sender=BO, timestamp=NOW - 80), number=OTHER_PNID))
    elsewhere = the_id(gateway, OTHER_PNID)
    browser = sign_in(app, "Bo", numbers=[OTHER_PNID])
    opened = stream(browser)
    assert opened.news()["unread"] == 1

    gateway.conversation_acts.note(its, "not for Bo", None)
    assert browser.post(f"/inbox/{its}/presence", data={"typing": "1"}).status_code == 404
    gateway.conversation_acts.note(elsewhere, "for Bo", None)

    told = opened.until(lambda found: found["conversations"] == [elsewhere])
    assert told["presence"] == []
    polled = browser.get("/inbox/live?after=0-0", headers=POLL).get_json()
    assert polled["conversations"] == [elsewhere]


def test_a_stream_goes_on_where_the_last_one_broke_off(
    app: Flask, gateway: Gateway, its: str, stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.conversations.news.OVERLAP", timedelta(0))
    browser = sign_in(app)
    opened = stream(browser)
    place = opened.news()["id"]
    opened.response.close()

    quiet = stream(browser, **{"Last-Event-ID": place}).news()
    gateway.conversation_acts.note(its, "meanwhile", None)
    missed = stream(browser, **{"Last-Event-ID": place}).news()

    assert (quiet["conversations"], missed["conversations"]) == ([], [its])
    for strange in ("999999-0", "x", "1-2-3", "9" * 40):
        assert stream(browser, **{"Last-Event-ID": strange}).news()["conversations"] is None


def test_polling_costs_nothing_until_something_happens(app: Flask, gateway: Gateway, its: str) -> None:
    browser = sign_in(app)

    first = browser.get("/inbox/live", headers=POLL)
    etag = first.headers["ETag"]
    again = browser.get("/inbox/live", headers=POLL | {"If-None-Match": etag})
    gateway.conversation_acts.note(its, "x", None)
    after = browser.get("/inbox/live", headers=POLL | {"If-None-Match": etag})
    send(gateway)
    later = browser.get("/inbox/live", headers=POLL | {"If-None-Match": f"W/{after.headers['ETag']}"})

    assert (first.status_code, first.get_json()["conversations"]) == (200, None)
    assert (again.status_code, again.get_data(), again.headers["ETag"]) == (304, b"", etag)
    assert after.get_json()["conversations"] == [its]
    assert later.get_json()["conversations"] == [its]


def test_an_event_is_told_by_polling_too(app: Flask, gateway: Gateway, its: str, receive: Receive) -> None:
    browser = sign_in(app)
    etag = browser.get("/inbox/live", headers=POLL).headers["ETag"]

    receive(status_body(status("wamid.unknown", "delivered", timestamp=NOW)))

    assert browser.get("/inbox/live", headers=POLL | {"If-None-Match": etag}).status_code == 200


@on_sqlite
def test_streams_end_with_the_server_and_with_the_session(
    app: Flask, gateway: Gateway, stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.05)
    browser = sign_in(app)
    opened = stream(browser)
    opened.news()
    assert opened.part() == "event: beat\ndata: {}\n\n"

    gateway.people.disable(gateway.people.named("Ana").id)
    assert [part for part in opened._parts if b"news" in part] == []

    other = stream(sign_in(app, "Bo"))
    other.news()
    monkeypatch.setattr(draining, "is_draining", lambda: True)
    assert [part for part in other._parts if b"news" in part] == []


@on_sqlite
def test_no_more_streams_are_open_than_a_process_can_hold(
    app: Flask, gateway: Gateway, stream: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_room, "MOST_OF_PERSON", 2)
    browser = sign_in(app)
    first, _ = stream(browser), stream(browser)

    assert browser.get("/inbox/live", headers=STREAM).status_code == 429
    first.response.close()
    assert stream(browser).response.status_code == 200


@on_sqlite
def test_without_greenlets_a_browser_is_told_to_poll(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert sign_in(app).get("/inbox/live", headers=STREAM).status_code == 204


@on_sqlite
def test_a_browser_that_does_not_read_is_left(gateway: Gateway, its: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_room, "MOST_BEHIND", 3)
    with gateway.live_news.listen("ana", None) as listener:
        deadline = time.monotonic() + 5
        while not listener.is_over and time.monotonic() < deadline:
            gateway.conversation_acts.note(its, "x", None)

        assert listener.next(1) is None


@on_sqlite
def test_the_poller_runs_only_while_somebody_listens(gateway: Gateway) -> None:
    with gateway.live_news.listen("ana", None):
        assert is_polling()
    assert no_poller()
