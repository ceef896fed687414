"""Posting one event to one endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app import metrics
from app.domain.endpoints import Endpoint, Format
from app.models import Event
from app.schemas.event_body import event_body
from app.schemas.meta_body import meta_body
from app.services.delivering.work import GONE, STALE, WITHHELD, Tried, Work
from app.signing import sign_meta
from app.standard_webhooks import ID, headers
from app.subscribers.client import Answer, SubscriberClient

NO_ORIGINAL = "Meta's notification, which it came in, is not kept any more"


class PostEvent:
    """Posts events, each signed for the moment at which it is posted."""

    def __init__(
        self,
        client: SubscriberClient,
        now: Callable[[], datetime],
        reply: Callable[[Work, bytes], None] = lambda work, answer: None,
        with_a_person: Callable[[Event], bool] = lambda event: False,
    ) -> None:
        self._client = client
        self._now = now
        self._reply = reply
        self._with_a_person = with_a_person

    def __call__(self, work: Work) -> Tried:
        """Try a delivery. Raises for nothing the endpoint does, and `Unavailable` when the database is away.

        Whether a bot may be woken is asked at the last moment, so that it talks over nobody who took over meanwhile.
        """
        now = self._now()
        if work.event is None:
            return Tried(work, now, reason=GONE)
        if work.is_stale(now):
            return Tried(work, now, reason=STALE)
        if work.endpoint.is_bot and not work.claim.is_replay and self._with_a_person(work.event):
            return Tried(work, now, reason=WITHHELD)
        body = _body(work, work.event)
        if body is None:
            return Tried(work, now, reason=NO_ORIGINAL)
        answer = self.post(work.endpoint, work.event.id, body, is_replay=work.claim.is_replay)
        metrics.delivery_seconds.observe(answer.seconds)
        if answer.is_success and work.endpoint.replies:
            self._reply(work, answer.body)
        return Tried(work, now, answer)

    def post(self, endpoint: Endpoint, event_id: str, body: bytes, *, is_replay: bool = False) -> Answer:
        """Post a body, signed with every secret in force; as Meta does, with the newest alone."""
        signed = headers(endpoint.secrets, event_id, self._now(), body) if endpoint.format is Format.EVENT else {
            ID: event_id, "X-Hub-Signature-256": sign_meta(endpoint.secrets[0], body)
        }
        return self._client.post(endpoint.url, signed | ({"X-Gateway-Replay": "true"} if is_replay else {}), body)


def _body(work: Work, event: Event) -> bytes | None:
    if work.endpoint.format is Format.EVENT:
        return event_body(event)
    if work.raw is None or event.position is None:
        return None
    return meta_body(work.raw, event.position, work.callback_data)
