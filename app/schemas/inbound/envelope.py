"""The parts that messages of every type and direction have in addition to their content."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.notifications import Json, MessageFact, Person, Source
from app.schemas.base import MetaSchema
from app.schemas.change import CannotRead
from app.schemas.inbound.types import TYPES, parse_content
from app.schemas.lenient import Flag, Moment, Object, Text
from app.schemas.people import Contacts, parse_person
from app.schemas.problems import first_error


class Header(MetaSchema):
    """The keys common to all types (Meta: webhooks/reference/messages), and those of echoes and history."""

    id = Text()
    type = Text()
    timestamp = Moment()
    from_ = Text(data_key="from")
    from_user_id = Text()
    from_parent_user_id = Text()
    to = Text()
    to_user_id = Text()
    to_parent_user_id = Text()
    group_id = Text()
    context = Object()
    referral = Object()


class Quoted(MetaSchema):
    """A message's `context`: the message that it answers, and whether it was forwarded."""

    message_id = Text(data_key="id")
    from_ = Text(data_key="from", attribute="from")
    forwarded = Flag()
    frequently_forwarded = Flag()
    referred_product = Object()


_HEADER = Header()
_QUOTED = Quoted()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The values that all messages of one change share."""

    contacts: Contacts
    now: datetime
    source: Source = Source.LIVE
    direction: str = "inbound"
    status: str = "received"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message whose header is parsed and whose content is not."""

    header: Json
    message_type: str
    wamid: str
    person: Person
    timestamp: datetime
    around: Surroundings

    @property
    def value(self) -> Any:
        """Return the value under the key named like the type; for an unknown type without one, all unknown keys."""
        if self.message_type in self.header or self.message_type in TYPES:
            return self.header.get(self.message_type)
        return {key: value for key, value in self.header.items() if key not in _COMMON}

    def revised(self, value: Any, original_wamid: str) -> Arrival:
        """Return the message (`value`, by the same person) that replaces the one with `original_wamid`."""
        header: Json = _HEADER.read(value)
        return replace(self, header=header, message_type=header["type"] or _guess_type(header), wamid=original_wamid)

    def message(self) -> MessageFact:
        """Parse the content. Raises `CannotRead` if the message names neither a person nor a group."""
        if not self.person.is_known and not self.header["group_id"]:
            raise CannotRead("The message names no person.")
        reading = parse_content(self.message_type, self.value)
        header = self.header
        return MessageFact(
            wamid=self.wamid,
            direction=self.around.direction,
            timestamp=self.timestamp,
            message_type=reading.message_type,
            message=reading.message,
            content=reading.content,
            person=self.person,
            source=self.around.source,
            context=_parse_context(header["context"]),
            referral=header["referral"] or None,
            group_id=header["group_id"] or None,
            error=first_error(header.get("errors")),
            status=self.around.status,
            media=reading.media,
        )


_COMMON = frozenset(_HEADER.fields) | {"errors", "history_context", "recipient_type", "messaging_product"}


def receive(value: Any, around: Surroundings) -> Arrival:
    """Parse the header of a message. Raises `CannotRead` if the value is not an object or has no id."""
    if not isinstance(value, dict):
        raise CannotRead("The message is not an object.")
    header: Json = _HEADER.read(value)
    wamid = header["id"]
    if not wamid:
        raise CannotRead("The message has no id.")
    person = around.contacts.complete(_other_side(header, around.direction))
    timestamp = header["timestamp"] or around.now
    return Arrival(header, header["type"] or _guess_type(header), wamid, person, timestamp, around)


def _other_side(header: Json, direction: str) -> Person:
    if direction == "inbound":
        return parse_person(header["from_"], header["from_user_id"], header["from_parent_user_id"])
    return parse_person(header["to"], header["to_user_id"], header["to_parent_user_id"])


def _guess_type(header: Json) -> str:
    """Return the type of a message without one, by the key of its content."""
    guess = next((name for name in TYPES if name in header), None)
    return guess or ("unsupported" if header.get("errors") else "unknown")


def _parse_context(value: Json | None) -> Json | None:
    """Return Meta's `context` with our own keys (`id`, `callback_data`, `template`) as None, to be filled in later."""
    if not value:
        return None
    context = _QUOTED.read(value)
    context["forwarded"] = bool(context["forwarded"])
    context["frequently_forwarded"] = bool(context["frequently_forwarded"])
    return {**context, "id": None, "callback_data": None, "template": None}
