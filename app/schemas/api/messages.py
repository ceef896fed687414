"""Schemas of queries about messages."""

from __future__ import annotations

from app.domain.known_names import MESSAGE_STATUSES, MESSAGE_TYPES
from app.schemas.api.lists import TimesQuery
from app.schemas.api.query import Choice, Known, NumberId, Person, Plain, Query, Switch, Words


class MessageQuery(TimesQuery):
    """Which messages."""

    q = Words(
        metadata={
            "description": "Words that the message must hold, in any order, however accented; `hol*` for a beginning. "
            "Messages are found a second or two after they came."
        }
    )
    contact = Person(metadata={"description": "A contact's id, its phone in any notation, or its user id."})
    direction = Choice(("inbound", "outbound"))
    status = Known(MESSAGE_STATUSES, "`received`, `queued`, `delivered`, ….")
    type = Known(MESSAGE_TYPES, "`text`, `image`, `button`, ….")
    phone_number_id = NumberId()
    batch = Plain(metadata={"description": "The id of a batch: see `/api/batches`."})
    message_id = Plain(metadata={"description": "Our id, or a wamid."})


class RetryQuery(Query):
    """How to try a message again."""

    force = Switch("Skip our own checks of the 24-hour window and of opt-outs.")
