"""Rows per contact and business number: last inbound activity, consent to marketing, and who answers (handover)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.domain.handover import Handover
from app.models import ContactAlias, ContactNumber
from app.models.base import table
from app.store.dialect import insert_or_update, with_lists
from app.store.many_rows import InsertMany

Numbers = tuple[str, ...] | None
LastInbound = dict[tuple[str, str], datetime]
"""Time of the last inbound activity, by contact id and phone number id."""

Handovers = dict[tuple[str, str], Handover]
"""Handovers, by contact id and phone number id."""


class RecipientState(NamedTuple):
    """The state of a recipient for one number, read before a send.

    `is_new`: the contact was just created. The other fields are those of `ContactNumber`.
    """

    contact_id: str
    is_new: bool = False
    last_inbound_at: datetime | None = None
    opted_out: bool | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None


_NUMBERS, _NAMES = table(ContactNumber), table(ContactAlias)


def _note_later(name: str) -> InsertMany:
    """Build an upsert of one time column that keeps the later of the stored and the given time."""

    def or_else(insert: Any) -> Any:
        later = insert.excluded[name]
        return insert.on_conflict_do_update(
            index_elements=["contact_id", "phone_number_id"],
            set_={name: later},
            where=or_(_NUMBERS.c[name].is_(None), _NUMBERS.c[name] < later),
        )

    return InsertMany(ContactNumber, "contact_id", "phone_number_id", name, or_else=or_else)


_record_inbound = _note_later("last_inbound_at")
_record_handovers = {name: _note_later(name) for name in ("agent_at", "returned_at")}


def record_inbound(session: Session, last_inbound: LastInbound) -> None:
    """Store the times of inbound activity; a later time that is stored already stays."""
    _record_inbound(session.connection(), [(*key, at) for key, at in sorted(last_inbound.items())])


def record_consents(session: Session, consents: Sequence[dict[str, Any]]) -> None:
    """Store consents (`contact_id`, `phone_number_id`, `opted_out`, `consent_at`, `consent_source`).

    The newest of a contact and number wins; of two with the same time, the opt-out.
    """
    target = _NUMBERS
    insert = insert_or_update(session, ContactNumber)
    new = insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=["contact_id", "phone_number_id"],
        set_={"opted_out": new.opted_out, "consent_at": new.consent_at, "consent_source": new.consent_source},
        where=or_(
            target.c.consent_at.is_(None),
            target.c.consent_at < new.consent_at,
            and_(target.c.consent_at == new.consent_at, new.opted_out),
        ),
    )
    for consent in consents:  # one statement each, because two of them may be about the same contact and number
        session.execute(statement, consent)


def record_handovers(session: Session, handovers: Handovers) -> None:
    """Store when persons and bots took contacts over; of two times of the same kind the later one stays."""
    for name, record in _record_handovers.items():
        rows = [
            (*key, at) for key, handover in sorted(handovers.items()) if (at := getattr(handover, name)) is not None
        ]
        if rows:
            record(session.connection(), rows)


def handover(session: Session, contact_id: str, phone_number_id: str) -> Handover:
    """Return who answers a contact on one of our numbers, and since when."""
    row = find(session, contact_id, phone_number_id)
    return Handover() if row is None else handover_of(row)


def handover_of(row: Any) -> Handover:
    """Return the handover in a `ContactNumber` or a plain row of it."""
    return Handover(row.agent_at, row.returned_at)


def merge_into(session: Session, gone_id: str, into_id: str) -> None:
    """Merge the rows of the contact `gone_id` into those of `into_id`, number by number."""
    rows = find_many(session, [gone_id], None)
    record_handovers(session, {(into_id, row.phone_number_id): handover_of(row) for row in rows})
    last_inbound = {(into_id, row.phone_number_id): row.last_inbound_at for row in rows if row.last_inbound_at}
    if last_inbound:
        record_inbound(session, last_inbound)
    record_consents(
        session,
        [
            {
                "contact_id": into_id,
                "phone_number_id": row.phone_number_id,
                "opted_out": row.opted_out,
                "consent_at": row.consent_at,
                "consent_source": row.consent_source,
            }
            for row in rows
            if row.consent_at
        ],
    )


def find(session: Session, contact_id: str, phone_number_id: str) -> ContactNumber | None:
    """Return the row of a contact and a number, or None."""
    return session.get(ContactNumber, (contact_id, phone_number_id))


_FACTS = (_NUMBERS.c.last_inbound_at, _NUMBERS.c.opted_out, _NUMBERS.c.consent_at, _NUMBERS.c.consent_source)
_FIND_RECIPIENT = (
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
_RECIPIENT_STATES = select(_NUMBERS.c.contact_id, *_FACTS).where(
    _NUMBERS.c.contact_id.in_(bindparam("ids", expanding=True)), _NUMBERS.c.phone_number_id == bindparam("number")
)


def find_recipient(
    session: Session, name: tuple[str, str], phone_number_id: str, realm: str
) -> RecipientState | None:
    """Return the recipient that has always owned an alias (kind, value) in a realm; None if there is none."""
    given = {"kind": name[0], "value": name[1], "realm": realm, "number": phone_number_id}
    row = session.execute(_FIND_RECIPIENT, given).first()
    return None if row is None else _recipient_state(row)


def recipient_state(session: Session, contact_id: str | None, phone_number_id: str) -> RecipientState | None:
    """Return the state of a contact for one number; None if `contact_id` is None."""
    return None if contact_id is None else recipient_states(session, [contact_id], phone_number_id)[contact_id]


def recipient_states(session: Session, ids: Collection[str], phone_number_id: str) -> dict[str, RecipientState]:
    """Return the state of each of these contacts for one number, by contact id."""
    found = {contact_id: RecipientState(contact_id) for contact_id in ids}
    if ids:
        rows = session.execute(_RECIPIENT_STATES, {"ids": list(ids), "number": phone_number_id})
        found |= {row.contact_id: _recipient_state(row) for row in rows}
    return found


def _recipient_state(row: Any) -> RecipientState:
    return RecipientState(
        row.contact_id, False, row.last_inbound_at, row.opted_out, row.consent_at, row.consent_source
    )


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
    """Return plain rows of these contacts, ordered by phone number id; only those of `numbers` unless it is None."""
    statement = _OF_CONTACTS if numbers is None else _OF_CONTACTS_AND_NUMBERS
    given = {"ids": list(ids)} | ({} if numbers is None else {"numbers": list(numbers)})
    return list(session.execute(statement(session), given))
