"""Everything the simulator knows, in memory and behind one lock."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from simulator.customers.chats import Chat, ChatMessage
from simulator.customers.people import Customer, Directory
from simulator.faults.rules import Faults
from simulator.graph.media.store import MediaStore
from simulator.graph.templates.store import TemplateShelf
from simulator.graph.uploads.store import Uploads
from simulator.settings import BusinessNumber, SimulatorSettings
from simulator.webhooks.subscriptions import Subscriptions
from simulator.world.limits import Limits
from simulator.world.standing import Standing


@dataclass(frozen=True)
class AcceptedMessage:
    """One `POST …/messages` that was accepted: what tests count to find a message sent twice."""

    id: str
    phone_number_id: str
    to: str | None
    biz_opaque_callback_data: str | None
    timestamp: float
    body: dict[str, Any]


class World:
    """The state of the simulated Meta. Hold `lock` to read or change more than one thing of it."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.random = Random(settings.seed)
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._changed = threading.Condition(self.lock)
        self._ahead_seconds = 0.0
        self.numbers = {number.phone_number_id: number for number in settings.numbers}
        self.customers = Directory(self.random, settings.customers)
        self.faults = Faults(settings.seed, settings.faults)
        self.limits = Limits(settings.pace)
        self.standing = Standing()
        self.media = MediaStore(self.random)
        self.uploads = Uploads(self.random)
        self.subscriptions = Subscriptions(settings)
        self.templates = TemplateShelf(self.random)
        for waba_id in self.waba_ids:
            self.templates.stock(waba_id)
        self.blocked: set[tuple[str, int]] = set()
        """(phone_number_id, customer key) of everybody the business has blocked."""
        self.profiles: dict[str, dict[str, Any]] = {}
        """phone_number_id → its business profile."""
        self.chats: dict[tuple[str, int], Chat] = {}
        self.chat_of: dict[str, Chat] = {}
        """The chat that a message id belongs to."""
        self.accepted: list[AcceptedMessage] = []
        self.history: dict[str, list[tuple[str, int]]] = {}
        """message id → its statuses and when they came."""
        self.service_messages: Counter[str] = Counter()
        """How many free-form messages each number has sent."""

    @property
    def waba_ids(self) -> list[str]:
        """The accounts there are."""
        return list(dict.fromkeys(number.waba_id for number in self.settings.numbers))

    def now(self) -> float:
        """The simulated time in Unix seconds: the machine's, and whatever tests have put it ahead by."""
        return time.time() + self._ahead_seconds

    def advance_clock(self, seconds: float) -> None:
        """Put the simulated time ahead, so that windows close without anybody waiting for it."""
        with self.lock:
            self._ahead_seconds += seconds

    def chat(self, number: BusinessNumber, customer: Customer) -> Chat:
        """The chat of a customer with a number, begun when there is none."""
        with self.lock:
            key = (number.phone_number_id, customer.key)
            return self.chats.setdefault(key, Chat(number, customer))

    def add_message(self, chat: Chat, message: ChatMessage) -> None:
        """Put a message at the end of its chat, findable by its id."""
        chat.messages.append(message)
        self.chat_of[message.id] = chat

    @contextmanager
    def changing(self, chat: Chat) -> Iterator[Chat]:
        """Change a chat, and wake the pages that wait for it."""
        with self._changed:
            yield chat
            chat.version += 1
            self._changed.notify_all()

    def wait_for_change(self, chat: Chat, version: int, seconds: float) -> None:
        """Wait until a chat is past a version, the time is over or the simulator closes."""
        with self._changed:
            self._changed.wait_for(lambda: chat.version > version or self.closing.is_set(), timeout=seconds)

    def close(self) -> None:
        """Let everybody go who waits."""
        self.closing.set()
        with self._changed:
            self._changed.notify_all()
