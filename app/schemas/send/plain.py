"""Messages without media, buttons or templates: text, location, contacts, reaction, pin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import fields

from app.schemas.send.base import MetaObject
from app.schemas.send.texts import SPOKEN, Emoji, Id, Text
from app.schemas.send.values import Degrees, Flag, Items, Part, Whole

TEXT_BODY = 4096
MOST_CONTACTS = 257  # Meta: messages/contacts-messages; its OpenAPI file still says 5


class TextContent(MetaObject):
    """Source: Meta, messages/text-messages."""

    body = Text(TEXT_BODY, required=True)
    preview_url = Flag()


class Location(MetaObject):
    """Source: Meta, messages/location-messages."""

    latitude = Degrees(90, required=True)
    longitude = Degrees(180, required=True)
    name = Text()
    address = Text()

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of an address without a name, which WhatsApp does not show."""
        if "address" in data and "name" not in data:
            yield "address", "is shown only together with `name`"


class Reaction(MetaObject):
    """Source: Meta, messages/reaction-messages."""

    message_id = Id(required=True)
    emoji = Emoji(required=True)


class Pin(MetaObject):
    """A group's pinned message. Source: Meta, groups."""

    type = Text(required=True)
    message_id = Id(required=True)
    expiration_days = Whole()


class Name(MetaObject):
    """How a shared contact is called: `formatted_name`, and as Meta documents it at least one part of it."""

    formatted_name = Text(required=True)
    first_name = Text()
    last_name = Text()
    middle_name = Text()
    prefix = Text()
    suffix = Text()

    def advice(self, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of a formatted name alone: Meta's pages forbid it, but Meta accepts it."""
        if len(data) < 2:
            yield "formatted_name", "stands alone; Meta documents one part beside it: first_name, last_name, …"


class Phone(MetaObject):
    """A number of a shared contact, as it shall be shown; with `wa_id` it can be written to."""

    phone = Text()
    type = Text()
    wa_id = Id()


class Email(MetaObject):
    """An address of a shared contact."""

    email = Text()
    type = Text()


class Url(MetaObject):
    """A page of a shared contact."""

    url = Text()
    type = Text()


class Address(MetaObject):
    """A place of a shared contact."""

    street = Text()
    city = Text()
    state = Text()
    zip = Id()
    country = Text()
    country_code = Text()
    type = Text()


class Organisation(MetaObject):
    """Where a shared contact works."""

    company = Text()
    department = Text()
    title = Text()


class Birthday(fields.Date):
    """A day as `YYYY-MM-DD`, loaded as the string that was written."""

    default_error_messages = {**SPOKEN, "invalid": "must be a day as YYYY-MM-DD", "format": "must be YYYY-MM-DD"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        super()._deserialize(value, attr, data, **kwargs)
        return value


class Contact(MetaObject):
    """Source: Meta, messages/contacts-messages."""

    name = Part(Name, required=True)
    phones = Items(Part(Phone), may_be_empty=True)
    emails = Items(Part(Email), may_be_empty=True)
    urls = Items(Part(Url), may_be_empty=True)
    addresses = Items(Part(Address), may_be_empty=True)
    org = Part(Organisation)
    birthday = Birthday()


def contacts() -> Items:
    """Return the field for the content of a message of type `contacts`: a list, or a single contact."""
    return Items(Part(Contact), most=MOST_CONTACTS, one_will_do=True)
