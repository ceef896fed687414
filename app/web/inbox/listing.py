"""Conversations as the rows of the list, the head of a thread and the panel show them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_babel import ngettext

from app.domain.handover import HandledBy
from app.services.contacts import WINDOW
from app.services.conversations import Conversation
from app.web.inbox.rendering import one_line
from app.web.inbox.rendering.bubbles import TICKS

HUES = 8
SOON = timedelta(hours=4)

_ICONS = {
    "image": "picture", "video": "video", "audio": "music", "voice": "mic", "document": "file", "sticker": "sticker",
    "location": "pin", "contacts": "person", "order": "cart", "form": "form", "template": "template",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A label as a page shows it."""

    id: str
    name: str
    colour: str
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation as the list, the head of its thread and the panel show it.

    `ring` is the percentage of the 24 hours that is left, `tick` and `last_icon` stand before the last message.
    """

    id: str
    url: str
    name: str
    address: str
    initials: str
    hue: int
    at: datetime
    last: str
    last_icon: str
    tick: str
    unread: int
    ring: int
    ring_state: str
    window_words: str
    closes_at: datetime | None
    is_window_open: bool
    has_written: bool
    is_human: bool
    is_closed: bool
    waits: bool
    has_failed: bool
    has_opted_out: bool
    assignee: str
    assignee_id: str | None
    number: str
    labels: tuple[Mark, ...]
    profile_name: str
    username: str


@dataclass(frozen=True, slots=True)
class Names:
    """Names that rows show: of the team by person's id, and of numbers by phone number id (empty with one number)."""

    people: Mapping[str, str]
    numbers: Mapping[str, str]


def row(found: Conversation, url: Callable[[str], str], names: Names, now: datetime) -> Row:
    """Return a conversation as a page shows it."""
    contact, last = found.contact, found.last_message
    address = f"+{contact.wa_id}" if contact.wa_id else contact.user_id or ""
    name = contact.shown_name or (f"@{contact.username}" if contact.username else "") or address
    left = found.window_closes_at - now if found.window_closes_at is not None else timedelta()
    is_ours = last is not None and last.direction == "outbound"
    return Row(
        id=found.id,
        url=url(found.id),
        name=name,
        address=address,
        initials=_initials(name),
        hue=hue(contact.id),
        at=found.last_message_at,
        last=_last(found),
        last_icon=_ICONS.get(last.message_type, "") if last is not None and found.match is None else "",
        tick=TICKS.get(last.status, "") if is_ours and last is not None and found.match is None else "",
        unread=found.unread,
        ring=max(0, min(100, round(100 * left / WINDOW))),
        ring_state="closed" if left <= timedelta() else "soon" if left < SOON else "open",
        window_words=window_words(found.window_closes_at, now),
        closes_at=found.window_closes_at,
        is_window_open=found.is_window_open,
        has_written=found.last_inbound_at is not None,
        is_human=found.handled_by is HandledBy.HUMAN,
        is_closed=found.is_closed,
        waits=found.waiting_since is not None,
        has_failed=found.has_failed,
        has_opted_out=found.has_opted_out,
        assignee=names.people.get(found.assignee or "", ""),
        assignee_id=found.assignee,
        number=names.numbers.get(found.phone_number_id, ""),
        labels=tuple(Mark(each.id, each.name, each.colour) for each in found.labels),
        profile_name=contact.name or "",
        username=contact.username or "",
    )


def window_words(closes_at: datetime | None, now: datetime) -> str:
    """Return in words how long free text may be sent."""
    if closes_at is None:
        return str(_("Has not written to you yet: templates only"))
    if closes_at <= now:
        return str(_("The 24 hours are over: templates only"))
    left = closes_at - now
    if left < timedelta(minutes=1):
        return str(_("You can answer for less than a minute"))
    return str(_("You can answer for %(time)s", time=format_timedelta(left, threshold=1.2)))


def hue(text: str) -> int:
    """Return the number of the colour of a person, which stays."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:4], 16) % HUES


def _initials(name: str) -> str:
    words = [word for word in name.replace("+", " ").replace("@", " ").split() if word[0].isalnum()]
    if not words or not words[0][0].isalpha():
        return "#"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 and words[-1][0].isalpha() else "")
    return unicodedata.normalize("NFC", letters).upper()


def _last(found: Conversation) -> str:
    if found.match is not None:
        return one_line(found.match.message)
    last = found.last_message
    if last is None:
        return ""
    if last.is_revoked:
        return str(_("Message deleted"))
    return last_words(last.message_type, last.message)


def last_words(kind: str, written: str) -> str:
    """Return a message in one line; `[image]` and the like in the reader's language."""
    shown = one_line(written)
    if not shown.startswith("["):
        return shown
    label, _bracket, rest = shown.partition("]")
    words = _kind_words().get(label[1:])
    return f"{words}{': ' if rest.strip() else ''}{rest.strip()}" if words else shown


def _kind_words() -> dict[str, Any]:
    return {
        "image": _("Picture"), "video": _("Video"), "audio": _("Recording"), "voice": _("Voice message"),
        "document": _("Document"), "sticker": _("Sticker"), "location": _("Location"), "contacts": _("Contact"),
        "order": _("Order"), "form": _("Filled-in form"), "template": _("Template"), "call": _("Call"),
        "reaction removed": _("Reaction removed"), "system": _("Notice"), "unsupported": _("Unknown message"),
    }  # fmt: skip


def count_words(count: int) -> str:
    """Return how many unread messages there are, in words."""
    return str(ngettext("%(num)s unread message", "%(num)s unread messages", count))
