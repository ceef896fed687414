"""Messages, contacts and revisions in the form that the API, events and handlers share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.domain.notifications import MessageFact

PLACEHOLDER = "media_placeholder"
"""The type of a message of imported history whose file Meta sends later, under the same wamid."""


@dataclass(frozen=True, slots=True)
class ContactRef:
    """The contact of a message, with the ids and names that are known.

    `name` is the person's own profile name, `given_name` the name that the business gave them.
    """

    id: str
    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    username: str | None = None
    name: str | None = None
    given_name: str | None = None

    @property
    def shown_name(self) -> str | None:
        """Return the name that the business gave the contact, else the contact's profile name."""
        return self.given_name or self.name


def shown(contact: ContactRef) -> dict[str, str | None]:
    """Return a contact as messages and events carry it. `name` is the business's name for it, if there is one."""
    return {
        "id": contact.id,
        "wa_id": contact.wa_id,
        "user_id": contact.user_id,
        "parent_user_id": contact.parent_user_id,
        "username": contact.username,
        "name": contact.shown_name,
        "profile_name": contact.name,
    }


@dataclass(frozen=True, slots=True)
class Message:
    """One message in either direction. `id` is ours, `message_id` is Meta's wamid (null until Meta gave one).

    `sender` and `recipient` are `+E.164`, or the business-scoped user id when Meta hides the number.
    """

    sender: str | None
    message: str
    timestamp: datetime
    message_id: str | None
    message_type: str
    id: str
    direction: str
    phone_number_id: str
    recipient: str | None
    contact: ContactRef | None
    content: Any
    status: str
    source: str
    received_at: datetime
    context: dict[str, Any] | None = None
    referral: dict[str, Any] | None = None
    group_id: str | None = None
    error: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None
    callback_data: str | None = None
    flags: list[str] = field(default_factory=list)
    channel: str = "whatsapp"


@dataclass(frozen=True, slots=True)
class Revision:
    """An edit, with the new content (`message_type`, `message`, `content`), or a revocation.

    `wamid` is the revision's own id, by which a repeated notification of it is recognised.
    """

    wamid: str
    timestamp: datetime
    revoked: bool
    said: dict[str, Any] | None = None


def wording(message: Message | MessageFact) -> dict[str, Any]:
    """Return a message's content as revisions store it: `message_type`, `message` and `content`."""
    return {"message_type": message.message_type, "message": message.message, "content": message.content}


def revised(message: Message, revision: Revision, earlier: list[Revision]) -> Message:
    """Return the message after a revision. `earlier` are the revisions known before this one, in any order.

    The newest edit wins, in whatever order edits arrive. An edit holds only what it changes: the file of an image whose
    caption was edited stays. A revoked message keeps its content.
    """
    if any(each.wamid == revision.wamid for each in earlier):
        return message
    flag = "revoked" if revision.revoked else "edited"
    flags = message.flags if flag in message.flags else [*message.flags, flag]
    is_newest = all(each.timestamp <= revision.timestamp for each in earlier if not each.revoked)
    said = revision.said
    if said is None or not is_newest:
        return replace(message, flags=flags)
    content = said["content"]
    if (
        isinstance(content, dict)
        and isinstance(message.content, dict)
        and said["message_type"] == message.message_type
    ):
        content = message.content | {name: value for name, value in content.items() if value is not None}
    return replace(message, flags=flags, message=said["message"], message_type=said["message_type"], content=content)
