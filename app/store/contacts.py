"""Contacts and their aliases: look up, insert, merge and edit them, and number their events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, select, union_all, update
from sqlalchemy.orm import Session

from app.domain.numbers import OWN_REALM
from app.models import Contact, ContactAlias, Delivery, Event, Message, MessageRevision
from app.models.base import table
from app.store import contact_numbers, conversations
from app.store.deliveries import is_unfinished
from app.store.dialect import with_lists
from app.store.many_rows import InsertMany, UpdateMany

Alias = tuple[str, str]
"""Kind (`wa_id`, `user_id`, `parent_user_id`) and value."""


class Owner(NamedTuple):
    """The contact that an alias belongs to, as a plain row of its display columns, and the alias's period of validity
    (None: unbounded)."""

    contact: Any
    since: datetime | None = None
    until: datetime | None = None


_TABLE, _ALIASES = table(Contact), table(ContactAlias)
_SHOWN = tuple(
    _TABLE.c[name] for name in ("id", "wa_id", "user_id", "parent_user_id", "username", "name", "given_name")
)
_KINDS = ("wa_id", "user_id", "parent_user_id")
_BY_ALIASES = with_lists(
    lambda among: union_all(
        *(
            select(_ALIASES.c.kind, _ALIASES.c.value, _ALIASES.c.app, _ALIASES.c.since, _ALIASES.c.until, *_SHOWN)
            .join(_TABLE, _TABLE.c.id == _ALIASES.c.contact_id)
            .where(_ALIASES.c.kind == kind, among(_ALIASES.c.value, kind))
            for kind in _KINDS
        )
    )
)


def find_by_aliases(session: Session, aliases: Collection[Alias], realm: str = OWN_REALM) -> dict[Alias, Owner]:
    """Return the owners of these aliases in a realm."""
    return find_in_realms(session, aliases).get(realm, {})


def find_in_realms(session: Session, aliases: Collection[Alias]) -> dict[str, dict[Alias, Owner]]:
    """Return the owners of these aliases, by realm."""
    if not aliases:
        return {}
    values: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for kind, value in aliases:
        values[kind].append(value)
    found: dict[str, dict[Alias, Owner]] = {}
    for row in session.execute(_BY_ALIASES(session), values):
        found.setdefault(row.app, {})[row.kind, row.value] = Owner(row, row.since, row.until)
    return found


def has_realm(session: Session, realm: str) -> bool:
    """Return whether a realm has any alias."""
    return session.execute(select(_ALIASES.c.value).where(_ALIASES.c.app == realm).limit(1)).first() is not None


def rename_realm(session: Session, old: str, new: str) -> None:
    """Rename a realm. An alias that exists under the new name already stays in the old one, with its own contact."""
    taken = _ALIASES.alias()
    is_free = ~exists().where(taken.c.kind == _ALIASES.c.kind, taken.c.value == _ALIASES.c.value, taken.c.app == new)
    session.execute(update(_ALIASES).where(_ALIASES.c.app == old, is_free).values(app=new))


def find_many(session: Session, ids: Collection[str]) -> dict[str, Contact]:
    """Return contacts by our ids."""
    return {row.id: row for row in session.scalars(select(Contact).where(Contact.id.in_(ids)))}


_ROWS_OF = with_lists(lambda among: select(_TABLE).where(among(_TABLE.c.id, "ids")))


def rows_of(session: Session, ids: Collection[str]) -> dict[str, Any]:
    """Return contacts by our ids as plain rows: cheaper than `find_many` where nothing is changed."""
    return {row.id: row for row in session.execute(_ROWS_OF(session), {"ids": list(ids)})} if ids else {}


def lock(session: Session, contact_id: str) -> None:
    """Lock a contact's row until the transaction ends."""
    session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())


_add = InsertMany(
    Contact, "id", "wa_id", "user_id", "parent_user_id", "username", "name", "given_name", "event_count", "created_at",
    "updated_at", or_else=lambda insert: insert.on_conflict_do_nothing(),
)  # fmt: skip
_add_aliases = InsertMany(
    ContactAlias, "kind", "value", "app", "contact_id", "since", "until",
    or_else=lambda insert: insert.on_conflict_do_nothing(),
)  # fmt: skip


def add(session: Session, contacts: Sequence[dict[str, Any]]) -> None:
    """Insert new contacts."""
    _add.of_mappings(session.connection(), contacts)


