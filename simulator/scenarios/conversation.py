"""A customer who writes and waits for the bot's answer, again and again."""

from __future__ import annotations

import time

from simulator.say import Conversation
from simulator.scenarios.open_loop import Progress


def converse(
    simulator_url: str, wa_id: str, *, text: str, times: int, wait_seconds: float, progress: Progress
) -> list[float | None]:
    """Write through a running simulator; return the milliseconds to each answer, `None` where none came in time.

    Raises `requests.RequestException` when the simulator cannot be reached or refuses.
    """
    conversation = Conversation(simulator_url, wa_id)
    waits: list[float | None] = []
    for number in range(1, times + 1):
        written_at = time.monotonic()
        answers = conversation.say(f"{text} ({number})", wait_seconds)
        waits.append((time.monotonic() - written_at) * 1000 if answers else None)
        progress(1)
    return waits
