"""Contacts. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.downloads import Download
from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import UNSET, Unset, path_of
from whatsapp_service_client.types import ContactAnswer, DoneAnswer


class Contacts(Operations):
    """Contacts."""

    def list_contacts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        phone: str | None = None,
        user_id: str | None = None,
        username: str | None = None,
        q: str | None = None,
        number: str | None = None,
    ) -> Pages[ContactAnswer]:
        """List contacts, newest first. A key bound to numbers sees who wrote with those.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `phone`: A phone in any notation.
        - `user_id`: Meta's user id.
        - `username`: The whole username, with or without @.
        - `q`: Words that its name must hold, each as a beginning, in any order, however accented. Contacts are found a
          second or two after they came.
        - `number`: Meta's id of one of our numbers, which knows of the contact.
        """
        path = "/api/contacts"
        query = {"limit": limit, "phone": phone, "user_id": user_id, "username": username, "q": q, "number": number}
        return self._pages(path, query, cursor)

    def get_contact(self, contact_id: str) -> ContactAnswer:
        """Show one contact, by our id, a phone or a user id: its names, and what each of our numbers knows of it."""
        path = path_of("/api/contacts/{contact_id}", contact_id=contact_id)
        return cast(ContactAnswer, self.transport.json("GET", path))

    def change_contact(
        self,
        contact_id: str,
        *,
        name: str | None | Unset = UNSET,
        notes: str | None | Unset = UNSET,
        opted_out: bool | Unset = UNSET,
        phone_number_id: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ContactAnswer:
        """Change a contact: its name and notes, and whether it wants marketing. What is left out stays.

        - `opted_out`: Whether it wants no marketing, from now on.
        - `phone_number_id`: The number that `opted_out` is about; all that the key may use if left out.
        """
        path = path_of("/api/contacts/{contact_id}", contact_id=contact_id)
        body = {"name": name, "notes": notes, "opted_out": opted_out, "phone_number_id": phone_number_id}
        return cast(ContactAnswer, self.transport.json("PATCH", path, body=body, idempotency_key=idempotency_key))

    def erase_contact(self, contact_id: str, *, idempotency_key: str | None = None) -> DoneAnswer:
        """Erase a person: names, texts and raw webhooks. Counts, times and states stay."""
        path = path_of("/api/contacts/{contact_id}", contact_id=contact_id)
        return cast(DoneAnswer, self.transport.json("DELETE", path, idempotency_key=idempotency_key))

    def export_contact(self, contact_id: str, *, format: Literal["zip", "json"] | None = None) -> Download:
        """Export everything we know of a contact: its names, notes, labels, messages and events, oldest first.

        The answer is a zip: `index.html` is for people, `contact.json` for programs, and `media/` holds the files of
        messages. With `format=json` it is the same JSON alone.

        - `format`: `zip`, the default: `contact.json`, the page `index.html` for people, and the files of messages.
          `json`: the same as in `contact.json`.
        """
        path = path_of("/api/contacts/{contact_id}/export", contact_id=contact_id)
        query = {"format": format}
        return Download(self.transport.send("GET", path, query=query, stream=True))

    def hand_over_contact(
        self,
        contact_id: str,
        *,
        to: Literal["bot", "human"],
        phone_number_id: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> ContactAnswer:
        """Hand a contact over to a person, or back to the bot. While a person does, bots are not woken.

        - `phone_number_id`: Where; on all numbers that the key may use if left out.
        """
        path = path_of("/api/contacts/{contact_id}/handover", contact_id=contact_id)
        body = {"to": to, "phone_number_id": phone_number_id}
        return cast(ContactAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))
