"""Read the thread of a conversation: its messages with reactions, quotations, revisions and attempts, and the notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import NotFound
from app.services.conversations.read import ReadConversations
from app.services.conversations.types import (
    AttemptShown,
    Conversation,
    Note,
    Quoted,
    Reaction,
    RevisionShown,
    Thread,
    ThreadMessage,
)
from app.store import contacts, conversation_messages, messages, threads
from app.store.conversations import Numbers
from app.store.threads import Place

MOST_NOTES = 200


class ReadThread:
    """Reads parts of threads. Raises `NotFound` and `Unavailable`."""

    def __init__(self, database: Database, read: ReadConversations) -> None:
        self._database = database
        self._read = read

    def __call__(
        self,
        conversation_id: str,
        numbers: Numbers,
        *,
        limit: int,
        before: str | None = None,
        after: str | None = None,
        around: str | None = None,
    ) -> Thread:
        """Return up to `limit` messages of a thread: its newest ones, or those before, after or around a message.

        A reaction is no message of its own: it stands on its message, unless that is not stored. So fewer than `limit`
        messages may be returned though there are more.
        """
        with self._database.read() as session:
            conversation = self._read.describe_one(session, conversation_id, numbers)
            key = (conversation.contact.id, conversation.phone_number_id)
            named = next((each for each in (before, after, around) if each is not None), None)
            place = None if named is None else _place(session, key, named)
            if around is not None and place is not None:
                rows, is_first, is_last = _around(session, key, place, limit)
            else:
                rows, is_first, is_last = _part(session, key, place, limit, is_after=after is not None)
            items = _with_notes(session, conversation, _describe(session, rows, conversation), is_first, is_last)
        return Thread(
            conversation,
            items,
            None if is_first or not rows else rows[0].id,
            None if is_last or not rows else rows[-1].id,
        )

    def message(self, conversation_id: str, message_id: str, numbers: Numbers) -> ThreadMessage:
        """Return one message of a thread, by our id."""
        with self._database.read() as session:
            conversation = self._read.describe_one(session, conversation_id, numbers)
            key = (conversation.contact.id, conversation.phone_number_id)
            timestamp, its_id = _place(session, key, message_id)
            rows = [row for row in threads.page(session, key, limit=2, before=(timestamp, its_id + "~"))]
            return _shown(session, [row for row in rows if row.id == its_id], conversation)[0]


def _place(session: Session, key: tuple[str, str], message_id: str) -> Place:
    found = conversation_messages.place_of(session, key, message_id) if "\x00" not in message_id else None
    if found is None:
        raise NotFound("This conversation has no message with this id.")
    return found


def _part(
    session: Session, key: tuple[str, str], place: Place | None, limit: int, *, is_after: bool
) -> tuple[list[Any], bool, bool]:
    """Return rows, and whether they begin with the thread's first and end with its last message."""
    if is_after:
        rows = threads.page(session, key, limit=limit + 1, after=place)
        return rows[:limit], False, len(rows) <= limit
    rows = threads.page(session, key, limit=limit + 1, before=place)
    return rows[-limit:], len(rows) <= limit, place is None


