"""What people choose from: labels for conversations, and quick replies that agents insert by a shortcut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import AlreadyExists, Invalid, NotFound
from app.ids import new_id
from app.services.audit_log import record_act
from app.services.conversations.types import LabelRef
from app.services.registries import NumberDirectory
from app.store import labels
from app.store.conversations import Numbers

LONGEST_LABEL, LONGEST_REPLY = 40, 4096
COLOURS = ("#8a3ffc", "#0072c3", "#007d79", "#198038", "#9f1853", "#a2191f", "#8a3800", "#4c5a66")
"""Of these a label gets one, by its name, if none is given."""

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_SHORTCUT = re.compile(r"[\w-]{1,40}")


@dataclass(frozen=True, slots=True)
class QuickReplyView:
    """A text with its shortcut (without the slash), for one number or, with None, for all."""

    id: str
    shortcut: str
    text: str
    phone_number_id: str | None


class ManageLabels:
    """Adds, changes and removes labels. Each change is in the audit log."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def all(self) -> list[LabelRef]:
        """Return all labels by name. Raises `Unavailable`."""
        with self._database.read() as session:
            return [LabelRef(row.id, row.name, row.colour) for row in labels.all_labels(session)]

    def add(self, name: str, colour: str | None = None) -> LabelRef:
        """Add a label; `colour` is `#rrggbb`. Raises `Invalid` and `AlreadyExists`."""
        label = LabelRef(new_id(), _label_name(name), _colour(colour or _colour_of(name)))
        with self._database.write() as session:
            self._check_free(session, label.name)
            row = {"id": label.id, "name": label.name, "colour": label.colour, "created_at": self._now()}
            labels.add_label(session, row)
            record_act(session, self._now(), act="label.added", subject=f"label:{label.id}", details={"name": name})
        return label

    def change(self, label_id: str, *, name: str | None = None, colour: str | None = None) -> LabelRef:
        """Rename a label, or give it another colour. Raises `NotFound`, `Invalid` and `AlreadyExists`."""
        values = {} if name is None else {"name": _label_name(name)}
        values |= {} if colour is None else {"colour": _colour(colour)}
        with self._database.write() as session:
            if labels.find_label(session, _clean(label_id)) is None:
                raise NotFound("No label has this id.")
            if values:
                self._check_free(session, values.get("name"), label_id)
                labels.change_label(session, label_id, values)
                record_act(session, self._now(), act="label.changed", subject=f"label:{label_id}", details=values)
            row: Any = labels.find_label(session, label_id)
            return LabelRef(row.id, row.name, row.colour)

    def remove(self, label_id: str) -> None:
        """Remove a label, also from all conversations. Raises `NotFound`."""
        with self._database.write() as session:
            if not labels.remove_label(session, _clean(label_id)):
                raise NotFound("No label has this id.")
            record_act(session, self._now(), act="label.removed", subject=f"label:{label_id}")

    def _check_free(self, session: Session, name: str | None, but: str | None = None) -> None:
        if name is not None and labels.is_taken(session, name, but):
            raise AlreadyExists("There is a label of this name.")


class ManageQuickReplies:
    """Adds, changes and removes quick replies. Each change is in the audit log."""

    def __init__(self, database: Database, directory: NumberDirectory, now: Callable[[], datetime]) -> None:
        self._database = database
        self._directory = directory
        self._now = now

    def all(self, numbers: Numbers) -> list[QuickReplyView]:
        """Return the quick replies for these numbers and for every number, by shortcut. Raises `Unavailable`."""
        with self._database.read() as session:
            return [_reply(row) for row in labels.all_replies(session, numbers)]

    def add(self, shortcut: str, text: str, phone_number_id: str | None = None) -> QuickReplyView:
        """Add a quick reply, for one of our numbers or for all. Raises `Invalid` and `AlreadyExists`."""
        values = self._values(shortcut, text, phone_number_id)
        with self._changing(values, None, "quick_reply.added") as (session, reply_id, now):
            labels.add_reply(session, {"id": reply_id, "created_at": now, "updated_at": now, **values})
            return _reply(labels.find_reply(session, reply_id))

    def change(self, reply_id: str, shortcut: str, text: str, phone_number_id: str | None = None) -> QuickReplyView:
        """Replace a quick reply. Raises `NotFound`, `Invalid` and `AlreadyExists`."""
        values = self._values(shortcut, text, phone_number_id)
        with self._changing(values, _clean(reply_id), "quick_reply.changed") as (session, _, now):
            if labels.find_reply(session, reply_id) is None:
                raise NotFound("No quick reply has this id.")
            labels.change_reply(session, reply_id, {"updated_at": now, **values})
            return _reply(labels.find_reply(session, reply_id))

    def remove(self, reply_id: str) -> None:
        """Remove a quick reply. Raises `NotFound`."""
        with self._database.write() as session:
            if not labels.remove_reply(session, _clean(reply_id)):
                raise NotFound("No quick reply has this id.")
            record_act(session, self._now(), act="quick_reply.removed", subject=f"quick_reply:{reply_id}")

    @contextmanager
    def _changing(
        self, values: dict[str, str], reply_id: str | None, act: str
    ) -> Iterator[tuple[Session, str, datetime]]:
        its_id, now = reply_id or new_id(), self._now()
        with self._database.write() as session:
            if labels.is_shortcut_taken(session, values["shortcut"], values["phone_number_id"], reply_id):
                raise AlreadyExists("There is a quick reply with this shortcut.")
            yield session, its_id, now
            details = {"shortcut": values["shortcut"]}
            record_act(session, now, act=act, subject=f"quick_reply:{its_id}", details=details)

    def _values(self, shortcut: str, text: str, phone_number_id: str | None) -> dict[str, str]:
        shortcut, problems = shortcut.strip().removeprefix("/").lower(), {}
        if not _SHORTCUT.fullmatch(shortcut):
            problems["shortcut"] = ["must be one word of at most 40 letters, digits, `-` and `_`"]
        if not text.strip() or len(text) > LONGEST_REPLY or "\x00" in text:
            problems["text"] = [f"must be text of 1 to {LONGEST_REPLY} characters"]
        if phone_number_id is not None and phone_number_id not in self._directory.current.numbers:
            problems["phone_number_id"] = ["is none of our numbers: see /api/numbers"]
        if problems:
            raise Invalid(fields=problems)
        return {"shortcut": shortcut, "text": text, "phone_number_id": phone_number_id or labels.ALL_NUMBERS}


def _reply(row: Any) -> QuickReplyView:
    return QuickReplyView(row.id, row.shortcut, row.text, row.phone_number_id or None)


def _clean(name: str) -> str:
    """Return an id; PostgreSQL refuses a NUL in a text."""
    return name.replace("\x00", "")


def _label_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_LABEL or not name.isprintable():
        raise Invalid(fields={"name": [f"must be 1 to {LONGEST_LABEL} printable characters"]})
    return name


def _colour_of(name: str) -> str:
    return COLOURS[crc32(name.strip().encode(errors="replace")) % len(COLOURS)]


def _colour(colour: str) -> str:
    if not _COLOUR.fullmatch(colour.lower()):
        raise Invalid(fields={"colour": ["must be `#` and six hexadecimal digits"]})
    return colour.lower()
