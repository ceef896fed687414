"""Sending. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.bodies import SendBody
from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.transport import UNSET, Unset
from whatsapp_service_client.types import BulkAnswer, DoneManyAnswer


class Sending(Operations):
    """Sending."""

    def send_messages(
        self,
        *,
        messages: list[SendBody],
        name: str | Unset = UNSET,
        phone_number_id: str | Unset = UNSET,
        priority: Literal["reply", "normal", "bulk"] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> BulkAnswer:
        """Queue up to 1,000 messages. One that cannot be queued does not keep the others from it.

        A message may carry an `idempotency_key` of its own. Where none is queued there is no batch.

        - `priority`: Of all of them; `bulk`.
        """
        path = "/api/messages/bulk"
        body = {"messages": messages, "name": name, "phone_number_id": phone_number_id, "priority": priority}
        return cast(BulkAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def cancel_messages(
        self,
        *,
        all: bool | Unset = UNSET,
        phone_number_id: str | Unset = UNSET,
        batch: str | Unset = UNSET,
        reason: Literal["unknown", "unlikely", "token", "restored", "asked"] | Unset = UNSET,
        older_than_seconds: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> DoneManyAnswer:
        """Give up many messages that are queued or held: those that the body says, at most 5,000 in one call.

        - `all`: Every one that the action is for.
        """
        path = "/api/messages/cancel"
        body = {
            "all": all,
            "phone_number_id": phone_number_id,
            "batch": batch,
            "reason": reason,
            "older_than_seconds": older_than_seconds,
        }
        return cast(DoneManyAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def release_messages(
        self,
        *,
        all: bool | Unset = UNSET,
        phone_number_id: str | Unset = UNSET,
        batch: str | Unset = UNSET,
        reason: Literal["unknown", "unlikely", "token", "restored", "asked"] | Unset = UNSET,
        older_than_seconds: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> DoneManyAnswer:
        """Release many held messages: those that the body says wait for their turn again, at most 5,000 in one call.

        - `all`: Every one that the action is for.
        """
        path = "/api/messages/release"
        body = {
            "all": all,
            "phone_number_id": phone_number_id,
            "batch": batch,
            "reason": reason,
            "older_than_seconds": older_than_seconds,
        }
        return cast(DoneManyAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def retry_messages(
        self,
        *,
        all: bool | Unset = UNSET,
        phone_number_id: str | Unset = UNSET,
        batch: str | Unset = UNSET,
        reason: Literal["unknown", "unlikely", "token", "restored", "asked"] | Unset = UNSET,
        older_than_seconds: int | Unset = UNSET,
        status: Literal["failed", "expired", "cancelled", "held"] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> DoneManyAnswer:
        """Try many messages again: those that the body says, at most 5,000 in one call.

        - `all`: Every one that the action is for.
        """
        path = "/api/messages/retry"
        body = {
            "all": all,
            "phone_number_id": phone_number_id,
            "batch": batch,
            "reason": reason,
            "older_than_seconds": older_than_seconds,
            "status": status,
        }
        return cast(DoneManyAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))
