"""What each of our numbers knows of a contact: when it last spoke, what it wished about marketing, who answers it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.domain.handover import Handover
from app.models import ContactAlias, ContactNumber
from app.models.base import table
from app.store.dialect import built_once, insert_or_update, with_lists

Numbers = tuple[str, ...] | None
Spoken = dict[tuple[str, str], datetime]
"""By contact and number of ours, when the contact spoke to it."""

Handovers = dict[tuple[str, str], Handover]
"""By contact and number of ours, since when who answers."""


class Known(NamedTuple):
    """What a number must know of a contact before it writes to them. The rest means what it does in `ContactNumber`."""

    contact_id: str
    is_new: bool = False
    last_inbound_at: datetime | None = None
    opted_out: bool | None = None
    wished_at: datetime | None = None
    wish: str | None = None


_NUMBERS, _NAMES = table(ContactNumber), table(ContactAlias)


def _note_later(name: str) -> Callable[[Session], Any]:
    """An INSERT of one time, or of what is there already the later one."""

    def build(insert: Any) -> Any:
        statement = insert(_NUMBERS)
        later = statement.excluded[name]
        return statement.on_conflict_do_update(
            index_elements=["contact_id", "phone_number_id"],
            set_={name: later},
            where=or_(_NUMBERS.c[name].is_(None), _NUMBERS.c[name] < later),
        )

    return built_once(build)


_NOTE_SPOKEN = _note_later("last_inbound_at")
_NOTE_HANDOVERS = {name: _note_later(name) for name in ("agent_at", "returned_at")}


def note_spoken(session: Session, spoken: Spoken) -> None:
    """Note when contacts spoke to numbers of ours; what is noted already stays where it is newer."""
    rows = [
        {"contact_id": contact_id, "phone_number_id": number, "last_inbound_at": at}
        for (contact_id, number), at in sorted(spoken.items())
    ]
    session.execute(_NOTE_SPOKEN(session), rows)


def note_wishes(session: Session, wishes: Sequence[dict[str, Any]]) -> None:
    """Note wishes about marketing (`contact_id`, `phone_number_id`, `opted_out`, `wished_at`, `wish`).

    The newest one of a contact and number holds; of two made at the same moment, the one that wants none.
    """
    target = _NUMBERS
    insert = insert_or_update(session, ContactNumber)
    new = insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=["contact_id", "phone_number_id"],
        set_={"opted_out": new.opted_out, "wished_at": new.wished_at, "wish": new.wish},
        where=or_(
            target.c.wished_at.is_(None),
            target.c.wished_at < new.wished_at,
            and_(target.c.wished_at == new.wished_at, new.opted_out),
        ),
    )
    for wish in wishes:  # one by one: two of a chunk may be about the same contact
        session.execute(statement, wish)


def note_handovers(session: Session, handovers: Handovers) -> None:
    """Note when people answered contacts, and when bots got them back; of two times of a kind the later one stays."""
    for name, statement in _NOTE_HANDOVERS.items():
        rows = [
            {"contact_id": contact_id, "phone_number_id": number, name: at}
            for (contact_id, number), handover in sorted(handovers.items())
            if (at := getattr(handover, name)) is not None
        ]
        if rows:
            session.execute(statement(session), rows)


def handover(session: Session, contact_id: str, phone_number_id: str) -> Handover:
    """Since when who answers a contact on one of our numbers."""
    row = find(session, contact_id, phone_number_id)
    return Handover() if row is None else handover_of(row)


def handover_of(row: Any) -> Handover:
    """The same, of a `ContactNumber` or a plain row."""
    return Handover(row.agent_at, row.returned_at)


def give(session: Session, gone_id: str, into_id: str) -> None:
    """Give what is known of one contact to another."""
    rows = find_many(session, [gone_id], None)
    note_handovers(session, {(into_id, row.phone_number_id): handover_of(row) for row in rows})
    spoken = {(into_id, row.phone_number_id): row.last_inbound_at for row in rows if row.last_inbound_at}
    if spoken:
        note_spoken(session, spoken)
    note_wishes(
        session,
        [
            {
                "contact_id": into_id,
                "phone_number_id": row.phone_number_id,
                "opted_out": row.opted_out,
                "wished_at": row.wished_at,
                "wish": row.wish,
            }
            for row in rows
            if row.wished_at
        ],
    )


def find(session: Session, contact_id: str, phone_number_id: str) -> ContactNumber | None:
    """What one number knows of a contact."""
    return session.get(ContactNumber, (contact_id, phone_number_id))


_FACTS = (_NUMBERS.c.last_inbound_at, _NUMBERS.c.opted_out, _NUMBERS.c.wished_at, _NUMBERS.c.wish)
_KNOWN_AS = (
    select(_NAMES.c.contact_id, *_FACTS)
    .outerjoin(
        _NUMBERS,
        and_(_NUMBERS.c.contact_id == _NAMES.c.contact_id, _NUMBERS.c.phone_number_id == bindparam("number")),
    )
    .where(
        _NAMES.c.kind == bindparam("kind"),
        _NAMES.c.value == bindparam("value"),
        _NAMES.c.app == bindparam("realm"),
        _NAMES.c.since.is_(None),
        _NAMES.c.until.is_(None),
    )
)
_KNOWN = select(_NUMBERS.c.contact_id, *_FACTS).where(
    _NUMBERS.c.contact_id.in_(bindparam("ids", expanding=True)), _NUMBERS.c.phone_number_id == bindparam("number")
)


def known_as(session: Session, name: tuple[str, str], phone_number_id: str, realm: str) -> Known | None:
    """Whose a name (kind and value) has always been in a realm; None for one that is nobody's, or was somebody else's.
    """
    given = {"kind": name[0], "value": name[1], "realm": realm, "number": phone_number_id}
    row = session.execute(_KNOWN_AS, given).first()
    return None if row is None else _known(row)


def known_of(session: Session, contact_id: str | None, phone_number_id: str) -> Known | None:
    """What one number knows of a contact; None where there is none."""
    return None if contact_id is None else known_of_many(session, [contact_id], phone_number_id)[contact_id]


def known_of_many(session: Session, ids: Collection[str], phone_number_id: str) -> dict[str, Known]:
    """The same of each of these contacts."""
    found = {contact_id: Known(contact_id) for contact_id in ids}
    if ids:
        rows = session.execute(_KNOWN, {"ids": list(ids), "number": phone_number_id})
        found |= {row.contact_id: _known(row) for row in rows}
    return found


def _known(row: Any) -> Known:
    return Known(row.contact_id, False, row.last_inbound_at, row.opted_out, row.wished_at, row.wish)


_OF_CONTACTS = with_lists(
    lambda among: select(_NUMBERS)
    .where(among(_NUMBERS.c.contact_id, "ids"))
    .order_by(_NUMBERS.c.phone_number_id)
)
_OF_CONTACTS_AND_NUMBERS = with_lists(
    lambda among: select(_NUMBERS)
    .where(among(_NUMBERS.c.contact_id, "ids"), among(_NUMBERS.c.phone_number_id, "numbers"))
    .order_by(_NUMBERS.c.phone_number_id)
)


def find_many(session: Session, ids: Collection[str], numbers: Numbers) -> list[Any]:
    """What our numbers, or only these, know of some contacts, as plain rows in the order of the numbers."""
    statement = _OF_CONTACTS if numbers is None else _OF_CONTACTS_AND_NUMBERS
    given = {"ids": list(ids)} | ({} if numbers is None else {"numbers": list(numbers)})
    return list(session.execute(statement(session), given))
