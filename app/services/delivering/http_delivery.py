"""Posting one event to one endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app import metrics
from app.domain.endpoints import Endpoint, Format
from app.models import Event
from app.security.meta_signatures import sign_meta
from app.security.standard_webhooks import ID, headers
from app.services.delivering.render import compose_parts
from app.services.delivering.types import GONE, STALE, TAKEN_BACK, WITHHELD, Part, Tried, Work
from app.subscribers.client import Answer, SubscriberClient

NO_ORIGINAL = "Meta's notification, which it came in, is not kept any more"


class PostEvent:
    """Posts events, each signed for the moment at which it is posted."""

    def __init__(
        self,
        client: SubscriberClient,
        now: Callable[[], datetime],
        reply: Callable[[Work, bytes], str | None] = lambda work, answer: None,
        with_a_person: Callable[[Event], bool] = lambda event: False,
        is_revoked: Callable[[Event], bool] = lambda event: False,
    ) -> None:
        self._client = client
        self._now = now
        self._reply = reply
        self._with_a_person = with_a_person
        self._is_taken_back = is_revoked

    def __call__(self, work: Work) -> Tried:
        """Try a delivery. Raises for nothing the endpoint does, and `Unavailable` when the database is away.

        Whether a bot may be woken is asked at the last moment, so that it talks over nobody who took over meanwhile.
        """
        now = self._now()
        parts, left_out = _sort_out(work, now)
        if work.endpoint.is_bot and not work.claim.is_replay:
            gone = {part.claim.id: TAKEN_BACK for part in parts if part.event and self._is_taken_back(part.event)}
            parts = [part for part in parts if part.claim.id not in gone]
            left_out |= gone
        if not parts:
            return Tried(work, now, reason=left_out[work.claim.id], left_out=left_out)
        if work.endpoint.is_bot and not work.claim.is_replay and self._is_a_persons(parts):
            return Tried(work, now, reason=WITHHELD, left_out=left_out)
        composed = compose_parts(work.endpoint, parts, work.raw)
        if composed is None:
            return Tried(work, now, reason=NO_ORIGINAL, left_out=left_out)
        answer = self.post(work.endpoint, *composed, is_replay=work.claim.is_replay)
        metrics.delivery_seconds.observe(answer.seconds)
        note = self._reply(work, answer.body) if answer.is_success and work.endpoint.replies else None
        return Tried(work, now, answer, left_out=left_out, note=note)

    def close(self) -> None:
        """Close the connections to the user's apps. Nothing may be on its way."""
        self._client.close()

    def _is_a_persons(self, parts: list[Part]) -> bool:
        talks = {(part.event.contact_id, part.event.phone_number_id): part.event for part in parts if part.event}
        return any(self._with_a_person(event) for event in talks.values())

    def post(self, endpoint: Endpoint, event_id: str, body: bytes, *, is_replay: bool = False) -> Answer:
        """Post a body, signed with every secret in force; as Meta does, with the newest alone."""
        signed = headers(endpoint.secrets, event_id, self._now(), body) if endpoint.format is Format.EVENT else {
            ID: event_id, "X-Hub-Signature-256": sign_meta(endpoint.secrets[0], body)
        }
        return self._client.post(endpoint.url, signed | ({"X-Gateway-Replay": "true"} if is_replay else {}), body)


def _sort_out(work: Work, now: datetime) -> tuple[list[Part], dict[int, str]]:
    """What is to be posted, and why the rest is not. A burst is as old as its last message."""
    left_out = {part.claim.id: GONE for part in work.parts if part.event is None}
    parts = [part for part in work.parts if part.event is not None]
    stale = [part for part in parts if part.event is not None and work.is_too_old(part.event, now)]
    if work.endpoint.debounce_seconds is not None and len(stale) < len(parts):
        stale = []
    left_out |= {part.claim.id: STALE for part in stale}
    return [part for part in parts if part.claim.id not in left_out], left_out
