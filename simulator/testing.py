"""pytest fixtures for suites that talk to Meta: a simulator on a free port, and what it saw.

In a `conftest.py`: `pytest_plugins = ["simulator.testing"]`. See docs/simulator.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from simulator.customers import actions, writing
from simulator.customers.chats import Chat, ChatMessage
from simulator.faults.rules import Fault
from simulator.server import SimulatorServer
from simulator.settings import Pace, SimulatorSettings
from simulator.world.phone_numbers import digits_of
from simulator.world.simulator import Simulator
from simulator.world.standing import Standing
from simulator.world.world import AcceptedMessage

QUICK = Pace(sent_after=0.01, delivered_after=0.02, read_after=0.03, reviewed_after=0.01, first_retry_after=0.05)
_SECONDS = 5.0


class MetaStandIn:
    """A running simulator, and what tests ask of it. `url` is the Graph API's base URL."""

    def __init__(self, server: SimulatorServer) -> None:
        self._server = server
        self.url = server.url

    @property
    def simulator(self) -> Simulator:
        """The simulated Meta itself, for whatever has no method here."""
        return self._server.simulator

    @property
    def accepted(self) -> list[AcceptedMessage]:
        """Every message that was accepted, oldest first."""
        with self.simulator.world.lock:
            return list(self.simulator.world.accepted)

    def sent_twice(self) -> list[str]:
        """The values of `biz_opaque_callback_data` that more than one accepted message carried."""
        tags = [message.biz_opaque_callback_data for message in self.accepted if message.biz_opaque_callback_data]
        return sorted({tag for tag in tags if tags.count(tag) > 1})

    def write(self, text: str, customer: str = "5491112345678") -> ChatMessage:
        """Write a text as a customer."""
        return self.write_as(customer, "text", {"body": text})

    def write_as(self, customer: str, kind: str, content: Any, quoted_id: str | None = None) -> ChatMessage:
        """Write any message as a customer: `content` is the object of that name in Meta's webhook."""
        return writing.write(self.simulator, self.chat(customer), kind, content, quoted_id)

    def chat(self, customer: str = "5491112345678") -> Chat:
        """A customer's chat with the first number."""
        world = self.simulator.world
        with world.lock:
            return world.chat(self.simulator.settings.numbers[0], world.customers.meet(digits_of(customer)))

    def block(self, customer: str = "5491112345678") -> None:
        """Let a customer block the business."""
        actions.block(self.simulator, self.chat(customer), blocked=True)

    def wait_for_answers(
        self, count: int = 1, customer: str = "5491112345678", seconds: float = _SECONDS
    ) -> list[ChatMessage]:
        """The business's messages to a customer once there are so many. Raises AssertionError when time is over."""
        chat, deadline = self.chat(customer), time.monotonic() + seconds
        while True:
            with self.simulator.world.lock:
                version, found = chat.version, [message for message in chat.messages if message.from_business]
            left = deadline - time.monotonic()
            if len(found) >= count or left <= 0:
                assert len(found) >= count, f"{len(found)} of {count} answers came within {seconds:g} s"
                return found
            self.simulator.world.wait_for_change(chat, version, left)

    def add_fault(self, kind: str, **settings: Any) -> int:
        """Let something go wrong from now on; the settings are those of `Fault`."""
        return self.simulator.world.faults.add(Fault(kind, **settings))

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self.simulator.world.faults.clear()

    @property
    def standing(self) -> Standing:
        """How Meta sees the business: its token, numbers and accounts, to be broken on purpose."""
        return self.simulator.world.standing

    def advance_clock(self, seconds: float) -> None:
        """Put the simulated time ahead: windows close, files and URLs expire."""
        self.simulator.world.advance_clock(seconds)


@pytest.fixture
def simulator_settings() -> SimulatorSettings:
    """Override this to point webhooks at the software under test: `MetaApp(app_secret=…, webhook_url=…)`."""
    return SimulatorSettings(port=0, pace=QUICK, seed=1)


@pytest.fixture
def make_meta() -> Iterator[Callable[[SimulatorSettings], MetaStandIn]]:
    """Starts simulators with settings that only the test knows; each is stopped at its end."""
    servers: list[SimulatorServer] = []

    def make(settings: SimulatorSettings) -> MetaStandIn:
        servers.append(SimulatorServer(settings))
        servers[-1].start()
        return MetaStandIn(servers[-1])

    yield make
    _stop(servers)


@pytest.fixture
def meta(
    make_meta: Callable[[SimulatorSettings], MetaStandIn], simulator_settings: SimulatorSettings
) -> MetaStandIn:
    """A simulator that runs for the length of one test."""
    return make_meta(simulator_settings)


def _stop(servers: Sequence[SimulatorServer]) -> None:
    for server in servers:
        server.stop()
