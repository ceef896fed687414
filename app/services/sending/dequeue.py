"""Who leaves the queue now: the next of a number, each at a turn of its own, committed before its first byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain import rate_limits, tags
from app.domain.numbers import BusinessNumber
from app.domain.rate_limits import Pair
from app.graph import payloads
from app.services.sending import outcomes
from app.services.sending import rate_limits as turns
from app.services.sending.probe import release_stale
from app.services.sending.record import to_request
from app.store import attempts, queue
from app.store import rate_limits as paces
from app.store.queue import Row
from app.store.rate_limits import HeldPaces

SPARE = 16
"""So many more than may leave are looked at, as some may have to wait for a turn of their recipient's."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A message that leaves at `at`: its try is committed as `sending`, so a crash from here on leaves it `unknown`."""

    message_id: str
    attempt: int
    number: BusinessNumber
    payload: str
    at: datetime
    queued: Row
    """The row it had in the queue, should it have to come back."""

    @property
    def key(self) -> str:
        """What the try is called by: its tag, which Meta's reports name too."""
        return tags.make(self.message_id, self.attempt)

    @property
    def labels(self) -> dict[str, str]:
        """What a line of the log says of it: which message, and which request asked for it."""
        return {"message_id": self.message_id, "request_id": self.queued.get("request_id") or ""}


@dataclass(frozen=True, slots=True)
class Leaving:
    """What has left the queue, to be made a departure once that is committed."""

    number: BusinessNumber
    queued: Row
    message: Any
    address: str | None
    at: datetime

    def departure(self) -> Departure:
        """What is to be said to Meta."""
        request = to_request(self.message)
        if self.address and request.to:
            request = replace(request, to=self.address)
        message_id, attempt = self.queued["message_id"], self.queued["attempt"]
        payload = payloads.message(
            request,
            reply_wamid=(self.message.context or {}).get("message_id"),
            callback_data=tags.make(message_id, attempt),
        )
        return Departure(message_id, attempt, self.number, json.dumps(payload), self.at, self.queued)


def take_back(session: Session, begun: Sequence[tuple[Leaving, datetime]], now: datetime) -> None:
    """Queue messages again whose tries were begun at these times, if they were, and whose process did not see it.

    None of them has left: the calls are made once the commit was seen. A try that another worker has begun is not
    touched; it began at another time.
    """
    for each, began in begun:
        message_id = each.queued["message_id"]
        if attempts.take_back_begun(session, message_id, each.queued["attempt"], began):
            if attempts.set_status(session, message_id, "queued", ("sending",), updated_at=now):
                queue.add(session, [each.queued])


def leave(session: Session, number: BusinessNumber, held: HeldPaces, most: int, now: datetime) -> list[Leaving]:
    """Take at most `most` messages of a number out of the queue, as many as it has turns for."""
    waiting = queue.next_of(session, number.phone_number_id, now, most + SPARE)
    if not waiting:
        return []
    pace = held.of(number.phone_number_id)
    if pace.paused_for in rate_limits.TOKEN_PAUSES and pace.token_hash != turns.token_hash(number):
        gone = release_stale(session, number.phone_number_id, pace, now)
        waiting = [row for row in waiting if row["message_id"] not in gone]
    if pace.bulk_stopped_by is not None:
        waiting = [row for row in waiting if row["lane"] != outcomes.BULK]
    open_ = turns.open_turns(session, pace, number, now, min(most, len(waiting))) if waiting else []
    if not open_:
        return []
    pairs = paces.of_pairs(session, number.phone_number_id, {row["recipient"] for row in waiting}, now)
    chosen = _choose(session, waiting, pairs, open_)
    if not chosen:
        return []
    if pace.doubts >= rate_limits.DOUBTS:
        turns.begin_trial(pace, now)
    ids = [row["message_id"] for row, _ in chosen]
    messages = attempts.leave(session, ids, now)
    queue.remove(session, ids)
    left = [(row, turn) for row, turn in chosen if row["message_id"] in messages]
    if not left:
        return []
    attempts.begin(session, [(row["message_id"], row["attempt"]) for row, _ in left], now)
    paces.save_pairs(session, number.phone_number_id, [pairs[each] for each in {row["recipient"] for row, _ in left}])
    pace.next_turn_at = rate_limits.turn_after(left[-1][1], number.rate * pace.share)
    return [
        Leaving(number, row, messages[row["message_id"]], pairs[row["recipient"]].address, turn) for row, turn in left
    ]


def _choose(
    session: Session, waiting: list[Row], pairs: dict[str, Pair], open_: list[datetime]
) -> list[tuple[Row, datetime]]:
    """Whom the turns go to. Who wrote to the same person too often is looked at again when that is paid back."""
    chosen: list[tuple[Row, datetime]] = []
    parked: dict[str, int] = {}
    for row in waiting:
        if len(chosen) == len(open_):
            break
        turn, pair = open_[len(chosen)], pairs[row["recipient"]]
        ready_at = rate_limits.pair_ready_at(pair.paid_until)
        if ready_at > turn:
            behind = parked.get(row["recipient"], 0)
            parked[row["recipient"]] = behind + 1
            queue.postpone(session, row["message_id"], ready_at + behind * rate_limits.PAIR_INTERVAL)
            continue
        pair.paid_until = rate_limits.pair_paid_until(pair.paid_until, turn)
        chosen.append((row, turn))
    return chosen
