"""Messages. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import path_of
from whatsapp_service_client.types import ActionAnswer, DoneAnswer, Happening, NormalizedMessage


class Messages(Operations):
    """Messages."""

    def list_messages(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        q: str | None = None,
        contact: str | None = None,
        direction: Literal["inbound", "outbound"] | None = None,
        status: str | None = None,
        type: str | None = None,
        phone_number_id: str | None = None,
        batch: str | None = None,
        message_id: str | None = None,
        find: str | None = None,
    ) -> Pages[NormalizedMessage]:
        """List messages, newest first.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `since`: Not before this time (ISO 8601 with its offset).
        - `until`: Before this time (ISO 8601 with its offset).
        - `q`: Words that the message must hold, in any order, however accented; `hol*` for a beginning. Messages are
          found a second or two after they came.
        - `contact`: A contact's id, its phone in any notation, or its user id.
        - `status`: `received`, `queued`, `delivered`, …. `unknown:NAME` stands for what Meta may add.
        - `type`: `text`, `image`, `button`, …. `unknown:NAME` stands for what Meta may add.
        - `phone_number_id`: Meta's id of one of our numbers.
        - `batch`: The id of a batch: see `/api/batches`.
        - `message_id`: Our id, or a wamid.
        - `find`: Whatever is known of a message: an id of ours or Meta's, the customer's phone number or user id, or
          words. It stands for `message_id`, `contact` or `q`, of which none may be given with it.
        """
        path = "/api/messages"
        query = {
            "limit": limit,
            "since": since,
            "until": until,
            "q": q,
            "contact": contact,
            "direction": direction,
            "status": status,
            "type": type,
            "phone_number_id": phone_number_id,
            "batch": batch,
            "message_id": message_id,
            "find": find,
        }
        return self._pages(path, query, cursor)

    def get_message(self, message_id: str) -> NormalizedMessage:
        """Show one message, by our id or Meta's."""
        path = path_of("/api/messages/{message_id}", message_id=message_id)
        return cast(NormalizedMessage, self.transport.json("GET", path))

    def cancel_message(self, message_id: str, *, idempotency_key: str | None = None) -> ActionAnswer:
        """Give up a message that is queued or held."""
        path = path_of("/api/messages/{message_id}/cancel", message_id=message_id)
        return cast(ActionAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def mark_message_sent(self, message_id: str, *, idempotency_key: str | None = None) -> ActionAnswer:
        """Say that a message whose outcome nobody knows did go."""
        path = path_of("/api/messages/{message_id}/mark-sent", message_id=message_id)
        return cast(ActionAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def mark_message_read(self, message_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Show the customer that their message, and those before it, were read."""
        path = path_of("/api/messages/{message_id}/read", message_id=message_id)
        return cast(DoneAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def retry_message(
        self,
        message_id: str,
        *,
        force: bool | None = None,
        idempotency_key: str | None = None,
    ) -> ActionAnswer:
        """Try a message again: one that failed, expired, was given up or is held, with a wamid of its own.

        `?force=true` skips our own checks of the 24-hour window and of opt-outs.

        - `force`: Skip our own checks of the 24-hour window and of opt-outs.
        """
        path = path_of("/api/messages/{message_id}/retry", message_id=message_id)
        query = {"force": force}
        return cast(ActionAnswer, self.transport.json("POST", path, query=query, idempotency_key=idempotency_key))

    def get_message_timeline(self, message_id: str) -> Pages[Happening]:
        """Show everything that happened to a message, oldest first."""
        path = path_of("/api/messages/{message_id}/timeline", message_id=message_id)
        return self._pages(path, {})

    def show_typing(self, message_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Show that an answer is being written, for 25 seconds at most. The message is marked as read, too."""
        path = path_of("/api/messages/{message_id}/typing", message_id=message_id)
        return cast(DoneAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))
