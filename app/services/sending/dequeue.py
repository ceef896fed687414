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
from app.domain.outbound import Priority
from app.domain.rate_limits import RecipientLimiter
from app.graph import payloads
from app.graph.send_calls import SendCall
from app.services.sending import slots
from app.services.sending.probe import hold_stale
from app.services.sending.record import to_request
from app.store import attempts, limiters, queue
from app.store.limiters import LockedLimiters
from app.store.queue import Row

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
        request = replace(to_request(self.message), uploads=self.queued.get("media") or {})
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
        if attempts.delete_started_at(session, send.message_id, send.attempt, send.started_at):
            if attempts.set_status(session, send.message_id, "queued", ("sending",), updated_at=now):
                queue.add(session, [send.queued])


def dequeue(
    session: Session, number: BusinessNumber, locked: LockedLimiters, limit: int, now: datetime
) -> list[DueSend]:
    """Move at most `limit` due sends of a number from the queue to `sending`, as many as its rate allows.

    The session must hold the lock of `events.take_turn`.
    """
    waiting = queue.next_due(session, number.phone_number_id, now, limit + EXTRA_CANDIDATES)
    if not waiting:
        return []
    limiter = locked.of(number.phone_number_id)
    if limiter.is_token_refused and limiter.token_hash != number.token_hash:
        held = hold_stale(session, number.phone_number_id, limiter, now)
        waiting = [row for row in waiting if row["message_id"] not in held]
    if limiter.bulk_stopped_by is not None:
        waiting = [row for row in waiting if row["rank"] != Priority.BULK.rank]
    free = slots.free_slots(session, limiter, number, now, min(limit, len(waiting))) if waiting else []
    if not free:
        return []
    recipients = limiters.of_recipients(session, number.phone_number_id, {row["recipient"] for row in waiting}, now)
    chosen = _assign(session, waiting, recipients, free)
    if not chosen:
        return []
    if limiter.is_open:
        slots.start_trial(limiter, now)
    ids = [row["message_id"] for row, _ in chosen]
    messages = attempts.move_to_sending(session, ids, now)
    queue.remove(session, ids)
    started = [(row, slot) for row, slot in chosen if row["message_id"] in messages]
    if not started:
        return []
    attempts.start(session, [(row["message_id"], row["attempt"]) for row, _ in started], now)
    used = {row["recipient"] for row, _ in started}
    limiters.save_recipients(session, number.phone_number_id, [recipients[each] for each in used])
    limiter.next_slot_at = rate_limits.slot_after(started[-1][1], number.rate * limiter.share)
    return [
        DueSend(number, row, messages[row["message_id"]], recipients[row["recipient"]].address, slot, now)
        for row, slot in started
    ]


def _assign(
    session: Session, waiting: list[Row], recipients: dict[str, RecipientLimiter], free: list[datetime]
) -> list[tuple[Row, datetime]]:
    """Assign slots to rows in their order; postpone each row whose recipient has reached its own limit."""
    chosen: list[tuple[Row, datetime]] = []
    postponed: dict[str, int] = {}
    for row in waiting:
        if len(chosen) == len(free):
            break
        slot, recipient = free[len(chosen)], recipients[row["recipient"]]
        ready_at = rate_limits.recipient_ready_at(recipient.paid_until)
        if ready_at > slot:
            earlier = postponed.get(row["recipient"], 0)
            postponed[row["recipient"]] = earlier + 1
            queue.postpone(session, row["message_id"], ready_at + earlier * rate_limits.RECIPIENT_INTERVAL)
            continue
        recipient.paid_until = rate_limits.paid_until_after(recipient.paid_until, slot)
        chosen.append((row, slot))
    return chosen
