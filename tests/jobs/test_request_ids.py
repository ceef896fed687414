"""A line that a worker writes has the id of the request that it comes of: a webhook's, or a send's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.logs import request_id_var
from app.models import Notification, QueuedSend
from tests.bots import Bots
from tests.factories import message_body, text

Receive = Callable[..., None]


def test_a_delivery_and_what_it_sends_go_by_the_webhooks_request(
    bots: Bots, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        "app.services.delivering.handler_delivery.logger.warning", lambda *_, **__: seen.append(request_id_var.get())
    )
    bots.load(
        """
        def register(on):
            @on.message
            def answer(message, client):
                client.reply("first")
                raise RuntimeError
        """
    )

    receive(message_body(text(timestamp=int(bots.harness.clock().timestamp()))))
    bots.harness.deliver()
    bots.harness.rounds(lambda: bool(seen))

    with bots.harness.gateway.database.read() as session:
        asked = session.scalars(select(Notification.request_id)).one()
        sends = session.scalars(select(QueuedSend.request_id)).all()
    assert asked and set(seen) == {asked}
    assert sends == [asked]