def _around(
    session: Session, key: tuple[str, str], place: Place, limit: int
) -> tuple[list[Any], bool, bool]:
    half = max(limit // 2, 1)
    earlier = threads.page(session, key, limit=half + 1, before=(place[0], place[1] + "~"))
    later = threads.page(session, key, limit=half + 1, after=place)
    return earlier[-half:] + later[:half], len(earlier) <= half, len(later) <= half


def _describe(session: Session, rows: list[Any], conversation: Conversation) -> list[ThreadMessage]:
    """Return the messages of these rows without the reactions that stand on their messages."""
    targets = {row.id: target for row in rows if row.message_type == "reaction" and (target := _target(row.content))}
    known = threads.stored(session, set(targets.values()))
    return _shown(session, [row for row in rows if targets.get(row.id) not in known], conversation)


def _shown(session: Session, rows: list[Any], conversation: Conversation) -> list[ThreadMessage]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    outbound = [row.id for row in rows if row.direction == "outbound"]
    owner = contacts.rows_of(session, {conversation.contact.id}).get(conversation.contact.id)
    reactions = _reactions(session, rows, conversation.contact.id)
    revisions = _by_message(threads.revisions(session, ids))
    attempts = _by_message(threads.attempts(session, outbound)) if outbound else {}
    times = _by_message(threads.status_times(session, outbound)) if outbound else {}
    quoted = _quotations(session, rows, conversation.phone_number_id)
    return [
        ThreadMessage(
            messages.to_domain(row, owner),
            sender_kind=sender_kind(row),
            sent_by=row.sent_by,
            held_for=row.held_for,
            batch_id=row.batch_id,
            reactions=reactions.get(row.id, []),
            revisions=[_revision(each) for each in revisions.get(row.id, [])],
            attempts=[_attempt(each) for each in attempts.get(row.id, [])],
            quoted=quoted.get(row.id),
            **_times(times.get(row.id, [])),
        )
        for row in rows
    ]


def sender_kind(row: Any) -> str:
    """Return who wrote a message: `customer`, `person`, `bot`, `api` or `phone`."""
    if row.direction == "inbound":
        return "customer"
    kind = (row.sent_by or "").partition(":")[0]
    if kind in ("person", "key"):
        return "person" if kind == "person" else "api"
    if kind:
        return "bot"
    return "phone" if row.source == "echo" else "api"


def _by_message(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.message_id, []).append(row)
    return found


def _times(rows: Sequence[Any]) -> dict[str, datetime]:
    first = {row.status: row.at for row in rows}
    return {f"{status}_at": first[status] for status in ("sent", "delivered", "read", "failed") if status in first}


def _revision(row: Any) -> RevisionShown:
    return RevisionShown(row.revoked, row.timestamp, (row.previous or {}).get("message"))


def _attempt(row: Any) -> AttemptShown:
    return AttemptShown(row.number, row.state, row.started_at, row.finished_at, row.error)


def _target(content: Any) -> str | None:
    """Return the wamid of the message that a reaction is about. Meta names it otherwise in each direction."""
    if not isinstance(content, dict):
        return None
    return content.get("to") or content.get("message_id")


def _reactions(session: Session, rows: Sequence[Any], contact_id: str) -> dict[str, list[Reaction]]:
    by_wamid = {row.wamid: row.id for row in rows if row.wamid} | threads.wamids_of(session, [row.id for row in rows])
    found: dict[str, dict[str, Reaction]] = {}
    for row in threads.reactions(session, contact_id, rows[0].timestamp):
        message_id = by_wamid.get(_target(row.content) or "")
        if message_id is None or row.status in ("failed", "cancelled", "expired"):
            continue
        of_message = found.setdefault(message_id, {})
        of_message.pop(row.direction, None)
        if emoji := row.content.get("emoji"):
            of_message[row.direction] = Reaction(emoji, row.direction, row.timestamp, row.sent_by, row.id)
    return {message_id: list(of_message.values()) for message_id, of_message in found.items()}


def _quotations(session: Session, rows: Sequence[Any], number: str) -> dict[str, Quoted]:
    contexts = {
        row.id: row.context
        for row in rows
        if row.context and (row.context.get("message_id") or row.context.get("id"))
    }
    ids = {each["id"] for each in contexts.values() if each.get("id")}
    wamids = {each["message_id"] for each in contexts.values() if not each.get("id") and each.get("message_id")}
    stored = [row for row in threads.quoted(session, ids, wamids) if row.phone_number_id == number]
    known = {row.id: row for row in stored} | {row.wamid: row for row in stored if row.wamid}
    found = {}
    for message_id, context in contexts.items():
        row = known.get(context.get("id") or "") or known.get(context.get("message_id") or "")
        if row is None:
            found[message_id] = Quoted(None, context.get("message_id"))
        else:
            found[message_id] = Quoted(row.id, row.wamid, row.direction, row.message_type, row.message)
    return found


def _with_notes(
    session: Session, conversation: Conversation, found: list[ThreadMessage], is_first: bool, is_last: bool
) -> list[ThreadMessage | Note]:
    """Return messages and the notes that were written between them, in the order of their times."""
    since = None if is_first or not found else found[0].message.timestamp
    until = None if is_last or not found else found[-1].message.timestamp
    notes = [
        Note(row.id, row.author, row.text, row.created_at)
        for row in threads.notes(session, conversation.id, since=since, until=until, limit=MOST_NOTES)
    ]
    if not notes:
        return [*found]
    return sorted([*found, *notes], key=_time)


def _time(item: ThreadMessage | Note) -> datetime:
    return item.created_at if isinstance(item, Note) else item.message.timestamp
