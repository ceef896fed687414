"""Endpoints. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import UNSET, Unset, path_of
from whatsapp_service_client.types import (
    DoneAnswer,
    EndpointAnswer,
    NewEndpointAnswer,
    ReplayAnswer,
    SecretAnswer,
    TestAnswer,
)


class Endpoints(Operations):
    """Endpoints."""

    def list_endpoints(self) -> Pages[EndpointAnswer]:
        """List endpoints, newest first."""
        path = "/api/endpoints"
        return self._pages(path, {})

    def add_endpoint(
        self,
        *,
        url: str,
        description: str | None | Unset = UNSET,
        ordered: bool | Unset = UNSET,
        replies: bool | Unset = UNSET,
        paused: bool | Unset = UNSET,
        types: list[str] | None | Unset = UNSET,
        statuses: list[str] | None | Unset = UNSET,
        message_types: list[str] | None | Unset = UNSET,
        numbers: list[str] | None | Unset = UNSET,
        max_age_seconds: int | None | Unset = UNSET,
        max_per_second: int | None | Unset = UNSET,
        max_in_flight: int | None | Unset = UNSET,
        debounce_seconds: int | None | Unset = UNSET,
        batch: int | None | Unset = UNSET,
        split: bool | Unset = UNSET,
        format: Literal["event", "meta"] | Unset = UNSET,
        secret: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> NewEndpointAnswer:
        """Add an endpoint. Every event from now on is owed to it, as far as it wants it.

        - `url`: https://… or http://…
        - `ordered`: One event of a contact after the other. Default: true.
        - `replies`: Send what it answers to the customer. Default: false.
        - `paused`: Owe it everything, and deliver nothing for now.
        - `types`: As `message.received`, or `message.*`. Null: every type.
        - `statuses`: Of `message.status`: these alone. Null: every status.
        - `message_types`: Of `message.received`: these alone. Null: every type of message.
        - `numbers`: Events about these phone_number_ids alone. Null: all of them.
        - `max_age_seconds`: What is older when its turn comes is `stale` and not delivered.
        - `debounce_seconds`: Join what a contact writes until it pauses for so long; see `data.messages`.
        - `batch`: Post up to so many events at once, as `{"events":[…]}`.
        - `split`: Of `meta`: one message or status a POST (true, the default), or, with `ordered` false, everything
          that a notification of Meta's says of a number.
        - `format`: `event` (default), or `meta` for Meta's own JSON with `X-Hub-Signature-256`.
        - `secret`: `whsec_…`, or any for `meta`; one is made when there is none.
        """
        path = "/api/endpoints"
        body = {
            "url": url,
            "description": description,
            "ordered": ordered,
            "replies": replies,
            "paused": paused,
            "types": types,
            "statuses": statuses,
            "message_types": message_types,
            "numbers": numbers,
            "max_age_seconds": max_age_seconds,
            "max_per_second": max_per_second,
            "max_in_flight": max_in_flight,
            "debounce_seconds": debounce_seconds,
            "batch": batch,
            "split": split,
            "format": format,
            "secret": secret,
        }
        return cast(NewEndpointAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def get_endpoint(self, endpoint_id: str) -> EndpointAnswer:
        """Show one endpoint, and how it is doing."""
        path = path_of("/api/endpoints/{endpoint_id}", endpoint_id=endpoint_id)
        return cast(EndpointAnswer, self.transport.json("GET", path))

    def change_endpoint(
        self,
        endpoint_id: str,
        *,
        url: str | Unset = UNSET,
        description: str | None | Unset = UNSET,
        ordered: bool | Unset = UNSET,
        replies: bool | Unset = UNSET,
        paused: bool | Unset = UNSET,
        disabled: bool | Unset = UNSET,
        types: list[str] | None | Unset = UNSET,
        statuses: list[str] | None | Unset = UNSET,
        message_types: list[str] | None | Unset = UNSET,
        numbers: list[str] | None | Unset = UNSET,
        max_age_seconds: int | None | Unset = UNSET,
        max_per_second: int | None | Unset = UNSET,
        max_in_flight: int | None | Unset = UNSET,
        debounce_seconds: int | None | Unset = UNSET,
        batch: int | None | Unset = UNSET,
        split: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> EndpointAnswer:
        """Change an endpoint. What is left out stays.

        - `url`: https://… or http://…; a public address, or one that is allowed.
        - `ordered`: One event of a contact after the other. Default: true.
        - `replies`: Send what it answers to the customer. Default: false.
        - `paused`: Owe it everything, and deliver nothing for now.
        - `disabled`: False lets one that was given up begin anew.
        - `types`: As `message.received`, or `message.*`. Null: every type.
        - `statuses`: Of `message.status`: these alone. Null: every status.
        - `message_types`: Of `message.received`: these alone. Null: every type of message.
        - `numbers`: Events about these phone_number_ids alone. Null: all of them.
        - `max_age_seconds`: What is older when its turn comes is `stale` and not delivered.
        - `debounce_seconds`: Join what a contact writes until it pauses for so long; see `data.messages`.
        - `batch`: Post up to so many events at once, as `{"events":[…]}`.
        - `split`: Of `meta`: one message or status a POST (true, the default), or, with `ordered` false, everything
          that a notification of Meta's says of a number.
        """
        path = path_of("/api/endpoints/{endpoint_id}", endpoint_id=endpoint_id)
        body = {
            "url": url,
            "description": description,
            "ordered": ordered,
            "replies": replies,
            "paused": paused,
            "disabled": disabled,
            "types": types,
            "statuses": statuses,
            "message_types": message_types,
            "numbers": numbers,
            "max_age_seconds": max_age_seconds,
            "max_per_second": max_per_second,
            "max_in_flight": max_in_flight,
            "debounce_seconds": debounce_seconds,
            "batch": batch,
            "split": split,
        }
        return cast(EndpointAnswer, self.transport.json("PATCH", path, body=body, idempotency_key=idempotency_key))

    def remove_endpoint(self, endpoint_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Remove an endpoint. What it was still owed is dead."""
        path = path_of("/api/endpoints/{endpoint_id}", endpoint_id=endpoint_id)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def replay_events(
        self,
        endpoint_id: str,
        *,
        event_id: str | Unset = UNSET,
        dead: Literal[True] | Unset = UNSET,
        since: str | datetime | Unset = UNSET,
        until: str | datetime | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ReplayAnswer:
        """Deliver events again, marked `X-Gateway-Replay: true`, beside what is new and never in its way."""
        path = path_of("/api/endpoints/{endpoint_id}/replay", endpoint_id=endpoint_id)
        body = {"event_id": event_id, "dead": dead, "since": since, "until": until}
        return cast(ReplayAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def rotate_endpoint_secret(
        self,
        endpoint_id: str,
        *,
        secret: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SecretAnswer:
        """Give an endpoint another secret. For 24 hours what is posted is signed with both.

        - `secret`: `whsec_…`, or any for `meta`; one is made when there is none.
        """
        path = path_of("/api/endpoints/{endpoint_id}/rotate-secret", endpoint_id=endpoint_id)
        body = {"secret": secret}
        return cast(SecretAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def test_endpoint(self, endpoint_id: str, *, idempotency_key: str | None = None) -> TestAnswer:
        """Try an endpoint: post a `gateway.test` now; say what came of it, and what is seen of the latest messages."""
        path = path_of("/api/endpoints/{endpoint_id}/test", endpoint_id=endpoint_id)
        return cast(TestAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))
