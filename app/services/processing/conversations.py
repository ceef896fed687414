"""What is known of the conversations that a chunk goes on with."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.domain.messages import Message
from app.domain.notifications import MessageFact, Person, Source
from app.services.processing.people import aliases, variants_of
from app.services.processing.readings import Entry
from app.store import contact_numbers, messages
from app.store.contact_numbers import Handovers
from app.store.contacts import Alias, Owner


def look_up(
    session: Session, owners: dict[Alias, Owner], entries: list[Entry]
) -> tuple[dict[tuple[str, str], Message], Handovers]:
    """What we last sent to everybody who says something now, and who answers them, by contact and number."""
    speakers, numbers = _speakers(entries)
    ids = set()
    for alias in {name for person in speakers for name in aliases(person)}:
        ids |= {owners[each].contact.id for each in (alias, *variants_of(alias)) if each in owners}
    if not ids:
        return {}, {}
    rows = messages.last_outbound(session, ids, numbers)
    outbound = {(str(row.contact_id), row.phone_number_id): messages.to_domain(row, None) for row in rows}
    return outbound, {
        (row.contact_id, row.phone_number_id): contact_numbers.handover_of(row)
        for row in contact_numbers.find_many(session, ids, tuple(numbers))
    }


def _speakers(entries: list[Entry]) -> tuple[list[Person], set[str]]:
    """Who says something now, and to which numbers of ours."""
    people, numbers = [], set()
    for entry in entries:
        fact, number = entry.item.fact, entry.item.phone_number_id
        if isinstance(fact, MessageFact) and fact.direction == "inbound" and fact.source is Source.LIVE and number:
            people.append(fact.person)
            numbers.add(number)
    return people, numbers
