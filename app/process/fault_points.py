"""The steps of a send after which a process may die, named so that tests can kill it after each of them.

Between two of them at most one thing happens that others can see: a commit, or bytes that were sent.
"""

from __future__ import annotations

from enum import StrEnum


class Point(StrEnum):
    """A step that was just completed."""

    QUEUED = "a message is queued, and its caller not yet answered"
    LEAVING = "messages are committed as sending, and none has left"
    HANDED = "messages are handed to the process that makes the calls, and the worker has not heard of them again"
    CALLING = "one message's turn has come, and its first byte not left"
    ANSWERED = "Graph has answered, and nobody has recorded it"
    RECORDED = "answers are recorded, and the worker does not know it yet"
    SYNC_SENDING = "a waiting caller's message is committed as sending, and has not left"
    SYNC_ANSWERED = "Graph has answered a waiting caller's message, and nobody has recorded it"
    SYNC_RECORDED = "the outcome is recorded, and the caller not yet answered"


def reach(point: Point) -> None:
    """Do nothing. Tests replace this function to kill the process here."""
