"""What somebody wishes about marketing, however they said it."""

from __future__ import annotations

from datetime import datetime

from app.domain.messages import ContactRef, Message
from app.domain.opt_outs import Wish, reason
from app.services.contacts.events import news
from app.services.processing.change_set import Step
from app.services.processing.change_set_builder import Draft
from app.services.processing.work import Entry


def wish(
    draft: Draft,
    entry: Entry,
    contact: ContactRef,
    opted_out: bool,
    at: datetime,
    how: Wish,
    *,
    key: str = "",
    message: Message | None = None,
) -> None:
    """Keep a wish and tell of it: once for each `key`, or with the message that says it if that is new."""
    numbers = draft.numbers_of(entry)
    draft.plan.wishes += [
        {
            "contact_id": contact.id,
            "phone_number_id": number,
            "opted_out": opted_out,
            "wished_at": at,
            "wish": how.value,
        }
        for number in numbers
    ]
    data = news(contact, opted_out, at, how, numbers)
    if message is None:
        name = f"{reason(opted_out)}:{key}"
        draft.keyed(entry, "contact.updated", data, at, name, contact_id=contact.id)
        return
    event = draft.event(
        entry, "contact.updated", data, at, f"wish:{message.id}", contact_id=contact.id, message_id=message.id
    )  # fmt: skip
    draft.plan.steps.append(Step(entry, event, message_id=message.id))
