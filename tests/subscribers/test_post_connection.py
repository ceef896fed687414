"""One connection to an app, as the poster uses it."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest

from app.subscribers.client import EndpointResponse
from app.subscribers.post_connection import Exchange, PostConnection, Site


class Told:
    """Stands in for the poster: what a connection tells it."""

    def __init__(self) -> None:
        self.is_closed = asyncio.Event()
        self.failures: list[BaseException] = []

    def opened(self, connection: PostConnection) -> None:
        """Nothing is kept."""

    def closed(self, connection: PostConnection) -> None:
        self.is_closed.set()

    def answered(
        self, connection: PostConnection, exchange: Exchange, response: EndpointResponse, *, keep: bool
    ) -> None:
        raise AssertionError(response)

    def failed(self, exchange: Exchange, error: BaseException, status: int | None, *, was_idle: bool) -> None:
        assert status is None and not was_idle
        self.failures.append(error)


def test_an_app_that_hangs_up_before_the_request_is_written_is_not_waited_for() -> None:
    """A connection that is lost already tells nothing more: only the deadline would end the exchange."""

    async def exchange() -> Told:
        told, (ours, theirs) = Told(), socket.socketpair()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(partial(PostConnection, told), sock=ours)
        theirs.close()
        await asyncio.wait_for(told.is_closed.wait(), 20)
        connection.send(Exchange(Site(False, "app", 80, "app"), b"POST / HTTP/1.1\r\n\r\n", pytest.fail, 0.0))
        return told

    [error] = asyncio.run(exchange()).failures

    assert isinstance(error, ConnectionError)
