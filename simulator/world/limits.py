"""How fast Meta lets a number send: in all, and to one person (Meta: throughput, about-the-platform)."""

from __future__ import annotations

from simulator.graph.errors import GraphRefusal
from simulator.settings import Pace


class Bucket:
    """Tokens that come back at a steady rate, up to a number that may be spent at once."""

    def __init__(self, size: float, per_second: float, now: float) -> None:
        self._size = size
        self._per_second = per_second
        self._tokens = size
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Spend a token; False when there is none."""
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Limits:
    """The buckets of every number, and of every pair of a number and a person. Times are seconds of one clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._numbers: dict[str, Bucket] = {}
        self._pairs: dict[tuple[str, int], Bucket] = {}

    def count(self, phone_number_id: str, customer_key: int, now: float) -> None:
        """Count a message, or refuse it: 130429 when the number is too fast, 131056 when the pair is.

        A burst to one person is borrowed: it is paid back at the pair's steady rate.
        """
        rate, interval = self._pace.messages_per_second, self._pace.seconds_per_pair_message
        number = self._numbers.setdefault(phone_number_id, Bucket(rate, rate, now))
        if rate and not number.take(now):
            raise GraphRefusal(130429, "Message failed to send because there were too many messages sent at once.")
        if not interval:
            return
        pair = self._pairs.setdefault((phone_number_id, customer_key), Bucket(self._pace.pair_burst, 1 / interval, now))
        if not pair.take(now):
            details = "Too many messages sent from this number to the same number in a short period of time."
            raise GraphRefusal(131056, details)
