"""Schemas of queries about messages."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, post_load

from app.domain.known_names import MESSAGE_STATUSES, MESSAGE_TYPES
from app.domain.lookups import kind_of
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
    find = Plain(
        metadata={
            "description": "Whatever is known of a message: an id of ours or Meta's, the customer's phone number or "
            "user id, or words. It stands for `message_id`, `contact` or `q`, of which none may be given with it."
        }
    )

    @post_load
    def understand(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Replace `find` by the parameter that it stands for. Raises `ValidationError` if it can be none."""
        text: str | None = data.pop("find", None)
        if text is None:
            return data
        name = kind_of(text)
        if data.keys() & {"message_id", "contact", "q"}:
            raise ValidationError("cannot be had with message_id, contact or q", "find")
        try:
            found = self.fields[name].deserialize(text.strip())
        except ValidationError as error:
            raise ValidationError(error.messages, "find") from None
        return data | {name: found}


class RetryQuery(Query):
    """How to try a message again."""

    force = Switch("Skip our own checks of the 24-hour window and of opt-outs.")
