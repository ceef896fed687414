"""Post a batch of events to an endpoint over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.endpoints import Endpoint, Format
from app.security.meta_signatures import sign_meta
from app.security.standard_webhooks import ID, headers
from app.services.delivering.render import render
from app.services.delivering.types import (
    GONE,
    REVOKED,
    STALE,
    WITHHELD,
    BatchMember,
    DeliveryBatch,
    DeliveryResult,
)
from app.store.events import StoredEvent
from app.subscribers.client import EndpointResponse, SubscriberClient
from app.subscribers.poster import Poster

NO_ORIGINAL = "Meta's notification, which it came in, is not kept any more"


class HttpDelivery:
    """Posts events, each signed with the time of the attempt.

    `reply` sends the messages in the response of an endpoint with `replies`; it returns a note if some were not sent.
    `with_a_person` returns whether a person answers the event's contact, `is_revoked` whether the event's message was
    revoked. Endpoints with `replies` do not get such events. `with_links` makes the links to files in a body. With a
    `poster`, deliveries can also be begun without waiting for their results.
    """

    def __init__(
        self,
        client: SubscriberClient,
        now: Callable[[], datetime],
        reply: Callable[[DeliveryBatch, bytes], str | None] = lambda batch, body: None,
        with_a_person: Callable[[StoredEvent], bool] = lambda event: False,
        is_revoked: Callable[[StoredEvent], bool] = lambda event: False,
        with_links: Callable[[bytes], bytes] = lambda body: body,
        poster: Poster | None = None,
    ) -> None:
        self._client = client
        self._now = now
        self._reply = reply
        self._with_a_person = with_a_person
        self._is_revoked = is_revoked
        self._with_links = with_links
        self._poster = poster

    def __call__(self, batch: DeliveryBatch) -> DeliveryResult:
        """Attempt a batch once. Failures of the endpoint are part of the result; raises `Unavailable` only.

        Handover and revocation are read right before the request, because they may have changed since the claim.
        """
        prepared = self._prepare(batch)
        if isinstance(prepared, DeliveryResult):
            return prepared
        response = self._client.post(batch.endpoint.url, prepared.headers, prepared.body)
        note = self._reply(batch, response.body) if response.is_success and batch.endpoint.replies else None
        return _result(batch, prepared, response, note)

    def can_begin(self, endpoint: Endpoint) -> bool:
        """Whether deliveries to this endpoint ask the database nothing while they are posted, so that `begin` works."""
        return self._poster is not None and not (endpoint.is_handler or endpoint.is_bot or endpoint.replies)

    def begin(self, batch: DeliveryBatch, done: Callable[[DeliveryResult], None]) -> DeliveryResult | None:
        """Begin an attempt, and return None: `done` gets the result in the poster's thread.

        Returns the result if nothing is to be posted. Only for endpoints for which `can_begin` is true.
        """
        assert self._poster is not None
        prepared = self._prepare(batch)
        if isinstance(prepared, DeliveryResult):
            return prepared
        self._poster.submit(
            batch.endpoint.url, prepared.headers, prepared.body,
            lambda response: done(_result(batch, prepared, response, None)),
        )  # fmt: skip
        return None

    def _prepare(self, batch: DeliveryBatch) -> _Prepared | DeliveryResult:
        """Return the request to post, or the result if nothing is to be posted."""
        now = self._now()
        members, skipped = _split_off_unwanted(batch, now)
        is_bot = batch.endpoint.is_bot and not batch.claim.is_replay
        if is_bot:
            revoked = {each.claim.id: REVOKED for each in members if each.event and self._is_revoked(each.event)}
            members = [each for each in members if each.claim.id not in revoked]
            skipped |= revoked
        if not members:
            return DeliveryResult(batch, now, reason=skipped[batch.claim.id], skipped=skipped)
        if is_bot and self._is_handled_by_human(members):
            return DeliveryResult(batch, now, reason=WITHHELD, skipped=skipped)
        rendered = render(batch.endpoint, members, batch.raw)
        if rendered is None:
            return DeliveryResult(batch, now, reason=NO_ORIGINAL, skipped=skipped)
        name, body = rendered
        body = self._with_links(body) if batch.endpoint.format is Format.EVENT else body
        return _Prepared(self._headers(batch.endpoint, name, body, batch.claim.is_replay), body, now, skipped)

    def close(self) -> None:
        """Close the connections to the user's apps. No request may be running."""
        self._client.close()
        if self._poster is not None:
            self._poster.close()

    def _is_handled_by_human(self, members: list[BatchMember]) -> bool:
        by_contact = {(each.event.contact_id, each.event.phone_number_id): each.event for each in members if each.event}
        return any(self._with_a_person(event) for event in by_contact.values())

    def post(
        self, endpoint: Endpoint, webhook_id: str, body: bytes, *, is_replay: bool = False
    ) -> EndpointResponse:
        """Post a body, signed as `HttpDelivery` signs everything."""
        return self._client.post(endpoint.url, self._headers(endpoint, webhook_id, body, is_replay), body)

    def _headers(self, endpoint: Endpoint, webhook_id: str, body: bytes, is_replay: bool) -> dict[str, str]:
        """Return the headers of a body, signed with every current secret; in Meta's format with the newest secret only.

        Meta signs with `X-Hub-Signature-256`:
        https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
        """
        signed = headers(endpoint.secrets, webhook_id, self._now(), body) if endpoint.format is Format.EVENT else {
            ID: webhook_id, "X-Hub-Signature-256": sign_meta(endpoint.secrets[0], body)
        }
        return signed | ({"X-Gateway-Replay": "true"} if is_replay else {})


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request that is ready to be posted. `skipped` are the members that are not in it."""

    headers: Mapping[str, str]
    body: bytes
    started_at: datetime
    skipped: Mapping[int, str]


def _result(batch: DeliveryBatch, prepared: _Prepared, response: EndpointResponse, note: str | None) -> DeliveryResult:
    return DeliveryResult(batch, prepared.started_at, response, skipped=prepared.skipped, note=note)


def _split_off_unwanted(batch: DeliveryBatch, now: datetime) -> tuple[list[BatchMember], dict[int, str]]:
    """Return the members to post, and for the others the reason by delivery id: event deleted, or too old.

    A debounced burst counts as old only if its last message is.
    """
    first = batch.members[0]
    if len(batch.members) == 1 and first.event is not None and not batch.is_too_old(first.event, now):
        return [first], {}  # as nearly always
    skipped = {each.claim.id: GONE for each in batch.members if each.event is None}
    members = [each for each in batch.members if each.event is not None]
    stale = [each for each in members if each.event is not None and batch.is_too_old(each.event, now)]
    if batch.endpoint.debounce_seconds is not None and len(stale) < len(members):
        stale = []
    skipped |= {each.claim.id: STALE for each in stale}
    return [each for each in members if each.claim.id not in skipped], skipped
