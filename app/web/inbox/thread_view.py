"""The thread of a conversation as its page shows it: bubbles, notes, days, and where the unread messages begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from flask_babel import gettext as _

from app.domain.media import StoredMedia
from app.schemas.normalized_message import normalized
from app.services.conversations import Note, Quoted, Thread, ThreadMessage
from app.web.inbox.rendering import Beside, Bubble, bubbles
from app.web.inbox.rendering.files import FileUrl, own_path

TemplateOf = Callable[[str, str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a thread: a `message`, a `note`, a `day`, or the line above what is `unread`."""

    kind: str
    bubble: Bubble | None = None
    note: Note | None = None
    author: str = ""
    day: date | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a thread: their time zone and language's way of writing a day, and the names of the team."""

    people: Mapping[str, str]
    me: str
    zone: tzinfo = UTC
    day_words: Callable[[date], str] = date.isoformat
    template: TemplateOf = lambda name, language: None
    file_url: FileUrl = own_path
    files: Mapping[str, StoredMedia] = field(default_factory=dict)


def items(found: Thread, reader: Reader, now: datetime, unread: int = 0) -> list[Item]:
    """Return the lines of a part of a thread. `unread` messages of the customer at its end are new to the team."""
    messages = [each for each in found.items if isinstance(each, ThreadMessage)]
    known = [_with_file(normalized(each.message), reader.files.get(each.message.id)) for each in messages]
    shown = {each.id: each for each in bubbles(known, _beside(messages, reader))}
    first_unread = _first_unread(messages, unread) if found.after is None else None
    return list(_in_days(found.items, shown, reader, now, first_unread))


def author_of(item: ThreadMessage, reader: Reader) -> str:
    """Return who of us wrote a message, for the head of its bubble; empty for the reader's own and the customer's."""
    kind, _colon, key = (item.sent_by or "").partition(":")
    if kind == "person":
        return "" if key == reader.me else reader.people.get(key, str(_("Somebody")))
    if item.sender_kind == "bot":
        return str(_("Bot"))
    return "API" if kind == "key" else ""


def note_author(note: Note, reader: Reader) -> str:
    """Return who wrote a note."""
    kind, _colon, key = note.author.partition(":")
    return reader.people.get(key, str(_("Somebody"))) if kind == "person" else key


def _with_file(message: dict[str, Any], found: StoredMedia | None) -> dict[str, Any]:
    """Return a message whose content says what is known of its file here."""
    content = message["content"]
    if found is None or not isinstance(content, dict):
        return message
    known = {
        "media_id": found.id,
        "mime_type": found.mime_type or content.get("mime_type"),
        "size": found.size,
        "filename": content.get("filename") or found.filename,
        "state": str(found.state),
        "reason": found.reason,
        "has_thumbnail": found.thumbnail_key is not None,
    }
    return message | {"content": content | known}


def _beside(messages: Sequence[ThreadMessage], reader: Reader) -> Beside:
    quoted: dict[str, dict[str, Any]] = {}
    for each in messages:
        if each.quoted is not None and each.quoted.id is not None:
            as_quoted = _quoted(each.quoted)
            quoted |= dict.fromkeys((str(each.quoted.id), str(each.quoted.message_id)), as_quoted)
    return Beside(
        reactions={
            each.message.id: [(reaction.emoji, reaction.direction == "outbound") for reaction in each.reactions]
            for each in messages
        },
        earlier={
            each.message.id: [
                ({"message": revision.previous}, revision.timestamp)
                for revision in each.revisions
                if not revision.revoked and revision.previous
            ]
            for each in messages
        },
        quoted=quoted,
        authors={each.message.id: author_of(each, reader) for each in messages},
        template=reader.template,
        file_url=reader.file_url,
    )


def _quoted(found: Quoted) -> dict[str, Any]:
    return {
        "id": found.id,
        "message_id": found.message_id,
        "direction": found.direction,
        "message_type": found.message_type,
        "message": found.message,
    }


def _first_unread(messages: Sequence[ThreadMessage], unread: int) -> str | None:
    theirs = [each.message.id for each in messages if each.message.direction == "inbound"]
    return theirs[-unread] if 0 < unread <= len(theirs) else None


def _in_days(
    found: Sequence[ThreadMessage | Note],
    shown: Mapping[str, Bubble],
    reader: Reader,
    now: datetime,
    first_unread: str | None,
) -> Iterator[Item]:
    today, current = now.astimezone(reader.zone).date(), None
    for each in found:
        at = each.created_at if isinstance(each, Note) else each.message.timestamp
        day = at.astimezone(reader.zone).date()
        is_new_day = day != current
        if is_new_day:
            current = day
            yield Item("day", day=day, words=_day_words(day, today, reader))
        if isinstance(each, Note):
            yield Item("note", note=each, author=note_author(each, reader))
        elif (bubble := shown.get(each.message.id)) is not None:
            if bubble.id == first_unread:
                yield Item("unread")
            yield Item("message", bubble=replace(bubble, joins=False) if is_new_day else bubble)


def _day_words(day: date, today: date, reader: Reader) -> str:
    if day == today:
        return str(_("Today"))
    if day == today - timedelta(days=1):
        return str(_("Yesterday"))
    return reader.day_words(day)
