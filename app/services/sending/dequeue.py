"""Dequeue due sends of one number and commit them as `sending` before any HTTP request starts."""

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
from app.graph.send_calls import SendCall
from app.services.sending import outcomes
from app.services.sending import rate_limits as turns
from app.services.sending.probe import release_stale
from app.services.sending.record import to_request
from app.store import attempts, queue
from app.store import rate_limits as paces
from app.store.queue import Row
from app.store.rate_limits import HeldPaces

EXTRA_CANDIDATES = 16
"""How many more rows than free slots are read, since the limit of their recipient may postpone some of them."""


@dataclass(frozen=True, slots=True)
class DueSend:
    """One attempt, removed from the queue and written as `sending`, whose HTTP request is due at `at`.

    Once its transaction is committed, a crash leaves the message `unknown`. `queued` is the row that the queue had, to
    be inserted again if the message has to wait once more. `message` is the row of `messages`. `address` replaces the
    recipient's number if Meta knows it in another form. `started_at` identifies the attempt of this transaction.
    """

    number: BusinessNumber
    queued: Row
    message: Any
    address: str | None
    at: datetime
    started_at: datetime

    @property
    def message_id(self) -> str:
        """Our id of the message."""
        return str(self.queued["message_id"])

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return int(self.queued["attempt"])

    @property
    def key(self) -> str:
        """The attempt's tag, which Meta's status webhooks repeat as `biz_opaque_callback_data`."""
        return tags.make(self.message_id, self.attempt)

    @property
    def labels(self) -> dict[str, str]:
        """The fields by which log lines name the message and the request that queued it."""
        return {"message_id": self.message_id, "request_id": self.queued.get("request_id") or ""}

    def call(self) -> SendCall:
        """Return the call to Graph, with its payload as JSON."""
        request = to_request(self.message)
        if self.address and request.to:
            request = replace(request, to=self.address)
        payload = payloads.message(
            request, reply_wamid=(self.message.context or {}).get("message_id"), callback_data=self.key
        )
        return SendCall(
            self.key, self.number.phone_number_id, json.dumps(payload), self.number.access_token, self.at.timestamp()
        )


def restore(session: Session, sends: Sequence[DueSend], now: datetime) -> None:
    """Queue sends again whose commit was reported as failed but may have succeeded.

    Their HTTP requests have not started, since these follow a confirmed commit. An attempt that another worker has
    started meanwhile has another `started_at` and is not changed.
    """
    for send in sends:
        if attempts.take_back_begun(session, send.message_id, send.attempt, send.started_at):
            if attempts.set_status(session, send.message_id, "queued", ("sending",), updated_at=now):
                queue.add(session, [send.queued])


def dequeue(session: Session, number: BusinessNumber, held: HeldPaces, limit: int, now: datetime) -> list[DueSend]:
    """Move at most `limit` due sends of a number from the queue to `sending`, as many as its rate allows.

    The session must hold the lock of `events.take_turn`.
    """
    waiting = queue.next_of(session, number.phone_number_id, now, limit + EXTRA_CANDIDATES)
    if not waiting:
        return []
    pace = held.of(number.phone_number_id)
    if pace.paused_for in rate_limits.TOKEN_PAUSES and pace.token_hash != turns.token_hash(number):
        gone = release_stale(session, number.phone_number_id, pace, now)
        waiting = [row for row in waiting if row["message_id"] not in gone]
    if pace.bulk_stopped_by is not None:
        waiting = [row for row in waiting if row["lane"] != outcomes.BULK]
    open_ = turns.open_turns(session, pace, number, now, min(limit, len(waiting))) if waiting else []
    if not open_:
        return []
    pairs = paces.of_pairs(session, number.phone_number_id, {row["recipient"] for row in waiting}, now)
    chosen = _assign(session, waiting, pairs, open_)
    if not chosen:
        return []
    if pace.doubts >= rate_limits.DOUBTS:
        turns.begin_trial(pace, now)
    ids = [row["message_id"] for row, _ in chosen]
    messages = attempts.leave(session, ids, now)
    queue.remove(session, ids)
    started = [(row, turn) for row, turn in chosen if row["message_id"] in messages]
    if not started:
        return []
    attempts.begin(session, [(row["message_id"], row["attempt"]) for row, _ in started], now)
    recipients = {row["recipient"] for row, _ in started}
    paces.save_pairs(session, number.phone_number_id, [pairs[each] for each in recipients])
    pace.next_turn_at = rate_limits.turn_after(started[-1][1], number.rate * pace.share)
    return [
        DueSend(number, row, messages[row["message_id"]], pairs[row["recipient"]].address, turn, now)
        for row, turn in started
    ]


def _assign(
    session: Session, waiting: list[Row], pairs: dict[str, Pair], open_: list[datetime]
) -> list[tuple[Row, datetime]]:
    """Assign slots to rows in their order; postpone each row whose recipient has reached its own limit."""
    chosen: list[tuple[Row, datetime]] = []
    postponed: dict[str, int] = {}
    for row in waiting:
        if len(chosen) == len(open_):
            break
        turn, pair = open_[len(chosen)], pairs[row["recipient"]]
        ready_at = rate_limits.pair_ready_at(pair.paid_until)
        if ready_at > turn:
            earlier = postponed.get(row["recipient"], 0)
            postponed[row["recipient"]] = earlier + 1
            queue.postpone(session, row["message_id"], ready_at + earlier * rate_limits.PAIR_INTERVAL)
            continue
        pair.paid_until = rate_limits.pair_paid_until(pair.paid_until, turn)
        chosen.append((row, turn))
    return chosen
