"""Whatever an app does, it gets every event in the end, with the same id, and so does everybody else."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from app.services.delivering import DeliveryBatch, DeliveryResult, DispatchDelivery, HttpDelivery
from app.subscribers.client import DEADLINE_SECONDS
from tests.factories import ANA, BO, message_body, text
from tests.jobs.conftest import Harness
from tests.subscriber import Handler, Posted, Reply, answering, subscriber

Receive = Callable[..., None]
DEADLINE = 1.5
"""For those alone that would not end: whoever answers at all may be as slow as a busy machine makes it."""


def slow(handler: Handler, _: Posted) -> None:
    with suppress(OSError):
        handler.connection.recv(1)  # until whoever waits for an answer has had enough
        handler.answer()


def dripped(handler: Handler, _: Posted) -> None:
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.01)


def dripped_headers(handler: Handler, _: Posted) -> None:
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X: y\r\n")
            time.sleep(0.01)


def broken_off(handler: Handler, _: Posted) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    handler.close_connection = True


def broken_chunk(handler: Handler, _: Posted) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx")
    handler.close_connection = True


def hung_up(handler: Handler, _: Posted) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def nonsense(handler: Handler, _: Posted) -> None:
    handler.wfile.write(b"\x00\xffnonsense\r\n\r\n")
    handler.close_connection = True


def in_circles(handler: Handler, _: Posted) -> None:
    handler.answer(302, b"", Location="/events")


MISBEHAVIOUR: dict[str, Reply] = {
    "slow": slow, "dripped": dripped, "dripped headers": dripped_headers, "broken off": broken_off,
    "broken chunk": broken_chunk, "hung up": hung_up, "nonsense": nonsense, "redirects in circles": in_circles,
    "500": answering(500), "404": answering(404), "no number of HTTP": answering(999),
}  # fmt: skip


ENDLESS = {"slow", "dripped", "dripped headers"}


class Hasty(DispatchDelivery):
    """Has less patience with the endpoint `bad` than with others."""

    def __init__(self, hasty: HttpDelivery, patient: HttpDelivery) -> None:
        super().__init__(patient, None)
        self._hasty, self._patient = hasty, patient

    def begin(self, batch: DeliveryBatch, done: Callable[[DeliveryResult], None]) -> DeliveryResult | None:
        return (self._hasty if batch.endpoint.id == "bad" else self._patient).begin(batch, done)


@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_everything_comes_later_with_the_same_ids_and_to_everybody_else_at_once(
    harness: Harness, receive: Receive, how: str
) -> None:
    if how in ENDLESS:
        harness.deliver._dispatch = Hasty(harness.new_client(deadline_seconds=DEADLINE), harness.post)
    with subscriber(MISBEHAVIOUR[how]) as app, subscriber() as well:
        harness.endpoint(app.url, "bad")
        harness.endpoint(well.url, "well")
        receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
        harness.rounds()
        first, at_once = app.ids, well.ids
        app.reply = answering(200)
        harness.pass_by(seconds=7)
        harness.rounds()

    assert set(harness.states()) == {"delivered"}
    assert sorted(first) == sorted(app.ids[len(first):]) == sorted(at_once) == sorted(well.ids)
    if how in ENDLESS:
        assert all(attempt.duration_ms < 1_000 * DEADLINE_SECONDS for attempt in harness.attempts())


def test_an_answer_of_100_megabytes_is_cut_and_counts(harness: Harness, receive: Receive) -> None:
    written = []

    def vast(handler: Handler, _: Posted) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        with suppress(OSError):
            for _ in range(1600):
                handler.wfile.write(b"x" * 65536)
                written.append(65536)
        handler.close_connection = True

    with subscriber(vast) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()

    (attempt,) = harness.attempts()
    assert (attempt.status, len(attempt.answer or "")) == (200, 65536)
    assert harness.states() == ["delivered"]
    assert sum(written) < 50_000_000


def test_a_kept_connection_that_was_closed_meanwhile_costs_no_try(harness: Harness, receive: Receive) -> None:
    def one_at_a_time(handler: Handler, _: Posted) -> None:
        handler.answer()
        handler.close_connection = True

    with subscriber(one_at_a_time) as app:
        harness.endpoint(app.url)
        for _ in range(4):
            receive(message_body(text()))
            harness.rounds()

    assert len(app.posted) == 4
    assert [attempt.number for attempt in harness.attempts()] == [1, 1, 1, 1]


def test_answers_of_any_bytes_are_kept_as_text(harness: Harness, receive: Receive) -> None:
    with subscriber(answering(200, b"\x00\xff\xfe ok")) as app:
        harness.endpoint(app.url)
        receive(message_body(text()))
        harness.rounds()

    assert [attempt.answer for attempt in harness.attempts()] == ["\ufffd\ufffd\ufffd ok"]
