"""Bubbles: normalised messages (docs/messages.md) made ready for the template of a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from app.web.inbox.rendering import cards, framed, templates
from app.web.inbox.rendering.failures import explain
from app.web.inbox.rendering.files import KINDS, FileUrl, own_path, read_file
from app.web.inbox.rendering.markup import is_jumbo, one_line, rich_text
from app.web.inbox.rendering.parts import Advertisement, Bubble, Earlier, Quote, Shown
from app.web.inbox.rendering.values import at, items, obj, pretty_json, safe_url, text

Json = Mapping[str, Any]

JOINED = timedelta(minutes=2)
"""Messages of one writer that follow each other within this time stand close together."""

ALBUM = timedelta(seconds=60)
_ALBUM_KINDS = ("image", "video")

TICKS = {
    "queued": "clock", "sending": "clock", "accepted": "sent", "sent": "sent", "delivered": "delivered",
    "read": "read", "played": "read", "failed": "failed", "expired": "failed", "cancelled": "failed", "held": "held",
    "unknown": "unknown",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Beside:
    """What a thread knows beside its messages, by our id of the message.

    `reactions` are pairs of an emoji and whether it is ours. `earlier` are what an edited message said before, oldest
    first, with the time until which it said so. `quoted` holds messages that are quoted, by our id and by wamid.
    `authors` names who of the team wrote. `template` returns Meta's definition by name and language, None if unknown.
    """

    reactions: Mapping[str, Sequence[tuple[str, bool]]] = field(default_factory=dict)
    earlier: Mapping[str, Sequence[tuple[Json, datetime | None]]] = field(default_factory=dict)
    quoted: Mapping[str, Json] = field(default_factory=dict)
    authors: Mapping[str, str] = field(default_factory=dict)
    template: Callable[[str, str], Json | None] = lambda name, language: None
    file_url: FileUrl = own_path


def bubbles(messages: Sequence[Json], beside: Beside) -> list[Bubble]:
    """Return the bubbles of messages that follow each other, oldest first. Never raises for what a message holds."""
    found = [bubble(message, beside) for message in messages if message.get("message_type") != "reaction"]
    return _in_albums(_joined(found))


def bubble(message: Json, beside: Beside) -> Bubble:
    """Return the bubble of one message."""
    kind, shown, body = _content(message, beside)
    our_id, status = text(message, "id"), text(message, "status")
    is_ours = message.get("direction") == "outbound"
    flags = [flag for flag in items(message.get("flags")) if isinstance(flag, str)]
    failure = explain(status, message.get("error")) if is_ours else None
    return Bubble(
        id=our_id,
        wamid=text(message, "message_id") or None,
        is_ours=is_ours,
        kind=kind,
        at=as_time(message.get("timestamp")),
        status=status,
        tick=TICKS.get(status, "") if is_ours else "",
        body=body,
        shown=shown,
        is_jumbo=kind == "text" and is_jumbo(text(message, "content", "body")),
        failure=failure,
        quote=_quote(message, beside),
        reactions=tuple(beside.reactions.get(our_id, ())),
        earlier=tuple(_earlier(said, until) for said, until in beside.earlier.get(our_id, ())),
        is_edited="edited" in flags,
        is_revoked="revoked" in flags,
        forwarded=_forwarded(message.get("context")),
        advertisement=_advertisement(message.get("referral")),
        author=beside.authors.get(our_id, ""),
        json=pretty_json(message.get("content")) if kind in ("unknown", "system", "call") else "",
        plain=text(message, "message"),
        source=text(message, "source") or "live",
    )


def _content(message: Json, beside: Beside) -> tuple[str, Shown, Markup]:
    """Return the kind of the bubble, what it shows, and its text."""
    kind, content = text(message, "message_type"), message.get("content")
    url_of = beside.file_url
    if kind == "text":
        return "text", None, rich_text(text(content, "body") or text(message, "message"))
    if kind in KINDS and isinstance(content, dict):
        file = read_file(kind, content, url_of)
        return file.kind, file, rich_text(text(content, "caption"))
    if kind == "template" and isinstance(content, dict):
        definition = beside.template(text(content, "name"), text(content, "language", "code"))
        return "framed", templates.read_template(content, definition, url_of), Markup()
    if kind == "interactive" and isinstance(content, dict):
        return "framed", framed.read_interactive(content, url_of), Markup()
    reader = _READERS.get(kind)
    if reader is not None and isinstance(content, dict | list):
        return kind, reader(content), rich_text(text(content, "text")) if kind == "order" else Markup()
    if kind in ("unsupported", "system", "call", "media_placeholder"):
        return ("call" if kind == "call" else "system"), None, Markup()
    return "unknown", None, Markup()


_READERS: dict[str, Callable[[Any], Shown]] = {
    "location": cards.read_place,
    "contacts": cards.read_cards,
    "order": cards.read_order,
    "form": cards.read_form,
    "button": framed.read_choice,
    "list_reply": framed.read_choice,
}


def _quote(message: Json, beside: Beside) -> Quote | None:
    context = message.get("context")
    wamid, our_id = text(context, "message_id"), text(context, "id")
    if not wamid and not our_id:
        return None
    quoted = beside.quoted.get(our_id) or beside.quoted.get(wamid)
    if quoted is None:
        return Quote(None)
    file = obj(quoted, "content") if quoted.get("message_type") in ("image", "video", "sticker") else {}
    return Quote(
        id=text(quoted, "id"),
        is_ours=quoted.get("direction") == "outbound",
        kind=text(quoted, "message_type"),
        text=one_line(text(quoted, "message")),
        thumbnail=beside.file_url(file, "thumbnail") if file else None,
    )


def _earlier(said: Json, until: datetime | None) -> Earlier:
    return Earlier(rich_text(text(said, "message")), until)


def _forwarded(context: Any) -> str:
    if at(context, "frequently_forwarded") is True:
        return "often"
    return "once" if at(context, "forwarded") is True else ""


def _advertisement(referral: Any) -> Advertisement | None:
    if not isinstance(referral, dict):
        return None
    headline, body = text(referral, "headline"), text(referral, "body")
    url = safe_url(referral.get("source_url"))
    return Advertisement(headline[:200], body[:500], url) if headline or body or url else None


def _joined(found: list[Bubble]) -> list[Bubble]:
    """Return the bubbles with those marked that continue the one above."""
    result = found[:1]
    for before, this in zip(found, found[1:], strict=False):
        joins = (
            before.is_ours == this.is_ours
            and before.author == this.author
            and this.at - before.at <= JOINED
            and before.at.date() == this.at.date()
            and "system" not in (before.kind, this.kind)
        )
        result.append(replace(this, joins=joins))
    return result


def _in_albums(found: list[Bubble]) -> list[Bubble]:
    """Return the bubbles with pictures that were sent together marked: `first`, `inner` or `last` of their album."""
    result = list(found)
    for position, this in enumerate(found):
        before = _continues(found[position - 1], this) if position else False
        after = _continues(this, found[position + 1]) if position + 1 < len(found) else False
        if before or after:
            result[position] = replace(this, album="inner" if before and after else "last" if before else "first")
    return result


def _continues(before: Bubble, this: Bubble) -> bool:
    return (
        before.is_ours == this.is_ours
        and before.kind in _ALBUM_KINDS
        and this.kind in _ALBUM_KINDS
        and not (before.is_revoked or this.is_revoked or this.quote or before.reactions or this.reactions)
        and not before.body
        and this.at - before.at <= ALBUM
    )


def as_time(value: Any) -> datetime:
    """Return a message's time, which is a datetime or ISO 8601 text."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value)
