"""Read what the database holds of the conversations that a batch continues."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.domain.messages import Message
from app.domain.notifications import MessageFact, Person, Source
from app.services.contacts import aliases_of, variants_of
from app.services.processing.change_set_builder import ECHO_TOLERANCE
from app.services.processing.messages import PHONE_ECHO_FIELD
from app.services.processing.work import WorkItem
from app.store import contact_numbers, echoes, messages
from app.store.contact_numbers import Handovers
from app.store.contacts import Alias, Owner
from app.store.echoes import OpenAttempt

Realms = dict[str, dict[Alias, Owner]]


def conversations_of(
    session: Session, realms: Realms, work_items: list[WorkItem]
) -> tuple[dict[tuple[str, str], Message], Handovers]:
    """Return the last outbound message and the handover of every contact with an inbound message in the batch.

    Both are keyed by contact id and phone number id. `realms` holds the owners of the aliases in the batch.
    """
    speakers, numbers = _speakers(work_items)
    ids = _contacts_of(speakers, realms)
    if not ids:
        return {}, {}
    rows = messages.last_outbound(session, ids, numbers)
    outbound = {(str(row.contact_id), row.phone_number_id): messages.to_domain(row, None) for row in rows}
    return outbound, {
        (row.contact_id, row.phone_number_id): contact_numbers.handover_of(row)
        for row in contact_numbers.find_many(session, ids, tuple(numbers))
    }


def open_attempts(session: Session, realms: Realms, work_items: list[WorkItem]) -> list[OpenAttempt]:
    """Return the send attempts without a result that the batch's echoes from the business's phone may belong to."""
    echoed = [
        work_item.item.fact
        for work_item in work_items
        if isinstance(work_item.item.fact, MessageFact) and work_item.item.field == PHONE_ECHO_FIELD
    ]
    ids = _contacts_of([fact.person for fact in echoed], realms)
    if not ids:
        return []
    times = [fact.timestamp for fact in echoed]
    return echoes.open_attempts(session, ids, min(times) - ECHO_TOLERANCE, max(times) + ECHO_TOLERANCE)


def _contacts_of(people: list[Person], realms: Realms) -> set[str]:
    names = {name for person in people for name in aliases_of(person)}
    names |= {variant for name in names for variant in variants_of(name)}
    return {owners[name].contact.id for owners in realms.values() for name in names if name in owners}


def _speakers(work_items: list[WorkItem]) -> tuple[list[Person], set[str]]:
    """Return the senders of live inbound messages, and the phone number ids that they wrote to."""
    people, numbers = [], set()
    for work_item in work_items:
        fact, number = work_item.item.fact, work_item.item.phone_number_id
        if isinstance(fact, MessageFact) and fact.direction == "inbound" and fact.source is Source.LIVE and number:
            people.append(fact.person)
            numbers.add(number)
    return people, numbers
