"""Record consent to marketing messages, from whatever source it comes."""

from __future__ import annotations

from datetime import datetime

from app.domain.messages import ContactRef, Message
from app.domain.opt_outs import ConsentSource, consent_reason
from app.services.contacts import consent_data
from app.services.processing.change_set import PendingEvent
from app.services.processing.change_set_builder import ChangeSetBuilder
from app.services.processing.work import WorkItem


def record_consent(
    builder: ChangeSetBuilder,
    work_item: WorkItem,
    contact: ContactRef,
    opted_out: bool,
    at: datetime,
    how: ConsentSource,
    *,
    key: str = "",
    message: Message | None = None,
) -> None:
    """Record a contact's consent (`opted_out`: withdrawn) on every number of the item, and add a `contact.updated`.

    The event is written once for each `key`; with `message`, only if that message turns out to be new.
    """
    numbers = builder.numbers_of(work_item)
    builder.changes.consents += [
        {
            "contact_id": contact.id,
            "phone_number_id": number,
            "opted_out": opted_out,
            "consent_at": at,
            "consent_source": how.value,
        }
        for number in numbers
    ]
    data = consent_data(contact, opted_out, at, how, numbers)
    if message is None:
        name = f"{consent_reason(opted_out)}:{key}"
        builder.add_keyed_event(work_item, "contact.updated", data, at, name, contact_id=contact.id)
        return
    event = builder.event_row(
        work_item, "contact.updated", data, at, f"wish:{message.id}", contact_id=contact.id, message_id=message.id
    )  # fmt: skip
    builder.changes.events.append(PendingEvent(work_item, event, message_id=message.id))
