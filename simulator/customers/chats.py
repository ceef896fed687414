"""What one customer's phone shows of its talk with one business number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.customers.people import Customer
from simulator.graph.errors import title_of
from simulator.settings import BusinessNumber

_RANKS = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4, "failed": 5}
_WINDOW_SECONDS = 24 * 3600


@dataclass
class ChatMessage:
    """A message of either side. `content` is the object named like `type`, as its sender wrote it."""

    id: str
    from_business: bool
    timestamp: int
    type: str
    content: Any
    status: str
    quoted_id: str | None = None
    callback_data: str | None = None
    status_keys: dict[str, Any] = field(default_factory=dict)
    """The keys by which the statuses of a business's message name the customer."""
    category: str = "service"
    shown: dict[str, Any] | None = None
    """A template as the customer reads it: header, body, footer, buttons, cards."""
    reactions: dict[str, str] = field(default_factory=dict)
    """`business` or `customer` → the emoji that side left on it."""
    error_code: int | None = None

    def advance(self, status: str) -> bool:
        """Move forward to a status; say whether that was a move at all."""
        if _RANKS[status] <= _RANKS[self.status]:
            return False
        self.status = status
        return True

    def react(self, side: str, emoji: str) -> None:
        """Leave an emoji of `business` or `customer` on the message; an empty one takes it away."""
        self.reactions.pop(side, None)
        if emoji:
            self.reactions[side] = emoji

    def to_json(self) -> dict[str, Any]:
        """The message as the phone's page reads it."""
        return {
            "id": self.id,
            "from_business": self.from_business,
            "timestamp": self.timestamp,
            "type": self.type,
            "content": self.content,
            "shown": self.shown,
            "status": self.status,
            "quoted_id": self.quoted_id,
            "reactions": self.reactions,
            "error_code": self.error_code,
            "error_title": None if self.error_code is None else title_of(self.error_code),
        }


@dataclass
class Chat:
    """One customer, one number. `version` grows with every change, so that a page can wait for the next one."""

    number: BusinessNumber
    customer: Customer
    messages: list[ChatMessage] = field(default_factory=list)
    version: int = 0
    customer_wrote_at: float | None = None
    business_types_until: float = 0.0

    def window_is_open(self, now: float) -> bool:
        """Whether free-form messages may be sent: 24 hours from the customer's last one."""
        return self.customer_wrote_at is not None and now - self.customer_wrote_at < _WINDOW_SECONDS

    def find(self, message_id: str) -> ChatMessage | None:
        """A message of this chat, newest looked at first."""
        return next((message for message in reversed(self.messages) if message.id == message_id), None)

    def read_by_business(self, message_id: str) -> None:
        """The business has seen this message of the customer's, and with it every earlier one."""
        for message in self.messages:
            if not message.from_business:
                message.advance("read")
            if message.id == message_id:
                return