def add_aliases(session: Session, aliases: Sequence[dict[str, Any]]) -> int:
    """Insert those aliases (`kind`, `value`, `app`, `contact_id`, `since`, `until`) that the realm does not have yet;
    return their number."""
    return _add_aliases.of_mappings(session.connection(), aliases)


def move_alias(session: Session, alias: Alias, was: str, row: dict[str, Any]) -> bool:
    """Set an alias's owner and validity (`contact_id`, `since`, `until`) if it still belongs to the contact `was`;
    return whether it did."""
    kind, value = alias
    statement = update(ContactAlias).where(
        ContactAlias.kind == kind, ContactAlias.value == value, ContactAlias.contact_id == was
    )
    statement = statement.values(**row).returning(ContactAlias.value)
    return session.execute(statement, execution_options={"synchronize_session": False}).first() is not None


def merge(session: Session, gone_id: str, into_id: str) -> None:
    """Merge the contact `gone_id` into `into_id`: aliases, messages, events, consents, conversations.

    Locks both, in order of ids.
    """
    both = select(Contact).where(Contact.id.in_([gone_id, into_id])).order_by(Contact.id).with_for_update()
    rows = {row.id: row for row in session.scalars(both)}
    if gone_id not in rows:
        return  # the contact was created in this transaction and is not inserted yet
    unsynchronised = {"synchronize_session": False}
    for model in (ContactAlias, Message, Event, MessageRevision):
        moved = update(model).where(model.contact_id == gone_id).values(contact_id=into_id)
        session.execute(moved, execution_options=unsynchronised)
    owed = update(Delivery).where(Delivery.contact_id == gone_id, is_unfinished(Delivery))
    session.execute(owed.values(contact_id=into_id), execution_options=unsynchronised)
    contact_numbers.merge_into(session, gone_id, into_id)
    conversations.merge_into(session, gone_id, into_id)
    gone = rows[gone_id]
    added = update(Contact).where(Contact.id == into_id)
    added = added.values(
        event_count=Contact.event_count + gone.event_count,
        given_name=func.coalesce(Contact.given_name, gone.given_name),
        notes=func.coalesce(Contact.notes, gone.notes),
    )
    session.execute(added, execution_options=unsynchronised)
    session.execute(delete(Contact).where(Contact.id == gone_id), execution_options=unsynchronised)


def remove(session: Session, contact_id: str) -> None:
    """Delete a contact. No row may refer to it."""
    session.execute(delete(Contact).where(Contact.id == contact_id).execution_options(synchronize_session=False))


_FACTS = ("wa_id", "user_id", "parent_user_id", "username", "name", "updated_at")
_rename = UpdateMany(
    Contact, {"contact_id": "id"} | {f"new_{name}": name for name in _FACTS},
    ", ".join(f"{name} = {{new_{name}}}" for name in _FACTS), "id = {contact_id}",
)  # fmt: skip


def rename(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Set the display columns (`wa_id`, `user_id`, `parent_user_id`, `username`, `name`, `updated_at`) by `id`.

    Each contact must come once.
    """
    _rename(session.connection(), [(change["id"], *(change[name] for name in _FACTS)) for change in changes])


def edit(session: Session, contact_id: str, values: dict[str, Any]) -> None:
    """Set the team's own columns of a contact (`given_name`, `notes`, `updated_at`)."""
    session.execute(update(Contact).where(Contact.id == contact_id).values(**values))


_count_more = UpdateMany(
    Contact, {"contact_id": "id", "more": "event_count"}, "event_count = event_count + {more}", "id = {contact_id}"
)
_COUNTS = with_lists(
    lambda among: select(_TABLE.c.id, _TABLE.c.event_count).where(among(_TABLE.c.id, "ids"))
)


def next_sequences(session: Session, counts: dict[str, int]) -> dict[str, int]:
    """Reserve sequence numbers for each contact's events (`counts` by contact id); return the first of each.

    Locks the contacts until the transaction ends. The caller holds the lock of `events.take_turn`, so that two who
    number events cannot deadlock.
    """
    ids = sorted(counts)
    _count_more(session.connection(), [(contact_id, counts[contact_id]) for contact_id in ids])
    rows = session.execute(_COUNTS(session), {"ids": ids})
    return {contact_id: total - counts[contact_id] + 1 for contact_id, total in rows}
