"""Conversations. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import UNSET, Unset, path_of
from whatsapp_service_client.types import (
    ConversationAnswer,
    DoneAnswer,
    LabelAnswer,
    NoteAnswer,
    QuickReplyAnswer,
    SeenAnswer,
    ThreadAnswer,
)


class Conversations(Operations):
    """Conversations."""

    def list_conversations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        q: str | None = None,
        state: Literal["open", "closed", "all"] | None = None,
        unread: bool | None = None,
        waiting: bool | None = None,
        failed: bool | None = None,
        assignee: str | None = None,
        label: str | None = None,
        contact: str | None = None,
        number: str | None = None,
    ) -> Pages[ConversationAnswer]:
        """List conversations, the one with the newest message first. Without `state`, the open ones.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `q`: Words that the contact's name or a message must hold, or a phone number; the last word counts as a
          beginning.
        - `state`: Open ones (the default), closed ones, or all.
        - `unread`: Whether customers wrote something that nobody has seen.
        - `waiting`: Whether the customer waits for a person's answer.
        - `failed`: Whether a send failed, expired or is held, and nobody has dealt with it.
        - `assignee`: The id of a person, or `none` for conversations without one.
        - `label`: The id of a label.
        - `contact`: A contact's id, phone number or user id.
        - `number`: Meta's id of one of our numbers.
        """
        path = "/api/conversations"
        query = {
            "limit": limit,
            "q": q,
            "state": state,
            "unread": unread,
            "waiting": waiting,
            "failed": failed,
            "assignee": assignee,
            "label": label,
            "contact": contact,
            "number": number,
        }
        return self._pages(path, query, cursor)

    def get_conversation(self, conversation_id: str) -> ConversationAnswer:
        """Show one conversation."""
        path = path_of("/api/conversations/{conversation_id}", conversation_id=conversation_id)
        return cast(ConversationAnswer, self.transport.json("GET", path))

    def assign_conversation(
        self,
        conversation_id: str,
        *,
        assignee: str | None,
        only_if_free: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ConversationAnswer:
        """Give a conversation to a person of the team, or to nobody.

        - `assignee`: The id of a person; null for nobody.
        - `only_if_free`: Refuse (409) if somebody else has it already.
        """
        path = path_of("/api/conversations/{conversation_id}/assign", conversation_id=conversation_id)
        body = {"assignee": assignee, "only_if_free": only_if_free}
        return cast(ConversationAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def close_conversation(
        self,
        conversation_id: str,
        *,
        message_id: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ConversationAnswer:
        """Close a conversation. The customer's next message opens it again.

        - `message_id`: Our id of it: refuse (409) if the customer has written since.
        """
        path = path_of("/api/conversations/{conversation_id}/close", conversation_id=conversation_id)
        body = {"message_id": message_id}
        return cast(ConversationAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def label_conversation(
        self,
        conversation_id: str,
        *,
        labels: list[str],
        idempotency_key: str | None = None,
    ) -> ConversationAnswer:
        """Set a conversation's labels.

        - `labels`: Ids of labels; those left out are taken off.
        """
        path = path_of("/api/conversations/{conversation_id}/labels", conversation_id=conversation_id)
        body = {"labels": labels}
        return cast(ConversationAnswer, self.transport.json("PUT", path, body=body, idempotency_key=idempotency_key))

    def get_thread(
        self,
        conversation_id: str,
        *,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
        around: str | None = None,
    ) -> ThreadAnswer:
        """Show a part of a conversation's messages, oldest first; without a place, the newest.

        A reaction stands on its message, and is none of its own unless its message is not stored.

        - `before`: Our id of a message: the ones before it, `previous` of a part.
        - `after`: Our id of a message: the ones after it, `next` of a part.
        - `around`: Our id of a message: it, and as many before as after it.
        """
        path = path_of("/api/conversations/{conversation_id}/messages", conversation_id=conversation_id)
        query = {"limit": limit, "before": before, "after": after, "around": around}
        return cast(ThreadAnswer, self.transport.json("GET", path, query=query))

    def note_conversation(self, conversation_id: str, *, text: str, idempotency_key: str | None = None) -> NoteAnswer:
        """Write a note into the thread, for the team alone. It is never sent."""
        path = path_of("/api/conversations/{conversation_id}/notes", conversation_id=conversation_id)
        body = {"text": text}
        return cast(NoteAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def reopen_conversation(self, conversation_id: str, *, idempotency_key: str | None = None) -> ConversationAnswer:
        """Open a closed conversation."""
        path = path_of("/api/conversations/{conversation_id}/reopen", conversation_id=conversation_id)
        return cast(ConversationAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def mark_conversation_seen(
        self,
        conversation_id: str,
        *,
        message_id: str,
        idempotency_key: str | None = None,
    ) -> SeenAnswer:
        """Say up to which message the team has seen the thread. Customers are not told: see `markMessageRead`.

        - `message_id`: Our id of the newest message that was seen.
        """
        path = path_of("/api/conversations/{conversation_id}/seen", conversation_id=conversation_id)
        body = {"message_id": message_id}
        return cast(SeenAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def list_labels(self) -> Pages[LabelAnswer]:
        """List the labels by name."""
        path = "/api/labels"
        return self._pages(path, {})

    def add_label(self, *, name: str, colour: str | Unset = UNSET, idempotency_key: str | None = None) -> LabelAnswer:
        """Add a label.

        - `colour`: `#rrggbb`.
        """
        path = "/api/labels"
        body = {"name": name, "colour": colour}
        return cast(LabelAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def change_label(
        self,
        label_id: str,
        *,
        name: str | Unset = UNSET,
        colour: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> LabelAnswer:
        """Rename a label, or give it another colour.

        - `colour`: `#rrggbb`.
        """
        path = path_of("/api/labels/{label_id}", label_id=label_id)
        body = {"name": name, "colour": colour}
        return cast(LabelAnswer, self.transport.json("PATCH", path, body=body, idempotency_key=idempotency_key))

    def remove_label(self, label_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Remove a label, also from all conversations."""
        path = path_of("/api/labels/{label_id}", label_id=label_id)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def list_quick_replies(self) -> Pages[QuickReplyAnswer]:
        """List the quick replies by shortcut: those for every number, and those for the numbers of the key."""
        path = "/api/quick-replies"
        return self._pages(path, {})

    def add_quick_reply(
        self,
        *,
        shortcut: str,
        text: str,
        phone_number_id: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> QuickReplyAnswer:
        """Add a quick reply.

        - `shortcut`: One word, without the slash.
        - `phone_number_id`: The number it is for; all numbers if left out.
        """
        path = "/api/quick-replies"
        body = {"shortcut": shortcut, "text": text, "phone_number_id": phone_number_id}
        return cast(QuickReplyAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

    def change_quick_reply(
        self,
        quick_reply_id: str,
        *,
        shortcut: str,
        text: str,
        phone_number_id: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> QuickReplyAnswer:
        """Replace a quick reply.

        - `shortcut`: One word, without the slash.
        - `phone_number_id`: The number it is for; all numbers if left out.
        """
        path = path_of("/api/quick-replies/{quick_reply_id}", quick_reply_id=quick_reply_id)
        body = {"shortcut": shortcut, "text": text, "phone_number_id": phone_number_id}
        return cast(QuickReplyAnswer, self.transport.json("PUT", path, body=body, idempotency_key=idempotency_key))

    def remove_quick_reply(self, quick_reply_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Remove a quick reply."""
        path = path_of("/api/quick-replies/{quick_reply_id}", quick_reply_id=quick_reply_id)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))
