"""What is known of the conversations that a chunk goes on with."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.domain.messages import Message
from app.domain.notifications import MessageFact, Person, Source
from app.services.contacts.identity import aliases, variants_of
from app.services.processing.change_set_builder import ECHO_WITHIN
from app.services.processing.messages import ON_THE_PHONE
from app.services.processing.work import Entry
from app.store import contact_numbers, echoes, messages
from app.store.contact_numbers import Handovers
from app.store.contacts import Alias, Owner
from app.store.echoes import OpenTry

Realms = dict[str, dict[Alias, Owner]]


def look_up(
    session: Session, realms: Realms, entries: list[Entry]
) -> tuple[dict[tuple[str, str], Message], Handovers]:
    """What we last sent to everybody who says something now, and who answers them, by contact and number."""
    speakers, numbers = _speakers(entries)
    ids = _contacts_of(speakers, realms)
    if not ids:
        return {}, {}
    rows = messages.last_outbound(session, ids, numbers)
    outbound = {(str(row.contact_id), row.phone_number_id): messages.to_domain(row, None) for row in rows}
    return outbound, {
        (row.contact_id, row.phone_number_id): contact_numbers.handover_of(row)
        for row in contact_numbers.find_many(session, ids, tuple(numbers))
    }


def open_tries(session: Session, realms: Realms, entries: list[Entry]) -> list[OpenTry]:
    """The tries at sending without an answer that echoes of the phone's may be of."""
    echoed = [
        entry.item.fact
        for entry in entries
        if isinstance(entry.item.fact, MessageFact) and entry.item.field == ON_THE_PHONE
    ]
    ids = _contacts_of([fact.person for fact in echoed], realms)
    if not ids:
        return []
    times = [fact.timestamp for fact in echoed]
    return echoes.open_tries(session, ids, min(times) - ECHO_WITHIN, max(times) + ECHO_WITHIN)


def _contacts_of(people: list[Person], realms: Realms) -> set[str]:
    names = {name for person in people for name in aliases(person)}
    names |= {variant for name in names for variant in variants_of(name)}
    return {owners[name].contact.id for owners in realms.values() for name in names if name in owners}


def _speakers(entries: list[Entry]) -> tuple[list[Person], set[str]]:
    """Who says something now, and to which numbers of ours."""
    people, numbers = [], set()
    for entry in entries:
        fact, number = entry.item.fact, entry.item.phone_number_id
        if isinstance(fact, MessageFact) and fact.direction == "inbound" and fact.source is Source.LIVE and number:
            people.append(fact.person)
            numbers.add(number)
    return people, numbers
